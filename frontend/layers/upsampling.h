// Layers that repeat the elements of the spatial dimensions: UpSampling of sequences (1D), images
// (2D) and volumes (3D).
#pragma once

#include <array>

#include "frontend/layers/padding.h"

namespace sinter {

/// A factor for all of `n` dimensions, or in braces one for each.
template <size_t n>
class Factors {
 public:
  template <RealArgument T>
  requires(!std::is_floating_point_v<T>) Factors(T all) {
    factors_.fill(WholeNumber(all));
  }  // NOLINT
  Factors(WholeNumber first, WholeNumber second) requires(n == 2) : factors_{first, second} {}
  Factors(WholeNumber first, WholeNumber second, WholeNumber third) requires(n == 3)
      : factors_{first, second, third} {}
  explicit Factors(const std::array<int64_t, n>& factors) : factors_(factors) {}
  const std::array<int64_t, n>& list() const { return factors_; }

 private:
  std::array<int64_t, n> factors_ = {};
};

/// [batch, steps, channels] -> [batch, size * steps, channels], each step `size` times. Raises
/// Error unless size is positive, as the others here; data_format is channels_last.
class UpSampling1D : public Layer {
 public:
  explicit UpSampling1D(Factors<1> size = 2, SpatialOptions options = {},
                        SourceLocation where = SourceLocation::current());
};

struct UpSampling2DOptions {
  DataFormatName data_format = "channels_last";  // or "channels_first"
  std::string interpolation = "nearest";         // "bilinear" or "bicubic"
  std::string name = "";
};

/// [batch, rows, columns, channels], size[0] times the rows and size[1] times the columns:
/// "nearest" repeats them; "bilinear" takes new ones between the centres of those that were, and at
/// the edges the outermost; "bicubic" by cubic convolution of four (Keys, 1981, a = -1/2).
class UpSampling2D : public Layer {
 public:
  explicit UpSampling2D(Factors<2> size = 2, UpSampling2DOptions options = {},
                        SourceLocation where = SourceLocation::current());
};

/// [batch, dim1, dim2, dim3, channels], each dimension repeated.
class UpSampling3D : public Layer {
 public:
  explicit UpSampling3D(Factors<3> size = 2, SpatialOptions options = {},
                        SourceLocation where = SourceLocation::current());
};

}  // namespace sinter
