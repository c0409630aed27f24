// The order of layers, as keras.ops.function.map_graph finds it, and writing the network into a
// graph.
#include "frontend/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "core/counted.h"
#include "core/error.h"
#include "frontend/layer_call.h"
#include "frontend/layers/input.h"
#include "frontend/layers/model_layer.h"
#include "frontend/unique_names.h"

namespace sinter {
namespace {

std::vector<std::string> names_of(const std::vector<KerasTensor>& tensors) {
  std::vector<std::string> names;
  UniqueNames taken;
  taken.insert(kRandomState);
  for (const KerasTensor& t : tensors) names.push_back(taken.next(t.call()->layer->name()));
  return names;
}

// Variables layer by layer, those of inner models in their place: each variable once, and each
// layer looked at once, however many models it stands in.
class VariableWalk {
 public:
  explicit VariableWalk(bool trainable) : trainable_(trainable) {}

  std::vector<VariablePtr> walk(const Network& network) {
    visit(network);
    return std::move(result_);
  }

 private:
  void visit(const Network& network) {
    for (const Layer& layer : network.layers()) {
      const LayerImpl& impl = layer.impl();
      if (!seen_.insert(&impl).second) continue;
      if (const auto* model = dynamic_cast<const ModelLayerImpl*>(&impl)) {
        visit(model->model().network());
        continue;
      }
      for (VariablePtr& v : trainable_ ? impl.trainable_variables() : impl.variables()) {
        if (known_.insert(&checked_variable(v)).second) result_.push_back(std::move(v));
      }
    }
  }

