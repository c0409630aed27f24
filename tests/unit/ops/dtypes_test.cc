// What dtypes mean on every backend: conversions of every value, integers that no double holds, and
// values and gradients of bfloat16.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>

#include "core/convert.h"
#include "core/error.h"
#include "core/model_file.h"
#include "core/text.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// f(results, where) for every backend, with and without passes.
void run_everywhere(const Graph& graph, const std::vector<Tensor>& inputs,
                    const std::function<void(const std::vector<Tensor>&, const std::string&)>& f) {
  for (const std::string& backend : backend_names()) {
    for (const bool passes : {true, false}) {
      CompileOptions options;
      options.backend = backend;
      options.pipeline = "training";
      if (!passes) options.disabled_passes = {"all"};
      f(compile(graph, options)->run(inputs), backend + (passes ? "" : " without passes"));
    }
  }
}

Tensor tensor_of(DType dtype, const std::vector<double>& values) {
  Tensor t(dtype, Shape{static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i) t.set(static_cast<int64_t>(i), values[i]);
  return t;
}

void expect_same(const Tensor& got, const Tensor& want, const std::string& what) {
  ASSERT_EQ(got.type(), want.type()) << what;
  for (int64_t i = 0; i < got.elements(); ++i) {
    const Number a = got.number(i), b = want.number(i);
    const bool nan = std::isnan(a.as_double()) && std::isnan(b.as_double());
    EXPECT_TRUE(a == b || nan) << what << ": element " << i << " is " << a.to_string()
                               << ", expected " << b.to_string();
  }
}

TEST(Convert, IsDefinedForEveryValue) {
  EXPECT_EQ(convert_element<int32_t>(kNaN), 0);
  EXPECT_EQ(convert_element<int32_t>(kInf), INT32_MAX);
  EXPECT_EQ(convert_element<int32_t>(-1e10f), INT32_MIN);
  EXPECT_EQ(convert_element<int32_t>(2147483647.9), INT32_MAX);
  EXPECT_EQ(convert_element<int64_t>(0x1p63), INT64_MAX);
  EXPECT_EQ(convert_element<int64_t>(-0x1p63), INT64_MIN);
  EXPECT_EQ(convert_element<int64_t>(0x1p62f), int64_t{1} << 62);
  EXPECT_EQ(convert_element<uint8_t>(-0.9), 0);
  EXPECT_EQ(convert_element<uint8_t>(255.9), 255);
  EXPECT_EQ(convert_element<uint8_t>(-3), 253);
  EXPECT_EQ(convert_element<int8_t>(200), -56);
  EXPECT_EQ(convert_element<int8_t>(200.0), 127);
  EXPECT_EQ(convert_element<int8_t>(-200.0F), -128);
  EXPECT_EQ(convert_element<float16>(65519), float16(65504.0F));
  EXPECT_EQ(convert_element<int32_t>(int64_t{1} << 32 | 5), 5);
  EXPECT_TRUE(convert_element<bool>(kNaN));
  EXPECT_TRUE(convert_element<bool>(5e-324));
  EXPECT_FALSE(convert_element<bool>(-0.0));
  EXPECT_EQ(convert_element<float>(INT64_MAX), 0x1p63f);
  EXPECT_EQ(convert_element<bfloat16>(257), bfloat16(256.0f));
}

TEST(Convert, IsTheSameOnEveryBackend) {
  const std::vector<double> floats = {
      kNaN,   kInf,    -kInf,    1e20,   -1e20,   -1.9, 2147483647.0, 2147483648.0, 4294967296.0,
      255.5,  256,     -0.5,     9.3e18, -9.3e18, 0,    -0.0,         1e-40,        0x1p62,
      0x1p63, -0x1p63, 16777217, 1e300,  0.5,     1.0};
  const std::vector<double> integers = {-1,  0,   1,          255,         256,      -129,
                                        300, 1e9, 2147483647, -2147483648, 16777217, 7};
  Graph graph;
  std::vector<Tensor> inputs, want;
  for (DType from : kAllDTypes) {
    inputs.push_back(tensor_of(from, is_floating(from) ? floats : integers));
    const Symbol x = graph.input(fmt::format("x{}", inputs.size()), inputs.back().type());
    const Symbol folded = graph.constant(inputs.back());
    for (DType to : kAllDTypes) {
      if (to == from) continue;
      for (const Symbol& s : {x, folded}) {
        graph.add_output(fmt::format("y{}", want.size()), cast(s, to).id());
        want.push_back(inputs.back().cast(to));
      }
    }
  }
  run_everywhere(graph, inputs, [&](const std::vector<Tensor>& got, const std::string& where) {
    for (size_t k = 0; k < want.size(); ++k)
      expect_same(got[k], want[k], fmt::format("{} on {}", graph.outputs()[k].name, where));
  });
}

TEST(Integers, StayWhatTheyAreBeyond2To53) {
  constexpr int64_t big = (int64_t{1} << 53) + 1;
  Graph graph("big");
  const std::vector<int64_t> values = {0, 1, -big, INT64_MAX, INT64_MIN, big + 1};
  const Symbol x = graph.input("x", {DType::kInt64, Shape{6}});
  graph.add_output("sum", (x + big).id());
  graph.add_output("product", (big * x).id());
  graph.add_output("largest", maximum(x, big).id());
  graph.add_output("clipped", clip(x, -big, big).id());
  graph.add_output("chosen", select(greater(x, big), INT64_MAX, x).id());
  graph.add_output("total", sum(x - INT64_MIN).id());
  graph.add_output("same", cast(equal(x, -big), DType::kInt64).id());
  std::vector<std::vector<int64_t>> want(7);
  uint64_t total = 0;
  for (int64_t v : values) {
    const auto u = static_cast<uint64_t>(v);
    want[0].push_back(static_cast<int64_t>(u + uint64_t{big}));
    want[1].push_back(static_cast<int64_t>(u * uint64_t{big}));
    want[2].push_back(std::max(v, big));
    want[3].push_back(std::clamp(v, -big, big));
    want[4].push_back(v > big ? INT64_MAX : v);
    total += u - static_cast<uint64_t>(INT64_MIN);
    want[6].push_back(v == -big);
  }
  want[5].push_back(static_cast<int64_t>(total));
  const std::vector<Tensor> inputs = {Tensor::from<int64_t>({6}, values)};
  const auto check = [&](const std::vector<Tensor>& got, const std::string& where) {
    for (size_t k = 0; k < want.size(); ++k) {
      for (size_t i = 0; i < want[k].size(); ++i)
        EXPECT_EQ(got[k].data<int64_t>()[i], want[k][i])
            << graph.outputs()[k].name << " of " << values[i] << " on " << where;
    }
  };
  run_everywhere(graph, inputs, check);
  // Maps with the number as a literal, through text and file.
  CompileOptions options;
  options.backend = "reference";
  const Graph lowered = compile(graph, options)->graph();
  EXPECT_THAT(to_text(lowered), ::testing::HasSubstr("9007199254740993:int64"));
  const Graph reread = parse_graph(to_text(lowered));
  EXPECT_TRUE(equal_graphs(lowered, reread)) << to_text(reread);
  const testing::TemporaryFolder folder;
  ModelFile file;
  file.graphs.push_back(lowered);
  save_model_file(folder.file("big.sinter"), file);
  const ModelFile loaded = load_model_file(folder.file("big.sinter"));
  ASSERT_EQ(loaded.graphs.size(), 1u);
  EXPECT_TRUE(equal_graphs(lowered, loaded.graphs[0])) << to_text(loaded.graphs[0]);
}

TEST(Integers, PowersWrapAroundAndInverses) {
  Graph graph;
  const std::vector<int32_t> base = {2, -2, 0, 1, -1, -1, 7, 3},
                             exponent = {-1, 3, -2, -5, -3, -4, 0, 21};
  const std::vector<int32_t> want = {0, -8, 0, 1, -1, 1, 1, 1870418611};
  const Symbol a = graph.input("a", {DType::kInt32, Shape{8}});
  const Symbol b = graph.input("b", {DType::kInt32, Shape{8}});
  graph.add_output("y", power(a, b).id());
  graph.add_output("wide",
                   cast(power(cast(a, DType::kInt64), cast(b, DType::kInt64)), DType::kInt32).id());
  const std::vector<Tensor> inputs = {Tensor::from<int32_t>({8}, base),
                                      Tensor::from<int32_t>({8}, exponent)};
  run_everywhere(graph, inputs, [&](const std::vector<Tensor>& got, const std::string& where) {
    for (const Tensor& t : got) expect_same(t, Tensor::from<int32_t>({8}, want), where);
  });
}

TEST(Scalars, FloatLiteralsOfTextAreFloats) {
  // 0.1 as a double is less than 0.1 as a float, which is what the literal is.
  const ScalarExpr e = ScalarExpr::parse("(float32) -> less(0.1:float32, a0)");
  EXPECT_EQ(e.to_string(), "(float32) -> less(0.1:float32, a0)");
  std::vector<ScalarValue> scratch(e.instructions.size());
  const ScalarValue x{static_cast<double>(0.1f), 0};
  evaluate(e, std::span(&x, 1), scratch);
  EXPECT_EQ(scratch[static_cast<size_t>(e.results[0])].i, 0);
  for (const char* text :
       {"(int32) -> add(a0, 0.5:int32)", "(uint8) -> add(a0, 256:uint8)",
        "(int64) -> add(a0, 9223372036854775808:int64)", "(int32) -> add(a0, nan:int32)",
        "(bool, bool) -> sub(a0, a1)", "(bool) -> neg(a0)"})
    EXPECT_THROW(ScalarExpr::parse(text), ParseError) << text;
  EXPECT_EQ(ScalarExpr::parse("(int64) -> add(a0, -9223372036854775808:int64)").to_string(),
            "(int64) -> add(a0, -9223372036854775808:int64)");
  EXPECT_EQ(ScalarExpr::parse("(int64) -> add(a0, 1e+15:int64)").to_string(),
            "(int64) -> add(a0, 1000000000000000:int64)");
}

// A value that is read twice, broadcast, moved, gathered and multiplied.
TEST(BFloat16, GradientsAreSummedInFloat32AndRoundedOnce) {
  Graph graph;
  const Symbol x = graph.input("x", {DType::kBFloat16, Shape{2, 3}});
  const Symbol row = graph.input("row", {DType::kBFloat16, Shape{3}});
  const Symbol index = graph.input("index", {DType::kInt32, Shape{3}});
  Symbol loss = sum(x * x) + sum(x * 3.0) + sum(broadcast_to(row, x.shape()) * 0.5);
  loss = loss + sum(gather(row, index, 0)) + sum(concat(std::vector{x, x}, 0)) + sum(transpose(x)) +
         sum(select(greater(x, 0), x, x)) + sum(slice(pad(x, {1, 0}, {0, 1}, 2), 0, 1, 3));
  const Symbol wrt[] = {x, row};
  const std::vector<Symbol> found = gradients(std::array{loss}, wrt);
  ASSERT_EQ(found[0].type(), x.type());
  ASSERT_EQ(found[1].type(), row.type());
  for (const Symbol& g : found) graph.add_output(fmt::format("d{}", g.id().node), g.id());
  const std::vector<Tensor> inputs = {
      tensor_of(DType::kBFloat16, {1, -2, 0.5, 4, 0, -0.25}).reshaped({2, 3}),
      tensor_of(DType::kBFloat16, {1, 2, 3}),
      Tensor::from<int32_t>({3}, std::vector<int32_t>{0, 0, 2})};
  // 2 x + 3 + 2 + 1 + 1 + 1, and 2 * 0.5 + how often the index is there.
  const Tensor dx = tensor_of(DType::kBFloat16, {10, 4, 9, 16, 8, 7.5}).reshaped({2, 3});
  const Tensor drow = tensor_of(DType::kBFloat16, {3, 1, 2});
  run_everywhere(graph, inputs, [&](const std::vector<Tensor>& got, const std::string& where) {
    expect_same(got[0], dx, where);
    expect_same(got[1], drow, where);
  });
}

// One after the other, 257 would be 256 in bfloat16 for ever.
TEST(BFloat16, GradientsOfManyUsesAreSummedInFloat32) {
  Graph graph("many");
  const Symbol x = graph.input("x", {DType::kBFloat16, Shape{2}});
  std::vector<Symbol> uses;
  Symbol total = constant(graph, Tensor::scalar(0.0f));
  for (int i = 0; i < 300; ++i) {
    total = total + sum(cast(x, DType::kFloat32));
    uses.push_back(x);
  }
  const std::vector<Symbol> dx = {gradients(total, {x})[0],
                                  gradients(sum(concat(uses, 0)), {x})[0]};
  graph.add_output("sum", dx[0].id());
  graph.add_output("concat", dx[1].id());
  for (const Tensor& value :
       evaluate_graph(graph, std::vector<Tensor>{tensor_of(DType::kBFloat16, {1, 2})}))
    EXPECT_EQ(value.at(1), 300) << value;
}

// Whatever takes bfloat16 gives what it gives for the same values in float32.
TEST(BFloat16, ComputesInFloat32) {
  Graph narrow, wide;
  const std::vector<double> values = {0.5, -1.25, 2, 0.375, 1, -0.5, 0.75, 3, -2, 0.125, 1.5, 0.25};
  const auto build = [&](Graph& graph, DType dtype) {
    const Symbol x = graph.input("x", {dtype, Shape{4, 3}});
    const Symbol labels = graph.input("labels", {DType::kInt32, Shape{4}});
    const Symbol state = graph.input("state", {DType::kInt64, Shape{2}});
    const Symbol ones = graph.constant(Tensor::full(DType::kFloat32, {3}, 1));
    const Symbol p = softmax(x);
    std::vector<Symbol> ys = {mean(x),
                              variance(x, {0}),
                              p,
                              log_softmax(x),
                              exp(x),
                              sqrt(abs(x)),
                              sigmoid(x),
                              gelu(x),
                              x / 3,
                              power(x, 2),
                              reduce_max(x, {1}),
                              prod(x, {1}),
                              maximum(x, 0.5),
                              clip(x, -1, 1),
                              less(x, 0.3),
                              cast(argmax(x), DType::kFloat32),
                              dropout(x, state, 0.5, 1),
                              softmax_cross_entropy(p, x),
                              sigmoid_cross_entropy(p, x),
                              binary_crossentropy(p, sigmoid(x)),
                              categorical_crossentropy(p, p),
                              sparse_categorical_crossentropy(labels, x, true),
                              batch_norm_training(x, ones, ones, 1e-3).y,
                              maxout(x, 3),
                              square(x),
                              -x};
    for (size_t k = 0; k < ys.size(); ++k) graph.add_output(fmt::format("y{}", k), ys[k].id());
    Symbol loss;
    for (const Symbol& y : ys) {
      if (is_floating(y.dtype())) loss = loss.valid() ? loss + mean(y) : mean(y);
    }
    const Symbol dx = gradients(std::array{loss}, std::array{x})[0];
    EXPECT_EQ(dx.type(), x.type());
    graph.add_output("dx", cast(cast(dx, DType::kBFloat16), DType::kFloat32).id());
  };
  build(narrow, DType::kBFloat16);
  build(wide, DType::kFloat32);
  const auto inputs = [&](DType dtype) {
    return std::vector<Tensor>{tensor_of(dtype, values).reshaped({4, 3}),
                               Tensor::from<int32_t>({4}, std::vector<int32_t>{0, 2, 1, 1}),
                               Tensor::from<int64_t>({2}, std::vector<int64_t>{7, 3})};
  };
  CompileOptions options;
  options.backend = "reference";
  options.pipeline = "training";
  options.disabled_passes = {"all"};
  const std::vector<Tensor> want = compile(wide, options)->run(inputs(DType::kFloat32));
  run_everywhere(narrow, inputs(DType::kBFloat16),
                 [&](const std::vector<Tensor>& got, const std::string& where) {
                   for (size_t k = 0; k < want.size(); ++k) {
                     ASSERT_EQ(got[k].type(), want[k].type()) << k;
                     const bool rounded = narrow.outputs()[k].name == "dx";
                     for (int64_t i = 0; i < want[k].elements(); ++i) {
                       EXPECT_NEAR(got[k].at(i), want[k].at(i),
                                   (rounded ? 0x1p-5 : 1e-5) * (1 + std::fabs(want[k].at(i))))
                           << "result " << k << ", element " << i << " on " << where;
                     }
                   }
                 });
}

TEST(BFloat16, NodesThatWouldComputeInItAreRefused) {
  register_ops();
  Graph g;
  const Symbol x = g.input("x", {DType::kBFloat16, Shape{4}});
  for (const char* op : {"exp", "sqrt", "relu", "abs", "sigmoid", "negative"})
    EXPECT_THROW(g.add1(op, {x}), ShapeError) << op;
  for (const char* op : {"add", "less", "maximum"}) EXPECT_THROW(g.add1(op, {x, x}), ShapeError);
  EXPECT_THROW(g.add1("softmax", {x}, {{"axis", int64_t{0}}}), ShapeError);
  EXPECT_THROW(g.add1("mean", {x}, {{"axes", std::vector<int64_t>{0}}}), ShapeError);
  EXPECT_THROW(parse_graph(R"(graph "g" {
  %x = input() : bfloat16[4]
  %y = exp(%x) : bfloat16[4]
  output "y" = %y
}
)"),
               Error);
}

}  // namespace
}  // namespace sinter
