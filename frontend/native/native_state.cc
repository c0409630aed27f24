#include "frontend/native/native_state.h"

#include <fmt/format.h>

#include "frontend/native/c_header.h"
#include "runtime/aligned.h"

namespace sinter {

void NativeStateLayout::add(const VariablePtr& variable) {
  if (!numbers_.emplace(variable.get(), places_.size()).second) return;
  places_.push_back({variable, bytes_});
  bytes_ += aligned(variable->value.bytes());
}

std::optional<int64_t> NativeStateLayout::find(const Variable& variable) const {
  const auto found = numbers_.find(&variable);
  if (found == numbers_.end()) return std::nullopt;
  return places_[found->second].offset;
}

std::vector<VariablePtr> NativeStateLayout::variables() const {
  std::vector<VariablePtr> result;
  for (const Place& place : places_) result.push_back(place.variable);
  return result;
}

std::string NativeStateLayout::macros(const std::string& name) const {
  std::string text;
  std::vector<std::string> taken;
  for (const Place& place : places_) {
    text += fmt::format("#define {}_OFFSET_{} {} /* {} */\n", name,
                        c_parameter(place.variable->path, taken), place.offset,
                        place.variable->value.type().to_string());
  }
  return text;
}

}  // namespace sinter
