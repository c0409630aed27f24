// Model: construction, layers, weights, graphs.
#include "frontend/model.h"

#include <fmt/format.h>

#include "core/counted.h"
#include "core/error.h"
#include "core/line.h"
#include "frontend/layers/model_layer.h"
#include "frontend/model_state.h"
#include "frontend/network_cut.h"
#include "frontend/origin.h"
#include "frontend/session.h"
#include "ops/ops.h"

namespace sinter {

Model::Model(KerasTensors inputs, KerasTensors outputs, std::string name, SourceLocation where)
    : state_(at_line(where, [&] { return ModelState::named(std::move(name), "functional"); })) {
  register_ops();
  at_line(where, [&] {
    NetworkEnds ends = cut_at(inputs.list(), outputs.list());
    state_->network.emplace(std::move(ends.inputs), std::move(ends.outputs));
  });
}

const std::string& Model::name() const { return state_->name; }
const Network& Model::network(SourceLocation where) const {
  return at_line(where, [&]() -> const Network& { return state_->net(); });
}
const List<Layer>& Model::layers() const {
  // Keras's Sequential does not count its Input.
  return state_->sequential ? state_->chain : state_->net().layers();
}
List<KerasTensor> Model::inputs(SourceLocation where) const {
  return at_line(where, [&] { return state_->net().inputs(); });
}
List<KerasTensor> Model::outputs(SourceLocation where) const {
  return at_line(where, [&] { return state_->net().outputs(); });
}
KerasTensor Model::input(SourceLocation where) const {
  return at_line(where, [&] { return only_one(state_->net().inputs(), "model", name(), "input"); });
}
KerasTensor Model::output(SourceLocation where) const {
  return at_line(where,
                 [&] { return only_one(state_->net().outputs(), "model", name(), "output"); });
}
const List<std::string>& Model::output_names(SourceLocation where) const {
  return at_line(where, [&]() -> const List<std::string>& { return state_->net().output_names(); });
}

Shape Model::input_shape(SourceLocation where) const { return input(where).shape(); }
Shape Model::output_shape(SourceLocation where) const { return output(where).shape(); }
bool Model::built() const { return state_->network.has_value(); }

Layer Model::get_layer(const std::string& layer_name, SourceLocation where) const {
  at_line(where, [&] { (void)*state_; });
  for (const Layer& layer : layers()) {
    if (layer.name() == layer_name) return layer;
  }
  std::vector<std::string> known;
  for (const Layer& layer : layers()) known.push_back(layer.name());
  raise_unknown_name("layer", layer_name, known, where);
}

Layer Model::layer_at(int64_t index, SourceLocation where) const {
  return at_line(where, [&] {
    const auto count = static_cast<int64_t>(layers().size());
    const int64_t at = index < 0 ? index + count : index;
    if (at < 0 || at >= count)
      throw Error(fmt::format("get_layer: model '{}' has {}, asked for number {}", name(),
                              counted(count, "layer"), index));
    return layers()[static_cast<size_t>(at)];
  });
}

bool Model::trainable() const { return state_->trainable; }

void Model::set_trainable(bool trainable) const {
  state_->trainable = trainable;
  if (const std::shared_ptr<LayerImpl> layer = state_->as_layer.lock())
    static_cast<ModelLayerImpl&>(*layer).model_set_trainable(trainable);
  for (const Layer& layer : layers()) layer.set_trainable(trainable);
}

List<VariablePtr> Model::weights(SourceLocation where) const { return variables(where); }
List<VariablePtr> Model::trainable_weights(SourceLocation where) const {
  return trainable_variables(where);
}
List<VariablePtr> Model::non_trainable_weights(SourceLocation where) const {
  return non_trainable_variables(where);
}
List<VariablePtr> Model::variables(SourceLocation where) const {
  return at_line(where, [&] { return state_->net().variables(); });
}
List<VariablePtr> Model::trainable_variables(SourceLocation where) const {
  return at_line(where, [&] { return state_->trainable_variables(); });
}

List<VariablePtr> Model::non_trainable_variables(SourceLocation where) const {
  return at_line(where, [&] { return without(variables(where), trainable_variables(where)); });
}

List<Tensor> Model::get_weights(SourceLocation where) const {
  return at_line(where, [&] { return copies_of(variables(where)); });
}

void Model::set_weights(const std::vector<Tensor>& weights, SourceLocation where) const {
  at_line(where, [&] {
    const std::vector<VariablePtr> own = variables(where);
    assign_all(fmt::format("model '{}'", name()), own, weights);
  });
}

int64_t Model::count_params(SourceLocation where) const {
  return at_line(where, [&] {
    int64_t count = 0;
    for (const VariablePtr& v : variables(where)) count += v->value.elements();
    return count;
  });
}

bool Model::stop_training() const { return state_->stop_training; }
void Model::set_stop_training(bool stop) const { state_->stop_training = stop; }

void Model::build_for(const Data& x) const {
  if (!state_->sequential) return;  // each prediction asks
  std::vector<Shape> shapes;
  for (const Tensor& t : x.list()) shapes.push_back(t.shape());
  build_for(shapes);
}

void Model::build_for(const std::vector<Shape>& shapes) const {
  if (!state_->sequential) return;
  const std::lock_guard lock(state_->build_mutex);  // the first data may come in several threads
  if (state_->network) return;
  if (shapes.size() != 1)
    throw ShapeError(fmt::format("a Sequential takes one input, given {}", shapes.size()));
  const Shape& shape = shapes[0];
  if (shape.rank() < 1) throw ShapeError(fmt::format("model '{}': x must hold rows", name()));
  state_->build_chain(Shape(std::vector<int64_t>(shape.begin() + 1, shape.end())));
}

Graph Model::forward_graph(SourceLocation where) const {
  return at_line(where,
                 [&] { return build_forward(name(), state_->net(), state_->random_state).graph; });
}

Graph Model::inference_graph(SourceLocation where) const {
  return at_line(where,
                 [&] { return build_forward(name(), state_->net(), state_->random_state).graph; });
}

Graph Model::training_graph(SourceLocation where) const {
  return at_line(where, [&] { return training_step(*state_, "training_graph").graph; });
}

Model::Model(std::shared_ptr<ModelState> state) : state_(std::move(state)) {}

std::shared_ptr<ModelState> Model::state() const {
  (void)*state_;  // raises where there is none
  return state_.shared();
}

}  // namespace sinter
