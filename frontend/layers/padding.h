// Layers that add to the ends of the spatial dimensions or cut from them: ZeroPadding and Cropping
// of sequences (1D), images (2D) and volumes (3D).
//
// Inputs are [batch, steps, channels], [batch, rows, columns, channels] or [batch, dim1, dim2,
// dim3, channels]; with data_format "channels_first" the channels stand behind the batch. Inputs of
// another rank raise ShapeError.
#pragma once

#include <array>
#include <string>
#include <type_traits>
#include <utility>

#include "frontend/layer.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// How many elements at the begin and the end of each of `n` dimensions: 2 at all ends; in braces
/// {1, 2} one number a dimension, or {{1, 1}, {0, 2}} both ends of each. Of one dimension {1, 2}
/// are its two ends.
template <size_t n>
class Margins {
 public:
  struct Ends {
    WholeNumber begin, end;
  };
  template <RealArgument T>
  requires(!std::is_floating_point_v<T>) Margins(T all) {  // NOLINT
    for (auto& ends : ends_) ends = {all, all};
  }
  Margins(WholeNumber first, WholeNumber second) requires(n == 1) : ends_{{{first, second}}} {}
  Margins(WholeNumber first, WholeNumber second) requires(n == 2)
      : ends_{{{first, first}, {second, second}}} {}
  Margins(WholeNumber first, WholeNumber second, WholeNumber third) requires(n == 3)
      : ends_{{{first, first}, {second, second}, {third, third}}} {}
  Margins(Ends first, Ends second) requires(n == 2)
      : ends_{{{first.begin, first.end}, {second.begin, second.end}}} {}
  Margins(Ends first, Ends second, Ends third) requires(n == 3)
      : ends_{{{first.begin, first.end}, {second.begin, second.end}, {third.begin, third.end}}} {}
  explicit Margins(const std::array<std::array<int64_t, 2>, n>& ends) : ends_(ends) {}
  const std::array<std::array<int64_t, 2>, n>& ends() const { return ends_; }

 private:
  std::array<std::array<int64_t, 2>, n> ends_ = {};
};

/// "channels_last" or "channels_first", and no number: of {0, 0} in braces C++ would make options.
class DataFormatName {
 public:
  template <typename T>
  requires(std::is_convertible_v<T, std::string> && !std::is_arithmetic_v<std::decay_t<T>>)
      DataFormatName(T&& text)  // NOLINT
      : text_(std::forward<T>(text)) {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

struct SpatialOptions {
  DataFormatName data_format = "channels_last";  // or "channels_first"
  std::string name = "";
};

/// Adds steps of zeros: ZeroPadding1D(2), ZeroPadding1D({1, 0}). Raises Error for negative ones, as
/// the others here.
class ZeroPadding1D : public Layer {
 public:
  explicit ZeroPadding1D(Margins<1> padding = 1, SpatialOptions options = {},
                         SourceLocation where = SourceLocation::current());
};
/// Adds rows and columns of zeros: ZeroPadding2D(1), ({1, 2}) rows and columns, ({{0, 1}, {0, 1}})
/// below and right.
class ZeroPadding2D : public Layer {
 public:
  explicit ZeroPadding2D(Margins<2> padding = 1, SpatialOptions options = {},
                         SourceLocation where = SourceLocation::current());
};
class ZeroPadding3D : public Layer {
 public:
  explicit ZeroPadding3D(Margins<3> padding = 1, SpatialOptions options = {},
                         SourceLocation where = SourceLocation::current());
};

/// Cuts steps off; data_format is channels_last. Raises ShapeError when nothing would be left, as
/// the others here.
class Cropping1D : public Layer {
 public:
  explicit Cropping1D(Margins<1> cropping = 1, SpatialOptions options = {},
                      SourceLocation where = SourceLocation::current());
};
class Cropping2D : public Layer {
 public:
  explicit Cropping2D(Margins<2> cropping = 0, SpatialOptions options = {},
                      SourceLocation where = SourceLocation::current());
};
class Cropping3D : public Layer {
 public:
  explicit Cropping3D(Margins<3> cropping = 1, SpatialOptions options = {},
                      SourceLocation where = SourceLocation::current());
};

}  // namespace sinter
