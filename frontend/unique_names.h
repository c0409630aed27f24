// Names that differ, for things of any number that ask for the same one.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "frontend/config.h"

namespace sinter {

/// What automatic names of layers begin with: "dense" for "Dense" and "mine>Dense".
inline std::string automatic_base_of(std::string_view class_name) {
  return to_snake_case(class_name.substr(class_name.find('>') + 1));  // npos + 1 is 0
}

class UniqueNames {
 public:
  /// Nothing is called that any more.
  void insert(std::string name) { taken_.insert(std::move(name)); }
  /// `base`, or base_1, base_2 ...: the first that nothing was called yet. Constant time, however
  /// many ask for one base.
  std::string next(const std::string& base) {
    std::string name = base;
    for (int& i = tried_[base]; !taken_.insert(name).second;)
      name = base + "_" + std::to_string(++i);
    return name;
  }

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> tried_;
};

}  // namespace sinter
