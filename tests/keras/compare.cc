#include "tests/keras/compare.h"

#include <algorithm>
#include <cmath>

namespace sinter::keras_test {

namespace {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

std::string keys_of(const std::map<std::string, std::vector<double>>& values) {
  std::string text;
  for (const auto& [key, list] : values)
    text += " " + key + "[" + std::to_string(list.size()) + "]";
  return text;
}

bool is_accuracy(const std::string& key) { return key.find("acc") != std::string::npos; }

/// The worst |a-b| / allowed(b) must not be above 1; NaN never passes.
template <typename Allowed>
AssertionResult within(const Tensor& found, const Tensor& expected, Allowed allowed,
                       const std::string& what) {
  if (found.shape() != expected.shape()) {
    return AssertionFailure() << what << ": shape " << found.shape().to_string() << ", Keras has "
                              << expected.shape().to_string();
  }
  double worst = 0;
  int64_t where = 0;
  for (int64_t i = 0; i < expected.elements(); ++i) {
    const double ratio = std::abs(found.at(i) - expected.at(i)) / allowed(expected.at(i));
    if (!(ratio <= worst)) {
      worst = ratio;
      where = i;
      if (std::isnan(ratio)) break;
    }
  }
  if (worst <= 1) return AssertionSuccess();
  return AssertionFailure() << what << ": element " << where << " of " << expected.elements()
                            << " is " << found.at(where) << ", Keras has " << expected.at(where)
                            << "; " << worst << " times the tolerance";
}

template <typename Compare>
AssertionResult each(const std::vector<Tensor>& found, const std::vector<Tensor>& expected,
                     Compare compare) {
  if (found.size() != expected.size()) {
    return AssertionFailure() << found.size() << " tensors, Keras has " << expected.size();
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (AssertionResult result = compare(i); !result) return result;
  }
  return AssertionSuccess();
}

}  // namespace

AssertionResult near(const Tensor& found, const Tensor& expected, double t,
                     const std::string& what) {
  return within(
      found, expected, [t](double b) { return t * (1e-2 + std::abs(b)); }, what);
}

AssertionResult near(const std::vector<Tensor>& found, const std::vector<Tensor>& expected,
                     double t, const std::vector<Variable>& names) {
  return each(found, expected,
              [&](size_t i) { return near(found[i], expected[i], t, names.at(i).name); });
}

AssertionResult near_in_scale(const std::vector<Tensor>& found, const std::vector<Tensor>& expected,
                              double t, const std::vector<Variable>& names) {
  return each(found, expected, [&](size_t i) {
    double largest = 0;
    for (int64_t k = 0; k < expected[i].elements(); ++k)
      largest = std::max(largest, std::abs(expected[i].at(k)));
    // An all-zero variable (of a frozen or unused weight) must be zero to well below any real slot.
    const double allowed = std::max(t * largest, 1e-12);
    return within(
        found[i], expected[i], [allowed](double) { return allowed; }, names.at(i).name);
  });
}

AssertionResult near(const std::map<std::string, std::vector<double>>& found,
                     const std::map<std::string, std::vector<double>>& expected, double t,
                     double one_sample) {
  const std::string found_keys = keys_of(found), expected_keys = keys_of(expected);
  if (found_keys != expected_keys) {
    return AssertionFailure() << "keys" << found_keys << "; Keras has" << expected_keys;
  }
  for (const auto& [key, values] : expected) {
    for (size_t epoch = 0; epoch < values.size(); ++epoch) {
      const double a = found.at(key)[epoch], b = values[epoch];
      const double allowed = is_accuracy(key) ? one_sample + 1e-6 : t * (1e-2 + std::abs(b));
      if (!(std::abs(a - b) <= allowed)) {
        return AssertionFailure() << key << " at entry " << epoch << " is " << a << ", Keras has "
                                  << b << "; " << std::abs(a - b) / allowed
                                  << " times the tolerance";
      }
    }
  }
  return AssertionSuccess();
}

}  // namespace sinter::keras_test
