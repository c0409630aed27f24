// Loads the model of a file, predicts one row of zeros, ends: what tests/bench/start times as a
// whole process.
#include <sinter/sinter.h>

#include <cstdio>
#include <exception>

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: bench_load_predict model.sinter\n", stderr);
    return 2;
  }
  try {
    const sinter::Model model = sinter::load_model(arguments[1]);
    const sinter::Shape row = model.inputs()[0].shape().specialized(1);
    const sinter::Tensor y =
        model.predict(sinter::Tensor(sinter::DType::kFloat32, row), {.verbose = 0});
    return y.shape()[0] == 1 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_load_predict: %s\n", error.what());
    return 1;
  }
}
