// Sequential: a model that is a plain chain of layers.
#pragma once

#include <initializer_list>
#include <variant>

#include "frontend/model.h"

namespace sinter {

class Sequential : public Model {
 public:
  /// Input(...) or a layer.
  using Item = std::variant<KerasTensor, Layer>;

  explicit Sequential(std::string name = "");
  /// Sequential({Input({784}), Dense(128, {.activation = "relu"}), Dense(10)}). Without an Input
  /// the weights are made when fit() or predict() sees the first data, or by build().
  Sequential(std::initializer_list<Item> items, std::string name = "");
  Sequential(const std::vector<Item>& items, std::string name = "");

  /// Appends; the model must be compiled after this.
  void add(const Item& item);
  /// Removes the last layer.
  void pop();
  /// Makes the weights for rows of this shape.
  void build(const Shape& row_shape) const;
};

}  // namespace sinter
