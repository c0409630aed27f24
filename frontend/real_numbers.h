// Numbers as arguments: one, or several.
#pragma once

#include <initializer_list>
#include <vector>

#include "frontend/config.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// One number, or several in braces.
class RealNumbers {
 public:
  template <RealArgument T>
  RealNumbers(T value) : RealNumbers(RealNumber(value), Only()) {}  // NOLINT
  RealNumbers(std::initializer_list<double> list);                  // NOLINT
  RealNumbers(std::vector<double> list);                            // NOLINT
  bool is_one() const { return is_one_; }
  /// One number, 0 of whole numbers.
  bool is_whole_zero() const { return is_whole_zero_; }
  const std::vector<double>& list() const { return list_; }

 private:
  struct Only {};
  RealNumbers(RealNumber value, Only);

  std::vector<double> list_;
  bool is_one_ = false, is_whole_zero_ = false;
};

/// Numbers as files hold them, and back; `otherwise` when there are none.
ConfigValue numbers_value(const RealNumbers& numbers);
RealNumbers numbers_in(const Config& config, const char* key, const RealNumbers& otherwise);

}  // namespace sinter
