// Layers: a handle that users pass around (Layer), what a layer is (LayerImpl), and the graph it is
// written into (CallContext).
//
// To write a layer of your own: derive from LayerImpl, create weights in build(), compute in
// call(), and wrap it: Layer(std::make_shared<MyLayer>(...))(x).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/handle.h"
#include "core/op_line.h"
#include "core/source_location.h"
#include "core/symbol.h"
#include "frontend/config.h"
#include "frontend/initializers.h"
#include "frontend/keras_tensor.h"
#include "frontend/list.h"
#include "frontend/regularizers.h"
#include "frontend/variable.h"

namespace sinter {

class Model;

class LayerImpl;
struct LayerMaker;
class UniqueNames;

/// The graph that layers are written into, and what they add to it besides their outputs.
class CallContext {
 public:
  struct Update {
    VariablePtr variable;
    Symbol value;
  };

  /// `training`: moving averages and the like are updated.
  CallContext(Graph& graph, bool training);
  CallContext(const CallContext&) = delete;

  Graph& graph() { return graph_; }
  bool training() const { return training_; }
  /// Layers write what they compute in inference: batch normalization by its moving averages, no
  /// dropout. Otherwise they write the form of training, which the inference pipeline reduces.
  bool inference() const { return inference_; }
  void set_inference() { inference_ = true; }
  /// The variable as a value of the graph; added to the graph at its first use. This and what else
  /// takes variables raises Error for an empty one.
  Symbol variable(const VariablePtr& variable, const OpLine& line = SourceLocation::current());
  /// int64[2] {seed, step}: the state of random numbers in this run. Raises InternalError when none
  /// was set.
  Symbol random_state();
  void set_random_state(VariablePtr state);
  bool uses_random_state() const { return random_state_used_; }
  /// {seed, step} -> {seed, step + 1} at the end of the step, if it was used.
  void advance_random_state();
  /// A number that is different for each layer and each of its calls, and the same for the same
  /// model in every run: automatic names, which other layers of the process count in, do not enter
  /// it; layers that have one count by the order of their first calls.
  int64_t next_stream(const std::string& layer_name);
  /// The value that the variable has after the updates so far: a layer that is called twice in one
  /// step goes on from there.
  Symbol current(const VariablePtr& variable, const OpLine& line = SourceLocation::current());
  /// variable <- value at the end of the step; ignored unless training. A later value replaces an
  /// earlier one.
  void add_update(const VariablePtr& variable, OpInput value);
  /// The same, whether training or not: for updates that a function of your own asks for.
  void assign(const VariablePtr& variable, OpInput value);
  /// d(sum of `output`)/d(variable) for each; zeros where the output does not depend on it. Raises
  /// Error as gradients() does.
  std::vector<Symbol> gradients(OpInput output, const std::vector<VariablePtr>& variables);
  /// Whether these are the zeros that gradients() gave where nothing depends on a variable.
  bool is_unconnected(Symbol gradient) const;
  /// Adds a scalar, or, as Keras, the sum of what is none, to the loss of the model. Raises Error
  /// for an empty symbol.
  void add_loss(OpInput loss);
  /// Says that the layer which is being written, if any, has `inner` in it, as calls of layers and
  /// models with this context do: LayerImpl::inner_layers().
  void hold(const std::shared_ptr<LayerImpl>& inner);
  /// Builds a layer that is called with this context; the paths of its weights begin with the names
  /// of the layers that it is part of. One of the default dtype takes that of the layer around it;
  /// one without a name of its own gets one among the layers in that.
  void build(LayerImpl& layer, std::span<const ValueType> inputs);

  /// Says that the graph holds these variables already, in the order of Graph::variables(): it went
  /// through a pass.
  void adopt(const std::vector<VariablePtr>& variables);
  bool holds(const VariablePtr& variable) const;

  /// Variables in the order of Graph::variables().
  const std::vector<VariablePtr>& variables() const;
  const std::vector<Update>& updates() const;
  /// Adds the updates to the graph; gives the variables that they change.
  std::vector<VariablePtr> write_updates();
  /// What layers have added: activity regularizers and add_loss().
  const std::vector<Symbol>& losses() const;
  /// The same behind the penalties of `weights` by their regularizers: what fit() adds to the loss
  /// of the outputs, and a loop of your own should, too. Keras's model.losses.
  std::vector<Symbol> losses(const std::vector<VariablePtr>& weights);

 private:
  friend class LayerImpl;
  std::string path_of_outer_layers() const;
  int64_t stream_of(const std::string& layer_name);
  Graph& graph_;
  bool training_;
  bool inference_ = false;
  VariablePtr random_state_;
  bool random_state_used_ = false;
  struct Tables;
  Handle<Tables> tables_;
};

class LayerImpl : public std::enable_shared_from_this<LayerImpl> {
 public:
  /// `class_name` as in Keras's files: "Dense"; Sinter's own have a package: "sinter>Maxout".
  LayerImpl(std::string class_name, const std::string& name, SourceLocation where);
  virtual ~LayerImpl();
  LayerImpl(const LayerImpl&) = delete;

