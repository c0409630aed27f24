// Where the channels of images, sequences and volumes stand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/symbol.h"

namespace sinter {

enum class DataFormat : uint8_t { kChannelsLast, kChannelsFirst };

/// "channels_last" or "channels_first"; nullopt for another text.
std::optional<DataFormat> find_data_format(const std::string& text);
/// The same; kChannelsLast for another text, which the layer refuses.
DataFormat data_format_or_last(const std::string& text);
/// What to say of another text.
std::string data_format_mistake(const std::string& text);
/// Of a tensor of that rank, the batch in front.
int channel_axis(int rank, DataFormat format);
/// The others but the batch, in order.
std::vector<int64_t> spatial_axes(int rank, DataFormat format);
/// What the spatial dimensions, 1, 2 or 3 of them, are called: "rows", "columns".
std::vector<std::string> spatial_names(int dimensions);
/// What inputs of 1, 2 or 3 dimensions look like: "[batch, rows, columns, channels]".
std::string spatial_text(int dimensions, DataFormat format);
/// x of that format with its channels last, and back.
Symbol to_channels_last(Symbol x, DataFormat format);
Symbol from_channels_last(Symbol y, DataFormat format);

}  // namespace sinter
