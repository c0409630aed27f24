// What custom objects hold, and the scopes they hold in.
#include "frontend/custom_object_scope.h"

#include <utility>
#include <variant>

#include "frontend/given_function.h"
#include "frontend/map_argument_members.h"

namespace sinter {

struct CustomObject::Held {
  std::variant<PairFunction, UnaryFunction, ListFunction, InitializerFunction, LayerFactory,
               std::shared_ptr<const MetricImpl>>
      value;
};

CustomObject::CustomObject(std::shared_ptr<const MetricImpl> metric)
    : held_(std::make_shared<const Held>(Held{given(std::move(metric), "a custom object", {})})) {}
CustomObject::CustomObject(Only, PairFunction function)
    : held_(std::make_shared<const Held>(Held{given(std::move(function), "a custom object", {})})) {
}
CustomObject::CustomObject(Only, UnaryFunction function)
    : held_(std::make_shared<const Held>(Held{given(std::move(function), "a custom object", {})})) {
}
CustomObject::CustomObject(Only, ListFunction function)
    : held_(std::make_shared<const Held>(Held{given(std::move(function), "a custom object", {})})) {
}
CustomObject::CustomObject(Only, InitializerFunction function)
    : held_(std::make_shared<const Held>(Held{given(std::move(function), "a custom object", {})})) {
}
CustomObject::CustomObject(Only, LayerFactory factory)
    : held_(std::make_shared<const Held>(Held{given(factory, "a custom object", {})})) {}

template <typename T>
const T* CustomObject::as() const {
  return std::get_if<T>(&held_->value);
}
template const CustomObject::PairFunction* CustomObject::as() const;
template const CustomObject::UnaryFunction* CustomObject::as() const;
template const CustomObject::ListFunction* CustomObject::as() const;
template const CustomObject::InitializerFunction* CustomObject::as() const;
template const LayerFactory* CustomObject::as() const;
template const std::shared_ptr<const MetricImpl>* CustomObject::as() const;

template class MapArgument<std::string, CustomObject, std::less<>>;

namespace {

std::shared_ptr<const CustomObjects>& current() {
  thread_local std::shared_ptr<const CustomObjects> objects;
  return objects;
}

}  // namespace

std::shared_ptr<const CustomObjects> current_custom_objects() { return current(); }

CustomObjectScope::CustomObjectScope(const CustomObjects& objects) : before_(current()) {
  if (objects.empty()) return;
  auto all = std::make_shared<CustomObjects>(objects);
  if (before_ != nullptr) all->insert(before_->begin(), before_->end());
  current() = std::move(all);
}

CustomObjectScope::CustomObjectScope(std::shared_ptr<const CustomObjects> objects)
    : before_(std::exchange(current(), std::move(objects))) {}

CustomObjectScope::~CustomObjectScope() { current() = std::move(before_); }

}  // namespace sinter
