#include "frontend/show_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/convert.h"
#include "core/counted.h"
#include "core/error.h"
#include "core/line.h"
#include "frontend/canvas.h"
#include "frontend/data/classes.h"

namespace sinter {
namespace {

constexpr double kGap = 8, kLabelHeight = 18;
constexpr int64_t kMostSide = 30'000;  // pixels of the picture, which cairo bounds, too

/// [n, height, width, channels] of any images that are drawn.
Tensor as_pictures(const Tensor& x) {
  const Shape& shape = x.shape();
  if (shape.rank() == 2) {
    const auto side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(shape[1]))));
    if (side > 0 && side * side == shape[1]) return x.reshaped({shape[0], side, side, 1}, {});
  }
  if (shape.rank() == 3 && shape[1] > 0 && shape[2] > 0)
    return x.reshaped({shape[0], shape[1], shape[2], 1}, {});
  const bool fits = shape.rank() == 4 && shape[1] > 0 && shape[2] > 0 &&
                    (shape[3] == 1 || shape[3] == 3 || shape[3] == 4);
  if (fits) return x;
  throw ShapeError(
      fmt::format("show_images: x must be [n,height,width], [n,height,width,channels] of 1, 3 or 4 "
                  "channels, or "
                  "[n,pixels] of squares, found {}",
                  shape.to_string()));
}

/// Values as bytes, those of floats up to 1 times 255.
std::vector<uint8_t> bytes_of(const Tensor& pictures) {
  std::vector<uint8_t> result(static_cast<size_t>(pictures.elements()));
  dispatch_dtype(pictures.dtype(), [&](auto zero) {
    const auto values = pictures.data<decltype(zero)>({});
    double most = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<double>(values[i]);
      if (std::isnan(value)) throw Error(fmt::format("show_images: x holds NaN (element {})", i));
      most = std::max(most, value);
    }
    const bool is_unit =
        pictures.dtype() == DType::kBool || (is_floating(pictures.dtype()) && most <= 1);
    for (size_t i = 0; i < values.size(); ++i) {
      const double value = static_cast<double>(values[i]) * (is_unit ? 255 : 1);
      result[i] = static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
    }
  });
  return result;
}

/// Grey, RGB, or RGBA on white, as RGB.
std::vector<uint8_t> rgb_of(std::span<const uint8_t> values, size_t channels) {
  std::vector<uint8_t> rgb;
  rgb.reserve(values.size() / channels * 3);
  for (; !values.empty(); values = values.subspan(channels)) {
    for (size_t c = 0; c < 3; ++c) {
      const int value = values[channels == 1 ? 0 : c], alpha = channels == 4 ? values[3] : 255;
      rgb.push_back(static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255));
    }
  }
  return rgb;
}

struct Label {
  std::string text;
  Colour colour = kText;
  bool is_wrong = false;
};

class Labels {
 public:
  Labels(const Tensor* y, const ShowImagesOptions& o, int64_t rows) : names_(o.class_names) {
    if (y != nullptr) true_ = classes(*y, "y", rows);
    if (o.predicted) predicted_ = classes(*o.predicted, "predicted", rows);
  }
  bool any() const { return !true_.empty() || !predicted_.empty(); }
  Label of(size_t i) const {
    if (predicted_.empty()) return {name(true_[i])};
    const std::string text = name(predicted_[i]);
    if (true_.empty()) return {text};
    if (predicted_[i] == true_[i]) return {text, kBlue};
    return {fmt::format("{} ({})", text, name(true_[i])), kVermilion, true};
  }

 private:
  std::vector<int64_t> classes(const Tensor& given, const char* what, int64_t rows) const {
    std::vector<int64_t> result = classes_of(given, std::string("show_images: ") + what);
    if (std::ssize(result) != rows)
      throw ShapeError(fmt::format("show_images: x has {}, {} is {}", counted(rows, "row"), what,
                                   given.shape().to_string()));
    for (size_t i = 0; !names_.empty() && i < result.size(); ++i) {
      if (result[i] < 0 || result[i] >= std::ssize(names_))
        throw Error(
            fmt::format("show_images: {} holds class {} (row {}), which has no name among {}", what,
                        result[i], i, names_.size()));
    }
    return result;
  }
  std::string name(int64_t label) const {
    return names_.empty() ? std::to_string(label) : names_[static_cast<size_t>(label)];
  }

