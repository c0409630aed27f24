// The image that a convolution of 3x3 windows walks, and its tiles of 4x4 or 2x2 results. Without
// LLVM.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/graph.h"
#include "runtime/limits.h"
#include "runtime/llvm/matmul/plan.h"

namespace sinter::codegen {

struct WinogradImage {
  int64_t tile = 4;                           // results of a tile in each direction
  int64_t images = 1, height = 1, width = 1;  // of the result
  int64_t channels = 1;
  // Of the padded input, in elements.
  int64_t image_stride = 0, line_stride = 0, point_stride = 0, offset = 0;

  int64_t side() const { return tile + 2; }  // elements that a tile takes in each direction
  int64_t places() const { return side() * side(); }
  int64_t tile_lines() const { return (height + tile - 1) / tile; }  // of one image
  int64_t tile_columns() const { return (width + tile - 1) / tile; }
  int64_t all_lines() const { return images * tile_lines(); }
  /// Are there images, and so many channels and filters that transforms are no dearer than what they
  /// save?
  bool is_worthwhile(int64_t filters) const;
  /// Where it lies, as a line of a kernel's text.
  std::string text() const;
  /// Elements from one place to the next where each has so many: whole cache lines, of an odd
  /// number, so that the places of a tile lie in different sets of a cache.
  static int64_t place_stride(int64_t elements) {
    constexpr int64_t kLine = 16;
    return (((elements + kLine - 1) / kLine) | 1) * kLine;
  }
  /// Are all tiles whole?
  bool is_even() const { return height % tile == 0 && width % tile == 0; }
};

/// Winograd's algorithm is taken where it costs less than so many times the product itself.
constexpr double kMostOfDirect = limit(1.0, 1e9);

/// Windows of 3x3 as ops/windows.cc makes them, [image.., height, width, 3, 3, channels], a step in
/// a window as long as one from window to window; `first` dimensions are images. nullopt where
/// `windows` is no such view.
std::optional<WinogradImage> winograd_image(const Graph& body, ValueId windows, int first);
/// Microseconds of transforming all tiles, and as many of `other` channels.
double winograd_microseconds(const WinogradImage& image, int64_t other, const VectorShape& machine);
/// The same of the places of a kernel of so many filters, with reading or writing them.
double winograd_kernel_microseconds(const WinogradImage& image, int64_t filters,
                                    const VectorShape& machine);
/// Microseconds of reading (or writing) the places of such a kernel once a block: at first from
/// beyond the second-level cache, which other kernels have had since.
double winograd_places_microseconds(const WinogradImage& image, int64_t filters, int64_t blocks);
/// How many lines of tiles a block should have, of at most so many: tiles with all channels stay in
/// the second-level cache (`bytes`), unless the places of the kernel, which each block goes through
/// `passes` times, are the larger part of what would be moved.
int64_t winograd_lines(const WinogradImage& image, int64_t filters, int64_t most, int64_t bytes,
                       int64_t passes);
/// Gives `plan`, of a convolution, those tiles that there are transforms for with which it takes
/// the fewest microseconds, as `microseconds(plan)` says.
template <typename Plan, typename Cost>
void choose_tiles(Plan& plan, const Cost& microseconds) {
  plan.image.tile = 4;
  plan.microseconds = microseconds(plan);
  Plan other = plan;
  other.image.tile = 2;
  other.microseconds = microseconds(other);
  if (other.microseconds < plan.microseconds) plan = other;
}

}  // namespace sinter::codegen
