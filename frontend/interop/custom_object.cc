// What custom objects hold.
#include <variant>

#include "frontend/given_function.h"
#include "frontend/interop/keras_compile.h"

namespace sinter {

struct CustomObject::Held {
  std::variant<PairFunction, UnaryFunction, ListFunction, InitializerFunction, LayerFactory,
               std::shared_ptr<const MetricImpl>>
      value;
};

CustomObject::CustomObject(std::shared_ptr<const MetricImpl> metric)
    : held_(std::make_shared<const Held>(Held{given(std::move(metric), "a custom object", {})})) {}
CustomObject::CustomObject(PairFunction function)
    : held_(std::make_shared<const Held>(Held{given(std::move(function), "a custom object", {})})) {
}
CustomObject::CustomObject(UnaryFunction function)
    : held_(std::make_shared<const Held>(Held{given(std::move(function), "a custom object", {})})) {
}
CustomObject::CustomObject(ListFunction function)
    : held_(std::make_shared<const Held>(Held{given(std::move(function), "a custom object", {})})) {
}
CustomObject::CustomObject(Tensor (*function)(const Shape&, DType))
    : CustomObject(InitializerFunction(function)) {}
CustomObject::CustomObject(InitializerFunction function)
    : held_(std::make_shared<const Held>(Held{given(std::move(function), "a custom object", {})})) {
}
CustomObject::CustomObject(LayerFactory factory)
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

}  // namespace sinter
