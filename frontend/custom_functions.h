// Functions of the user's own by name: what files and strings find them under.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/fork.h"
#include "frontend/custom_object_scope.h"

namespace sinter {

/// The registered ones of a kind; behind those of the scope at hand (CustomObjectScope).
template <typename Function>
class CustomFunctions {
 public:
  /// Replaces one of the same name.
  void set(const std::string& name, Function function) {
    const std::lock_guard lock(mutex_);
    functions_[name] = std::move(function);
  }
  std::optional<Function> find(const std::string& name) const {
    if (const Function* scoped = custom_object<Function>(name)) return *scoped;
    const std::lock_guard lock(mutex_);
    const auto it = functions_.find(name);
    return it == functions_.end() ? std::nullopt : std::optional(it->second);
  }
  void append_names(std::vector<std::string>& names) const {
    append_custom_objects<Function>(names);
    const std::lock_guard lock(mutex_);
    for (const auto& [name, function] : functions_) names.push_back(name);
  }

 private:
  mutable ForkMutex mutex_;
  std::map<std::string, Function> functions_;
};

}  // namespace sinter
