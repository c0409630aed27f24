// The gradient of a convolution of 3x3 windows by its kernel, the transpose of Winograd's
// F(n x n, 3x3): elements of the image and cotangents of its results are transformed to places,
// multiplied tile by tile, and what all tiles add up to in each place is transformed to the 9 taps.
// The algorithm of winograd/plan.h is linear in the kernel, so this is its adjoint, with the same
// arithmetic; a slice of the images (passes/split_depth.cc) is a result of its own.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "runtime/llvm/kernel_plan.h"
#include "runtime/llvm/matmul/region.h"
#include "runtime/llvm/winograd/image.h"

namespace sinter::codegen {

struct WinogradGradientPlan {
  VectorShape machine;
  WinogradImage image;  // of all slices
  int64_t filters = 1;
  int64_t slices = 1;
  int64_t lines = 1;  // of tiles a block; those of a slice are whole blocks
  int64_t pieces = 1;  // of slices, or of the blocks of a single one
  MatmulPlan product;  // of a block
  double microseconds = 0;

  /// Does a second phase add up what pieces of one slice have summed?
  bool has_partial_sums() const { return slices == 1 && pieces > 1; }
  // In elements, from place to place.
  int64_t elements_stride() const {
    return WinogradImage::place_stride(block_tiles() * image.channels);
  }
  int64_t cotangents_stride() const { return WinogradImage::place_stride(block_tiles() * filters); }
  int64_t totals_stride() const { return WinogradImage::place_stride(image.channels * filters); }
  int64_t totals_bytes() const { return image.places() * totals_stride() * 4; }
  int64_t add_pieces() const { return std::min<int64_t>(image.channels, 8); }
  int64_t slice_lines() const { return image.all_lines() / slices; }
  int64_t block_tiles() const { return lines * image.tile_columns(); }
};

/// The contract of one place: elements [tiles, channels] times cotangents [tiles, filters], added
/// to what the blocks before have given.
MatmulRegion winograd_gradient_product(const WinogradGradientPlan& plan);

/// Working memory of a piece, in bytes; partial sums of all pieces are the scratch memory.
struct WinogradGradientMemory {
  int64_t elements = 0, cotangents = 0, totals = 0, of_product = 0, of_product_workspace = 0,
          workspace = 0;
  int64_t scratch = 0;
};
WinogradGradientMemory winograd_gradient_memory(const WinogradGradientPlan& plan);

/// A plan where the region is such a gradient, of float32, with nothing behind it, and this way is
/// faster.
std::optional<WinogradGradientPlan> plan_winograd_gradient(const MatmulRegion& region,
                                                           const VectorShape& machine);

class WinogradGradientKernelPlan : public KernelPlan {
 public:
  WinogradGradientKernelPlan(MatmulRegion region, WinogradGradientPlan plan);
  std::string text() const override;
  void emit(PlanEmitter& emitter) const override;

 private:
  MatmulRegion region_;
  WinogradGradientPlan plan_;
};

}  // namespace sinter::codegen
