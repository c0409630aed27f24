#include "tests/unit/runtime/llvm/matmul_cases.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "ops/ops.h"
#include "runtime/backend.h"
#include "runtime/compile.h"

namespace sinter::testing_support {
namespace {

using Ints = std::vector<int64_t>;

Symbol map(Graph& g, std::initializer_list<Symbol> inputs, const std::string& body) {
  return g.add1("map", inputs,
                {{"body", std::make_shared<const ScalarExpr>(ScalarExpr::parse(body))}});
}

// The product of bfloat16 is float32, and so is what follows it.
DType result_dtype(DType dtype) { return dtype == DType::kBFloat16 ? DType::kFloat32 : dtype; }

// "$" in a body stands for the dtype of the result.
std::string typed(std::string body, DType dtype) {
  const std::string name(dtype_name(result_dtype(dtype)));
  for (size_t at = 0; (at = body.find('$', at)) != std::string::npos; at += name.size())
    body.replace(at, 1, name);
  return body;
}

}  // namespace

std::string Case::to_string() const {
  return fmt::format("form {} {}x{}x{} epilogue {} {}{}{}", static_cast<int>(form), rows, depth,
                     columns, static_cast<int>(epilogue), dtype_name(dtype),
                     frozen ? " frozen" : "", rounds ? " rounds" : "");
}

Graph graph_of(const Case& c) {
  const bool lhs_turned = c.form == Form::kWeightGradient,
             rhs_turned = c.form == Form::kInputGradient;
  const ValueType lhs{c.dtype, lhs_turned ? Shape{c.depth, c.rows} : Shape{c.rows, c.depth}};
  const ValueType rhs{c.rounds ? DType::kFloat32 : c.dtype,
                      rhs_turned ? Shape{c.columns, c.depth} : Shape{c.depth, c.columns}};
  const Attributes axes{{"lhs_contract", Ints{lhs_turned ? 0 : 1}},
                        {"rhs_contract", Ints{rhs_turned ? 1 : 0}}};
  const Shape full{c.rows, c.columns};

  Graph g("matmul");
  std::vector<Symbol> arguments{g.input("lhs", lhs)};
  arguments.push_back(c.frozen ? g.variable("rhs", rhs) : g.input("rhs", rhs));
  if (c.epilogue == Epilogue::kNone) {
    g.add_output("y", g.add1("contract", arguments, axes).id());
    return g;
  }
  Graph body("region");
  const Symbol product =
      body.add1("contract", {body.input("lhs", lhs), body.input("rhs", rhs)}, axes);
  const auto operand_of = [&](const char* name, DType dtype, Shape shape) {
    arguments.push_back(g.input(name, {dtype, shape}));
    return body.input(name, {dtype, std::move(shape)});
  };
  const auto operand = [&](const char* name, Shape shape) {
    return operand_of(name, result_dtype(c.dtype), std::move(shape));
  };
  const auto spread = [&](Symbol x) {
    return body.add1("broadcast", {x}, {{"shape", full}, {"dims", Ints{0, 1}}});
  };
  const auto shaped = [&](Symbol x, Shape shape) {
    return body.add1("reshape", {x}, {{"shape", std::move(shape)}});
  };
  const auto reduced = [&](const char* kind, Symbol x, Ints axes) {
    return body.add1("reduce", {x},
                     {{"kind", std::string(kind)}, {"axes", std::move(axes)}, {"keepdims", true}});
  };
  const auto sums = [&](Symbol x) { return shaped(reduced("sum", x, {0}), Shape{c.columns}); };
  const auto biased = [&] {
    const Symbol bias = spread(shaped(operand("bias", Shape{c.columns}), Shape{1, c.columns}));
    return map(body, {product, bias}, typed("($, $) -> add(a0, a1)", c.dtype));
  };
  switch (c.epilogue) {
    case Epilogue::kNone: break;
    case Epilogue::kBiasRelu: {
      const Symbol bias = spread(shaped(operand("bias", Shape{c.columns}), Shape{1, c.columns}));
      body.add_output(
          "y", map(body, {product, bias}, typed("($, $) -> max(add(a0, a1), 0:$)", c.dtype)).id());
      break;
    }
    case Epilogue::kMaskAndSums: {
      const Symbol h = operand("h", full);
      const Symbol dz =
          map(body, {product, h}, typed("($, $) -> select(less(0:$, a1), a0, 0:$)", c.dtype));
      body.add_output("dz", dz.id());
      body.add_output("db", sums(dz).id());
      break;
    }
    case Epilogue::kRowsAndScalar: {
      const Symbol scale = spread(operand("scale", Shape{c.rows, 1}));
      const Symbol shift = spread(shaped(operand("shift", Shape{}), Shape{1, 1}));
      const Symbol residual = operand("residual", full);
      const Symbol y = map(body, {product, scale, shift, residual},
                           typed("($, $, $, $) -> add(add(mul(a0, a1), a2), a3)", c.dtype));
      body.add_output("y", y.id());
      body.add_output("product", product.id());
      break;
    }
    case Epilogue::kHeavy: {
      const Symbol bias = spread(operand("bias", Shape{1, c.columns}));
      const auto both =
          body.add("map", std::vector<Symbol>{product, bias},
                   {{"body", std::make_shared<const ScalarExpr>(ScalarExpr::parse(
                                 typed("($, $) -> t0 = add(a0, a1); t1 = tanh(mul(t0, 0.5:$)); "
                                       "div(t1, add(abs(exp(t1)), 1:$)), less(0:$, t0)",
                                       c.dtype)))}});
      body.add_output("y", both[0].id());
      body.add_output("positive", both[1].id());
      body.add_output("sums", sums(both[0]).id());
      break;
    }
    case Epilogue::kSoftmax: {
      const Symbol z = biased();
      const Symbol e = map(body, {z, spread(reduced("max", z, {1}))},
                           typed("($, $) -> exp(sub(a0, a1))", c.dtype));
      const Symbol p =
          map(body, {e, spread(reduced("sum", e, {1}))}, typed("($, $) -> div(a0, a1)", c.dtype));
      body.add_output("p", p.id());
      break;
    }
    case Epilogue::kCrossEntropy: {
      const Symbol z = biased(), labels = operand("labels", full);
      const Symbol weights = shaped(operand("weights", Shape{c.rows}), Shape{c.rows, 1});
      const Symbol shifted =
          map(body, {z, spread(reduced("max", z, {1}))}, typed("($, $) -> sub(a0, a1)", c.dtype));
      const Symbol e = map(body, {shifted}, typed("($) -> exp(a0)", c.dtype));
      const Symbol total = reduced("sum", e, {1});
      const Symbol log_total = map(body, {total}, typed("($) -> log(a0)", c.dtype));
      const Symbol terms = map(body, {labels, shifted, spread(log_total)},
                               typed("($, $, $) -> mul(a0, sub(a2, a1))", c.dtype));
      const Symbol losses =
          map(body, {reduced("sum", terms, {1}), weights}, typed("($, $) -> mul(a0, a1)", c.dtype));
      const auto both = body.add(
          "map", std::vector<Symbol>{e, spread(total), labels, spread(reduced("sum", labels, {1}))},
          {{"body", std::make_shared<const ScalarExpr>(ScalarExpr::parse(typed(
                        "($, $, $, $) -> t0 = div(a0, a1); t0, sub(mul(t0, a3), a2)", c.dtype)))}});
      body.add_output("p", both[0].id());
      body.add_output("losses", shaped(losses, Shape{c.rows}).id());
      body.add_output("loss", shaped(reduced("sum", losses, {0}), Shape{}).id());
      body.add_output("dz", both[1].id());
      body.add_output("db", sums(both[1]).id());
      break;
    }
    case Epilogue::kRowBounds: {
      const Symbol low = reduced("min", product, {1}), high = reduced("max", product, {1});
      const Symbol other = operand_of("other", DType::kFloat64, full);
      const auto all = body.add(
          "map", std::vector<Symbol>{product, spread(low), spread(high), other},
          {{"body", std::make_shared<const ScalarExpr>(ScalarExpr::parse(typed(
                        "($, $, $, float64) -> t0 = cast<$>(a3); "
                        "add(div(sub(a0, a1), add(sub(a2, a1), 1:$)), t0), less_equal(a2, a0), "
                        "mul(a0, t0)",
                        c.dtype)))}});
      body.add_output("y", all[0].id());
      body.add_output("is_largest", all[1].id());
      body.add_output("low", low.id());
      body.add_output("total", shaped(reduced("sum", all[2], {0, 1}), Shape{}).id());
      break;
    }
    case Epilogue::kIndices: {
      const Symbol z =
          map(body, {product, operand("shift", full)}, typed("($, $) -> add(a0, a1)", c.dtype));
      const Symbol labels = operand_of("labels", DType::kUint8, full);
      const Symbol classes =
          shaped(operand_of("classes", DType::kInt64, Shape{c.rows}), Shape{c.rows, 1});
      const auto index_of = [&](const char* kind, Symbol x) {
        return body.add1("arg_reduce", {x},
                         {{"kind", std::string(kind)}, {"axis", int64_t{1}}, {"keepdims", true}});
      };
      const auto numbers = [&](int64_t axis, DType dtype) {
        return body.add1("iota", {}, {{"shape", full}, {"axis", axis}, {"dtype", dtype}});
      };
      const Symbol largest = index_of("argmax", z), smallest = index_of("argmin", z);
      const Symbol hits =
          map(body, {largest, index_of("argmax", labels)}, "(int32, int32) -> equal(a0, a1)");
      const Symbol columns = numbers(1, DType::kInt32);
      const Symbol chosen = map(body, {spread(classes), columns, z},
                                typed("(int64, int32, $) -> select(equal(cast<int32>(a0), a1), "
                                      "a2, 0:$)",
                                      c.dtype));
      const Symbol higher = map(body, {z, spread(reduced("sum", chosen, {1}))},
                                typed("($, $) -> cast<int64>(less(a1, a0))", c.dtype));
      const Symbol places = map(body, {numbers(0, DType::kInt64), columns},
                                "(int64, int32) -> add(mul(a0, 100:int64), cast<int64>(a1))");
      body.add_output("largest", shaped(largest, Shape{c.rows}).id());
      body.add_output("smallest", smallest.id());
      body.add_output("hits", hits.id());
      body.add_output(
          "correct",
          shaped(reduced("sum", map(body, {hits}, typed("(bool) -> cast<$>(a0)", c.dtype)), {0}),
                 Shape{})
              .id());
      body.add_output("rank", reduced("sum", higher, {1}).id());
      body.add_output("ranks", shaped(reduced("sum", higher, {0, 1}), Shape{}).id());
      body.add_output("places", places.id());
      break;
    }
  }
  const auto results =
      g.add("fusion", arguments,
            {{"kind", std::string("contract")}, {"body", std::make_shared<const Graph>(body)}});
  for (size_t i = 0; i < results.size(); ++i) g.add_output(fmt::format("r{}", i), results[i].id());
  return g;
}

Tensor random_tensor(ValueType type, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  Tensor t(type.dtype, type.shape);
  for (int64_t i = 0; i < t.elements(); ++i) t.set(i, uniform(engine));
  return t;
}

Run run_kernel(const Graph& g, unsigned order, const std::vector<Tensor>& given) {
  const int32_t node = g.outputs()[0].value.node;
  const Node& n = g.node(node);
  const std::vector<int32_t> nodes{node};
  const auto kernels = llvm_backend().compile(g, nodes, {.backend = "llvm", .cache = false});
  const Kernel& kernel = *kernels[0];
  Run run;
  std::vector<void*> buffers;
  unsigned seed = 1;
  for (ValueId input : n.inputs) {
    run.inputs.push_back(given.empty() ? random_tensor(g.type(input), seed++)
                                       : given[run.inputs.size()].clone());
    buffers.push_back(run.inputs.back().raw());
  }
  for (const ValueType& type : n.types) {
    run.results.push_back(
        Tensor::full(type.dtype, type.shape, type.dtype == DType::kBool ? 1 : 77));
    buffers.push_back(run.results.back().raw());
  }
  // NaN in memory that a kernel has yet to write.
  Tensor scratch = Tensor::full(DType::kUint8, Shape{kernel.scratch_bytes()}, 255);
  Tensor prepared = Tensor::full(DType::kUint8, Shape{kernel.prepared_bytes()}, 255);
  Tensor workspace = Tensor::full(DType::kUint8, Shape{kernel.workspace_bytes()}, 255);
  buffers.push_back(kernel.scratch_bytes() > 0 ? scratch.raw() : nullptr);
  buffers.push_back(prepared.raw());
  buffers.push_back(workspace.raw());
  if (kernel.prepared_bytes() > 0) kernel.prepare(buffers.data(), prepared.raw());
  std::mt19937 engine(order);
  for (int phase = 0; phase < kernel.phases(); ++phase) {
    std::vector<int> pieces(static_cast<size_t>(kernel.pieces(phase)));
    for (size_t i = 0; i < pieces.size(); ++i) pieces[i] = static_cast<int>(i);
    if (order != 0) std::shuffle(pieces.begin(), pieces.end(), engine);
    for (int piece : pieces) kernel.run(phase, piece, buffers.data());
  }
  return run;
}

void expect_as_reference(const Graph& g, const Graph& wide, double depth, const std::string& what) {
  const Run run = run_kernel(g, 0);
  const Run shuffled = run_kernel(g, 7);
  std::vector<Tensor> inputs, variables;
  const Node& node = g.node(g.outputs()[0].value);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    // A float32 beside bfloat16 is rounded to it.
    const bool rounds = i < 2 && run.inputs[0].dtype() == DType::kBFloat16;
    const Tensor factor = rounds ? run.inputs[i].cast(DType::kBFloat16) : run.inputs[i];
    (g.node(node.inputs[i]).is(KernelOp::kVariable) ? variables : inputs)
        .push_back(factor.cast(DType::kFloat64));
  }
  const std::vector<Tensor> expected = evaluate_graph(wide, inputs, variables);
  for (size_t i = 0; i < expected.size(); ++i) {
    const Tensor& found = run.results[i];
    EXPECT_TRUE(found.identical(shuffled.results[i]))
        << what << ": the order of pieces changes result " << i;
    // Every addition rounds a partial sum that grows as the root of its terms, so the errors of a
    // random sum grow as `depth` (about depth * epsilon / 4 for one sum, four times that for the
    // worst of thousands). Column sums add one term a row.
    const double unit = found.dtype() == DType::kFloat64 ? 1.2e-15 : 6e-7;
    const double rows = found.shape().rank() < 2 && node.types[0].shape.rank() > 0
                            ? static_cast<double>(node.types[0].shape[0])
                            : 1.0;
    const double tolerance = unit * (3 + depth / 6) * (1 + std::sqrt(rows));
    double worst = 0;
    for (int64_t k = 0; k < found.elements(); ++k) {
      const double difference = std::abs(found.at(k) - expected[i].at(k));
      worst = std::isnan(difference) ? INFINITY : std::max(worst, difference);
    }
    if (found.dtype() == DType::kBool) {
      int64_t wrong = 0;
      for (int64_t k = 0; k < found.elements(); ++k) wrong += found.at(k) != expected[i].at(k);
      EXPECT_LE(wrong, found.elements() / 1000)
          << what;  // a sum next to zero may fall on either side
    } else {
      EXPECT_LE(worst, tolerance) << what << ", result " << i;
    }
  }
}

void check(const Case& c) {
  SCOPED_TRACE(c.to_string());
  Case wide = c;
  wide.dtype = DType::kFloat64;
  wide.rounds = false;
  expect_as_reference(graph_of(c), graph_of(wide), static_cast<double>(c.depth), c.to_string());
}

}  // namespace sinter::testing_support
