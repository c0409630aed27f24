// Pictures in another size, as tf.image.resize computes them (half pixel centres).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/line.h"
#include "frontend/data/image.h"

namespace sinter {
namespace {

/// What an output row (or column) is made of.
struct Tap {
  int64_t from = 0;  // the first one
  std::vector<float> weights;
};

std::vector<Tap> taps(int64_t in, int64_t out, const std::string& interpolation) {
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  std::vector<Tap> result(static_cast<size_t>(out));
  for (int64_t i = 0; i < out; ++i) {
    Tap& tap = result[static_cast<size_t>(i)];
    const auto at = static_cast<float>(i);
    if (interpolation == "nearest") {
      tap.from = std::min(static_cast<int64_t>(std::floor((at + 0.5f) * scale)), in - 1);
      tap.weights = {1};
    } else if (interpolation == "bilinear") {
      const float centre = (at + 0.5f) * scale - 0.5f, floor = std::floor(centre);
      tap.from = std::clamp<int64_t>(static_cast<int64_t>(floor), 0, in - 1);
      const bool last = static_cast<int64_t>(floor) + 1 >= in || floor < 0;
      tap.weights =
          last ? std::vector<float>{1} : std::vector<float>{1 - (centre - floor), centre - floor};
    } else {
      // How much of each is covered; the sum is 1.
      const float begin = at * scale, end = (at + 1) * scale;
      tap.from = static_cast<int64_t>(std::floor(begin));
      for (int64_t j = tap.from; j < in && static_cast<float>(j) < end; ++j) {
        const float covered =
            std::min(static_cast<float>(j + 1), end) - std::max(static_cast<float>(j), begin);
        tap.weights.push_back(covered / scale);
      }
    }
  }
  return result;
}

Tensor picked(const Tensor& images, const std::vector<Tap>& rows, const std::vector<Tap>& columns,
              int64_t height, int64_t width, Tensor result) {
  const auto pixel = static_cast<size_t>(images.shape().dim(-1) * dtype_size(images.dtype()));
  const auto image_bytes = static_cast<size_t>(height * width) * pixel;
  const auto* from = static_cast<const std::byte*>(images.raw());
  auto* to = static_cast<std::byte*>(result.raw());
  const int64_t count = image_bytes == 0 ? 0 : images.bytes() / static_cast<int64_t>(image_bytes);
  for (int64_t n = 0; n < count; ++n, from += image_bytes) {
    for (const Tap& row : rows) {
      for (const Tap& column : columns)
        to = std::copy_n(from + static_cast<size_t>(row.from * width + column.from) * pixel, pixel,
                         to);
    }
  }
  return result;
}

template <typename T>
void weighted(const Tensor& images, const std::vector<Tap>& rows, const std::vector<Tap>& columns,
              int64_t height, int64_t width, Tensor& result) {
  const auto channels = static_cast<size_t>(images.shape().dim(-1));
  const auto row_length = static_cast<size_t>(width) * channels;
  const auto image_length = static_cast<size_t>(height) * row_length;
  const T* from = images.data<T>().data();
  float* to = result.data<float>().data();
  const size_t count =
      image_length == 0 ? 0 : static_cast<size_t>(images.elements()) / image_length;
  // Rows first, into one row of the old width: each value is a sum of few, in a fixed order.
  std::vector<float> line(row_length);
  for (size_t n = 0; n < count; ++n, from += image_length) {
    for (const Tap& row : rows) {
      std::ranges::fill(line, 0.0f);
      for (size_t k = 0; k < row.weights.size(); ++k) {
        const T* source = from + (static_cast<size_t>(row.from) + k) * row_length;
        for (size_t i = 0; i < row_length; ++i)
          line[i] += row.weights[k] * static_cast<float>(source[i]);
      }
      for (const Tap& column : columns) {
        for (size_t c = 0; c < channels; ++c) {
          float sum = 0;
          for (size_t k = 0; k < column.weights.size(); ++k)
            sum += column.weights[k] * line[(static_cast<size_t>(column.from) + k) * channels + c];
          *to++ = sum;
        }
      }
    }
  }
}

}  // namespace

Tensor resize(const Tensor& images, ImageSize size, const std::string& interpolation,
              SourceLocation where) {
  return at_line(where, [&] {
    const std::vector<std::string> known = {"area", "bilinear", "nearest"};
    if (std::ranges::find(known, interpolation) == known.end())
      raise_unknown_name("interpolation", interpolation, known);
    const int rank = images.shape().rank();
    if (rank != 3 && rank != 4) {
      throw ShapeError(
          fmt::format("resize: images are [height,width,channels] or "
                      "[n,height,width,channels], found {}",
                      images.shape().to_string()));
    }
    if (size.height < 1 || size.width < 1)
      throw Error(fmt::format("resize: the size must be at least 1 x 1, found {} x {}", size.height,
                              size.width));
    const int64_t height = images.shape().dim(-3), width = images.shape().dim(-2);
    if (height < 1 || width < 1)
      throw ShapeError(
          fmt::format("resize: images of {} have no pixels", images.shape().to_string()));
    Shape shape = images.shape();
    shape[rank - 3] = size.height;
    shape[rank - 2] = size.width;
    const std::vector<Tap> rows = taps(height, size.height, interpolation),
                           columns = taps(width, size.width, interpolation);
    if (interpolation == "nearest")
      return picked(images, rows, columns, height, width,
                    Tensor::placeholder(images.dtype(), shape));
    Tensor result = Tensor::placeholder(DType::kFloat32, shape);
    dispatch_dtype(images.dtype(), [&](auto zero) {
      weighted<decltype(zero)>(images, rows, columns, height, width, result);
    });
    return result;
  });
}

}  // namespace sinter
