// Building a chain, at once or when the first data shows the shape of a row.
#include "frontend/sequential.h"

#include <fmt/format.h>

#include <span>

#include "core/error.h"
#include "frontend/layers/input.h"
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
  if (!state.compiled) return;
  try {
    state.settle(*state.compiled);
  } catch (...) {
    state.network.reset();
    throw;
  }
}

}  // namespace

Sequential::Item::Item(KerasTensor input)
    : input_(std::make_shared<const KerasTensor>(std::move(input))) {}
Sequential::Item::Item(Layer layer) : layer_(std::make_shared<const Layer>(std::move(layer))) {}
Sequential::Item::Item(const Model& model, SourceLocation where) : Item(model.as_layer(where)) {}

Sequential::Sequential(std::string name)
    : Model(std::make_shared<ModelState>(name.empty() ? automatic_name("sequential")
                                                      : std::move(name))) {
  register_ops();
  state_->sequential = true;
}

Sequential::Sequential(std::initializer_list<Item> items, std::string name, SourceLocation where)
    : Sequential(std::vector<Item>(items), std::move(name), where) {}

Sequential::Sequential(const std::vector<Item>& items, std::string name, SourceLocation where)
    : Sequential(std::move(name)) {
  // The layers are called when all are there: to add them to a network one by one takes as long as
  // making as many networks.
  const KerasTensor* input = items.empty() ? nullptr : items[0].input();
  for (const Item& item : std::span(items).subspan(input == nullptr ? 0 : 1)) {
    if (input != nullptr && item.input() != nullptr) state_->chain_input = *input;
    add(item, where);
  }
  if (input == nullptr) return;
  state_->chain_input = *input;
  at_line(where, [&] { chain(*state_, *input); });
}

void Sequential::add(const Item& item, SourceLocation where) {
  at_line(where, [&]() -> void {
    ModelState& state = *state_;
    state.compiled.reset();
    state.forget_programs();
    if (const KerasTensor* input = item.input()) {
      if (!state.chain.empty() || state.chain_input)
        throw Error(fmt::format("model '{}': Input must be the first item", name()));
      state.chain_input = *input;
      return;
    }
    const Layer& layer = *item.layer();
    for (const Layer& other : state.chain) {
      if (other.name() == layer.name()) {
        throw Error(fmt::format("model '{}': two layers are named '{}'; names must be unique",
                                name(), layer.name()));
      }
    }
    if (state.network) {
      const KerasTensor y = called(layer, state.network->outputs()[0]);
      state.chain.push_back(layer);
      state.network.emplace(std::vector<KerasTensor>{*state.chain_input},
                            std::vector<KerasTensor>{y});
      return;
    }
    state.chain.push_back(layer);
    if (state.chain_input) chain(state, *state.chain_input);
  });
}

void Sequential::pop(SourceLocation where) {
  at_line(where, [&] {
    ModelState& state = *state_;
    if (state.chain.empty()) throw Error(fmt::format("model '{}' has no layer to remove", name()));
    state.chain.pop_back();
    state.compiled.reset();
    state.forget_programs();
    state.network.reset();
    if (state.chain_input) chain(state, *state.chain_input);
  });
}

void Sequential::build(const Shape& row_shape, SourceLocation where) const {
  at_line(where, [&] { state_->build_chain(row_shape); });
}

void ModelState::build_chain(const Shape& row_shape) {
  if (network) return;
  if (chain.empty()) throw Error(fmt::format("model '{}' has no layers", name));
  chain_input = Input(row_shape, {}, SourceLocation());
  sinter::chain(*this, *chain_input);
}

}  // namespace sinter
