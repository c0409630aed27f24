// Spatial layers as functions.
#include "frontend/layers/spatial_layer.h"

#include <fmt/format.h>

#include "core/error.h"
#include "frontend/layers/inputs.h"
#include "frontend/layers/simple_layer.h"

namespace sinter {

std::shared_ptr<LayerImpl> spatial_layer(
    const SpatialLayer& layer, Config own,
    std::function<Symbol(Symbol, const std::vector<int64_t>& axes)> function,
    const std::string& mistake) {
  const std::optional<DataFormat> format = find_data_format(layer.data_format);
  return simple_layer(
      layer.class_name, layer.name, layer.where, std::move(own),
      [format, dimensions = layer.dimensions, function = std::move(function)](Symbol x) {
        check_rank(x.shape(), dimensions + 2, spatial_text(dimensions, *format));
        return function(x, spatial_axes(x.rank(), *format));
      },
      format ? mistake : data_format_mistake(layer.data_format));
}

}  // namespace sinter
