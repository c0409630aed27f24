// Resizing by gathers along one dimension.
#include "frontend/layers/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/sizes.h"
#include "core/tensor.h"
#include "ops/ops.h"

namespace sinter {
namespace {

// The length of a side that something is to be read from.
int64_t filled_side(Symbol x, int axis) {
  const int64_t n = x.shape()[axis];
  if (n == 0) throw ShapeError(fmt::format("axis {} of {} is empty", axis, x.shape().to_string()));
  return n;
}

Symbol at(Symbol x, const std::vector<int64_t>& places, int axis) {
  return gather(x, constant(x.graph(), Tensor::from(places)), axis);
}

// A number for each element along `axis` of what is made of x.
Symbol factors(Symbol x, const std::vector<double>& numbers, int axis) {
  std::vector<int64_t> dims(static_cast<size_t>(x.rank()), 1);
  dims[static_cast<size_t>(axis)] = static_cast<int64_t>(numbers.size());
  return constant(x.graph(), Tensor::from(Shape(dims), numbers).cast(x.dtype()));
}

// The share of an element at that distance.
double cubic_share(double distance) {
  const double d = std::abs(distance);
  if (d >= 2) return 0;
  return d <= 1 ? (1.5 * d - 2.5) * d * d + 1 : ((-0.5 * d + 2.5) * d - 4) * d + 2;
}

// The sum of four elements times their shares; those beyond the ends have none, and the others
// more.
Symbol resize_cubic(Symbol x, int axis, const std::vector<double>& places) {
  const int64_t n = x.shape()[axis];
  std::vector<int64_t> elements[4];
  std::vector<double> shares[4];
  for (const double place : places) {
    const auto first = static_cast<int64_t>(std::floor(place)) - 1;
    double sum = 0;
    for (int k = 0; k < 4; ++k) {
      const int64_t element = first + k;
      const bool there = element >= 0 && element < n;
      elements[k].push_back(std::clamp(element, int64_t{0}, n - 1));
      shares[k].push_back(there ? cubic_share(place - static_cast<double>(element)) : 0);
      sum += shares[k].back();
    }
    for (auto& share : shares) share.back() /= sum;
  }
  Symbol y = at(x, elements[0], axis) * factors(x, shares[0], axis);
  for (int k = 1; k < 4; ++k) y = y + at(x, elements[k], axis) * factors(x, shares[k], axis);
  return y;
}

}  // namespace

std::optional<Interpolation> find_interpolation(const std::string& text) {
  if (text == "nearest") return Interpolation::kNearest;
  if (text == "bilinear") return Interpolation::kBilinear;
  if (text == "bicubic") return Interpolation::kBicubic;
  return std::nullopt;
}

std::string interpolation_mistake(const std::string& text) {
  return fmt::format("interpolation must be nearest, bilinear or bicubic, found '{}'", text);
}

Symbol resize_axis(Symbol x, int axis, int64_t size, Interpolation interpolation) {
  if (x.shape()[axis] == size) return x;
  const int64_t n = filled_side(x, axis);
  if (interpolation == Interpolation::kNearest && size % n == 0)
    return repeat_axis(x, axis, size / n);
  if (size > kLongestSide)
    throw ShapeError(fmt::format("axis {} of {} cannot be resized to {} elements: {} are the most",
                                 axis, x.shape().to_string(), size, kLongestSide));
  std::vector<int64_t> before, after;
  std::vector<double> share, places;
  for (int64_t i = 0; i < size; ++i) {
    const double place =
        (static_cast<double>(i) + 0.5) * static_cast<double>(n) / static_cast<double>(size);
    const double from = interpolation == Interpolation::kNearest ? place : place - 0.5;
    const auto floor = static_cast<int64_t>(std::floor(from));
    before.push_back(std::clamp(floor, int64_t{0}, n - 1));
    after.push_back(std::clamp(floor + 1, int64_t{0}, n - 1));
    share.push_back(from - std::floor(from));
    places.push_back(from);
  }
  if (interpolation == Interpolation::kNearest) return at(x, before, axis);
  if (interpolation == Interpolation::kBicubic) return resize_cubic(x, axis, places);
  const Symbol low = at(x, before, axis);
  return low + (at(x, after, axis) - low) * factors(x, share, axis);
}

Symbol repeat_axis(Symbol x, int axis, int64_t times) {
  if (times == 1) return x;
  std::vector<int64_t> dims = x.shape().dims();
  std::vector<int64_t> spread = dims;
  spread.insert(spread.begin() + axis + 1, times);
  dims[static_cast<size_t>(axis)] = checked_product(dims[static_cast<size_t>(axis)], times);
  return reshape(broadcast_to(expand_dims(x, axis + 1), Shape(spread)), Shape(dims));
}

Symbol resized(Symbol x, const std::vector<int64_t>& axes, const ImageSize& size,
               Interpolation interpolation) {
  const Symbol y = resize_axis(x, static_cast<int>(axes[0]), size.height, interpolation);
  return resize_axis(y, static_cast<int>(axes[1]), size.width, interpolation);
}

int64_t aspect_of(int64_t side, int64_t wanted, int64_t beside) {
  return static_cast<int64_t>(static_cast<float>(side * wanted) / static_cast<float>(beside));
}

std::string size_mistake(const ImageSize& size) {
  std::string bound;
  if (std::min(size.height, size.width) <= 0)
    bound = "positive";
  else if (std::max(size.height, size.width) > kLongestSide)
    bound = fmt::format("at most {}", kLongestSide);
  else
    return "";
  return fmt::format("height and width must be {}, found {} and {}", bound, size.height,
                     size.width);
}

Symbol cropped_to_aspect(Symbol x, const std::vector<int64_t>& axes, const ImageSize& size) {
  const int rows = static_cast<int>(axes[0]), columns = static_cast<int>(axes[1]);
  const int64_t height = filled_side(x, rows), width = filled_side(x, columns);
  const int64_t new_height =
      std::clamp<int64_t>(aspect_of(width, size.height, size.width), 1, height);
  const int64_t new_width =
      std::clamp<int64_t>(aspect_of(height, size.width, size.height), 1, width);
  const int64_t top = (height - new_height) / 2, left = (width - new_width) / 2;
  return slice(slice(x, rows, top, top + new_height), columns, left, left + new_width);
}

Symbol largest_part(Symbol x, const std::vector<int64_t>& axes, const ImageSize& size) {
  return resized(cropped_to_aspect(x, axes, size), axes, size, Interpolation::kBilinear);
}

Symbol centre_cropped(Symbol x, const std::vector<int64_t>& axes, const ImageSize& size) {
  const int rows = static_cast<int>(axes[0]), columns = static_cast<int>(axes[1]);
  const int64_t top = x.shape()[rows] - size.height, left = x.shape()[columns] - size.width;
  if (top < 0 || left < 0) return largest_part(x, axes, size);
  return slice(slice(x, rows, top / 2, top / 2 + size.height), columns, left / 2,
               left / 2 + size.width);
}

}  // namespace sinter
