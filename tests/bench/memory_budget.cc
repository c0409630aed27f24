// What compile({.memory_budget = bytes}) gives and costs: steps of sinter bench's cnn_train with
// budgets and without, in turn.
//
//   bench_memory_budget [ROUNDS [THREADS [BATCH]]]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/memory_limit.h"
#include "frontend/sinter.h"

namespace sinter {
namespace {

Model cnn() {
  const KerasTensor x = Input({28, 28, 1});
  KerasTensor h = x;
  for (const int64_t filters : {32, 64}) {
    for (int i = 0; i < 2; ++i)
      h = Conv2D(filters, 3, {.padding = "same", .activation = "relu"})(h);
    h = MaxPooling2D()(h);
  }
  return Model(x, Dense(10, "softmax")(Dense(128, "relu")(Flatten()(h))));
}

struct Trained {
  Model model;
  MemoryReport report;
  std::vector<double> milliseconds;
};

Trained with_budget(int64_t batch, int64_t budget) {
  set_random_seed(1);
  Model model = cnn();
  model.compile(
      {.optimizer = Adam(1e-3), .loss = "categorical_crossentropy", .memory_budget = budget});
  MemoryReport report = model.memory_report(batch, {.training = true});
  return {std::move(model), std::move(report), {}};
}

double median(std::vector<double>& all) {
  std::ranges::sort(all);
  return all[all.size() / 2];
}

void compare(int rounds, int64_t batch) {
  Tensor x(DType::kFloat32, {batch, 28, 28, 1}), y(DType::kFloat32, {batch, 10});
  const std::span<float> values = x.data<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 7919 % 1000) / 1000;
  for (int64_t i = 0; i < batch; ++i) y.set({i, i % 10}, 1);
  std::vector<Trained> all;
  all.push_back(with_budget(batch, 0));
  const int64_t values_bytes =
      all[0].report.bytes(MemoryKind::kActivations) + all[0].report.bytes(MemoryKind::kGradients);
  for (const double share : {0.75, 0.6, 0.53}) {
    const int64_t rest = all[0].report.total() - values_bytes;
    all.push_back(
        with_budget(batch, rest + static_cast<int64_t>(share * static_cast<double>(values_bytes))));
  }
  for (int round = -2; round < rounds; ++round) {
    for (Trained& t : all) {
      const auto begin = std::chrono::steady_clock::now();
      t.model.train_on_batch(x, y);
      const std::chrono::duration<double, std::milli> time =
          std::chrono::steady_clock::now() - begin;
      if (round >= 0) t.milliseconds.push_back(time.count());
    }
  }
  const double plain = median(all[0].milliseconds);
  const std::vector<Tensor> weights = all[0].model.get_weights();
  fmt::print("cnn, {} rows, {} threads, {} steps each\n", batch, threads(), rounds);
  for (Trained& t : all) {
    const int64_t activations = t.report.bytes(MemoryKind::kActivations);
    const int64_t gradients = t.report.bytes(MemoryKind::kGradients);
    const std::vector<Tensor> now = t.model.get_weights();
    const bool same = std::ranges::equal(
        now, weights, [](const Tensor& a, const Tensor& b) { return a.identical(b); });
    const double time = median(t.milliseconds);
    fmt::print(
        "in all {:>9}; at the peak activations {:>9}, gradients {:>9} (both: {:3.0f} %); {:6.1f} "
        "ms a step ({:+.1f} %); {} weights\n",
        memory_text(t.report.total()), memory_text(activations), memory_text(gradients),
        100 * static_cast<double>(activations + gradients) / static_cast<double>(values_bytes),
        time, 100 * (time / plain - 1), same ? "the same" : "OTHER");
  }
}

}  // namespace
}  // namespace sinter

int main(int argc, char** argv) {
  if (argc > 2) sinter::set_threads(std::atoi(argv[2]));
  sinter::compare(argc > 1 ? std::atoi(argv[1]) : 41, argc > 3 ? std::atoll(argv[3]) : 128);
}
