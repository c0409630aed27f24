// A model's native code, by its C++ wrapper.
#include <array>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include <net.hpp>  // which sinter_add_model has made

int main() {
  net::Model model;
  const std::array<float, 12> two = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f,
                                     0.6f, 0.5f, 0.4f, 0.3f, 0.2f, 0.1f};
  std::array<float, 6> probabilities{};
  model.predict(two, probabilities);
  const std::span<const float> second = std::span(two).subspan(6);
  std::array<float, 3> alone{};
  model.predict_1(second, alone);
  for (size_t i = 0; i < 3; ++i) {
    if (!(std::abs(alone[i] - probabilities[3 + i]) < 1e-6f)) return 1;
  }
  const float sum = alone[0] + alone[1] + alone[2];
  if (!(std::abs(sum - 1) < 1e-5f)) return 2;
  try {
    model.predict(second, probabilities);
    return 3;
  } catch (const std::invalid_argument& error) {
    std::puts(error.what());
  }
  return 0;
}
