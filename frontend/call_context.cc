// The graph that layers are written into, and writing one of them.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "core/error.h"
#include "core/graph.h"
#include "frontend/layer.h"
#include "frontend/layer_parts.h"
#include "frontend/layers/model_layer.h"
#include "frontend/session.h"
#include "frontend/unique_names.h"
#include "ops/gradients.h"
#include "ops/ops.h"

namespace sinter {
namespace {

// FNV-1a, so that streams depend on names alone.
int64_t hash_name(const std::string& name) {
  uint32_t hash = 2166136261u;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash & 0x7fffffff;
}

// "dropout", "dropout_1", "dropout_12": names that layers of this class get where none is given.
bool is_numbered(std::string_view name, std::string_view base) {
  if (!name.starts_with(base)) return false;
  name.remove_prefix(base.size());
  if (name.empty()) return true;
  return name.size() > 1 && name[0] == '_' &&
         name.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

}  // namespace

struct CallContext::Tables {
  std::map<const Variable*, Symbol> symbols;
  std::map<std::string, int64_t> streams;     // calls of layers by their names
  std::vector<VariablePtr> variables;         // in the order of Graph::variables()
  std::vector<Update> changes;                // what updates() gives
  std::map<const Variable*, size_t> updates;  // places in it
  std::vector<Symbol> losses;
  std::set<ValueId> unconnected;              // gradients where nothing depends on a variable
  std::vector<LayerImpl*> writing;            // each in the call() of the one before
  UniqueNames names;                          // of variables in the graph

  std::string name_of_stream(const std::string& layer_name);

 private:
  std::map<std::string, std::string> counted_;  // "dropout_7" -> "dropout_1"
  UniqueNames counted_names_;
};

CallContext::CallContext(Graph& graph, bool training)
    : graph_(graph), training_(training), tables_(std::make_shared<Tables>()) {
  tables_->names.insert(kRandomState);
}

const std::vector<VariablePtr>& CallContext::variables() const { return tables_->variables; }
const std::vector<CallContext::Update>& CallContext::updates() const { return tables_->changes; }
const std::vector<Symbol>& CallContext::losses() const { return tables_->losses; }

bool CallContext::holds(const VariablePtr& variable) const {
  return tables_->symbols.contains(variable.get());
}

void CallContext::add_loss(OpInput loss) {
  graph_.id_of(loss, "add_loss()");
  tables_->losses.push_back(loss.rank() == 0 ? loss : sum(loss));
}

std::vector<Symbol> CallContext::losses(const std::vector<VariablePtr>& weights) {
  std::vector<Symbol> all;
  for (const VariablePtr& v : weights) {
    if (v->regularizer) all.push_back(v->regularizer(variable(v)));
  }
  all.insert(all.end(), tables_->losses.begin(), tables_->losses.end());
  return all;
}

void CallContext::hold(const std::shared_ptr<LayerImpl>& inner) {
  if (tables_->writing.empty()) return;
  LayerImpl& outer = *tables_->writing.back();
  if (std::ranges::find(outer.parts_->inner, inner) != outer.parts_->inner.end()) return;
  if (!outer.parts_->made.empty() && !inner->variables().empty()) {
    throw Error(fmt::format(
        "{}: layer '{}' was not in its first call: layers with weights must be members, called "
        "whether it is training or not",
        outer.title(), inner->name()));
  }
  if (!outer.trainable()) inner->set_trainable(false);
  inner->name_within(outer);
  if (auto* model = dynamic_cast<ModelLayerImpl*>(inner.get()))
    model->place_within(path_of_outer_layers());
  outer.parts_->inner.push_back(inner);
}

Symbol CallContext::variable(const VariablePtr& variable, const OpLine& line) {
  line.enter();
  checked_variable(variable);
  const auto it = tables_->symbols.find(variable.get());
  if (it != tables_->symbols.end()) return it->second;
  std::string name =
      variable == random_state_ ? variable->path : tables_->names.next(variable->path);
  while (graph_.find_variable(name) >= 0 || graph_.find_input(name) >= 0)
    name = tables_->names.next(variable->path);
  const Symbol symbol = graph_.variable(name, variable->value.type());
  tables_->variables.push_back(variable);
  tables_->symbols.emplace(variable.get(), symbol);
  return symbol;
}

void CallContext::adopt(const std::vector<VariablePtr>& variables) {
  SINTER_CHECK(variables.size() == graph_.variables().size());
  tables_->variables = variables;
  for (size_t i = 0; i < variables.size(); ++i)
    tables_->symbols[variables[i].get()] = Symbol(&graph_, {graph_.variables()[i], 0});
}

void CallContext::build(LayerImpl& layer, std::span<const ValueType> inputs) {
  if (layer.built()) return;
  const std::vector<LayerImpl*>& outer_layers = tables_->writing;
  if (!outer_layers.empty()) {
    if (layer.dtype() == floatx()) layer.set_dtype(outer_layers.back()->dtype());
    layer.name_within(*outer_layers.back());
  }
  layer.ensure_built(inputs);
  const std::string path = path_of_outer_layers();
  for (const VariablePtr& w : layer.weights()) w->path = path + w->path;
}

std::string CallContext::path_of_outer_layers() const {
  std::string path;
  for (const LayerImpl* outer : tables_->writing) path += outer->name() + "/";
  return path;
}

Symbol CallContext::random_state() {
  SINTER_CHECK(random_state_ != nullptr);
  random_state_used_ = true;
  return variable(random_state_);
}

void CallContext::advance_random_state() {
  if (!random_state_used_) return;
  const std::vector<int64_t> one_step = {0, 1};
  assign(random_state_,
         variable(random_state_) + graph_.constant(Tensor::from<int64_t>({2}, one_step)));
}

std::vector<VariablePtr> CallContext::write_updates() {
  std::vector<VariablePtr> changed;
  for (const Update& u : tables_->changes) {
    graph_.add_update(variable(u.variable).id().node,
                      graph_.id_of(u.value, "the new value of " + u.variable->path));
    changed.push_back(u.variable);
  }
  return changed;
}

int64_t CallContext::next_stream(const std::string& layer_name) {
  // Within a layer of layers, whatever it is called with, other layers of the process have counted
  // in the automatic names of models' layers.
  const std::vector<LayerImpl*>& layers = tables_->writing;
  const bool is_within = std::ranges::any_of(layers, [&](const LayerImpl* layer) {
    return layer != layers.back() && dynamic_cast<const ModelLayerImpl*>(layer) == nullptr;
  });
  if (is_within && layers.back()->name() == layer_name && !layers.back()->automatic_base_.empty())
    return stream_of(layers.back()->automatic_base_);
  return stream_of(tables_->name_of_stream(layer_name));
}

// Other models of the process have counted in "dropout_7" as well, so the layer is counted anew
// among those of the graph: a model draws the same whatever was made before it. A file does not say
// which names were automatic, so all that could be are taken for such.
std::string CallContext::Tables::name_of_stream(const std::string& layer_name) {
  if (writing.empty() || writing.back()->name() != layer_name) return layer_name;
  const std::string base = automatic_base_of(writing.back()->class_name());
  if (!is_numbered(layer_name, base)) return layer_name;
  const auto [found, is_new] = counted_.try_emplace(layer_name);
  if (is_new) found->second = counted_names_.next(base);
  return found->second;
}

int64_t CallContext::stream_of(const std::string& layer_name) {
  // Rotated: the counter-based generator takes 32 bits of it, and 2^32 calls have to differ there.
  const auto call = static_cast<uint32_t>(tables_->streams[layer_name]++);
  return hash_name(layer_name) ^ int64_t { std::rotl(call, 20) };
}

Symbol CallContext::current(const VariablePtr& v, const OpLine& line) {
  line.enter();
  const auto found = tables_->updates.find(v.get());
  return found != tables_->updates.end() ? tables_->changes[found->second].value : variable(v);
}

void CallContext::add_update(const VariablePtr& variable, OpInput value) {
  if (training_) assign(variable, value);
}

std::vector<Symbol> CallContext::gradients(OpInput output,
                                           const std::vector<VariablePtr>& variables) {
  std::vector<Symbol> wrt;
  for (const VariablePtr& v : variables) wrt.push_back(variable(v));
  const Symbol outputs[] = {output};
  std::vector<Symbol> result = sinter::gradients(outputs, wrt, {}, UnconnectedGradients::kNone);
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i].valid()) continue;
    result[i] = zeros_like(wrt[i]);
    tables_->unconnected.insert(result[i].id());
  }
  return result;
}

