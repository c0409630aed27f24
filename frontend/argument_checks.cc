// The words for numbers that cannot be.
#include "frontend/argument_checks.h"

#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "core/warning.h"

namespace sinter {

bool NumberRange::holds(double value) const {
  return std::isfinite(value) && (holds_low ? value >= low : value > low) &&
         (holds_high ? value <= high : value < high);
}

std::string number_mistake(const char* name, double value, const NumberRange& range) {
  return range.holds(value) ? "" : fmt::format("{} must {}, found {}", name, range.text, value);
}

void check_number(const std::string& owner, const char* name, double value,
                  const NumberRange& range) {
  if (const std::string mistake = number_mistake(name, value, range); !mistake.empty())
    throw Error(owner + ": " + mistake);
}

void check_numbers(const std::string& owner, const Config& settings,
                   std::initializer_list<std::pair<const char*, NumberRange>> ranges) {
  for (const auto& [name, range] : ranges) {
    if (!settings.get(name).is_null())
      check_number(owner, name, settings.get_float(name, 0), range);
  }
}

void check_at_least(const std::string& owner, const char* name, int64_t value, int64_t least) {
  if (value >= least) return;
  throw Error(least == 0
                  ? fmt::format("{}: {} must not be negative, found {}", owner, name, value)
                  : fmt::format("{}: {} must be at least {}, found {}", owner, name, least, value));
}

void check_verbose(const std::string& owner, int verbose) {
  if (verbose >= 0 && verbose <= 2) return;
  throw Error(fmt::format("{}: verbose must be 0 (silent), 1 (progress) or 2 (lines), found {}",
                          owner, verbose));
}

void warn_of_whole_zero(const std::string& owner, const char* name, bool is_whole_zero) {
  if (!is_whole_zero) return;
  const std::string text = fmt::format(
      "{}: {} is 0, of whole numbers, and does nothing: 1 / 2 of whole numbers is 0 in C++. Write "
      "1 / 2.0, and 0.0 where 0 is meant",
      owner, name);
  warn_once(text, text);
}

}  // namespace sinter
