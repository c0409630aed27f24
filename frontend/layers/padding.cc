// ZeroPadding and Cropping over pad and slice.
#include "frontend/layers/padding.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/spatial_layer.h"
#include "ops/ops.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

/// The two ends of each dimension.
using Ends = std::vector<std::array<int64_t, 2>>;

template <size_t n>
Ends list_of(const Margins<n>& margins) {
  return {margins.ends().begin(), margins.ends().end()};
}

/// As Keras writes them: of one dimension its two ends, of more a pair for each.
ConfigValue margins_value(const Ends& margins) {
  ConfigList list;
  for (const auto& [begin, end] : margins) list.push_back(ConfigValue::ints({begin, end}));
  return margins.size() == 1 ? list[0] : ConfigValue(list);
}

/// A number, a number for each dimension (of one dimension its ends), or a pair for each.
template <size_t n>
Margins<n> margins_in(const Config& c, const char* key, int64_t otherwise) {
  const ConfigList* list = c.get(key).as<ConfigList>();
  if (list == nullptr) return c.get_int(key, otherwise);
  if (list->size() != std::max<size_t>(n, 2) && !(n == 1 && list->size() == 1))
    throw Error(fmt::format("{} must have {} entries, found {}", key, std::max<size_t>(n, 2),
                            list->size()));
  std::array<std::array<int64_t, 2>, n> ends = {};
  if constexpr (n == 1) {
    const Ints both = c.get_ints(key, {});
    ends[0] = {both.front(), both.back()};
  } else {
    for (size_t i = 0; i < n; ++i) {
      const Ints both = Config{{key, (*list)[i]}}.get_ints(key, {});
      if (both.empty() || both.size() > 2)
        throw Error(fmt::format("each entry of {} must be a number or two", key));
      ends[i] = {both.front(), both.back()};
    }
  }
  return Margins<n>(ends);
}

std::string text_of(const Ends& margins) {
  std::string text;
  for (const auto& [begin, end] : margins)
    text += fmt::format("{}({}, {})", text.empty() ? "" : ", ", begin, end);
  return text;
}

std::string margins_mistake(const char* key, const Ends& margins) {
  for (const auto& [begin, end] : margins) {
    if (begin < 0 || end < 0)
      return fmt::format("{} must not be negative, found {}", key, text_of(margins));
  }
  return "";
}

Symbol padded(Symbol x, const Ints& axes, const Ends& margins) {
  Ints low(static_cast<size_t>(x.rank()), 0), high = low;
  for (size_t i = 0; i < axes.size(); ++i) {
    low[static_cast<size_t>(axes[i])] = margins[i][0];
    high[static_cast<size_t>(axes[i])] = margins[i][1];
  }
  return pad(x, std::move(low), std::move(high));
}

Symbol cropped(Symbol x, const Ints& axes, const Ends& margins) {
  const Shape given = x.shape();
  for (size_t i = 0; i < axes.size(); ++i) {
    const int axis = static_cast<int>(axes[i]);
    const int64_t size = given[axis];
    const auto& [begin, end] = margins[i];
    // Not begin + end, which need not fit.
    if (begin >= size || end >= size - begin) {
      throw ShapeError(fmt::format("cropping {} leaves nothing of axis {} of {}", text_of(margins),
                                   axis, given.to_string()));
    }
    if (begin != 0 || end != 0) x = slice(x, axis, begin, size - end);
  }
  return x;
}

using Function = Symbol (*)(Symbol, const Ints&, const Ends&);

template <size_t n>
std::shared_ptr<LayerImpl> margins_layer(const char* class_name, const char* key,
                                         const Margins<n>& margins, const SpatialOptions& o,
                                         bool writes_format, Function function,
                                         SourceLocation where) {
  const Ends ends = list_of(margins);
  Config own = {{key, margins_value(ends)}};
  if (writes_format) own.set("data_format", o.data_format.text());
  std::string mistake = margins_mistake(key, ends);
  if (!writes_format && o.data_format.text() == "channels_first")
    mistake = "data_format must be channels_last";
  return spatial_layer(
      {class_name, n, o.data_format.text(), o.name, where}, own,
      [function, ends](Symbol x, const Ints& axes) { return function(x, axes, ends); }, mistake);
}

template <typename T, size_t n>
Layer from_config(const Config& c, const char* key, int64_t otherwise, SourceLocation where) {
  return T(margins_in<n>(c, key, otherwise),
           {.data_format = c.get_string("data_format", "channels_last"),
            .name = c.get_string("name", "")},
           where);
}

}  // namespace

ZeroPadding1D::ZeroPadding1D(Margins<1> padding, SpatialOptions options, SourceLocation where)
    : Layer(margins_layer("ZeroPadding1D", "padding", padding, options, true, padded, where)) {}
ZeroPadding2D::ZeroPadding2D(Margins<2> padding, SpatialOptions options, SourceLocation where)
    : Layer(margins_layer("ZeroPadding2D", "padding", padding, options, true, padded, where)) {}
ZeroPadding3D::ZeroPadding3D(Margins<3> padding, SpatialOptions options, SourceLocation where)
    : Layer(margins_layer("ZeroPadding3D", "padding", padding, options, true, padded, where)) {}
Cropping1D::Cropping1D(Margins<1> cropping, SpatialOptions options, SourceLocation where)
    : Layer(margins_layer("Cropping1D", "cropping", cropping, options, false, cropped, where)) {}
Cropping2D::Cropping2D(Margins<2> cropping, SpatialOptions options, SourceLocation where)
    : Layer(margins_layer("Cropping2D", "cropping", cropping, options, true, cropped, where)) {}
Cropping3D::Cropping3D(Margins<3> cropping, SpatialOptions options, SourceLocation where)
    : Layer(margins_layer("Cropping3D", "cropping", cropping, options, true, cropped, where)) {}

void register_padding_layers() {
  register_layer("ZeroPadding1D", [](const Config& c, SourceLocation where) {
    return from_config<ZeroPadding1D, 1>(c, "padding", 1, where);
  });
  register_layer("ZeroPadding2D", [](const Config& c, SourceLocation where) {
    return from_config<ZeroPadding2D, 2>(c, "padding", 1, where);
  });
  register_layer("ZeroPadding3D", [](const Config& c, SourceLocation where) {
    return from_config<ZeroPadding3D, 3>(c, "padding", 1, where);
  });
  register_layer("Cropping1D", [](const Config& c, SourceLocation where) {
    return from_config<Cropping1D, 1>(c, "cropping", 1, where);
  });
  register_layer("Cropping2D", [](const Config& c, SourceLocation where) {
    return from_config<Cropping2D, 2>(c, "cropping", 0, where);
  });
  register_layer("Cropping3D", [](const Config& c, SourceLocation where) {
    return from_config<Cropping3D, 3>(c, "cropping", 1, where);
  });
}

}  // namespace sinter
