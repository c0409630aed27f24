// Where the variables of an exported training lie in the memory that its caller gives.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontend/variable.h"

namespace sinter {

class NativeStateLayout {
 public:
  /// Gives it a place, unless it has one.
  void add(const VariablePtr& variable);
  /// Its offset in bytes, or nothing.
  std::optional<int64_t> find(const Variable& variable) const;
  int64_t bytes() const { return bytes_; }
  /// All that have a place.
  std::vector<VariablePtr> variables() const;
  /// Of the header: a macro with the offset of each variable, its type beside it.
  std::string macros(const std::string& name) const;

 private:
  struct Place {
    VariablePtr variable;
    int64_t offset = 0;
  };
  std::vector<Place> places_;
  std::map<const Variable*, size_t> numbers_;
  int64_t bytes_ = 0;
};

}  // namespace sinter