  bool trainable_;
  std::vector<VariablePtr> result_;
  std::set<const LayerImpl*> seen_;
  std::set<const Variable*> known_;
};

}  // namespace

struct Network::Parts {
  std::vector<KerasTensor> inputs, outputs;
  std::vector<std::shared_ptr<const LayerCall>> calls;
  List<Layer> layers;
  List<std::string> input_names, output_names;
  int depth = 0;
};

Network::Network() : parts_(std::make_shared<Parts>()) {}
const std::vector<KerasTensor>& Network::inputs() const { return parts_->inputs; }
const std::vector<KerasTensor>& Network::outputs() const { return parts_->outputs; }
const std::vector<std::shared_ptr<const LayerCall>>& Network::calls() const {
  return parts_->calls;
}
const List<Layer>& Network::layers() const { return parts_->layers; }
const std::vector<std::string>& Network::input_names() const { return parts_->input_names; }
const List<std::string>& Network::output_names() const { return parts_->output_names; }
int Network::depth() const { return parts_->depth; }

Network::Network(std::vector<KerasTensor> inputs, std::vector<KerasTensor> outputs) : Network() {
  parts_->inputs = std::move(inputs);
  parts_->outputs = std::move(outputs);
  if (parts_->inputs.empty() || parts_->outputs.empty())
    throw Error("a model needs at least one input and one output");
  const std::vector<KerasTensor>& given = parts_->inputs;
  for (auto input = given.begin(); input != given.end(); ++input) {
    if (std::find(given.begin(), input, *input) != input)
      throw Error(fmt::format("input '{}' is given twice: each input of a model may be given once",
                              input->call()->layer->name()));
  }
  order_layers();
  std::map<std::string, const LayerImpl*> by_name;
  for (const Layer& layer : parts_->layers) {
    const auto [it, added] = by_name.emplace(layer.name(), &layer.impl());
    if (!added)
      throw Error(fmt::format("two layers of the model are named '{}'; names must be unique",
                              layer.name()));
    const auto* inner = dynamic_cast<const ModelLayerImpl*>(&layer.impl());
    if (inner == nullptr) continue;
    parts_->depth = std::max(parts_->depth, 1 + inner->depth());
    // What walks through models calls itself for each, and files are read to a depth.
    constexpr int kDeepest = 500;
    if (parts_->depth > kDeepest)
      throw Error(
          fmt::format("more than {} models stand one inside the other, the outermost of "
                      "them is '{}'",
                      kDeepest, layer.name()));
  }
  parts_->input_names = names_of(parts_->inputs);
  parts_->output_names = names_of(parts_->outputs);
}

void Network::order_layers() {
  std::map<const LayerImpl*, int> indices;  // in the order of the walk
  std::map<const LayerImpl*, std::shared_ptr<LayerImpl>> owners;
  std::set<const LayerCall*> finished, given;
  for (const KerasTensor& input : parts_->inputs) given.insert(input.call().get());
  // Depth first from the outputs; the recursion is unrolled because deep networks would exhaust the
  // stack.
  struct Visit {
    std::shared_ptr<const LayerCall> call;
    size_t next = 0;
  };
  for (const KerasTensor& output : parts_->outputs) {
    std::vector<Visit> stack = {{output.call()}};
    while (!stack.empty()) {
      Visit& visit = stack.back();
      const std::shared_ptr<const LayerCall> call = visit.call;
      if (visit.next == 0 && finished.contains(call.get())) {
        stack.pop_back();
        continue;
      }
      if (visit.next == 0) {
        indices.emplace(call->layer.get(), static_cast<int>(indices.size()));
        owners.emplace(call->layer.get(), call->layer);
        if (call->inputs.empty() && !given.contains(call.get())) {
          throw Error(
              fmt::format("the output of layer '{}' depends on '{}', which is not among the inputs "
                          "of the model",
                          output.call()->layer->name(), call->layer->name()));
        }
      }
      if (visit.next < call->inputs.size()) {
        const std::shared_ptr<const LayerCall> before = call->inputs[visit.next++].call();
        if (!finished.contains(before.get())) stack.push_back({before});
        continue;
      }
      finished.insert(call.get());
      parts_->calls.push_back(call);
      stack.pop_back();
    }
  }
  // The depth of a call is the length of the longest way to an output; that of a layer the largest
  // of its calls.
  std::map<const LayerCall*, int> call_depth;
  std::map<const LayerImpl*, int> layer_depth;
  for (auto it = parts_->calls.rbegin(); it != parts_->calls.rend(); ++it) {
    const LayerCall* call = it->get();
    const int depth = std::max(call_depth[call], layer_depth[call->layer.get()]);
    call_depth[call] = layer_depth[call->layer.get()] = depth;
    for (const KerasTensor& x : call->inputs) {
      int& before = call_depth[x.call().get()];
      before = std::max(before, depth + 1);
    }
  }
  std::vector<std::shared_ptr<const LayerCall>> unused;
  for (const KerasTensor& input : parts_->inputs) {  // inputs that no output depends on
    const LayerImpl* layer = input.call()->layer.get();
    if (layer_depth.contains(layer)) continue;
    layer_depth[layer] = 0;
    indices[layer] = -1;
    owners.emplace(layer, input.call()->layer);
    unused.push_back(input.call());
  }
  parts_->calls.insert(parts_->calls.begin(), unused.rbegin(), unused.rend());
  std::vector<const LayerImpl*> order;
  for (const auto& [layer, depth] : layer_depth) order.push_back(layer);
  std::ranges::sort(order, [&](const LayerImpl* a, const LayerImpl* b) {
    return layer_depth[a] != layer_depth[b] ? layer_depth[a] > layer_depth[b]
                                            : indices[a] < indices[b];
  });
  for (const LayerImpl* layer : order) parts_->layers.emplace_back(owners[layer]);
}

std::vector<VariablePtr> Network::variables() const { return VariableWalk(false).walk(*this); }

std::vector<VariablePtr> Network::trainable_variables() const {
  return VariableWalk(true).walk(*this);
}

std::vector<Symbol> Network::write(CallContext& context, std::span<const Symbol> inputs) const {
  std::map<const LayerCall*, std::vector<Symbol>> values;
  const std::vector<KerasTensor>& given = parts_->inputs;
  for (size_t i = 0; i < given.size(); ++i) values[given[i].call().get()] = {inputs[i]};
  for (const auto& call : parts_->calls) {
    if (values.contains(call.get())) continue;
    std::vector<Symbol> arguments;
    for (const KerasTensor& x : call->inputs)
      arguments.push_back(values.at(x.call().get())[static_cast<size_t>(x.index())]);
    std::vector<Symbol>& results = values[call.get()];
    results = call->layer->apply(context, arguments, call->origin);
    if (results.size() != call->outputs.size()) {
      throw Error(fmt::format("{} {}: call() gave {}, {} when the layer was called first",
                              call->layer->class_name(), call->origin->to_string(),
                              counted(results.size(), "output"), call->outputs.size()));
    }
    // Models that call models multiply.
    constexpr int32_t kMostNodes = 1 << 19;
    if (context.graph().size() > kMostNodes) {
      throw Error(
          fmt::format("the model has more than {} ops, counting each call of its layers; it "
                      "would take too long to compile",
                      kMostNodes));
    }
  }
  std::vector<Symbol> results;
  for (const KerasTensor& y : parts_->outputs)
    results.push_back(values.at(y.call().get())[static_cast<size_t>(y.index())]);
  return results;
}

}  // namespace sinter
