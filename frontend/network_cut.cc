// Calls the layers behind the new beginning once more.
#include "frontend/network_cut.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "core/error.h"
#include "frontend/layer.h"
#include "frontend/layer_call.h"
#include "frontend/layers/input.h"

namespace sinter {
namespace {

using Key = std::pair<const LayerCall*, int>;
Key key_of(const KerasTensor& t) { return {t.call().get(), t.index()}; }

bool is_input(const KerasTensor& t) {
  return dynamic_cast<const InputLayerImpl*>(t.call()->layer.get()) != nullptr;
}

class Copier {
 public:
  KerasTensor begin_at(const KerasTensor& t) {
    const Shape& shape = t.shape();
    if (shape.rank() == 0 || shape[0] != kBatch) {
      throw Error(fmt::format("a model cannot begin at {} of layer '{}': it has no batch",
                              t.type().to_string(), t.call()->layer->name()));
    }
    KerasTensor input =
        Input(Shape(std::vector<int64_t>(shape.begin() + 1, shape.end())), {.dtype = t.dtype()});
    begun_.emplace(key_of(t), input);
    return input;
  }

  // Depth first; the recursion is unrolled because deep networks would exhaust the stack.
  KerasTensor copy(const KerasTensor& output) {
    struct Visit {
      KerasTensor tensor;
      size_t next = 0;
    };
    std::vector<Visit> stack = {{output}};
    while (!stack.empty()) {
      Visit& visit = stack.back();
      const std::shared_ptr<const LayerCall> call = visit.tensor.call();
      if (find(visit.tensor) != nullptr) {
        stack.pop_back();
      } else if (visit.next < call->inputs.size()) {
        const KerasTensor before = call->inputs[visit.next++];
        if (find(before) == nullptr) stack.push_back({before});
      } else {
        copies_.emplace(call.get(), again(*call, visit.tensor));
        stack.pop_back();
      }
    }
    return *find(output);
  }

 private:
  const KerasTensor* find(const KerasTensor& t) const {
    if (const auto it = begun_.find(key_of(t)); it != begun_.end()) return &it->second;
    const auto it = copies_.find(t.call().get());
    return it == copies_.end() ? nullptr : &it->second.at(static_cast<size_t>(t.index()));
  }

  // What does not depend on where the model begins stays.
  std::vector<KerasTensor> again(const LayerCall& call, const KerasTensor& result) const {
    std::vector<KerasTensor> inputs;
    for (const KerasTensor& t : call.inputs) inputs.push_back(*find(t));
    if (inputs != call.inputs) return Layer(call.layer).call(inputs, call.origin);
    std::vector<KerasTensor> same;
    for (size_t i = 0; i < call.outputs.size(); ++i)
      same.emplace_back(result.call(), static_cast<int>(i));
    return same;
  }

  std::map<Key, KerasTensor> begun_;
  std::map<const LayerCall*, std::vector<KerasTensor>> copies_;
};

}  // namespace

NetworkEnds cut_at(const std::vector<KerasTensor>& inputs,
                   const std::vector<KerasTensor>& outputs) {
  NetworkEnds result{inputs, outputs};
  if (std::ranges::all_of(inputs, is_input)) return result;
  Copier copier;
  for (KerasTensor& t : result.inputs) {
    if (!is_input(t)) t = copier.begin_at(t);
  }
  for (KerasTensor& t : result.outputs) t = copier.copy(t);
  return result;
}

}  // namespace sinter
