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
constexpr int64_t kTogether = 8;  // batches of one size in a call that is made for that size

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

/// A batch of that size by a program for it alone, that has just run: several in one call, without
/// what a call costs beside its work.
double best(const Model& model, const Tensor& x, int64_t size) {
  const Tensor rows = x.rows(0, size * kTogether);
  double least = 0;
  for (int i = 0; i < 8; ++i) {
    const double found = microseconds([&] { (void)model.predict(rows, {.batch_size = size}); });
    least = i < 2 ? found : std::min(least, found);  // the first makes the program
  }
  return least / static_cast<double>(kTogether);
}

void stream(const Model& model, const Tensor& x, const std::string& name,
            const std::function<int64_t(std::mt19937&)>& next) {
  std::mt19937 engine(7);
  std::vector<int64_t> sizes;
  for (int i = 0; i < kCalls; ++i) sizes.push_back(next(engine));
  // The first pass makes the programs. The least time of a size stands for it.
  std::map<int64_t, double> spent;
  for (int pass = 0; pass < 6; ++pass) {
    for (const int64_t size : sizes) {
      const double found =
          microseconds([&] { (void)model.predict(x.rows(0, size), {.batch_size = 2 * kMost}); });
      if (pass == 0) continue;
      const auto [at, added] = spent.emplace(size, found);
      if (!added) at->second = std::min(at->second, found);
    }
  }
  // What a call costs beside its work: one row has a program of its own in both.
  double one = 0;
  for (int i = 0; i < 50; ++i) {
    const double found = microseconds([&] { (void)model.predict(x.rows(0, 1)); });
    one = i == 0 ? found : std::min(one, found);
  }
  const double call = std::max(0.0, one - best(model, x, 1));
  std::map<int64_t, double> least;
  for (const auto& [size, time] : spent) least[size] = call + best(model, x, size);
  double total = 0, total_best = 0, worst = 0;
  int64_t worst_size = 0;
  for (const int64_t size : sizes) {
    total += spent[size];
    total_best += least[size];
    if (spent[size] / least[size] > worst) {
      worst = spent[size] / least[size];
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
    Tensor x(float32, {kMost * kTogether, width});
    for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>(i % 97) / 97);
    for (const int64_t programs : limits) {
      set_prediction_programs(programs);
      const Model model = mlp(width);
      std::fflush(stdout);
      std::printf("%lld wide, %lld programs\n", static_cast<long long>(width),
                  static_cast<long long>(programs));
      stream(model, x, "any of 1..512", [](std::mt19937& e) { return 1 + e() % kMost; });
      stream(model, x, "mostly small", [](std::mt19937& e) {
        return std::min<int64_t>(kMost, 1 + static_cast<int64_t>(1.0 / (0.002 + e() / 4.3e9)));
      });
      stream(model, x, "one above powers of two",
             [](std::mt19937& e) { return (int64_t{1} << (e() % 9)) + 1; });
    }
  }
}
