// What fit(..., {.check_numerics = true}) costs: epochs with it and without, in turn.
//
//   bench_check_numerics [mlp|cnn [STEPS [THREADS]]]     batches of 128 rows, so many an epoch
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "frontend/sinter.h"

namespace sinter {
namespace {

Model mlp() {
  const KerasTensor x = Input({784});
  KerasTensor h = x;
  for (int i = 0; i < 3; ++i) h = Dense(128, "relu")(h);
  return Model(x, Dense(10, "softmax")(h));
}

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

struct Times {
  std::vector<double> all;  // microseconds of a step, of each epoch
  double median() {
    std::ranges::sort(all);
    return all[all.size() / 2];
  }
};

void compare(const std::string& name, int steps) {
  const Model model = name == "cnn" ? cnn() : mlp();
  model.compile({.optimizer = Adam(1e-4), .loss = "categorical_crossentropy"});
  const int64_t rows = 128 * int64_t{steps};
  Shape shape = model.input_shape();
  shape[0] = rows;
  Tensor x(DType::kFloat32, shape), y(DType::kFloat32, {rows, 10});
  const std::span<float> values = x.data<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 7919 % 1000) / 1000;
  for (int64_t i = 0; i < rows; ++i) y.set({i, i % 10}, 1);
  const Dataset batches = Dataset::from_tensor_slices({x, y}).batch(128);
  for (const bool of_dataset : {false, true}) {
    Times plain, armed;
    for (int epoch = 0; epoch < 21; ++epoch) {
      for (const bool check : {false, true}) {
        using Clock = std::chrono::steady_clock;
        const Clock::time_point begin = Clock::now();
        if (of_dataset)
          model.fit(batches, {.verbose = 0, .check_numerics = check});
        else
          model.fit(x, y, {.batch_size = 128, .verbose = 0, .check_numerics = check});
        const std::chrono::duration<double, std::micro> time = Clock::now() - begin;
        (check ? armed : plain).all.push_back(time.count() / steps);
      }
    }
    const double ratio = armed.median() / plain.median();
    fmt::print("{}, {} steps of a {}: {:.1f} us a step, {:.1f} us with check_numerics, {:+.1f} %\n",
               name, steps, of_dataset ? "dataset" : "tensor", plain.median(), armed.median(),
               100 * (ratio - 1));
  }
}

}  // namespace
}  // namespace sinter

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "mlp";
  if (argc > 3) sinter::set_threads(std::atoi(argv[3]));
  sinter::compare(name, argc > 2 ? std::atoi(argv[2]) : 100);
}
