// Convolutions of 3x3 windows as fewer products: Winograd's F(4x4, 3x3) (Lavin, Gray, "Fast
// algorithms for convolutional neural networks", 2016, section 4.3). A tile of 4x4 results takes
// 6x6 elements of the image; both they and the kernel are transformed to 6x6 places, and what was a
// sum over 9 taps and the channels is one product of matrices a place, tiles x channels by channels
// x filters, 4 times as little arithmetic. F(2x2, 3x3), with 4x4 places and 2.25 times as little,
// is taken where tiles of 4x4 would reach far over the edges of small results. Sums are rounded at
// other places: on data of variance 1, with results of variance 1, errors stay within 1e-5
// (directly 5e-6, in short runs 2e-6), of deep sums too, since those of more than 128 channels are
// added in short runs.
//
// Some lines of tiles are a block, whose transformed elements and products stay in the second-level
// cache, or, where the transformed kernel is the larger part of what is read, are more than that:
// each block goes through all of it. Blocks are shared between pieces. Each follows from the shapes
// alone.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "runtime/llvm/kernel_plan.h"
#include "runtime/llvm/matmul/plan.h"
#include "runtime/llvm/matmul/region.h"
#include "runtime/llvm/matmul/sums.h"
#include "runtime/llvm/winograd/image.h"

namespace sinter::codegen {

struct WinogradPlan {
  VectorShape machine;
  WinogradImage image;
  int64_t filters = 1;
  bool prepares = false;  // is the kernel transformed once, since nothing changes it?
  int64_t lines = 1;      // of tiles a block
  int64_t pieces = 1;
  // Of a place of a block, a panel of filters and those that are left over. The kernel and the
  // products lie panel by panel, so that they are read as they lie.
  MatmulPlan product, rest_product;
  double microseconds = 0;

  int64_t blocks() const { return (image.all_lines() + lines - 1) / lines; }
  int64_t block_tiles() const { return lines * image.tile_columns(); }
  int64_t panel() const { return 2 * machine.lanes; }  // filters
  int64_t panels() const { return filters / panel(); }
  int64_t rest() const { return filters % panel(); }
  // In elements, from place to place.
  int64_t elements_stride() const {
    return WinogradImage::place_stride(block_tiles() * image.channels);
  }
  int64_t products_stride() const { return WinogradImage::place_stride(block_tiles() * filters); }
  int64_t kernel_stride() const { return WinogradImage::place_stride(image.channels * filters); }
  int64_t kernel_bytes() const { return image.places() * kernel_stride() * 4; }
  int64_t kernel_pieces() const { return std::min<int64_t>(image.channels, 8); }
};

/// The contract of one place and so many filters, as a region of its own.
MatmulRegion winograd_product(const WinogradPlan& plan, int64_t filters);
/// How sums over rows grow: the rows of a line of tiles are added up one line after the other.
MatmulSums winograd_sums(const WinogradPlan& plan);

/// Working memory of a piece and of all pieces, in bytes.
struct WinogradMemory {
  int64_t elements = 0, products = 0, of_product = 0, of_product_workspace = 0, workspace = 0;
  int64_t kernel = -1, sums = -1, scratch = 0;
};
WinogradMemory winograd_memory(const WinogradPlan& plan, const MatmulRegion& region);

/// A plan where the region is such a convolution, of float32, and this way is faster.
std::optional<WinogradPlan> plan_winograd(const MatmulRegion& region, const VectorShape& machine,
                                          bool prepares, double epilogue_microseconds);

class WinogradKernelPlan : public KernelPlan {
 public:
  WinogradKernelPlan(MatmulRegion region, WinogradPlan plan);
  std::string text() const override;
  void emit(PlanEmitter& emitter) const override;

 private:
  MatmulRegion region_;
  WinogradPlan plan_;
};

}  // namespace sinter::codegen
