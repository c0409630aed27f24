// Writes the model that tests/bench/exporters hands to Sinter: Dense layers with the weights of a
// file made by numpy.savez(kernel, bias, kernel, bias, ...), relu, at the end softmax.
#include <sinter/sinter.h>

#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <vector>

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("usage: bench_exporters_model weights.npz model.sinter\n", stderr);
    return 2;
  }
  try {
    const std::map<std::string, sinter::Tensor> arrays = sinter::load_npz(arguments[1]);
    std::vector<sinter::Tensor> weights;
    for (size_t i = 0; i < arrays.size(); ++i)
      weights.push_back(arrays.at("arr_" + std::to_string(i)));
    const sinter::KerasTensor x = sinter::Input({weights.at(0).shape()[0]});
    sinter::KerasTensor h = x;
    for (size_t i = 0; i < weights.size(); i += 2) {
      const std::string activation = i + 2 < weights.size() ? "relu" : "softmax";
      h = sinter::Dense(weights[i].shape()[1], {.activation = activation})(h);
    }
    const sinter::Model model(x, h);
    model.set_weights(weights);
    model.save(arguments[2]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_exporters_model: %s\n", error.what());
    return 1;
  }
}
