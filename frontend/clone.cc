// Clones layer by layer, then repeats the calls; models inside by the same tables, as layers and
// calls may be in several of them.
#include "frontend/clone.h"

#include <map>

#include "frontend/interop/architecture.h"
#include "frontend/layer_call.h"
#include "frontend/layers/input.h"
#include "frontend/layers/model_layer.h"
#include "frontend/model_state.h"
#include "frontend/origin.h"

namespace sinter {
namespace {

class Cloner {
 public:
  Model clone(const Model& model) {
    if (!model.state()->network) return unbuilt(*model.state());
    Architecture a = architecture_of(model);
    for (const auto& call : model.state()->net().calls()) repeat(*call);
    for (KerasTensor& t : a.inputs) t = of(t);
    for (KerasTensor& t : a.outputs) t = of(t);
    for (Layer& layer : a.layers) layer = of(layer);
    return model_of(a);
  }

 private:
  Model unbuilt(const ModelState& state) {
    auto result = std::make_shared<ModelState>(state.name);
    result->sequential = true;
    result->trainable = state.trainable.load();
    for (const Layer& layer : state.chain) result->chain.push_back(of(layer));
    return Model(std::move(result));
  }

  Layer of(const Layer& layer) {
    const auto known = layers_.find(&layer.impl());
    if (known != layers_.end()) return known->second;
    const auto* inner = dynamic_cast<const ModelLayerImpl*>(&layer.impl());
    const Layer made =
        inner != nullptr ? clone(inner->model()).as_layer() : Layer(layer.impl().clone());
    made.impl().copy_settings(layer.impl());
    if (inner == nullptr) made.impl().set_members_trainable(layer.impl().members_trainable());
    return layers_.emplace(&layer.impl(), made).first->second;
  }

  KerasTensor of(const KerasTensor& t) const {
    return tensors_.at(t.call().get())[static_cast<size_t>(t.index())];
  }

  void repeat(const LayerCall& call) {
    if (tensors_.contains(&call)) return;
    if (const auto* input = dynamic_cast<const InputLayerImpl*>(call.layer.get())) {
      const Shape& shape = input->type().shape;
      const KerasTensor x = Input(Shape(std::vector<int64_t>(shape.begin() + 1, shape.end())),
                                  {.dtype = input->type().dtype, .name = input->name()});
      layers_.emplace(call.layer.get(), Layer(x.call()->layer));
      tensors_[&call] = {x};
      return;
    }
    std::vector<KerasTensor> inputs;
    for (const KerasTensor& t : call.inputs) inputs.push_back(of(t));
    tensors_[&call] = of(Layer(call.layer)).call(inputs);
  }

  std::map<const LayerImpl*, Layer> layers_;
  std::map<const LayerCall*, std::vector<KerasTensor>> tensors_;
};

}  // namespace

Model clone_model(const Model& model, SourceLocation where) {
  return at_line(where, [&] {
    const Model clone = Cloner().clone(model);
    // A layer of the user's own may know how to clone what it has in common with another.
    if (model.built() && clone.variables({}).size() != model.variables({}).size())
      refuse_two_owners(architecture_of(model));
    return clone;
  });
}

}  // namespace sinter
