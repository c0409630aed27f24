// Products, clusters and reductions, each as one executable.
#include "tests/bench/graph_benchmark.h"

namespace sinter {
namespace {

// rows x depth times depth x columns in the forms training has; "packed": the right side is a
// variable of an inference graph.
Case product(const std::string& form, int64_t rows, int64_t depth, int64_t columns) {
  return {fmt::format("product {} {}x{}x{}", form, rows, depth, columns),
          2.0 * static_cast<double>(rows * depth * columns), [=](Graph& g) {
            if (form == "xT.dy")
              return matmul(floats(g, "x", {depth, rows}), floats(g, "dy", {depth, columns}), true);
            const Symbol x = floats(g, "x", {rows, depth});
            if (form == "dy.wT") return matmul(x, floats(g, "w", {columns, depth}), false, true);
            const ValueType w{DType::kFloat32, {depth, columns}};
            return matmul(x, form == "packed" ? g.variable("w", w) : g.input("w", w));
          }};
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* form : {"x.w", "xT.dy", "dy.wT", "packed"}) {
    for (int64_t width : {128, 256, 512, 1024, 2048})
      all.push_back(product(form, 128, width, width));
    all.push_back(product(form, 128, 784, 128));
    all.push_back(product(form, 128, 128, 10));
    for (int64_t width : {128, 1024}) all.push_back(product(form, 1, width, width));
  }
  constexpr int64_t kLarge = int64_t{1} << 24, kSmall = 1 << 16;
  for (int64_t n : {kSmall, kLarge}) {
    all.push_back(
        {fmt::format("relu {}", n), 0, [n](Graph& g) { return relu(floats(g, "x", {n})); }});
    all.push_back({fmt::format("add {}", n), 0,
                   [n](Graph& g) { return floats(g, "x", {n}) + floats(g, "y", {n}); }});
    all.push_back({fmt::format("gelu(ax+b)sigmoid {}", n), 0, [n](Graph& g) {
                     const Symbol x = floats(g, "x", {n});
                     return gelu(x * 1.5 + 0.25) * sigmoid(x);
                   }});
  }
  for (Shape shape : {Shape{128, 512}, Shape{4096, 512}}) {
    const std::string size = shape.to_string();
    const auto x = [shape](Graph& g) { return floats(g, "x", shape); };
    all.push_back({"bias+tanh " + size, 0,
                   [=](Graph& g) { return tanh(x(g) + floats(g, "b", {shape[1]})); }});
    all.push_back({"sum of rows " + size, 0, [=](Graph& g) { return sum(x(g), {1}); }});
    all.push_back({"sum of columns " + size, 0, [=](Graph& g) { return sum(x(g), {0}); }});
    all.push_back({"softmax " + size, 0, [=](Graph& g) { return softmax(x(g)); }});
    all.push_back({"standardise columns " + size, 0, [=](Graph& g) {
                     const Symbol v = x(g);
                     return (v - mean(v, {0})) * rsqrt(variance(v, {0}) + 1e-3);
                   }});
    all.push_back({"transpose " + size, 0, [=](Graph& g) { return transpose(x(g)); }});
  }
  for (Shape shape : {Shape{1024, 1024}, Shape{4096, 4096}, Shape{1009, 1013}, Shape{128, 10}})
    all.push_back({"transpose " + shape.to_string(), 0,
                   [=](Graph& g) { return transpose(floats(g, "x", shape)); }});
  all.push_back({"transpose heads [32,128,8,64]", 0, [](Graph& g) {
                   return transpose(floats(g, "x", {32, 128, 8, 64}), {0, 2, 3, 1});
                 }});
  return all;
}

const bool registered = register_cases(cases());

}  // namespace
}  // namespace sinter
