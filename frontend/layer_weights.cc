// Weights of layers: by name, as copies, and set.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "core/line.h"
#include "core/memory_ranges.h"
#include "frontend/layer.h"
#include "frontend/origin.h"
#include "frontend/weights_lock.h"

namespace sinter {

VariablePtr Layer::weight(const std::string& weight_name, SourceLocation where) const {
  const std::vector<VariablePtr> all = variables();
  const auto fail = [&](const std::string& text) { throw Error(with_line(where, text)); };
  std::vector<std::string> known;
  VariablePtr found;
  for (const VariablePtr& v : all) {
    known.push_back(v->name);
    if (v->name != weight_name) continue;
    if (found) {
      fail(fmt::format("layer '{}' has several weights named '{}': '{}', '{}'", name(), weight_name,
                       found->path, v->path));
    }
    found = v;
  }
  if (found) return found;
  if (all.empty())
    fail(fmt::format("layer '{}' has no weights{}", name(),
                     impl_->built() ? "" : " yet: they are made when it is called"));
  raise_unknown_name(fmt::format("weight of layer '{}'", name()), weight_name, known, where);
}

List<VariablePtr> Layer::weights() const { return variables(); }
List<VariablePtr> Layer::trainable_weights() const { return trainable_variables(); }
List<VariablePtr> Layer::non_trainable_weights() const { return non_trainable_variables(); }

List<Tensor> Layer::get_weights() const { return copies_of(variables()); }

std::vector<Tensor> copies_of(std::span<const VariablePtr> variables) {
  const WeightsGuard guard(variables);
  std::vector<Tensor> result;
  for (const VariablePtr& v : variables) result.push_back(v->value.clone());
  return result;
}

void Layer::set_weights(const std::vector<Tensor>& weights, SourceLocation where) const {
  at_line(where, [&] {
    const std::vector<VariablePtr> own = variables();
    assign_all(fmt::format("layer '{}'", name()), own, weights);
  });
}

int64_t Layer::count_params() const {
  int64_t count = 0;
  for (const VariablePtr& v : variables()) count += v->value.elements();
  return count;
}

std::vector<VariablePtr> without(std::vector<VariablePtr> all,
                                 const std::vector<VariablePtr>& taken) {
  const std::unordered_set<VariablePtr> known(taken.begin(), taken.end());
  std::erase_if(all, [&](const VariablePtr& v) { return known.contains(v); });
  return all;
}

void assign_all(const std::string& owner, std::span<const VariablePtr> variables,
                std::span<const Tensor> values) {
  if (variables.size() != values.size()) {
    throw ShapeError(fmt::format("{} has {}, given {}", owner, counted(variables.size(), "weight"),
                                 values.size()));
  }
  // All are checked before the first is changed.
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].shape() != variables[i]->value.shape()) {
      throw ShapeError(fmt::format("{}: weight '{}' has shape {}, given {}", owner,
                                   variables[i]->path, variables[i]->value.shape().to_string(),
                                   values[i].shape().to_string()));
    }
  }
  const WeightsGuard guard(variables);
  // Values may be the weights themselves, in another order.
  MemoryRanges weights;
  for (const VariablePtr& v : variables) weights.add(v->value.raw(), v->value.bytes());
  weights.sort();
  const bool own = std::ranges::any_of(
      values, [&](const Tensor& t) { return weights.overlap(t.raw(), t.bytes()); });
  std::vector<Tensor> copies;
  if (own) {
    for (const Tensor& t : values) copies.push_back(t.clone());
    values = copies;
  }
  for (size_t i = 0; i < values.size(); ++i) variables[i]->put(values[i]);
}

}  // namespace sinter
