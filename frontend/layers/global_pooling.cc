// Global pooling over reductions.
#include "frontend/layers/global_pooling.h"

#include <fmt/format.h>

#include "frontend/layers/registry.h"
#include "frontend/layers/spatial_layer.h"
#include "ops/ops.h"

namespace sinter {
namespace {

using Reduction = Symbol (*)(OpInput, Axes, bool);

std::shared_ptr<LayerImpl> pooling(const char* class_name, int dimensions, Reduction reduce,
                                   const GlobalPoolingOptions& o, SourceLocation where) {
  return spatial_layer({class_name, dimensions, o.data_format, o.name, where},
                       {{"data_format", o.data_format}, {"keepdims", o.keepdims}},
                       [reduce, keepdims = o.keepdims](Symbol x, const std::vector<int64_t>& axes) {
                         return reduce(x, axes, keepdims);
                       });
}

template <typename T>
Layer from_config(const Config& c, SourceLocation where) {
  return T({.data_format = c.get_string("data_format", "channels_last"),
            .keepdims = c.get_bool("keepdims", false),
            .name = c.get_string("name", "")},
           where);
}

}  // namespace

GlobalAveragePooling1D::GlobalAveragePooling1D(GlobalPoolingOptions options, SourceLocation where)
    : Layer(pooling("GlobalAveragePooling1D", 1, mean, options, where)) {}
GlobalAveragePooling2D::GlobalAveragePooling2D(GlobalPoolingOptions options, SourceLocation where)
    : Layer(pooling("GlobalAveragePooling2D", 2, mean, options, where)) {}
GlobalAveragePooling3D::GlobalAveragePooling3D(GlobalPoolingOptions options, SourceLocation where)
    : Layer(pooling("GlobalAveragePooling3D", 3, mean, options, where)) {}
GlobalMaxPooling1D::GlobalMaxPooling1D(GlobalPoolingOptions options, SourceLocation where)
    : Layer(pooling("GlobalMaxPooling1D", 1, reduce_max, options, where)) {}
GlobalMaxPooling2D::GlobalMaxPooling2D(GlobalPoolingOptions options, SourceLocation where)
    : Layer(pooling("GlobalMaxPooling2D", 2, reduce_max, options, where)) {}
GlobalMaxPooling3D::GlobalMaxPooling3D(GlobalPoolingOptions options, SourceLocation where)
    : Layer(pooling("GlobalMaxPooling3D", 3, reduce_max, options, where)) {}

void register_global_pooling() {
  register_layer("GlobalAveragePooling1D", from_config<GlobalAveragePooling1D>);
  register_layer("GlobalAveragePooling2D", from_config<GlobalAveragePooling2D>);
  register_layer("GlobalAveragePooling3D", from_config<GlobalAveragePooling3D>);
  register_layer("GlobalMaxPooling1D", from_config<GlobalMaxPooling1D>);
  register_layer("GlobalMaxPooling2D", from_config<GlobalMaxPooling2D>);
  register_layer("GlobalMaxPooling3D", from_config<GlobalMaxPooling3D>);
}

}  // namespace sinter
