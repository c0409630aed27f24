#include "tests/unit/passes/rule_samples.h"

#include "core/dtype.h"

namespace sinter::testing_support {
namespace {

const std::string kX = "%x = input() : $[2,3,4]\n";
const std::string kXY = "%x = input() : $[3,4]\n%y = input() : $[4,5]\n";
const std::string kT = "output \"y\" = %t\n";

// Divisors, each as a constant of all elements.
void add_divisors(std::vector<RuleSample>& all) {
  const auto add = [&](const std::string& c, bool fires) {
    all.push_back({"divide(x, c)",
                   "%x = input() : $[30]\n%1 = constant() {value=tensor<$[]>(" + c +
                       ")}\n%c = broadcast(%1) {shape=[30], dims=[]}\n%t = divide(%x, %c)\n" + kT,
                   fires});
  };
  for (const char* c : {"2", "4", "0.25", "-8", "1024", "0.0009765625", "1"}) add(c, true);
  for (const char* c : {"3", "0", "inf", "nan"}) add(c, false);
}

// Every way to cast twice, and once to the same.
void add_casts(std::vector<RuleSample>& all) {
  for (const DType inner : kAllDTypes) {
    const std::string by(dtype_name(inner));
    for (const DType outer : kAllDTypes) {
      const std::string to(dtype_name(outer));
      all.push_back(
          {"outer:cast(inner:cast(x))", "%x = input() : $[40]\n%1 = cast(%x) {dtype=" + by +
                                            "}\n%t = cast(%1) {dtype=" + to + "}\n" + kT});
    }
    all.push_back({"c:cast(x)", "%x = input() : $[40]\n%t = cast(%x) {dtype=" + by + "}\n" + kT});
  }
}

void add_moves(std::vector<RuleSample>& all) {
  const auto add = [&](const char* pattern, const std::string& body, bool fires = true) {
    all.push_back({pattern, body + kT, fires});
  };
  add("reshape(x)", kX + "%t = reshape(%x) {shape=[2,3,4]}\n");
  add("reshape(x)", kX + "%t = reshape(%x) {shape=[6,4]}\n", false);
  add("reshape(reshape(x))",
      kX + "%1 = reshape(%x) {shape=[24]}\n%t = reshape(%1) {shape=[4,6]}\n");
  add("reshape(reshape(x))",
      kX + "%1 = reshape(%x) {shape=[24]}\n%t = reshape(%1) {shape=[2,3,4]}\n");
  add("reshape(k:constant())",
      "%x = constant() {value=tensor<$[2,2]>(0, 1, 1, 0)}\n%t = reshape(%x) {shape=[4,1]}\n");
  add("t:transpose(x)", "%x = input() : $[1,3,1,4]\n%t = transpose(%x) {perm=[1,0,3,2]}\n");
  add("t:transpose(x)", "%x = input() : $[0,3,1]\n%t = transpose(%x) {perm=[0,2,1]}\n");
  add("t:transpose(x)", "%x = input() : $[1,3,4]\n%t = transpose(%x) {perm=[2,1,0]}\n", false);
  for (const char* inner : {"[1,2,0]", "[2,0,1]", "[0,2,1]"}) {
    for (const char* outer : {"[1,2,0]", "[2,1,0]", "[-1,0,1]"})
      add("outer:transpose(inner:transpose(x))", kX + "%1 = transpose(%x) {perm=" + inner +
                                                     "}\n%t = transpose(%1) {perm=" + outer +
                                                     "}\n");
  }
  add("broadcast(x)", "%x = input() : $[3,4]\n%t = broadcast(%x) {shape=[1,3,1,4], dims=[1,3]}\n");
  add("broadcast(x)", "%x = input() : $[0,1]\n%t = broadcast(%x) {shape=[0,5], dims=[0,1]}\n");
  add("broadcast(x)", "%x = input() : $[3,1]\n%t = broadcast(%x) {shape=[3,4], dims=[0,1]}\n",
      false);
  add("outer:broadcast(inner:broadcast(x))",
      "%x = input() : $[3]\n%1 = broadcast(%x) {shape=[3,2], dims=[0]}\n"
      "%t = broadcast(%1) {shape=[5,3,2], dims=[1,2]}\n");
  add("outer:broadcast(inner:broadcast(x))",
      "%x = input() : $[1]\n%1 = broadcast(%x) {shape=[1,4], dims=[0]}\n"
      "%t = broadcast(%1) {shape=[6,2,4], dims=[0,2]}\n");
  add("slice(x)", kX + "%t = slice(%x) {begin=[0,0,0], end=[2,3,4], stride=[1,1,1]}\n");
  add("slice(x)", kX + "%t = slice(%x) {begin=[0,0,0], end=[2,3,3], stride=[1,1,1]}\n", false);
  // Also of nothing, and of one element by strides that are too long to be multiplied.
  for (const char* inner :
       {"begin=[0,3], end=[4,20], stride=[1,3]", "begin=[1,0], end=[3,19], stride=[2,5]",
        "begin=[0,7], end=[1,9], stride=[1,4611686018427387904]"}) {
    for (const char* outer :
         {"begin=[0,0], end=[1,1], stride=[1,1]", "begin=[1,1], end=[1,1], stride=[1,1]",
          "begin=[0,0], end=[1,1], stride=[4611686018427387904,4611686018427387904]"})
      add("outer:slice(inner:slice(x))", std::string("%x = input() : $[4,20]\n%1 = slice(%x) {") +
                                             inner + "}\n%t = slice(%1) {" + outer + "}\n");
  }
  add("outer:slice(inner:slice(x))",
      "%x = input() : $[30]\n%1 = slice(%x) {begin=[2], end=[29], stride=[3]}\n"
      "%t = slice(%1) {begin=[1], end=[9], stride=[4]}\n");
  add("outer:slice(inner:slice(x))",
      "%x = input() : $[7]\n%1 = slice(%x) {begin=[0], end=[7], stride=[3]}\n"
      "%t = slice(%1) {begin=[3], end=[3], stride=[1]}\n");
  add("pad(x)", kX + "%t = pad(%x) {low=[0,0,0], high=[0,0,0], value=1}\n");
  add("pad(x)", kX + "%t = pad(%x) {low=[0,1,0], high=[0,0,0], value=1}\n", false);
  add("concat(x)", kX + "%t = concat(%x) {axis=1}\n");
  add("concat(x)", kX + "%t = concat(%x, %x) {axis=1}\n", false);
  const std::string kInner = kX + "%1 = concat(%x, %x, %x) {axis=1}\n";
  const std::string kAlso = "output \"also\" = %1\n";
  add("c:concat(i:concat(...)!, y)", kInner + "%t = concat(%1, %x) {axis=1}\n");
  add("c:concat(i:concat(...)!, y)", kInner + kAlso + "%t = concat(%1, %x) {axis=1}\n", false);
  add("c:concat(x, i:concat(...)!)", kInner + "%t = concat(%x, %1) {axis=1}\n");
  add("c:concat(x, i:concat(...)!)", kInner + kAlso + "%t = concat(%x, %1) {axis=1}\n", false);
  add("c:concat(i:concat(...)!, y)",
      "%x = input() : $[2,3]\n%y = input() : $[2,6]\n%1 = concat(%x, %x) {axis=1}\n"
      "%t = concat(%1, %y) {axis=0}\n",
      false);
  const std::string kTwo = "%x = input() : $[2,3]\n%y = input() : $[2,1]\n";
  const auto add_pads = [&](const std::string& low, const std::string& high,
                            const std::string& value, bool fires) {
    add("add(p:pad(x)!, q:pad(y)!)",
        kTwo + "%1 = pad(%x) {low=[0,2], high=[1,3], value=0}\n%2 = pad(%y) {low=" + low +
            ", high=" + high + ", value=" + value + "}\n%t = add(%1, %2)\n",
        fires);
  };
  add_pads("[0,5]", "[1,2]", "0", true);
  add_pads("[0,1]", "[1,6]", "0", true);   // before it: matched in the other order
  add_pads("[0,6]", "[1,1]", "0", false);  // a gap
  add_pads("[0,4]", "[1,3]", "0", false);  // on each other
  add_pads("[0,5]", "[1,2]", "1", false);
  add_pads("[1,5]", "[0,2]", "0", false);  // in other rows
  add("s:size(x)", kX + "%t = size(%x) {axis=1, dtype=$}\n");
  add("s:size(x)", "%x = input() : $[0,3]\n%t = size(%x) {axis=0, dtype=$}\n");
}

void add_reductions(std::vector<RuleSample>& all) {
  for (const std::string kind : {"sum", "prod", "max", "min"}) {
    const std::string reduce = "reduce(%x) {kind=\"" + kind + "\", axes=";
    all.push_back({"r:reduce(x)",
                   "%x = input() : $[1,30,1]\n%t = " + reduce + "[0,2], keepdims=false}\n" + kT});
    all.push_back(
        {"r:reduce(x)", "%x = input() : $[30,1]\n%t = " + reduce + "[-1], keepdims=true}\n" + kT});
    all.push_back({"r:reduce(x)",
                   "%x = input() : $[2,1]\n%t = " + reduce + "[0,1], keepdims=true}\n" + kT,
                   false});
    for (const std::string keep : {"true", "false"}) {
      for (const char* axes : {"[0]", "[1]", "[-1,0]"}) {
        all.push_back({"outer:reduce(inner:reduce(x)!)",
                       "%x = input() : $[3,4,2]\n%1 = " + reduce + "[1], keepdims=" + keep +
                           "}\n%t = reduce(%1) {kind=\"" + kind + "\", axes=" + axes +
                           ", keepdims=" + keep + "}\n" + kT});
      }
    }
    all.push_back({"outer:reduce(inner:reduce(x)!)",
                   "%x = input() : $[3,4,2]\n%1 = " + reduce + "[1]}\n%t = reduce(%1) {kind=\"" +
                       (kind == "sum" ? "max" : "sum") + "\", axes=[0]}\n" + kT,
                   false});
    all.push_back({"outer:reduce(inner:reduce(x)!)",
                   "%x = input() : $[3,4,2]\n%1 = " + reduce + "[1]}\n%t = reduce(%1) {kind=\"" +
                       kind + "\", axes=[0]}\noutput \"also\" = %1\n" + kT,
                   false});
  }
}

void add_products(std::vector<RuleSample>& all) {
  const auto add = [&](const char* pattern, const std::string& body, bool fires = true) {
    all.push_back({pattern, body + kT, fires});
  };
  const char* turned = "t:transpose(c:contract(x, y)!)";
  add(turned, kXY +
                  "%1 = contract(%x, %y) {lhs_contract=[1], rhs_contract=[0]}\n"
                  "%t = transpose(%1) {perm=[1,0]}\n");
  add(turned,
      kXY +
          "%1 = contract(%x, %y) {lhs_contract=[1], rhs_contract=[0]}\n"
          "%t = transpose(%1) {perm=[0,1]}\n",
      false);
  add(turned,
      kXY +
          "%1 = contract(%x, %y) {lhs_contract=[1], rhs_contract=[0]}\n"
          "%t = transpose(%1) {perm=[1,0]}\noutput \"also\" = %1\n",
      false);
  add(turned,
      kX + "%y = input() : $[2,4,3]\n"
           "%1 = contract(%x, %y) {lhs_batch=[0], rhs_batch=[0], lhs_contract=[2], "
           "rhs_contract=[1]}\n%t = transpose(%1) {perm=[0,2,1]}\n",
      false);
  const char* shared = "c:contract(x, b:broadcast(y))";
  const auto spread = [](const std::string& x, const std::string& y, const std::string& to,
                         const std::string& axes) {
    return "%x = input() : $" + x + "\n%y = input() : $" + y + "\n%1 = broadcast(%y) " + to +
           "\n%t = contract(%x, %1) {" + axes + "}\n";
  };
  add(shared, spread("[2,3,4]", "[4,5]", "{shape=[2,4,5], dims=[1,2]}",
                     "lhs_batch=[0], rhs_batch=[0], lhs_contract=[2], rhs_contract=[1]"));
  add(shared, spread("[2,3,4]", "[1,5,4]", "{shape=[2,5,4], dims=[0,1,2]}",
                     "lhs_batch=[0], rhs_batch=[0], lhs_contract=[2], rhs_contract=[2]"));
  add(shared, spread("[2,6,3,4]", "[4,7]", "{shape=[6,4,2,7], dims=[1,3]}",
                     "lhs_batch=[0,1], rhs_batch=[2,0], lhs_contract=[3], rhs_contract=[1]"));
  // One matrix a sample; terms that are spread, too; rows before samples.
  add(shared,
      spread("[2,3,4]", "[2,5]", "{shape=[2,4,5], dims=[0,2]}",
             "lhs_batch=[0], rhs_batch=[0], lhs_contract=[2], rhs_contract=[1]"),
      false);
  add(shared,
      spread("[2,3,4]", "[1,5]", "{shape=[2,4,5], dims=[1,2]}",
             "lhs_batch=[0], rhs_batch=[0], lhs_contract=[2], rhs_contract=[1]"),
      false);
  add(shared,
      spread("[3,2,4]", "[4,5]", "{shape=[2,4,5], dims=[1,2]}",
             "lhs_batch=[1], rhs_batch=[0], lhs_contract=[2], rhs_contract=[1]"),
      false);
  for (const bool left : {true, false}) {
    const char* pattern = left ? "c:contract(t:transpose(x), y)" : "c:contract(y, t:transpose(x))";
    // contract(a, b) or, with the sides exchanged, contract(b, a).
    const auto product = [&](const std::string& a, const std::string& b, const std::string& axes_a,
                             const std::string& axes_b, const std::string& batch = "") {
      const std::string lists = "lhs_contract=" + (left ? axes_a : axes_b) +
                                ", rhs_contract=" + (left ? axes_b : axes_a) + batch;
      return "%t = contract(" + (left ? a + ", " + b : b + ", " + a) + ") {" + lists + "}\n";
    };
    add(pattern,
        "%x = input() : $[4,3]\n%y = input() : $[4,5]\n"
        "%1 = transpose(%x) {perm=[1,0]}\n" +
            product("%1", "%y", "[1]", "[0]"));
    add(pattern,
        "%x = input() : $[2,4,3]\n%y = input() : $[4,5]\n"
        "%1 = transpose(%x) {perm=[0,2,1]}\n" +
            product("%1", "%y", "[-1]", "[0]"));
    add(pattern,
        "%x = input() : $[4,2,3]\n%y = input() : $[2,4,5]\n"
        "%1 = transpose(%x) {perm=[1,2,0]}\n" +
            product("%1", "%y", "[2]", "[1]", ", lhs_batch=[0], rhs_batch=[0]"));
    add(pattern,
        "%x = input() : $[2,3,4]\n%y = input() : $[4,5]\n"
        "%1 = transpose(%x) {perm=[1,0,2]}\n" +
            product("%1", "%y", "[2]", "[0]"),
        false);
  }
}

void add_layers(std::vector<RuleSample>& all) {
  const auto add = [&](const char* pattern, const std::string& body, bool fires = true) {
    all.push_back({pattern, body + kT, fires});
  };
  const std::string zt = "%z = input() : $[3,5]\n%t0 = input() : $[3,5]\n";
  for (const bool logits : {false, true}) {
    const std::string from = std::string("{from_logits=") + (logits ? "true" : "false") + "}\n";
    add("loss:binary_crossentropy(t, p:sigmoid(z))",
        zt + "%1 = sigmoid(%z)\n%t = binary_crossentropy(%t0, %1) " + from, !logits);
    add("loss:categorical_crossentropy(t, p:softmax(z))",
        zt + "%1 = softmax(%z) {axis=1}\n%t = categorical_crossentropy(%t0, %1) " + from, !logits);
    add("loss:sparse_categorical_crossentropy(t, p:softmax(z))",
        "%z = input() : $[3,5]\n%t0 = input() : int32[3]\n%1 = softmax(%z) {axis=1}\n"
        "%t = sparse_categorical_crossentropy(%t0, %1) " +
            from,
        !logits);
  }
  add("loss:categorical_crossentropy(t, p:softmax(z))",
      zt + "%1 = softmax(%z) {axis=0}\n%t = categorical_crossentropy(%t0, %1)\n", false);
  const std::string dense =
      "%x = input() : $[3,4]\n%k = variable() : $[4,5]\n%b = variable() : $[5]\n"
      "%t0 = input() : $[3,5]\n%1 = dense(%x, %k, %b) ";
  add("loss:binary_crossentropy(t, p:dense(...))",
      dense + "{activation=sigmoid}\n%t = binary_crossentropy(%t0, %1)\n");
  add("loss:binary_crossentropy(t, p:dense(...))",
      dense + "{activation=tanh}\n%t = binary_crossentropy(%t0, %1)\n", false);

  const auto norm = [](const std::string& of, int units) {
    const std::string n = std::to_string(units);
    return "%g = variable() : $[" + n + "]\n%e = variable() : $[" + n + "]\n%m = variable() : $[" +
           n + "]\n%v = variable() : $[" + n + "]\n%n = batch_norm_inference(" + of +
           ", %g, %e, %m, %v) {axis=1, epsilon=0.001}\n";
  };
  const char* before = "n:batch_norm_inference(d:dense(...)!, gamma, beta, mean, variance)";
  const std::string x = "%x = input() : $[3,4]\n%k = variable() : $[4,5]\n%b = variable() : $[5]\n";
  for (const std::string layer : {"dense(%x, %k, %b)", "dense(%x, %k)"})
    add(before, x + "%d = " + layer + "\n" + norm("%d", 5) + "%t = linear(%n)\n");
  add(before, x + "%d = dense(%x, %k) {activation=tanh}\n" + norm("%d", 5) + "%t = linear(%n)\n",
      false);
  add(before,
      x + "%d = dense(%x, %k)\n" + norm("%d", 5) + "%t = linear(%n)\noutput \"also\" = %d\n",
      false);
  add(before, x + "%d = dense(%x, %k)\n" + norm("%d", 5) + "%t = linear(%n)\nupdate %g = %v\n",
      false);
  add("d:dense(n:batch_norm_inference(x, gamma, beta, mean, variance)!, k)",
      x + norm("%x", 4) + "%t = dense(%n, %k)\n");
  add("d:dense(n:batch_norm_inference(x, gamma, beta, mean, variance)!, k, b)",
      x + norm("%x", 4) + "%t = dense(%n, %k, %b)\n");
}

// Batch normalization beside convolutions.
void add_convolutions(std::vector<RuleSample>& all) {
  const auto add = [&](const char* pattern, const std::string& body, bool fires = true) {
    all.push_back({pattern, body + kT, fires});
  };
  // An image, the kernel of a convolution, and a normalization of `of`.
  const auto image = [](const std::string& shape, const std::string& kernel) {
    return "%x = input() : $" + shape + "\n%k = variable() : $" + kernel + "\n";
  };
  const auto convolution = [](const std::string& of, const std::string& low = "[0,0]",
                              const std::string& groups = "1") {
    return "%c = convolution(" + of + ", %k) {strides=[1,2], dilations=[1,1], low=" + low +
           ", high=[0,0], groups=" + groups + "}\n";
  };
  const auto norm = [](const std::string& of, int channels, int axis = 3) {
    const std::string n = std::to_string(channels);
    std::string text;
    for (const char* name : {"%g", "%e", "%m", "%v"})
      text += std::string(name) + " = variable() : $[" + n + "]\n";
    return text + "%n = batch_norm_inference(" + of +
           ", %g, %e, %m, %v) {axis=" + std::to_string(axis) + ", epsilon=0.001}\n";
  };
  const std::string plain = image("[2,4,5,3]", "[2,2,3,4]"),
                    grouped = image("[2,4,5,6]", "[2,2,2,3]"), kN = "%t = linear(%n)\n";
  const char* after = "n:batch_norm_inference(c:convolution(x, k)!, gamma, beta, mean, variance)";
  add(after, plain + convolution("%x") + norm("%c", 4) + kN);
  add(after, plain + convolution("%x", "[1,1]") + norm("%c", 4) + kN);
  add(after, grouped + convolution("%x", "[0,1]", "3") + norm("%c", 3) + kN);
  add(after, plain + convolution("%x") + norm("%c", 3, 1) + kN, false);
  add(after, plain + convolution("%x") + norm("%c", 4) + kN + "output \"also\" = %c\n", false);
  add(after, plain + convolution("%x") + norm("%c", 4) + kN + "update %g = %v\n", false);
  add(after, plain + convolution("%x") + "%1 = tanh(%c)\n" + norm("%1", 4) + kN, false);
  const char* biased =
      "n:batch_norm_inference(add(c:convolution(x, k)!, s:broadcast(b)!)!, gamma, beta, mean, "
      "variance)";
  const std::string bias =
      "%b = variable() : $[4]\n%s = broadcast(%b) {shape=[2,3,2,4], dims=[3]}\n";
  for (const char* sum : {"%1 = add(%c, %s)\n", "%1 = add(%s, %c)\n"})
    add(biased, plain + convolution("%x") + bias + sum + norm("%1", 4) + kN);
  const std::string added = "%1 = add(%c, %s)\n" + norm("%1", 4) + kN;
  add(biased, plain + convolution("%x") + bias + added + "update %b = %e\n", false);
  add(biased,
      plain + convolution("%x") +
          "%b = variable() : $[3]\n%s = broadcast(%b) {shape=[2,3,2,4], dims=[1]}\n" + added,
      false);
  add(biased,
      plain + convolution("%x") +
          "%b = input() : $[4]\n%s = broadcast(%b) {shape=[2,3,2,4], dims=[3]}\n" + added,
      false);
  const char* before =
      "c:convolution(n:batch_norm_inference(x, gamma, beta, mean, variance)!, k)";
  const std::string kC = "%t = linear(%c)\n";
  add(before, plain + norm("%x", 3) + convolution("%n") + kC);
  add(before, plain + norm("%x", 3) + convolution("%n", "[0,1]") + kC, false);
  add(before, grouped + norm("%x", 6) + convolution("%n", "[0,0]", "3") + kC, false);
  add(before, plain + norm("%x", 4, 1) + convolution("%n") + kC, false);
  add(before, plain + norm("%x", 3) + convolution("%n") + kC + "%new = add(%k, %k)\nupdate %k = %new\n",
      false);
}

}  // namespace

const std::vector<RuleSample>& rule_samples() {
  static const std::vector<RuleSample> samples = [] {
    std::vector<RuleSample> all;
    add_divisors(all);
    add_casts(all);
    add_moves(all);
    add_reductions(all);
    add_products(all);
    add_layers(all);
    add_convolutions(all);
    return all;
  }();
  return samples;
}

}  // namespace sinter::testing_support