  const std::string& class_name() const { return class_name_; }
  /// As given, or automatic: "dense_2", the third in the process; "dense_1" for the second layer
  /// without a name in another one, from its first call there on.
  const std::string& name() const { return name_; }
  const std::shared_ptr<const Origin>& origin() const { return origin_; }
  bool trainable() const;
  /// Of the layers in it, too.
  virtual void set_trainable(bool trainable);
  /// The dtype of weights and outputs.
  DType dtype() const { return dtype_; }
  void set_dtype(DType dtype) { dtype_ = dtype; }

  /// Settings in Keras's order: name, trainable, dtype, then the layer's own.
  virtual Config config() const = 0;
  /// Creates the weights with add_weight(). Called once, before the first call, with the types of
  /// its inputs.
  virtual void build(std::span<const ValueType> inputs) { (void)inputs; }
  /// Writes the layer into context.graph(). Layers and models that are its members are called with
  /// the context, `dense_(context, x)`: the first call builds them, and from then on their weights
  /// are this layer's.
  virtual std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) = 0;

  /// A layer with the same settings and name, without weights. By default from config(), by what
  /// made this one of a file; override it where that does not say everything.
  virtual std::shared_ptr<LayerImpl> clone() const;
  /// Of one that is made of its settings.
  void set_maker(Handle<const LayerMaker> maker);
  /// What all layers have: trainable, dtype, activity regularizer, origin.
  void copy_settings(const LayerImpl& other);

  bool built() const { return built_; }
  void ensure_built(std::span<const ValueType> inputs);
  /// The types given to build().
  const std::vector<ValueType>& build_types() const;
  /// call() under the layer's origin, with the activity regularizer. Raises Error when it gives
  /// nothing, an empty symbol or one of another graph.
  std::vector<Symbol> apply(CallContext& context, std::span<const Symbol> inputs,
                            const std::shared_ptr<const Origin>& origin);

  /// The layers that call() has called with its context, in the order of their first calls.
  const std::vector<std::shared_ptr<LayerImpl>>& inner_layers() const;
  /// Which of the layers in it train: each behind those around it, of models in it their layers.
  std::vector<bool> members_trainable() const;
  /// As members_trainable() says, from the first call on, which makes them known. Then raises Error
  /// when their number is another one.
  void set_members_trainable(std::vector<bool> trainable);
  /// Own weights in order of creation.
  const std::vector<VariablePtr>& weights() const;
  /// Trainable ones first, then the others, then those of the layers in it: the order of files and
  /// get_weights(). A model as a layer gives those of its layers, one layer after the other.
  virtual std::vector<VariablePtr> variables() const;
  /// Those that training changes: none when the layer is not trainable.
  virtual std::vector<VariablePtr> trainable_variables() const;
  int next_call_index() { return calls_++; }
  /// With a tensor of the functional API.
  bool was_called() const { return calls_ > 0; }
  /// "dense", of automatic names; empty where the user gave the name.
  const std::string& automatic_base() const { return automatic_base_; }
  /// Calls of the layer that models or tensors still hold, in the order they were made.
  std::vector<std::shared_ptr<const LayerCall>> calls() const;
  /// Of the functional API: from the first one on, the layers in this one are known.
  void remember(const std::shared_ptr<const LayerCall>& call);

  const Regularizer& activity_regularizer() const { return activity_regularizer_; }
  void set_activity_regularizer(Regularizer regularizer);

 protected:
  VariablePtr add_weight(const std::string& name, Shape shape, const Initializer& initializer,
                         bool trainable = true, Regularizer regularizer = {});
  /// {name, trainable, dtype}.
  Config base_config() const;
  /// "Dense 'fc1' (train.cc:23)": the start of error messages.
  std::string title() const;
  /// Says that the name is automatic.
  void set_automatic_base(std::string base) { automatic_base_ = std::move(base); }

 private:
  friend class CallContext;
  friend class Layer;
  void settle_members();
  /// The automatic name among the layers in `outer`; and the one in the process again.
  void name_within(LayerImpl& outer);
  void name_in_process();
  void set_name(std::string name);
  std::string class_name_;
  std::string name_;
  std::string automatic_base_;   // "dense" of automatic names; empty for one of the user's
  std::string name_in_process_;  // while it has one within another layer
  Handle<const LayerMaker> maker_;
  std::shared_ptr<const Origin> origin_;
  mutable bool trainable_ = true;  // atomic: asked for in other threads too
  DType dtype_;
  bool built_ = false;
  int calls_ = 0;
  struct Parts;  // in frontend/layer_parts.h
  Handle<Parts> parts_;
  Regularizer activity_regularizer_;
};

/// What users hold: copies are the same layer.
class Layer {
 public:
  explicit Layer(std::shared_ptr<LayerImpl> impl);