  const std::vector<std::string>& names_;
  std::vector<int64_t> true_, predicted_;
};

void check(const ShowImagesOptions& o) {
  for (const auto& [name, value] : {std::pair<const char*, int64_t>("columns", o.columns),
                                    std::pair<const char*, int64_t>("size", o.size)}) {
    if (value < 0)
      throw Error(fmt::format("show_images: {} must not be negative, found {}", name, value));
  }
  if (o.count < 1)
    throw Error(fmt::format("show_images: count must be at least 1, found {}", o.count));
}

void draw(const Tensor& x, const Tensor* y, const std::string& path, const ShowImagesOptions& o) {
  Canvas::check_path(path);
  check(o);
  const Tensor all = as_pictures(x);
  const Labels labels(y, o, all.shape()[0]);
  const int64_t count = std::min(o.count, all.shape()[0]);
  if (count == 0) throw Error("show_images: there is no image");
  const Tensor pictures = all.rows(0, count, {});
  const int64_t height = pictures.shape()[1], width = pictures.shape()[2];
  const std::vector<uint8_t> bytes = bytes_of(pictures);

  const int64_t columns =
      std::min(count, o.columns > 0
                          ? o.columns
                          : static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(count)))));
  const int64_t rows = (count + columns - 1) / columns;
  const auto longer = static_cast<double>(std::max(height, width));
  // Small images in whole multiples, so that their pixels are of one size.
  const double size = o.size > 0     ? o.size
                      : longer >= 72 ? std::min(longer, 224.0)
                                     : longer * std::ceil(72 / longer);
  const double tile_width = size * static_cast<double>(width) / longer,
               tile_height = size * static_cast<double>(height) / longer;
  const double label_height = labels.any() ? kLabelHeight : 0;
  const double title_height = o.title.empty() ? 0 : 30;
  const double cell_width = tile_width + kGap, cell_height = tile_height + label_height + kGap;
  const double whole_width = 2 * kMargin - kGap + cell_width * static_cast<double>(columns),
               whole_height =
                   2 * kMargin - kGap + title_height + cell_height * static_cast<double>(rows);
  if (std::max(whole_width, whole_height) > kMostSide / 2) {
    throw Error(fmt::format(
        "show_images: {} images in {} columns make a picture of {:.0f} x {:.0f} pixels, more than "
        "{}; columns, count or size make it smaller",
        count, columns, whole_width, whole_height, kMostSide / 2));
  }
  Canvas canvas(path, whole_width, whole_height);
  if (!o.title.empty()) {
    canvas.colour(kText);
    canvas.font(kTitleSize + 2, true);
    canvas.text(kMargin, kMargin + 14, canvas.fitted(o.title, whole_width - 2 * kMargin));
  }
  const auto channels = static_cast<size_t>(pictures.shape()[3]);
  const size_t stride = bytes.size() / static_cast<size_t>(count);
  for (int64_t i = 0; i < count; ++i) {
    const double left = kMargin + static_cast<double>(i % columns) * cell_width,
                 top = kMargin + title_height + static_cast<double>(i / columns) * cell_height;
    const Box box{left, top, left + tile_width, top + tile_height};
    const auto at = static_cast<size_t>(i);
    canvas.image(box, height, width,
                 rgb_of(std::span(bytes).subspan(at * stride, stride), channels));
    // A thin line tells where a white image ends.
    canvas.colour(kAxis);
    canvas.frame(box, 0.5);
    if (!labels.any()) continue;
    const Label label = labels.of(at);
    canvas.colour(label.colour);
    if (label.is_wrong) canvas.frame(box, 2);
    canvas.font(kTextSize, label.is_wrong);
    canvas.text(left + tile_width / 2, box.bottom + 14, canvas.fitted(label.text, cell_width), 0.5);
  }
  canvas.save();
}

}  // namespace

void show_images(const Tensor& x, const Tensor& y, const std::string& path,
                 ShowImagesOptions options, SourceLocation where) {
  at_line(where, [&] { draw(x, &y, path, options); });
}

void show_images(const Tensor& x, const std::string& path, ShowImagesOptions options,
                 SourceLocation where) {
  at_line(where, [&] { draw(x, nullptr, path, options); });
}

}  // namespace sinter
