// Layers without weights over the spatial dimensions of sequences, images or volumes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "frontend/layer.h"
#include "frontend/layers/data_format.h"

namespace sinter {

struct SpatialLayer {
  const char* class_name;
  int dimensions;  // 1, 2 or 3
  std::string data_format;
  std::string name;
  SourceLocation where;
};

/// `function` gets an input of the right rank and its spatial axes. Raises Error for a data_format
/// that is none, and with the layer's title when `mistake` says what is wrong with its settings.
std::shared_ptr<LayerImpl> spatial_layer(
    const SpatialLayer& layer, Config own,
    std::function<Symbol(Symbol, const std::vector<int64_t>& axes)> function,
    const std::string& mistake = "");

}  // namespace sinter
