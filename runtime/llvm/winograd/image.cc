#include "runtime/llvm/winograd/image.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/view.h"
#include "runtime/limits.h"
#include "runtime/llvm/matmul/tiling.h"

namespace sinter::codegen {
namespace {

// Cycles of transforming a vector of the elements of a tile, of its products back, and of 3x3 taps,
// loads and stores included; measured.
struct TransformCycles {
  double elements, back, taps;
};
TransformCycles cycles_of(int64_t tile) {
  if (tile == 2) return {70, 60, 60};
  return {150, 130, 110};
}
constexpr double kCyclesAMicrosecond = 3000;
// A byte from the second-level cache, from those beyond it, and from memory.
constexpr double kNanosecondsOfNearByte = 0.012, kNanosecondsOfFarByte = 0.025,
                 kNanosecondsOfMemoryByte = 0.085;
constexpr double kNearBytes = 320 << 10, kFarBytes = 16 << 20;
// Tiles of a block that does not stay in the second-level cache, at least.
constexpr int64_t kLargeBlockBytes = 4 << 20;

double places_bytes(const WinogradImage& image, int64_t filters) {
  return static_cast<double>(image.places() * image.channels * filters * 4);
}

constexpr int64_t kFewestChannels = limit(12, 2), kFewestFilters = limit(12, 2);

}  // namespace

bool WinogradImage::is_worthwhile(int64_t filters) const {
  return images > 0 && channels >= kFewestChannels && filters >= kFewestFilters;
}

std::string WinogradImage::text() const {
  return fmt::format("  image %0: {}*{}, line {}, point {}, from {}\n", images, image_stride,
                     line_stride, point_stride, offset);
}

std::optional<WinogradImage> winograd_image(const Graph& body, ValueId windows, int first) {
  const Node& node = body.node(windows);
  const Shape& shape = body.type(windows).shape;
  if (!node.is(KernelOp::kAsStrided) || body.type(windows).dtype != DType::kFloat32 ||
      shape.rank() != first + 5 || shape[first + 2] != 3 || shape[first + 3] != 3)
    return std::nullopt;
  const View view = *view_through(body, node, View::dense(body.type(node.inputs[0]).shape));
  const std::vector<int64_t>& s = view.strides;
  const auto at = static_cast<size_t>(first);
  if (s[at] != s[at + 2] || s[at + 1] != s[at + 3] || s[at + 4] != 1) return std::nullopt;
  WinogradImage image;
  for (int d = first - 1; d >= 0; --d) {
    const auto k = static_cast<size_t>(d);
    if (shape[d] == 1) continue;  // its stride says nothing
    if (image.images == 1)
      image.image_stride = s[k];
    else if (s[k] != image.image_stride * image.images)
      return std::nullopt;
    image.images *= shape[d];
  }
  image.height = shape[first];
  image.width = shape[first + 1];
  image.channels = shape[first + 4];
  image.line_stride = s[at];
  image.point_stride = s[at + 1];
  image.offset = view.offset;
  return image;
}

double winograd_microseconds(const WinogradImage& image, int64_t other,
                             const VectorShape& machine) {
  const auto tiles = static_cast<double>(image.all_lines() * image.tile_columns());
  const auto vectors = [&](int64_t n) {
    return static_cast<double>(ceil_div(n, machine.lanes));
  };
  const TransformCycles cycles = cycles_of(image.tile);
  return tiles * (cycles.elements * vectors(image.channels) + cycles.back * vectors(other)) /
         kCyclesAMicrosecond;
}

double winograd_places_microseconds(const WinogradImage& image, int64_t filters, int64_t blocks) {
  const double bytes = places_bytes(image, filters);
  const double first = bytes >= kFarBytes ? kNanosecondsOfMemoryByte : kNanosecondsOfFarByte;
  const double next = bytes > kNearBytes ? first : kNanosecondsOfNearByte;
  return bytes * (first + static_cast<double>(blocks - 1) * next) / 1000;
}

double winograd_kernel_microseconds(const WinogradImage& image, int64_t filters,
                                    const VectorShape& machine) {
  const auto vectors = static_cast<double>(image.channels * ceil_div(filters, machine.lanes));
  return vectors * cycles_of(image.tile).taps / kCyclesAMicrosecond +
         winograd_places_microseconds(image, filters, 2);
}

int64_t winograd_lines(const WinogradImage& image, int64_t filters, int64_t most, int64_t bytes,
                       int64_t passes) {
  const int64_t line_bytes = image.places() * image.tile_columns() * (image.channels + filters) * 4;
  const int64_t small = std::clamp<int64_t>(bytes / line_bytes, 1, most);
  const double kernel = places_bytes(image, filters);
  const int64_t large_bytes = std::max(kLargeBlockBytes, static_cast<int64_t>(kernel / 4));
  const int64_t large = std::clamp<int64_t>(large_bytes / line_bytes, 1, most);
  // Bytes that come from beyond the second-level cache, for a line of tiles.
  const auto moved = [&](int64_t lines) {
    const auto tiles = static_cast<double>(line_bytes);
    const double far = kernel > kNearBytes ? static_cast<double>(passes) * kernel : 0;
    return far / static_cast<double>(lines) + (lines * line_bytes > bytes ? 2 * tiles : 0);
  };
  return moved(large) < moved(small) ? large : small;
}

}  // namespace sinter::codegen
