// Which objects of the user's a load may use, and who finds them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/custom_objects.h"

namespace sinter {

/// While one lives, its thread finds these objects by their names, before what is registered; those
/// of a scope around it, too, unless they have the same name. What is made of them keeps them.
class CustomObjectScope {
 public:
  explicit CustomObjectScope(const CustomObjects& objects);
  /// Those of current_custom_objects() at another time.
  explicit CustomObjectScope(std::shared_ptr<const CustomObjects> objects);
  ~CustomObjectScope();
  CustomObjectScope(const CustomObjectScope&) = delete;
  CustomObjectScope& operator=(const CustomObjectScope&) = delete;

 private:
  std::shared_ptr<const CustomObjects> before_;
};

/// Those of the scopes at hand; null without one.
std::shared_ptr<const CustomObjects> current_custom_objects();

/// The one of that name in the scope at hand, unless it is something else; or null.
template <typename T>
const T* custom_object(std::string_view name) {
  const std::shared_ptr<const CustomObjects> objects = current_custom_objects();
  if (objects == nullptr) return nullptr;
  const auto found = objects->find(name);
  return found == objects->end() ? nullptr : found->second.as<T>();
}

/// The names of those that are a T.
template <typename T>
void append_custom_objects(std::vector<std::string>& names) {
  const std::shared_ptr<const CustomObjects> objects = current_custom_objects();
  if (objects == nullptr) return;
  for (const auto& [name, object] : *objects) {
    if (object.template as<T>() != nullptr) names.push_back(name);
  }
}

}  // namespace sinter
