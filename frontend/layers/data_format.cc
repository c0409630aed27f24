// channels_last and channels_first.
#include "frontend/layers/data_format.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "ops/ops.h"

namespace sinter {
namespace {

// 0 .. rank - 1.
std::vector<int64_t> all_axes(int rank) {
  std::vector<int64_t> axes(static_cast<size_t>(rank));
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

}  // namespace

std::optional<DataFormat> find_data_format(const std::string& text) {
  if (text == "channels_last") return DataFormat::kChannelsLast;
  if (text == "channels_first") return DataFormat::kChannelsFirst;
  return std::nullopt;
}

DataFormat data_format_or_last(const std::string& text) {
  return find_data_format(text).value_or(DataFormat::kChannelsLast);
}

std::string data_format_mistake(const std::string& text) {
  return fmt::format("data_format must be channels_last or channels_first, found '{}'", text);
}

int channel_axis(int rank, DataFormat format) {
  return format == DataFormat::kChannelsLast ? rank - 1 : 1;
}

std::vector<int64_t> spatial_axes(int rank, DataFormat format) {
  std::vector<int64_t> axes;
  for (int axis = 1; axis < rank; ++axis) {
    if (axis != channel_axis(rank, format)) axes.push_back(axis);
  }
  return axes;
}

std::vector<std::string> spatial_names(int dimensions) {
  if (dimensions == 1) return {"steps"};
  if (dimensions == 2) return {"rows", "columns"};
  return {"dim1", "dim2", "dim3"};
}

std::string spatial_text(int dimensions, DataFormat format) {
  const std::string spatial = fmt::format("{}", fmt::join(spatial_names(dimensions), ", "));
  return format == DataFormat::kChannelsLast ? fmt::format("[batch, {}, channels]", spatial)
                                             : fmt::format("[batch, channels, {}]", spatial);
}

Symbol to_channels_last(Symbol x, DataFormat format) {
  if (format == DataFormat::kChannelsLast) return x;
  std::vector<int64_t> perm = all_axes(x.rank());
  std::rotate(perm.begin() + 1, perm.begin() + 2, perm.end());
  return transpose(x, perm);
}

Symbol from_channels_last(Symbol y, DataFormat format) {
  if (format == DataFormat::kChannelsLast) return y;
  std::vector<int64_t> perm = all_axes(y.rank());
  std::rotate(perm.begin() + 1, perm.end() - 1, perm.end());
  return transpose(y, perm);
}

}  // namespace sinter
