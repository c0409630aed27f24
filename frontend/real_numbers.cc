// Lists of numbers in settings.
#include "frontend/real_numbers.h"

#include <utility>

namespace sinter {

RealNumbers::RealNumbers(RealNumber value, Only)
    : list_{value}, is_one_(true), is_whole_zero_(value.is_whole_zero()) {}
RealNumbers::RealNumbers(std::initializer_list<double> list) : list_(list) {}
RealNumbers::RealNumbers(std::vector<double> list) : list_(std::move(list)) {}

ConfigValue numbers_value(const RealNumbers& numbers) {
  if (numbers.is_one()) return numbers.list()[0];
  ConfigList list;
  for (const double number : numbers.list()) list.push_back(number);
  return list;
}

RealNumbers numbers_in(const Config& config, const char* key, const RealNumbers& otherwise) {
  if (config.get(key).is_null()) return otherwise;
  const ConfigList* list = config.get(key).as<ConfigList>();
  if (list == nullptr) return config.get_float(key, 0);
  std::vector<double> numbers;
  for (const ConfigValue& entry : *list) numbers.push_back(Config{{key, entry}}.get_float(key, 0));
  return numbers;
}

}  // namespace sinter
