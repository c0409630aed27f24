// What numbers as arguments may be, said in the same words everywhere.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>

#include "frontend/config.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// A range of numbers, infinities never in it.
struct NumberRange {
  double low, high;
  bool holds_low, holds_high;
  const char* text;  // what a number must do to lie in it

  bool holds(double value) const;
};

inline constexpr double kNoBound = std::numeric_limits<double>::infinity();
inline constexpr NumberRange kFinite = {-kNoBound, kNoBound, false, false, "be finite"};
inline constexpr NumberRange kNotNegative = {0, kNoBound, true, false,
                                             "be finite and not negative"};
inline constexpr NumberRange kNotPositive = {-kNoBound, 0, false, true,
                                             "be finite and not positive"};
inline constexpr NumberRange kPositive = {0, kNoBound, false, false, "be finite and positive"};
/// Of shares.
inline constexpr NumberRange kZeroToOne = {0, 1, true, true, "lie in [0, 1]"};
/// Of what is divided by 1 - x, or leaves nothing at 1.
inline constexpr NumberRange kZeroToBelowOne = {0, 1, true, false, "lie in [0, 1)"};
inline constexpr NumberRange kAboveZeroToOne = {0, 1, false, true, "lie in (0, 1]"};
inline constexpr NumberRange kWithinZeroToOne = {0, 1, false, false, "lie in (0, 1)"};

/// "rate must lie in [0, 1], found 2", or "" for a number that does.
std::string number_mistake(const char* name, double value, const NumberRange& range);
/// Raises Error, "Dropout: rate must lie in [0, 1], found 2".
void check_number(const std::string& owner, const char* name, double value,
                  const NumberRange& range);
/// The same of settings by their keys; those that are absent or null are let through.
void check_numbers(const std::string& owner, const Config& settings,
                   std::initializer_list<std::pair<const char*, NumberRange>> ranges);
/// Raises Error, "fit: batch_size must be at least 1, found 0".
void check_at_least(const std::string& owner, const char* name, int64_t value, int64_t least);
/// Raises Error for what is none of 0, 1 and 2.
void check_verbose(const std::string& owner, int verbose);

/// Warns once of a 0 of whole numbers where 0 does nothing: 1 / 2 of them is 0 in C++, and nothing
/// else would show it. `owner` names the line. A 0.0 is meant.
void warn_of_whole_zero(const std::string& owner, const char* name, bool is_whole_zero);

}  // namespace sinter
