// oneDNN with its own threads (OpenMP) on the products of one training step of the perceptron
// 784-128-128-128-10, batch 128, for tests/bench/busy. Arguments: threads, seconds. Prints one JSON
// line.
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <dnnl.hpp>
#include <numeric>
#include <unordered_map>
#include <vector>

namespace {

using dnnl::memory;

memory matrix(const dnnl::engine& engine, int64_t rows, int64_t columns) {
  memory result({{rows, columns}, memory::data_type::f32, memory::format_tag::ab}, engine);
  std::fill_n(static_cast<float*>(result.get_data_handle()), rows * columns, 0.01f);
  return result;
}

/// The same numbers with rows and columns exchanged.
memory transposed(const dnnl::engine& engine, const memory& m) {
  const auto dims = m.get_desc().dims();
  return memory({{dims[1], dims[0]}, memory::data_type::f32, memory::format_tag::ba}, engine,
                m.get_data_handle());
}

struct Product {
  dnnl::matmul primitive;
  std::unordered_map<int, memory> arguments;

  Product(const dnnl::engine& engine, const memory& a, const memory& b, const memory& c)
      : primitive(describe(engine, a, b, c)),
        arguments({{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}}) {}

  static dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const memory& a,
                                               const memory& b, const memory& c) {
#if DNNL_VERSION_MAJOR >= 3
    return {engine, a.get_desc(), b.get_desc(), c.get_desc()};
#else
    return {{a.get_desc(), b.get_desc(), c.get_desc()}, engine};
#endif
  }
};

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 1;
  omp_set_num_threads(threads);
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  constexpr int64_t kRows = 128;
  const std::vector<int64_t> sizes = {784, 128, 128, 128, 10};
  std::vector<memory> values = {matrix(engine, kRows, sizes[0])};
  std::vector<Product> forward, backward;
  for (size_t i = 0; i + 1 < sizes.size(); ++i) {
    const memory weights = matrix(engine, sizes[i], sizes[i + 1]);
    const memory slope = matrix(engine, kRows, sizes[i + 1]);
    values.push_back(matrix(engine, kRows, sizes[i + 1]));
    forward.emplace_back(engine, values[i], weights, values[i + 1]);
    backward.emplace_back(engine, transposed(engine, values[i]), slope,
                          matrix(engine, sizes[i], sizes[i + 1]));
    if (i > 0)
      backward.emplace_back(engine, slope, transposed(engine, weights),
                            matrix(engine, kRows, sizes[i]));
  }
  const auto step = [&] {
    for (std::vector<Product>* products : {&forward, &backward}) {
      for (Product& p : *products) p.primitive.execute(stream, p.arguments);
    }
    stream.wait();
  };
  using Clock = std::chrono::steady_clock;
  const auto microseconds = [](Clock::time_point since) {
    return std::chrono::duration<double, std::micro>(Clock::now() - since).count();
  };
  for (int i = 0; i < 5; ++i) step();
  std::vector<double> times;
  for (const auto start = Clock::now(); microseconds(start) < seconds * 1e6 || times.size() < 10;) {
    const auto begin = Clock::now();
    step();
    times.push_back(microseconds(begin));
  }
  std::ranges::sort(times);
  fmt::print(
      "{{\"peer\": \"onednn\", \"work\": \"mlp_train\", \"threads\": {}, \"median_us\": {:.1f}, "
      "\"mean_us\": {:.1f}, \"p99_us\": {:.1f}, \"max_us\": {:.1f}, \"steps\": {}}}\n",
      threads, times[times.size() / 2],
      std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size()),
      times[times.size() * 99 / 100], times.back(), times.size());
}
