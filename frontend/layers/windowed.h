// What convolution and pooling layers share: windows that slide over the spatial dimensions of
// [batch, spatial.., channels] or, with data_format "channels_first", [batch, channels, spatial..].
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <vector>

#include "frontend/layer.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// One number for each spatial dimension, {3, 5}, or one for all of them, 3.
class Sizes {
 public:
  template <RealArgument T>
  requires(!std::is_floating_point_v<T>) Sizes(T all)
      : Sizes(static_cast<int64_t>(all), Only()) {}  // NOLINT
  Sizes(std::initializer_list<int64_t> values);      // NOLINT
  Sizes(std::vector<int64_t> values);                // NOLINT
  const std::vector<int64_t>& values() const { return values_; }

 private:
  struct Only {};
  Sizes(int64_t all, Only);

  std::vector<int64_t> values_;
};

struct Window;

/// Settings of windows over `rank` spatial dimensions, checked.
class WindowSettings {
 public:
  /// Raises Error starting with `title`, the layer's, for what cannot be: sizes below 1, a number
  /// of entries that is neither 1 nor the rank, an unknown padding ("valid", "same"; "causal" where
  /// `causal`) or data_format ("channels_last", "channels_first").
  WindowSettings(const std::string& title, int rank, const char* size_name, const Sizes& size,
                 const Sizes& strides, const Sizes& dilations, const std::string& padding,
                 const std::string& data_format, bool causal = false);

  int rank() const { return rank_; }
  const std::vector<int64_t>& size() const { return size_; }
  const std::vector<int64_t>& strides() const { return strides_; }
  const std::vector<int64_t>& dilations() const { return dilations_; }
  const std::string& padding() const { return padding_; }
  const std::string& data_format() const { return data_format_; }
  bool channels_first() const { return data_format_ == "channels_first"; }

  /// The channels of such an input. Raises ShapeError where it has another rank or its channels or
  /// extents are not known.
  int64_t channels_of(const std::string& title, const Shape& input) const;
  /// Raises ShapeError where windows without padding are larger than the input; `what` is "kernel"
  /// or "pool".
  void check_fits(const std::string& title, const char* what, const Shape& input) const;
  /// [batch, spatial.., channels] of an input, and an output of that form as the layer gives it.
  Symbol to_channels_last(Symbol x) const;
  Symbol from_channels_last(Symbol y) const;
  /// Strides, dilations and the padding over these spatial extents: "same" puts the odd element
  /// behind. "causal" is padded before.
  Window window(const std::vector<int64_t>& spatial) const;

 private:
  int rank_;
  std::vector<int64_t> size_, strides_, dilations_;
  std::string padding_, data_format_;
};

/// The setting "data_format" of Keras's files, where null stands for "channels_last".
std::string read_data_format(const Config& config);
/// The extents between the first and the last dimension.
std::vector<int64_t> spatial_of(const Shape& channels_last);

}  // namespace sinter
