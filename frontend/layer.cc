// What every layer does: names, building, calling with an origin, weights.
#include "frontend/layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <typeinfo>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "core/float_environment.h"
#include "core/graph.h"
#include "core/line.h"
#include "core/sizes.h"
#include "core/utf8.h"
#include "frontend/compile_warnings.h"
#include "frontend/custom_object_scope.h"
#include "frontend/layer_call.h"
#include "frontend/layer_parts.h"
#include "frontend/layers/model_layer.h"
#include "frontend/layers/registry.h"
#include "frontend/origin.h"
#include "frontend/session.h"
#include "frontend/unique_names.h"
#include "frontend/weights_lock.h"
#include "ops/gradients.h"
#include "ops/ops.h"

namespace sinter {
namespace {

void append_new(std::vector<VariablePtr>& all, const std::vector<VariablePtr>& more) {
  for (const VariablePtr& v : more) {
    if (std::ranges::find(all, v) == all.end()) all.push_back(v);
  }
}

// What the error says, of the layer that was called at `origin`. Errors of ops start with that
// themselves, those of layers with their title.
std::string of_layer(const Error& error, const LayerImpl& layer, const Origin& origin) {
  const std::string text = error.what(), &kind = layer.class_name();
  if (typeid(error) == typeid(NameError) ||  // which names what it is about
      text.starts_with(fmt::format("{} '{}'", kind, layer.name())))
    return text;
  return text.starts_with(origin.to_string())
             ? kind + " " + text
             : fmt::format("{} {}: {}", kind, origin.to_string(), text);
}

}  // namespace

// --- LayerImpl
LayerImpl::LayerImpl(std::string class_name, const std::string& name, SourceLocation where)
    : class_name_(std::move(class_name)), dtype_(floatx()), parts_(std::make_shared<Parts>()) {
  register_ops();
  at_line(where, [&] { check_name(class_name_, name); });
  if (name.empty()) automatic_base_ = automatic_base_of(class_name_);
  name_ = name.empty() ? automatic_name(automatic_base_) : name;
  origin_ = origin_at(name_, where);
}

LayerImpl::~LayerImpl() = default;

const std::vector<ValueType>& LayerImpl::build_types() const { return parts_->build_types; }
const std::vector<VariablePtr>& LayerImpl::weights() const { return parts_->weights; }
const std::vector<std::shared_ptr<LayerImpl>>& LayerImpl::inner_layers() const {
  return parts_->inner;
}

void LayerImpl::set_name(std::string name) {
  name_ = std::move(name);
  Origin origin = *origin_;
  origin.layer = name_;
  origin_ = std::make_shared<const Origin>(std::move(origin));
}

void LayerImpl::name_within(LayerImpl& outer) {
  if (automatic_base_.empty() || !name_in_process_.empty() || built_ || calls_ > 0) return;
  Parts& around = *outer.parts_;
  UniqueNames& taken = around.member_names;
  for (; around.named_members < around.inner.size(); ++around.named_members)
    taken.insert(around.inner[around.named_members]->name());
  name_in_process_ = name_;
  set_name(taken.next(automatic_base_));
}

void LayerImpl::name_in_process() {
  if (!name_in_process_.empty()) set_name(std::exchange(name_in_process_, ""));
}

std::string LayerImpl::title() const {
  return fmt::format("{} {}", class_name_, origin_->to_string());
}

Config LayerImpl::base_config() const {
  Config c = {
      {"name", name_},
      {"trainable", trainable()},
      {"dtype", ConfigObject{"keras", "DTypePolicy", {{"name", std::string(dtype_name(dtype_))}}}}};
  if (activity_regularizer_) c.set("activity_regularizer", activity_regularizer_.to_config());
  return c;
}

VariablePtr LayerImpl::add_weight(const std::string& name, Shape shape,
                                  const Initializer& initializer, bool trainable,
                                  Regularizer regularizer) {
  for (int64_t d : shape) {
    if (d <= 0) {
      throw ShapeError(fmt::format(
          "{}: weight '{}' would have shape {}; every dimension must be known and positive",
          title(), name, shape.to_string()));
    }
  }
  if (dtype_ != DType::kFloat32 && dtype_ != DType::kFloat64) {
    throw Error(fmt::format("{}: weight '{}' would be {}; weights are float32 or float64", title(),
                            name, dtype_name(dtype_)));
  }
  try {
    check_type({dtype_, shape});
  } catch (const ShapeError& error) {
    throw ShapeError(fmt::format("{}: weight '{}': {}", title(), name, error.what()));
  }
  check_name(fmt::format("{}: weight", title()), name);
  const uint64_t key = next_random_key();
  auto weight = std::make_shared<Variable>(name, name_ + "/" + name,
                                           WithoutInitialValues::is_active()
                                               ? Tensor::placeholder(dtype_, shape)
                                               : initializer(shape, dtype_, key),
                                           trainable);
  weight->regularizer = std::move(regularizer);
  parts_->weights.push_back(weight);
  return weight;
}

std::vector<VariablePtr> LayerImpl::variables() const {
  std::vector<VariablePtr> result;
  for (const VariablePtr& w : parts_->weights) {
    if (w->trainable) result.push_back(w);
  }
  for (const VariablePtr& w : parts_->weights) {
    if (!w->trainable) result.push_back(w);
  }
  for (const auto& layer : parts_->inner) append_new(result, layer->variables());
  return result;
}

bool LayerImpl::trainable() const {
  return std::atomic_ref<bool>(trainable_).load(std::memory_order_relaxed);
}

void LayerImpl::set_trainable(bool trainable) {
  std::atomic_ref<bool>(trainable_).store(trainable, std::memory_order_relaxed);
  for (const auto& layer : parts_->inner) layer->set_trainable(trainable);
}

std::vector<VariablePtr> LayerImpl::trainable_variables() const {
  std::vector<VariablePtr> result;
  for (const VariablePtr& w : parts_->weights) {
    if (trainable() && w->trainable) result.push_back(w);
  }
  for (const auto& layer : parts_->inner) {
    if (trainable()) append_new(result, layer->trainable_variables());
  }
  return result;
}

void LayerImpl::ensure_built(std::span<const ValueType> inputs) {
  if (built_) return;
  parts_->weights.clear();
  build(inputs);
  parts_->build_types.assign(inputs.begin(), inputs.end());
  built_ = true;
}

void LayerImpl::set_maker(Handle<const LayerMaker> maker) { maker_ = std::move(maker); }

std::shared_ptr<LayerImpl> LayerImpl::clone() const {
  Config settings = config();
  settings.set("name", name_);
  if (maker_ == nullptr) return layer_from_config(class_name_, settings).shared();
  const CustomObjectScope scope(maker_->objects);
  return made_by(maker_->factory, class_name_, settings, {}).shared();
}

void LayerImpl::copy_settings(const LayerImpl& other) {
  origin_ = other.origin_;
  std::atomic_ref<bool>(trainable_).store(other.trainable(), std::memory_order_relaxed);
  dtype_ = other.dtype_;
  activity_regularizer_ = other.activity_regularizer_;
}

void LayerImpl::remember(const std::shared_ptr<const LayerCall>& call) {
  std::erase_if(parts_->made, [](const auto& known) { return known.expired(); });
  parts_->made.push_back(call);
}

std::vector<std::shared_ptr<const LayerCall>> LayerImpl::calls() const {
  std::vector<std::shared_ptr<const LayerCall>> result;
  for (const auto& known : parts_->made) {
    if (auto call = known.lock()) result.push_back(std::move(call));
  }
  return result;
}

// --- Layer
List<KerasTensor> Layer::call(const std::vector<KerasTensor>& xs, SourceLocation where) const {
  return call(xs, origin_at(impl_->name(), where));
}

List<KerasTensor> Layer::call(const std::vector<KerasTensor>& xs,
                              std::shared_ptr<const Origin> origin) const {
  const DefaultFloatEnvironment environment;
  if (!impl_->name_in_process_.empty()) {  // a layer of the model, too
    impl_->name_in_process();
    origin = std::make_shared<const Origin>(Origin{name(), origin->file, origin->line});
  }
  // One step of the functional API in a scratch graph: shapes are inferred and mistakes raised
  // where the user made them. A model knows its types: were it written, models that call models
  // twice would take as long as all of their layers together.
  std::vector<ValueType> types;
  for (const KerasTensor& x : xs) types.push_back(x.type());
  auto made = std::make_shared<LayerCall>();
  Graph scratch("scratch");
  try {
    impl_->ensure_built(types);
    if (const auto* model = dynamic_cast<const ModelLayerImpl*>(&impl())) {
      made->outputs = model->output_types(types);
    } else {
      std::vector<Symbol> inputs;
      for (size_t i = 0; i < types.size(); ++i)
        inputs.push_back(scratch.input(fmt::format("x{}", i), types[i]));
      CallContext context(scratch, true);
      context.set_random_state(make_random_state());
      for (const Symbol& y : impl_->apply(context, inputs, origin))
        made->outputs.push_back(y.type());
      warn_of_softmax(scratch, fmt::format("{} {}", impl_->class_name(), origin->to_string()));
    }
  } catch (const Error& error) {
    rethrow_as(error, with_line(error.op_line(), of_layer(error, *impl_, *origin)));
  }
  made->layer = impl_.shared();
  made->index = impl_->next_call_index();
  made->inputs = xs;
  made->origin = std::move(origin);
  impl_->remember(made);
  std::vector<KerasTensor> results;
  for (int i = 0; i < static_cast<int>(made->outputs.size()); ++i) results.emplace_back(made, i);
  return results;
}

std::vector<Symbol> Layer::call(CallContext& context, std::span<const Symbol> xs,
                                SourceLocation where) const {
  const OpLine line(where);
  line.enter();
  std::vector<ValueType> types;
  for (const Symbol& x : xs) types.push_back(x.type());
  try {
    context.build(*impl_, types);
    context.hold(impl_.shared());
    return impl_->apply(context, xs, origin_at(name(), where));
  } catch (const Error& error) {
    rethrow_as(error, of_layer(error, *impl_, *origin_at(name(), where)));
  }
}

Symbol Layer::operator()(CallContext& context, Symbol x, SourceLocation where) const {
  const std::vector<Symbol> results = call(context, std::span(&x, 1), where);
  if (results.size() == 1) return results[0];
  throw Error(with_line(where, fmt::format("layer '{}' has {}: use call()", name(),
                                           counted(results.size(), "output"))));
}

KerasTensor Layer::operator()(const KerasTensor& x, SourceLocation where) const {
  return (*this)(std::vector<KerasTensor>{x}, where);
}

KerasTensor Layer::operator()(const std::vector<KerasTensor>& xs, SourceLocation where) const {
  const std::vector<KerasTensor> results = call(xs, where);
  if (results.size() == 1) return results[0];
  throw Error(with_line(where, fmt::format("layer '{}' has {}: use call()", name(),
                                           counted(results.size(), "output"))));
}

List<KerasTensor> Layer::inputs(SourceLocation where) const {
  return at_line(where, [&] {
    const auto calls = impl_->calls();
    if (calls.empty()) {
      throw Error(
          fmt::format("layer '{}' has no input or output: it has not been called, or nothing "
                      "holds what it gave",
                      name()));
    }
    // An input layer gives what it takes.
    return calls[0]->inputs.empty() ? outputs(where) : calls[0]->inputs;
  });
}

List<KerasTensor> Layer::outputs(SourceLocation where) const {
  return at_line(where, [&]() -> std::vector<KerasTensor> {
    const auto calls = impl_->calls();
    if (calls.empty()) return inputs(where);
    std::vector<KerasTensor> result;
    for (int i = 0; i < static_cast<int>(calls[0]->outputs.size()); ++i)
      result.emplace_back(calls[0], i);
    return result;
  });
}

KerasTensor Layer::input(SourceLocation where) const {
  return at_line(where, [&] { return only_one(inputs(where), "layer", name(), "input"); });
}
KerasTensor Layer::output(SourceLocation where) const {
  return at_line(where, [&] { return only_one(outputs(where), "layer", name(), "output"); });
}

List<VariablePtr> Layer::trainable_variables() const {
  return trainable() ? impl_->trainable_variables() : std::vector<VariablePtr>();
}

List<VariablePtr> Layer::non_trainable_variables() const {
  return without(variables(), trainable_variables());
}

void CallContext::set_random_state(VariablePtr state) { random_state_ = std::move(state); }

void LayerImpl::set_activity_regularizer(Regularizer regularizer) {
  activity_regularizer_ = std::move(regularizer);
}

Layer::Layer(std::shared_ptr<LayerImpl> impl) : impl_(std::move(impl)) {}
Config Layer::config() const { return impl_->config(); }
List<VariablePtr> Layer::variables() const {
  std::vector<VariablePtr> all = impl_->variables();
  for (const VariablePtr& v : all) checked_variable(v);
  return all;
}
VariablePtr Layer::kernel(SourceLocation where) const { return weight("kernel", where); }
VariablePtr Layer::bias(SourceLocation where) const { return weight("bias", where); }
std::shared_ptr<LayerImpl> Layer::shared() const { return impl_.shared(); }

}  // namespace sinter
