// Where functions of symbols are given or written, an error in an op of theirs names the line of
// that op, and no other error does.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "core/graph.h"
#include "tests/support/line_texts.h"

namespace sinter::testing {
namespace {

std::string here(int line) { return "op_line_places_test.cc:" + std::to_string(line); }

class OpLinePlaces : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }

  const Tensor x_ = Tensor(DType::kFloat32, {6, 4}), y_ = Tensor(DType::kFloat32, {6, 3}),
               ints_ = Tensor(DType::kInt32, {6, 4});
};

// The line of the op that failed, not of another one before or behind it, nor of what called it.
TEST_F(OpLinePlaces, OfTheOneThatFailed) {
  int line = 0;
  const auto scores = [&](Symbol a, Symbol b) {
    const Symbol wide = tanh(a);
    line = __LINE__ + 1;
    return matmul(wide, b);
  };
  const CompiledFunction f([&](CallContext&, Symbol x, Symbol y) {
    const Symbol h = relu(x);
    const Symbol s = scores(h, y) + 1.0;
    return sum(s);
  });
  const std::string text = error_of([&] { f(x_, y_); });
  EXPECT_TRUE(text.starts_with(here(line) + ": in the call of ")) << text;
  EXPECT_NE(text.find(": matmul("), std::string::npos) << text;
}

// In a statement of several lines, one of these.
TEST_F(OpLinePlaces, OfStatementsOfSeveralLines) {
  int first = 0;
  const auto expect = [&](const char* op, int lines, const auto& body) {
    const CompiledFunction f(body);
    const std::string text = error_of([&] { f(x_, y_); });
    bool found = false;
    for (int i = 0; i < lines; ++i) found = found || text.starts_with(here(first + i) + ": ");
    EXPECT_TRUE(found && text.find(op) != std::string::npos) << first << "  " << text;
  };
  expect(": matmul(", 1, [&](CallContext&, Symbol x, Symbol y) {
    first = __LINE__ + 2;
    return add(relu(x),  // which has done well
               matmul(x, y));
  });
  expect(": matmul(", 3, [&](CallContext&, Symbol x, Symbol y) {
    first = __LINE__ + 1;
    return matmul(  // of which compilers name one or the other line
        relu(x),    //
        relu(y));
  });
  expect(": add: ", 2, [&](CallContext&, Symbol x, Symbol y) {
    first = __LINE__ + 2;
    return sum(    // which is not reached
        relu(x) +  //
        relu(y));
  });
}

// What no op has raised has the line of the call, whatever ops there were before.
TEST_F(OpLinePlaces, NoneOfErrorsThatAreNotOfOps) {
  const auto expect_call_alone = [&](const auto& body, const char* what) {
    const CompiledFunction f(body);
    const int call = __LINE__ + 1;
    const std::string text = error_of([&] { f(x_, x_); });
    EXPECT_TRUE(text.starts_with(here(call) + ": ")) << text;
    EXPECT_EQ(text.find("op_line_places_test.cc", 2), std::string::npos) << text;
    EXPECT_NE(text.find(what), std::string::npos) << text;
  };
  const auto fails = [&](CallContext&, Symbol x, Symbol y) { return matmul(x, y); };
  EXPECT_NE(error_of([&] { CompiledFunction{fails}(x_, x_); }), "no error");
  expect_call_alone([](CallContext&, Symbol x, Symbol) { return (void)relu(x), Symbol(); },
                    "the symbol is empty");
  expect_call_alone(
      [](CallContext&, Symbol x, Symbol y) -> Symbol {
        const Symbol h = relu(x) + y;
        throw Error("of my own, " + std::to_string(h.rank()));
      },
      "of my own, 2");
  expect_call_alone(
      [&](CallContext& c, Symbol x, Symbol y) -> Symbol {
        try {
          return fails(c, x, y);
        } catch (const Error&) {
        }
        throw Error("given up");
      },
      "given up");
  const CompiledFunction one([](CallContext&, Symbol x) { return relu(x); });
  EXPECT_NE(error_of([&] { CompiledFunction{fails}(x_, x_); }), "no error");
  const std::string text = error_of([&] { one(x_, x_); });
  EXPECT_TRUE(text.starts_with(here(__LINE__ - 1) + ": the function takes")) << text;
}

