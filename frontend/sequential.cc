// Building a chain, at once or when the first data shows the shape of a row.
#include "frontend/sequential.h"

#include <fmt/format.h>

#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/error.h"
#include "frontend/layers/input.h"
#include "frontend/layers/model_layer.h"
#include "frontend/model_state.h"
#include "frontend/origin.h"
#include "frontend/session.h"
#include "ops/ops.h"

namespace sinter {
namespace {

// A layer of the chain is called, as far as errors go, where the user made it.
KerasTensor called(const Layer& layer, const KerasTensor& x) {
  return layer.call({x}, layer.impl().origin()).front();
}

// Calls the layers one after the other and makes them the network of the model.
void chain(ModelState& state, const KerasTensor& input) {
  KerasTensor x = input;
  for (const Layer& layer : state.chain) x = called(layer, x);
  if (state.chain.empty()) return;
  state.network.emplace(std::vector<KerasTensor>{input}, std::vector<KerasTensor>{x});
  const std::shared_ptr<const Compiled> before = state.compiled();
  if (before == nullptr) return;
  try {
    auto made = std::make_shared<Compiled>(*before);
    state.settle(*made);
    state.set_compiled(std::move(made));
  } catch (...) {
    state.network.reset();
    throw;
  }
}

// A model at the start of a chain brings the shape of its input with it.
void take_input_of(ModelState& state, const Layer& first) {
  const auto* inner = dynamic_cast<const ModelLayerImpl*>(&first.impl());
  if (inner == nullptr || inner->model().inputs().size() != 1) return;
  const KerasTensor input = inner->model().input();
  const Shape shape = input.shape();
  state.chain_input =
      Input(Shape(std::vector<int64_t>(shape.begin() + 1, shape.end())), {.dtype = input.dtype()});
}

// Whoever holds the model as a layer knows the types of its results.
void refuse_change(const ModelState& state, const char* call) {
  state.refuse_in_fit(call);
  if (state.as_layer.expired()) return;
  throw Error(
      fmt::format("{}: model '{}' stands in a model, in itself or in another one, which "
                  "knows it as it is",
                  call, state.name));
}

void refuse_late_input(const ModelState& state) {
  throw Error(fmt::format("model '{}': Input must be the first item", state.name));
}

void refuse_second(const ModelState& state, const Layer& layer) {
  throw Error(fmt::format("model '{}': two layers are named '{}'; names must be unique", state.name,
                          layer.name()));
}

}  // namespace

Sequential::Item::Item(KerasTensor input)
    : input_(std::make_shared<const KerasTensor>(std::move(input))) {}
Sequential::Item::Item(Layer layer) : layer_(std::make_shared<const Layer>(std::move(layer))) {}
Sequential::Item::Item(const Model& model, SourceLocation where) : Item(model.as_layer(where)) {}
const KerasTensor* Sequential::Item::input() const { return input_ ? &*input_ : nullptr; }
const Layer* Sequential::Item::layer() const { return layer_ ? &*layer_ : nullptr; }

Sequential::Sequential(std::string name, SourceLocation where)
    : Model(at_line(where, [&] { return ModelState::named(std::move(name), "sequential"); })) {
  register_ops();
  state_->sequential = true;
}

Sequential::Sequential(std::initializer_list<Item> items, std::string name, SourceLocation where)
    : Sequential(std::vector<Item>(items), std::move(name), where) {}

Sequential::Sequential(const std::vector<Item>& items, std::string name, SourceLocation where)
    : Sequential(std::move(name), where) {
  // The layers are called when all are there: to add them to a network one by one takes as long as
  // making as many networks.
  at_line(where, [&] {
    ModelState& state = *state_;
    std::unordered_set<std::string> names;
    for (const Item& item : items) {
      if (item.input() != nullptr) {
        if (&item != items.data()) refuse_late_input(state);
        state.chain_input = *item.input();
        continue;
      }
      if (!names.insert(item.layer()->name()).second) refuse_second(state, *item.layer());
      state.chain.push_back(*item.layer());
    }
    if (!state.chain_input && !state.chain.empty()) take_input_of(state, state.chain.front());
    if (state.chain_input) chain(state, *state.chain_input);
  });
}

void Sequential::add(const Item& item, SourceLocation where) {
  at_line(where, [&]() -> void {
    ModelState& state = *state_;
    const std::lock_guard lock(state.fit_mutex);
    refuse_change(state, "add()");
    if (const KerasTensor* input = item.input()) {
      if (!state.chain.empty() || state.chain_input) refuse_late_input(state);
      state.chain_input = *input;
      state.forget_settings();
      return;
    }
    const Layer& layer = *item.layer();
    for (const Layer& other : state.chain) {
      if (other.name() == layer.name()) refuse_second(state, layer);
    }
    if (state.network) {
      const KerasTensor y = called(layer, state.network->outputs()[0]);
      state.forget_settings();
      state.chain.push_back(layer);
      state.network.emplace(std::vector<KerasTensor>{*state.chain_input},
                            std::vector<KerasTensor>{y});
      return;
    }
    // What is refused leaves the model as it was.
    const std::optional<KerasTensor> input = state.chain_input;
    std::shared_ptr<const Compiled> compiled = state.compiled();
    state.set_compiled(nullptr);
    state.chain.push_back(layer);
    try {
      if (!state.chain_input && state.chain.size() == 1) take_input_of(state, layer);
      if (state.chain_input) chain(state, *state.chain_input);
    } catch (...) {
      state.chain.pop_back();
      state.chain_input = input;
      state.set_compiled(std::move(compiled));
      throw;
    }
    state.forget_settings();
  });
}

void Sequential::pop(SourceLocation where) {
  at_line(where, [&] {
    ModelState& state = *state_;
    const std::lock_guard lock(state.fit_mutex);
    refuse_change(state, "pop()");
    if (state.chain.empty()) throw Error(fmt::format("model '{}' has no layer to remove", name()));
    state.forget_settings();
    state.chain.pop_back();
    state.network.reset();
    if (state.chain_input) chain(state, *state.chain_input);
  });
}

void Sequential::build(const Shape& row_shape, SourceLocation where) const {
  at_line(where, [&] {
    const std::lock_guard lock(state_->build_mutex);
    state_->build_chain(row_shape);
  });
}

void ModelState::build_chain(const Shape& row_shape) {
  if (network) return;
  if (chain.empty()) throw Error(fmt::format("model '{}' has no layers", name));
  // What is known of the input comes from data: data that fails tells nothing.
  chain_input = Input(row_shape, {});
  try {
    sinter::chain(*this, *chain_input);
  } catch (...) {
    chain_input.reset();
    throw;
  }
}

}  // namespace sinter
