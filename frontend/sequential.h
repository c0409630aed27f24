// Sequential: a model that is a plain chain of layers.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/handle.h"
#include "core/source_location.h"
#include "frontend/model.h"

namespace sinter {

class Sequential : public Model {
 public:
  /// Input(...), a layer or a model.
  class Item {
   public:
    Item(KerasTensor input);                                                     // NOLINT
    Item(Layer layer);                                                           // NOLINT
    Item(const Model& model, SourceLocation where = SourceLocation::current());  // NOLINT
    /// Null for a layer.
    const KerasTensor* input() const;
    /// Null for an input.
    const Layer* layer() const;

   private:
    Handle<const KerasTensor> input_;
    Handle<const Layer> layer_;
  };

  explicit Sequential(std::string name = "", SourceLocation where = SourceLocation::current());
  /// Sequential({Input({784}), Dense(128, {.activation = "relu"}), Dense(10)}). The first item
  /// may be a model, whose input is taken. Without either the weights are made when fit() or
  /// predict() sees the first data, or by build().
  Sequential(std::initializer_list<Item> items, std::string name = "",
             SourceLocation where = SourceLocation::current());
  Sequential(const std::vector<Item>& items, std::string name = "",
             SourceLocation where = SourceLocation::current());

  /// Appends; the model must be compiled after this. No other thread may use it meanwhile. Raises
  /// Error for a layer that does not fit, a name that is there already, for a model that stands in
  /// another one (or is added to itself), and in a callback of fit(); then nothing has changed.
  void add(const Item& item, SourceLocation where = SourceLocation::current());
  /// Removes the last layer. Raises Error when there is none, and as add().
  void pop(SourceLocation where = SourceLocation::current());
  /// Makes the weights for rows of this shape.
  void build(const Shape& row_shape, SourceLocation where = SourceLocation::current()) const;
};

}  // namespace sinter
