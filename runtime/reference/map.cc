// map: the scalar expression, evaluated element by element.
#include "core/convert.h"
#include "runtime/reference/kernels.h"

namespace sinter::reference {
namespace {

ScalarValue load(DType dtype, const void* data, int64_t i) {
  return dispatch_dtype(dtype, [&](auto zero) -> ScalarValue {
    using T = decltype(zero);
    const T value = static_cast<const T*>(data)[i];
    if constexpr (is_floating_type<T>)
      return {static_cast<double>(value), 0};
    else
      return {0, static_cast<int64_t>(value)};
  });
}

void store(DType dtype, void* data, int64_t i, ScalarValue value) {
  dispatch_dtype(dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (is_floating_type<T>)
      static_cast<T*>(data)[i] = convert_element<T>(value.f);
    else
      static_cast<T*>(data)[i] = convert_element<T>(value.i);
  });
}

}  // namespace

std::unique_ptr<Kernel> make_map(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const auto body = n.attributes.get<std::shared_ptr<const ScalarExpr>>("body");
  const int64_t count = n.types[0].shape.elements();
  const size_t arity = n.inputs.size();
  const int64_t scratch =
      static_cast<int64_t>((body->instructions.size() + arity) * sizeof(ScalarValue));
  return std::make_unique<LoopKernel>(
      [=](void* const* buffers) {
        auto* values = static_cast<ScalarValue*>(buffers[arity + body->results.size()]);
        const std::span<ScalarValue> arguments(values, arity);
        const std::span<ScalarValue> working(values + arity, body->instructions.size());
        for (int64_t i = 0; i < count; ++i) {
          for (size_t k = 0; k < arity; ++k) arguments[k] = load(body->arguments[k], buffers[k], i);
          evaluate(*body, arguments, working);
          for (size_t r = 0; r < body->results.size(); ++r) {
            store(body->result_dtype(r), buffers[arity + r], i,
                  working[static_cast<size_t>(body->results[r])]);
          }
        }
      },
      scratch);
}

}  // namespace sinter::reference