bool CallContext::is_unconnected(Symbol gradient) const {
  return tables_->unconnected.contains(gradient.id());
}

void CallContext::assign(const VariablePtr& variable, OpInput value) {
  this->variable(variable);
  graph_.id_of(value, "the new value of " + variable->path);
  const auto [found, added] = tables_->updates.emplace(variable.get(), tables_->changes.size());
  if (added)
    tables_->changes.push_back({variable, value});
  else
    tables_->changes[found->second].value = value;
}

std::vector<Symbol> LayerImpl::apply(CallContext& context, std::span<const Symbol> inputs,
                                     const std::shared_ptr<const Origin>& origin) {
  const OriginScope scope(context.graph(), origin);
  struct Writing {
    Writing(std::vector<LayerImpl*>& all, LayerImpl* layer) : layers(all) {
      layers.push_back(layer);
    }
    ~Writing() { layers.pop_back(); }
    std::vector<LayerImpl*>& layers;
  };
  constexpr size_t kDeepest = 1000;  // one of which in the call() of the other, on the stack
  if (context.tables_->writing.size() >= kDeepest) {
    throw Error(fmt::format("{}: more than {} layers, each in the call() of the one before",
                            title(), kDeepest));
  }
  std::vector<Symbol> results;
  {
    const Writing writing(context.tables_->writing, this);
    results = call(context, inputs);
  }
  settle_members();
  if (results.empty()) throw Error(fmt::format("{}: call() gave no output", title()));
  for (size_t i = 0; i < results.size(); ++i)
    context.graph().id_of(results[i], fmt::format("{}: output {} of call()", title(), i));
  if (activity_regularizer_) {
    for (const Symbol& y : results)
      context.add_loss(divide(activity_regularizer_(y), size(y, 0, y.dtype())));
  }
  return results;
}

}  // namespace sinter
