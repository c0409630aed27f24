// An error in an op that the user's code calls on symbols names the line of that call: one line of
// these tables for each op and for what else is called where symbols are.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <fstream>
#include <functional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/line_texts.h"

namespace sinter::testing {
namespace {

// What is called, in what line, with a context, symbols of shapes that do not go together, and an
// empty symbol.
struct Op {
  const char* what;
  int line;
  std::function<void(CallContext& c, Symbol x, Symbol y, Symbol none)> call;
};
#define OP(...)                                                                               \
  Op {                                                                                        \
#__VA_ARGS__, __LINE__,                                                                   \
        [&]([[maybe_unused]] CallContext & c, [[maybe_unused]] Symbol x,                      \
            [[maybe_unused]] Symbol y, [[maybe_unused]] Symbol none) { (void)(__VA_ARGS__); } \
  }

std::string here(int line) { return "op_lines_test.cc:" + std::to_string(line); }

// The names of the functions of symbols in a header.
std::set<std::string> functions_in(const std::string& header) {
  std::ifstream file(std::string(SINTER_SOURCE_DIR) + "/" + header);
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  std::set<std::string> names;
  const std::regex declaration(
      R"(\n(?:inline )?(?:Symbol|BatchNormResult|std::vector<Symbol>) (operator[^\s\w]+|\w+)\()");
  for (std::sregex_iterator it(all.begin(), all.end(), declaration), end; it != end; ++it)
    names.insert((*it)[1]);
  return names;
}

void expect_lines(const std::vector<Op>& ops) {
  const Tensor x(DType::kFloat32, {6, 4}), y(DType::kFloat32, {5, 3});
  for (const Op& op : ops) {
    const CompiledFunction f(
        [&](CallContext& c, Symbol a, Symbol b) {
          op.call(c, a, b, Symbol());
          return a;
        },
        {.batched = {false, false}});
    const int call = __LINE__ + 1;
    const std::string text = error_of([&] { f(x, y); });
    EXPECT_TRUE(text.starts_with(here(op.line) + ": in the call of " + here(call) + ": "))
        << op.what << "\n  " << text;
    EXPECT_EQ(other_files(text, "op_lines_test.cc"), "") << op.what << "\n  " << text;
  }
}

// Does the table have every function of the header?
void expect_all(const std::vector<Op>& ops, const std::string& header,
                const std::set<std::string>& but) {
  std::string table;
  for (const Op& op : ops) table += std::string(op.what) + "\n";
  for (const std::string& name : functions_in(header)) {
    const bool is_operator = name.starts_with("operator");
    const std::string text = is_operator ? " " + name.substr(8) + " " : name + "(";
    EXPECT_TRUE(but.contains(name) || table.find(text) != std::string::npos) << name;
  }
}

TEST(OpLines, OfEveryOp) {
  const std::vector<Op> ops = {
      OP(iota(c.graph(), {2}, -9)),
      OP(scalar_like(none, 1)),
      OP(full_like(none, 1)),
      OP(zeros_like(none)),
      OP(ones_like(none)),
      OP(iota(c.graph(), {2}, 3)),
      OP(size(x, 5)),
      OP(add(x, y)),
      OP(add(1, none)),
      OP(subtract(x, y)),
      OP(multiply(x, y)),
      OP(divide(x, y)),
      OP(divide_no_nan(x, y)),
      OP(maximum(x, y)),
      OP(minimum(x, y)),
      OP(power(cast(x, int32), -1)),
      OP(negative(none)),
      OP(abs(none)),
      OP(sign(none)),
      OP(floor(none)),
      OP(ceil(none)),
      OP(round(none)),
      OP(sqrt(none)),
      OP(rsqrt(none)),
      OP(square(none)),
      OP(reciprocal(none)),
      OP(exp(none)),
      OP(expm1(none)),
      OP(log(none)),
      OP(log1p(none)),
      OP(sin(none)),
      OP(cos(none)),
      OP(erf(none)),
      OP(clip(none, 0, 1)),
      OP(x + y),
      OP(x - y),
      OP(x * y),
      OP(x / y),
      OP(1 + none),
      OP(1.0 - none),
      OP(2 * none),
      OP(1.0f / none),
      OP(none + 1),
      OP(-none),
      OP(pow(x, y)),
      OP(pow(2.0, none)),
      OP(equal(x, y)),
      OP(not_equal(x, y)),
      OP(less(x, y)),
      OP(less_equal(x, y)),
      OP(greater(x, y)),
      OP(greater_equal(x, y)),
      OP(x < y),
      OP(x <= y),
      OP(x > y),
      OP(x >= y),
      OP(logical_and(x > 0, y > 0)),
      OP(logical_or(x > 0, y > 0)),
      OP(logical_not(none)),
      OP(select(x > 0, y, 1)),
      OP(cast(none, float64)),
      OP(stop_gradient(none)),
      OP(reshape(x, {7})),
      OP(transpose(x, {0, 7})),
      OP(broadcast_to(x, {2})),
      OP(expand_dims(x, 9)),
      OP(squeeze(x, 1)),
      OP(slice(x, 3, 0, 1)),
      OP(pad(x, {1}, {1})),
      OP(concat({x, y})),
      OP(concat(std::vector<Symbol>{x, y}, 1)),
      OP(concat(std::vector<Symbol>{})),
      OP(gather(x, y, 4)),
      OP(one_hot(x, -3)),
      OP(sum(x, 3)),
      OP(mean(x, 3)),
      OP(variance(x, 3)),
      OP(reduce_max(x, 3)),
      OP(reduce_min(x, 3)),
      OP(prod(x, 3)),
      OP(norm(x, 3)),
      OP(normalize(x, 3)),
      OP(argmax(x, 3)),
      OP(argmin(x, 3)),
      OP(matmul(x, y)),
      OP(dense(x, y)),
      OP(dense(x, none)),
      OP(dense(x, transpose(x), y)),
      OP(relu(none)),
      OP(relu6(none)),
      OP(leaky_relu(none)),
      OP(elu(none)),
      OP(selu(none)),
      OP(sigmoid(none)),
      OP(tanh(none)),
      OP(softplus(none)),
      OP(softsign(none)),
      OP(swish(none)),
      OP(silu(none)),
      OP(gelu(none)),
      OP(mish(none)),
      OP(hard_sigmoid(none)),
      OP(exponential(none)),
      OP(log_sigmoid(none)),
      OP(hard_silu(none)),
      OP(hard_swish(none)),
      OP(hard_tanh(none)),
      OP(tanh_shrink(none)),
      OP(hard_shrink(none)),
      OP(soft_shrink(none)),
      OP(threshold(none, 1, 0)),
      OP(celu(none)),
      OP(squareplus(none)),
      OP(sparse_plus(none)),
      OP(sparse_sigmoid(none)),
      OP(glu(y)),
      OP(sparsemax(x, 5)),
      OP(maxout(x, 3)),
      OP(activation("rellu", x)),
      OP(softmax(x, 5)),
      OP(log_softmax(x, 5)),
      OP(convolution(x, y)),
      OP(convolution_transpose(x, y, {4})),
      OP(max_pool(none, {2})),
      OP(average_pool(sum(x), {2})),
      OP(softmax_cross_entropy(x, y)),
      OP(sigmoid_cross_entropy(x, y)),
      OP(binary_crossentropy(x, y)),
      OP(categorical_crossentropy(x, y)),
      OP(sparse_categorical_crossentropy(x, y)),
      OP(batch_norm_training(x, y, y, 1e-3)),
      OP(batch_norm(x, y, y, y, y, 0.9, 1e-3)),
      OP(batch_norm_inference(x, y, y, y, y, 1e-3)),
      OP(dropout(x, y, 0.5, 1)),
      OP(random_uniform(x, {2}, 1)),
      OP(random_bits16(x, {2}, 1)),
  };
  expect_lines(ops);
  expect_all(ops, "ops/ops.h", {"linear", "constant"});  // which raise nothing
}

TEST(OpLines, OfOpsInHeadersOfTheirOwn) {
  std::vector<Op> ops = {
      OP(layer_norm(x, y, y, 1, 1e-3)),
      OP(layer_norm(x, y, y, {}, 1e-3)),
      OP(rms_norm(x, y, 1, 1e-3)),
  };
  expect_lines(ops);
  expect_all(ops, "ops/layer_norm.h", {});
  ops = {
      OP(random_normal(x, {2}, 1)),
      OP(random_keep(x, {2}, 0.5, 1)),
  };
  expect_lines(ops);
  expect_all(ops, "ops/random.h", {});
}

TEST(OpLines, OfGradients) {
  const std::vector<Op> ops = {
      OP(gradients(none, {x})),
      OP(gradients(sum(x), {none})),
      OP(gradients(std::vector<Symbol>{}, std::vector<Symbol>{x})),
  };
  expect_lines(ops);
  expect_all(ops, "ops/gradients.h", {});
}

TEST(OpLines, OfFunctionsOfLabelsAndPredictions) {
  std::vector<Op> ops = {
      OP(losses::mean_squared_error(x, y)),
      OP(losses::mean_absolute_error(x, y)),
      OP(losses::mean_absolute_percentage_error(x, y)),
      OP(losses::mean_squared_logarithmic_error(x, y)),
      OP(losses::huber(x, y)),
      OP(losses::log_cosh(x, y)),
      OP(losses::hinge(x, y)),
      OP(losses::squared_hinge(x, y)),
      OP(losses::categorical_hinge(x, y)),
      OP(losses::kl_divergence(x, y)),
      OP(losses::poisson(x, y)),
      OP(losses::binary_focal_crossentropy(x, y)),
      OP(losses::categorical_focal_crossentropy(x, y)),
      OP(losses::dice(x, y)),
      OP(losses::tversky(x, y)),
      OP(losses::cosine_similarity(x, y)),
      OP(losses::binary_crossentropy(x, y)),
      OP(losses::categorical_crossentropy(x, y)),
      OP(losses::sparse_categorical_crossentropy(x, y)),
      OP(weight_like(x, sum(x), "weights")),
      OP(with_axis_last(x, 4)),
  };
  expect_all(ops, "frontend/losses.h", {});
  expect_lines(ops);
  ops = {
      OP(metrics::binary_accuracy(x, y)),
      OP(metrics::binary_accuracy(x, y, 0.5)),
      OP(metrics::categorical_accuracy(x, y)),
      OP(metrics::sparse_categorical_accuracy(x, y)),
      OP(metrics::top_k_categorical_accuracy(x, y)),
      OP(metrics::sparse_top_k_categorical_accuracy(x, y)),
      OP(metrics::cosine_similarity(x, y)),
      OP(losses::MeanSquaredError()(x, y)),
      OP(Loss("mse").per_sample(x, y)),
      OP(Metric("mse").update(x, y)),
      OP(L2()(none)),
      OP(MaxNorm()(none)),
      OP(ActivationFunction("glu")(y)),
      OP(ExponentialDecay({}).at(none)),
  };
  expect_all(ops, "frontend/metrics.h", {});
  expect_lines(ops);
}

TEST(OpLines, OfTheContext) {
  const auto weight = std::make_shared<Variable>("w", "w", Tensor(DType::kFloat32, {2}), true);
  const Layer layer = Dense(3);
  const auto in = Input(9);
  const Model model(in, Dense(2)(in));
  const SGD sgd(0.1);
  expect_lines({
      OP(c.variable(nullptr)),
      OP(c.current(nullptr)),
      OP(c.assign(weight, none)),
      OP(c.add_update(weight, none)),
      OP(c.gradients(none, {weight})),
      OP(c.gradients(x, {nullptr})),
      OP(c.add_loss(none)),
      OP(layer(c, none)),
      OP(model.call(c, none)),
      OP(model.call(c, x)),
      OP(sgd.apply_gradients(c, {x}, {})),
  });
}

}  // namespace
}  // namespace sinter::testing