int mine_line = 0;

class Mine : public LayerImpl {
 public:
  explicit Mine(bool fails) : LayerImpl("mine>Mine", "mine", SourceLocation()), fails_(fails) {}
  Config config() const override { return base_config(); }
  std::vector<Symbol> call(CallContext&, std::span<const Symbol> inputs) override {
    if (!fails_) return {relu(inputs[0])};
    mine_line = __LINE__ + 1;
    return {matmul(inputs[0], inputs[0])};
  }

 private:
  bool fails_;
};

TEST_F(OpLinePlaces, OfLayersOfOnesOwn) {
  const Layer layer(std::make_shared<Mine>(true));
  const auto in = Input(4);
  int call = __LINE__ + 1;
  std::string text = error_of([&] { layer(in); });
  EXPECT_TRUE(
      text.starts_with(here(mine_line) + ": mine>Mine 'mine' (" + here(call) + "): matmul("))
      << text;
  const CompiledFunction f([&](CallContext& c, Symbol x) {
    call = __LINE__ + 1;
    return layer(c, x);
  });
  text = error_of([&] { f(x_); });
  EXPECT_TRUE(text.starts_with(here(mine_line) + ": in the call of " + here(__LINE__ - 1) +
                               ": mine>Mine 'mine' (" + here(call) + "): matmul("))
      << text;
}

TEST_F(OpLinePlaces, OfLambdas) {
  const auto in = Input(4);
  int line = 0, call = 0;
  const auto fails = [&](Symbol x) {
    line = __LINE__ + 1;
    return matmul(x, x);
  };
  call = __LINE__ + 1;
  std::string text = error_of([&] { Lambda(fails, {.name = "f"})(in); });
  EXPECT_TRUE(text.starts_with(here(line) + ": Lambda 'f' (" + here(call) + "): matmul(")) << text;
  call = __LINE__ + 1;
  text = error_of([&] { Dense(3, {.activation = fails, .name = "d"})(in); });
  EXPECT_TRUE(text.starts_with(here(line) + ": Dense 'd' (" + here(call) + "): matmul(")) << text;
}

struct Hits : MetricImpl {
  explicit Hits(bool in_result) : in_result(in_result) {}
  void update_state(MetricContext& m, Symbol t, Symbol p, Symbol) const override {
    if (in_result) return m.add("hits", sum(t * p));
    line = __LINE__ + 1;
    m.add("hits", matmul(t, p));
  }
  Symbol result(MetricContext& m) const override {
    line = __LINE__ + 1;
    return m.variable("hit");
  }
  bool in_result;
  static int line;
};
int Hits::line = 0;

// Training writes the functions into its graph: the line of the op, and that of fit().
TEST_F(OpLinePlaces, OfWhatTrainingIsGiven) {
  int line = 0;
  const auto expect = [&](const CompileArguments& arguments, const DenseOptions& options,
                          const int& op) {
    clear_session();
    const auto in = Input(4);
    const Model model(in, Dense(3, options)(in));
    const int compile = __LINE__ + 2;
    const std::string text = error_of([&] {
      model.compile(arguments);  // writes constraints and schedules
      model.fit(x_, y_, {.verbose = 0});
    });
    EXPECT_TRUE(text.starts_with(here(op) + ": in the call of " + here(compile) + ": ") ||
                text.starts_with(here(op) + ": in the call of " + here(compile + 1) + ": "))
        << text;
    EXPECT_EQ(other_files(text, "op_line_places_test.cc"), "") << text;
  };
  const auto two = [&](Symbol t, Symbol p) {
    line = __LINE__ + 1;
    return matmul(t, p);
  };
  const auto one = [&](Symbol w) {
    line = __LINE__ + 1;
    return matmul(w, w);
  };
  const auto rate = [&](Symbol step) {
    line = __LINE__ + 1;
    return matmul(step, step);
  };
  expect({.optimizer = "sgd", .loss = two}, {}, line);
  expect({.optimizer = "sgd", .loss = "mse", .metrics = {two}}, {}, line);
  expect({.optimizer = "sgd", .loss = "mse"}, {.kernel_regularizer = one}, line);
  expect({.optimizer = "sgd", .loss = "mse"}, {.kernel_constraint = one}, line);
  expect({.optimizer = SGD(rate), .loss = "mse"}, {}, line);
  for (const bool in_result : {false, true}) {
    expect({.optimizer = "sgd",
            .loss = "mse",
            .metrics = {Metric("hits", std::make_shared<Hits>(in_result))}},
           {}, Hits::line);
  }
}

