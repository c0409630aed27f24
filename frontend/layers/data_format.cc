// channels_last and channels_first.
#include "frontend/layers/data_format.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sinter {

std::optional<DataFormat> find_data_format(const std::string& text) {
  if (text == "channels_last") return DataFormat::kChannelsLast;
  if (text == "channels_first") return DataFormat::kChannelsFirst;
  return std::nullopt;
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

}  // namespace sinter
