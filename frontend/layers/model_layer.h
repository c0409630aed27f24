// A model as a layer of another model: its layers are written into the outer graph and share their
// weights.
#pragma once

#include <memory>

#include "frontend/model.h"

namespace sinter {

class ModelLayerImpl : public LayerImpl {
 public:
  ModelLayerImpl(Model model, SourceLocation where);
  ~ModelLayerImpl() override;  // of models in models of any depth
  const Model& model() const { return model_; }
  /// Network::depth() of the model.
  int depth() const;
  /// Types of the results on inputs of these types, known without writing the model into a graph.
  /// Raises ShapeError for inputs that are not the model's.
  std::vector<ValueType> output_types(std::span<const ValueType> inputs) const;

  /// {name, trainable}: files write the inner model beside it.
  Config config() const override;
  /// Of a clone of the model.
  std::shared_ptr<LayerImpl> clone() const override;
  /// Of the model, which tells this layer.
  void set_trainable(bool trainable) override;
  /// The model is a member of a layer: paths of its weights, which were built with it, begin as
  /// those of other members do: "block/sequential/dense/kernel", with names among the layers of the
  /// model for those that have automatic ones. Not when it is a layer of another model, too.
  void place_within(const std::string& path_of_outer_layers);
  void model_set_trainable(bool trainable) { LayerImpl::set_trainable(trainable); }
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override;
  std::vector<VariablePtr> variables() const override;
  /// Of the layers in it that are trainable, whatever this one is: as in Keras, freezing a model
  /// freezes its layers, and one of them may be trainable again.
  std::vector<VariablePtr> trainable_variables() const override;

 private:
  Model model_;
  bool placed_ = false;
};

}  // namespace sinter