// A pointer to an op is called in a header: that has no line to tell.
TEST_F(OpLinePlaces, NoneOfHeaders) {
  const auto in = Input(3);
  std::string text = error_of([&] { Dense(3, {.activation = glu, .name = "d"})(in); });
  EXPECT_TRUE(text.starts_with("Dense 'd' (" + here(__LINE__ - 1) + "): glu")) << text;
  text = error_of([&] { Activation(glu, {.name = "a"})(in); });
  EXPECT_TRUE(text.starts_with("Activation 'a' (" + here(__LINE__ - 1) + "): glu")) << text;
  const std::function<Symbol(Symbol)> standard = exponential;
  const Callable<Symbol(Symbol)> callable = exponential;
  const auto expect_call = [&](const auto& body) {
    const CompiledFunction f([&](CallContext&, Symbol) { return body(Symbol()); });
    const int call = __LINE__ + 1;
    const std::string found = error_of([&] { f(x_); });
    EXPECT_TRUE(found.starts_with(here(call) + ": an empty symbol was used")) << found;
  };
  expect_call([&](Symbol none) { return standard(none); });
  expect_call([&](Symbol none) { return callable(none); });
  expect_call([&](Symbol none) { return std::invoke(exponential, none); });
}

TEST_F(OpLinePlaces, OfEachThread) {
  const auto run = [&](auto body, int& line, int& wrong) {
    for (int i = 0; i < 50; ++i) {
      const std::string text = error_of([&] { CompiledFunction{body}(x_, y_); });
      wrong += text.starts_with(here(line) + ": in the call of ") ? 0 : 1;
    }
  };
  int line[2] = {}, wrong[2] = {};
  std::thread other(
      run,
      [&](CallContext&, Symbol x, Symbol y) {
        line[1] = __LINE__ + 1;
        return matmul(relu(x), y);
      },
      std::ref(line[1]), std::ref(wrong[1]));
  run(
      [&](CallContext&, Symbol x, Symbol y) {
        line[0] = __LINE__ + 1;
        return relu(x) + tanh(y);
      },
      line[0], wrong[0]);
  other.join();
  EXPECT_EQ(wrong[0] + wrong[1], 0);
}

// Nodes of a function know the lines of their ops; those of a layer in it that of the layer.
TEST_F(OpLinePlaces, OfNodes) {
  clear_session();
  const Layer dense = Dense(3, {.name = "d"});
  const int begin = __LINE__ + 2;
  const auto body = [&](CallContext& c, Symbol x) {
    const Symbol h = relu(x);
    const Symbol d = dense(c, h);
    return softmax(d);
  };
  const CompiledFunction f(body, {.name = "f"});
  const Graph graph = f.graph({x_});
  std::map<std::string, std::string> origins;
  for (const Node& n : graph.nodes()) {
    if (n.origin) origins[n.op->name] = n.origin->to_string();
  }
  EXPECT_EQ(origins["relu"], "'f' (" + here(begin) + ")");
  EXPECT_EQ(origins["dense"], "'d' (" + here(begin + 1) + ")");
  EXPECT_EQ(origins["softmax"], "'f' (" + here(begin + 2) + ")");
}

}  // namespace
}  // namespace sinter::testing
