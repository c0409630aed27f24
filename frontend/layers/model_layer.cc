// Model::operator(): models inside models.
#include "frontend/layers/model_layer.h"

#include <fmt/format.h>

#include <set>

#include "core/counted.h"
#include "core/error.h"
#include "core/release.h"
#include "frontend/clone.h"
#include "frontend/model_state.h"
#include "frontend/origin.h"
#include "frontend/unique_names.h"

namespace sinter {

namespace {

// The rows of an input may be a number of their own, in graphs that know it.
bool fits(const ValueType& given, const ValueType& wanted) {
  const Shape &a = given.shape, &b = wanted.shape;
  return given.dtype == wanted.dtype && a.rank() == b.rank() && a.rank() > 0 &&
         (a[0] == b[0] || b[0] == kBatch) && std::equal(a.begin() + 1, a.end(), b.begin() + 1);
}

void check_inputs(const std::string& title, const Network& network,
                  std::span<const ValueType> inputs) {
  if (inputs.size() != network.inputs().size()) {
    throw ShapeError(fmt::format("{}: the model has {}, given {}", title,
                                 counted(network.inputs().size(), "input"), inputs.size()));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ValueType& wanted = network.inputs()[i].type();
    if (!fits(inputs[i], wanted)) {
      throw ShapeError(fmt::format("{}: input '{}' takes {}, found {}", title,
                                   network.input_names()[i], wanted.to_string(),
                                   inputs[i].to_string()));
    }
  }
}

std::vector<Symbol> write_checked(const std::string& title, const Network& network,
                                  CallContext& context, std::span<const Symbol> inputs) {
  std::vector<ValueType> types;
  for (const Symbol& x : inputs) types.push_back(x.type());
  check_inputs(title, network, types);
  return network.write(context, inputs);
}

void place_weights(const Network& network, const std::string& path,
                   std::set<const Variable*>& placed) {
  UniqueNames taken;
  for (const Layer& layer : network.layers()) {
    if (layer.impl().automatic_base().empty()) taken.insert(layer.name());
  }
  for (const Layer& layer : network.layers()) {
    const std::string& base = layer.impl().automatic_base();
    const std::string place = path + (base.empty() ? layer.name() : taken.next(base));
    if (const auto* inner = dynamic_cast<const ModelLayerImpl*>(&layer.impl())) {
      place_weights(inner->model().network(), place + "/", placed);
      continue;
    }
    for (const VariablePtr& v : layer.variables()) {
      if (placed.insert(v.get()).second && v->path.starts_with(layer.name() + "/"))
        v->path = place + v->path.substr(layer.name().size());
    }
  }
}

template <typename Values>
std::vector<Shape> shapes_of(const Values& values) {
  std::vector<Shape> shapes;
  for (const auto& value : values) shapes.push_back(value.shape());
  return shapes;
}

}  // namespace

void ModelLayerImpl::place_within(const std::string& path_of_outer_layers) {
  if (placed_ || was_called()) return;
  placed_ = true;
  std::set<const Variable*> placed;
  place_weights(model_.state()->net(), path_of_outer_layers + name() + "/", placed);
}

ModelLayerImpl::ModelLayerImpl(Model model, SourceLocation where)
    : LayerImpl(model.state()->sequential ? "Sequential" : "Functional", model.name(), where),
      model_(std::move(model)) {
  model_set_trainable(model_.trainable());
  if (model_.state()->has_automatic_name)
    set_automatic_base(model_.state()->sequential ? "sequential" : "functional");
}

ModelLayerImpl::~ModelLayerImpl() {
  std::vector<std::shared_ptr<const void>> held = {model_.state()};
  model_ = Model(std::shared_ptr<ModelState>());
  release_in_turn(std::move(held));
}

int ModelLayerImpl::depth() const { return model_.state()->net().depth(); }

Config ModelLayerImpl::config() const { return {{"name", name()}, {"trainable", trainable()}}; }

std::shared_ptr<LayerImpl> ModelLayerImpl::clone() const {
  return clone_model(model_, {}).as_layer({}).shared();
}

void ModelLayerImpl::set_trainable(bool trainable) { model_.set_trainable(trainable); }

std::vector<ValueType> ModelLayerImpl::output_types(std::span<const ValueType> inputs) const {
  check_inputs(title(), model_.state()->net(), inputs);
  std::vector<ValueType> types;
  for (const KerasTensor& y : model_.state()->net().outputs()) types.push_back(y.type());
  return types;
}

std::vector<Symbol> ModelLayerImpl::call(CallContext& context, std::span<const Symbol> inputs) {
  return write_checked(title(), model_.state()->net(), context, inputs);
}

std::vector<Symbol> Model::call(CallContext& context, std::span<const Symbol> xs,
                                SourceLocation where) const {
  const OpLine line(where);
  line.enter();
  return at_line(where, [&] {
    build_for(shapes_of(xs));
    context.hold(as_layer(where).shared());
    return write_checked(fmt::format("model '{}'", name()), state_->net(), context, xs);
  });
}

Symbol Model::call(CallContext& context, Symbol x, SourceLocation where) const {
  const OpLine line(where);
  line.enter();
  return at_line(where, [&] {
    const std::vector<Symbol> results = call(context, std::span(&x, 1), where);
    if (results.size() != 1) only_one(state_->net().outputs(), "model", name(), "output");
    return results[0];
  });
}

std::vector<VariablePtr> ModelLayerImpl::variables() const { return model_.variables({}); }

std::vector<VariablePtr> ModelLayerImpl::trainable_variables() const {
  return model_.state()->net().trainable_variables();
}

Layer Model::as_layer(SourceLocation where) const {
  at_line(where, [&] { (void)*state_; });
  std::shared_ptr<LayerImpl> layer = state_->as_layer.lock();
  if (!layer) {
    at_line(where, [&] { state_->net(); });  // raises when the model is not built
    layer = std::make_shared<ModelLayerImpl>(*this, where);
    state_->as_layer = layer;
  }
  return Layer(std::move(layer));
}

Model Layer::as_model(SourceLocation where) const {
  if (const auto* model = dynamic_cast<const ModelLayerImpl*>(&impl())) return model->model();
  throw Error(with_line(where, fmt::format("layer '{}' is a {}, no model", name(), class_name())));
}

KerasTensor Model::operator()(const KerasTensor& x, SourceLocation where) const {
  return (*this)(std::vector<KerasTensor>{x}, where);
}

KerasTensor Model::operator()(const std::vector<KerasTensor>& xs, SourceLocation where) const {
  at_line(where, [&] { build_for(shapes_of(xs)); });
  return as_layer(where)(xs, where);
}

}  // namespace sinter
