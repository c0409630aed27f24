// Layers without weights, given as settings and a function.
#pragma once

#include <functional>
#include <memory>

#include "frontend/layer.h"

namespace sinter {

/// A layer of one input and one output.
std::shared_ptr<LayerImpl> simple_layer(std::string class_name, const std::string& name,
                                        SourceLocation where, Config own,
                                        std::function<Symbol(Symbol)> function);
/// A layer that joins several inputs. Errors of `function` get the layer's title.
std::shared_ptr<LayerImpl> joining_layer(std::string class_name, const std::string& name,
                                         SourceLocation where, Config own, int min_inputs,
                                         int max_inputs,
                                         std::function<Symbol(std::span<const Symbol>)> function);

}  // namespace sinter