  /// Calls the layer. Shapes are checked now: errors name the layer, the shapes and the line of
  /// this call.
  /// Raises Error when the layer has several results: use call().
  KerasTensor operator()(const KerasTensor& x,
                         SourceLocation where = SourceLocation::current()) const;
  KerasTensor operator()(const std::vector<KerasTensor>& xs,
                         SourceLocation where = SourceLocation::current()) const;
  /// All results.
  List<KerasTensor> call(const std::vector<KerasTensor>& xs,
                         SourceLocation where = SourceLocation::current()) const;

  /// The same where the line of the call is that of another place: of the layer in a list of
  /// layers.
  List<KerasTensor> call(const std::vector<KerasTensor>& xs,
                         std::shared_ptr<const Origin> origin) const;

  /// Calls the layer where symbols are written: in call() of a layer that this one is part of, or
  /// in a CompiledFunction. The first call builds it. Raises Error unless it has one result.
  Symbol operator()(CallContext& context, Symbol x,
                    SourceLocation where = SourceLocation::current()) const;
  /// The same for any number of inputs and results.
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> xs,
                           SourceLocation where = SourceLocation::current()) const;

  const std::string& name() const { return impl_->name(); }
  const std::string& class_name() const { return impl_->class_name(); }
  Config config() const;
  bool trainable() const { return impl_->trainable(); }
  /// Of a model that was called: of all its layers. After training has begun, compile() again.
  void set_trainable(bool trainable) const { impl_->set_trainable(trainable); }
  bool built() const { return impl_->built(); }
  /// Of weights and outputs.
  DType dtype() const { return impl_->dtype(); }
  List<VariablePtr> variables() const;
  List<VariablePtr> trainable_variables() const;
  List<VariablePtr> non_trainable_variables() const;
  /// The same by Keras's other names.
  List<VariablePtr> weights() const;
  List<VariablePtr> trainable_weights() const;
  List<VariablePtr> non_trainable_weights() const;
  /// The weight of that name: "kernel", "bias", "gamma" ... Raises NameError, and Error when the
  /// layer has not been built or several weights have the name.
  VariablePtr weight(const std::string& name,
                     SourceLocation where = SourceLocation::current()) const;
  VariablePtr kernel(SourceLocation where = SourceLocation::current()) const;
  VariablePtr bias(SourceLocation where = SourceLocation::current()) const;
  /// The model that stands as this layer in another one: what get_layer("base") of a loaded model
  /// gives. Raises Error for another layer.
  Model as_model(SourceLocation where = SourceLocation::current()) const;
  /// What the first call of the layer took and gave (as in Keras 3), of those that a model or a
  /// tensor still holds. Raises Error when there is none, or when that call had several.
  KerasTensor input(SourceLocation where = SourceLocation::current()) const;
  KerasTensor output(SourceLocation where = SourceLocation::current()) const;
  List<KerasTensor> inputs(SourceLocation where = SourceLocation::current()) const;
  List<KerasTensor> outputs(SourceLocation where = SourceLocation::current()) const;
  /// Copies of the weights, in the order of variables().
  List<Tensor> get_weights() const;
  /// Raises ShapeError when the count or a shape differs.
  void set_weights(const std::vector<Tensor>& weights,
                   SourceLocation where = SourceLocation::current()) const;
  /// Number of values in all weights.
  int64_t count_params() const;

  LayerImpl& impl() const { return *impl_; }
  std::shared_ptr<LayerImpl> shared() const;

 private:
  Handle<LayerImpl> impl_;
};

/// `all` without `taken`.
std::vector<VariablePtr> without(std::vector<VariablePtr> all,
                                 const std::vector<VariablePtr>& taken);
/// The tensor when there is one; else an Error: "layer 'add' has 2 inputs: use inputs()".
KerasTensor only_one(const std::vector<KerasTensor>& tensors, const char* kind,
                     const std::string& name, const char* what);
/// Copies of their values, all of one moment: between two steps of training.
std::vector<Tensor> copies_of(std::span<const VariablePtr> variables);
/// Copies `values` into `variables`, between two steps of training; raises ShapeError naming
/// `owner` when the count or a shape differs.
void assign_all(const std::string& owner, std::span<const VariablePtr> variables,
                std::span<const Tensor> values);

// --- layers by name (layers/registry.cc)
using LayerFactory = Layer (*)(const Config&, SourceLocation);
/// Under Keras's class name. Later registrations win.
void register_layer(const std::string& class_name, LayerFactory factory,
                    SourceLocation where = SourceLocation::current());
std::vector<std::string> layer_names();
/// Makes a layer from Layer::config() or Keras's. Raises NameError for an unknown class, and Error
/// for a setting that is misspelt: like one the class asks for. Other unknown ones are ignored.
Layer layer_from_config(const std::string& class_name, const Config& config,
                        SourceLocation where = SourceLocation::current());

}  // namespace sinter
