#include "runtime/llvm/winograd_image.h"

#include <fmt/format.h>

#include "core/view.h"
#include "runtime/limits.h"
#include "runtime/llvm/matmul_tiling.h"

namespace sinter::codegen {
namespace {

// Cycles of transforming a vector of 6x6 elements, and of 6x6 products back, loads and stores
// included; measured.
constexpr double kTransform = 150, kTransformBack = 130;
constexpr double kCyclesAMicrosecond = 3000;

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
    if (d == first - 1)
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
  return tiles * (kTransform * vectors(image.channels) + kTransformBack * vectors(other)) /
         kCyclesAMicrosecond;
}

}  // namespace sinter::codegen
