// What a stream of batch sizes costs in predict(), beside programs that are made for each size: the
// few programs that serve all sizes compute rows that nobody asked for (session.h,
// set_prediction_programs).
//
//   bench_predict_sizes [PROGRAMS ...]
#include <fmt/format.h>
#include <sinter/sinter.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace sinter {
namespace {

constexpr int64_t kMost = 512;
constexpr int kCalls = 150;

using Clock = std::chrono::steady_clock;

double microseconds(const std::function<void()>& f) {
  const Clock::time_point begin = Clock::now();
  f();
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

Model mlp(int64_t width) {
  clear_session();
  const KerasTensor x = Input({width});
  KerasTensor h = Dense(width, {.activation = "relu"})(x);
  h = Dense(width, {.activation = "relu"})(h);
  return Model(x, Dense(10, {.activation = "softmax"})(h));
}

using Times = std::map<int64_t, double>;  // microseconds by size

/// The least time of each size, in a stream of them all: what one size leaves in the caches is gone
/// when it comes again. The first pass makes the programs.
Times least_times(const std::vector<int64_t>& sizes, const std::function<void(int64_t)>& predict) {
  Times least;
  for (int pass = 0; pass < 6; ++pass) {
    for (const int64_t size : sizes) {
      const double found = microseconds([&] { predict(size); });
      if (pass == 0) continue;
      const auto [at, added] = least.emplace(size, found);
      if (!added) at->second = std::min(at->second, found);
    }
  }
  return least;
}

/// What a call costs beside its work: as one row after the other, by one program, shows.
double cost_of_call(const Model& model, const Tensor& x) {
  double least[2] = {0, 0};  // of one row, of two batches of one
  for (int i = 0; i < 50; ++i) {
    for (int64_t rows = 1; rows <= 2; ++rows) {
      const double found =
          microseconds([&] { (void)model.predict(x.rows(0, rows), {.batch_size = 1}); });
      double& known = least[rows - 1];
      known = i == 0 ? found : std::min(known, found);
    }
  }
  return std::max(0.0, 2 * least[0] - least[1]);
}

void stream(const Model& model, const Tensor& x, int64_t programs, const std::string& name,
            const std::function<int64_t(std::mt19937&)>& next) {
  std::mt19937 engine(7);
  std::vector<int64_t> sizes;
  for (int i = 0; i < kCalls; ++i) sizes.push_back(next(engine));
  set_prediction_programs(programs);
  const Times spent = least_times(sizes, [&](int64_t size) {
    (void)model.predict(x.rows(0, size), {.batch_size = 2 * kMost});
  });
  // Two batches of a size in one call are run by a program for that size alone.
  set_prediction_programs(2 * kMost);
  const Times twice = least_times(
      sizes, [&](int64_t size) { (void)model.predict(x.rows(0, 2 * size), {.batch_size = size}); });
  const double call = cost_of_call(model, x);
  double total = 0, total_best = 0, worst = 0;
  int64_t worst_size = 0;
  for (const int64_t size : sizes) {
    const double best = call + (twice.at(size) - call) / 2;
    total += spent.at(size);
    total_best += best;
    if (spent.at(size) / best > worst) {
      worst = spent.at(size) / best;
      worst_size = size;
    }
  }
  std::printf("  %-22s %3zu sizes  %8.1f us a call, %8.1f made for each: %.2f  worst %.2f (%lld)\n",
              name.c_str(), spent.size(), total / kCalls, total_best / kCalls, total / total_best,
              worst, static_cast<long long>(worst_size));
}

}  // namespace
}  // namespace sinter

int main(int count, char** arguments) {
  using namespace sinter;
  std::vector<int64_t> limits;
  for (int i = 1; i < count; ++i) limits.push_back(std::atoll(arguments[i]));
  if (limits.empty()) limits = {96, 52, 28, 16};
  for (const int64_t width : {int64_t{64}, int64_t{512}}) {
    Tensor x(float32, {2 * kMost, width});
    for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>(i % 97) / 97);
    for (const int64_t programs : limits) {
      const Model model = mlp(width);
      std::fflush(stdout);
      std::printf("%lld wide, %lld programs\n", static_cast<long long>(width),
                  static_cast<long long>(programs));
      stream(model, x, programs, "any of 1..512", [](std::mt19937& e) { return 1 + e() % kMost; });
      stream(model, x, programs, "mostly small", [](std::mt19937& e) {
        return std::min<int64_t>(kMost, 1 + static_cast<int64_t>(1.0 / (0.002 + e() / 4.3e9)));
      });
      stream(model, x, programs, "one above powers of two",
             [](std::mt19937& e) { return (int64_t{1} << (e() % 9)) + 1; });
    }
  }
}
