#include "frontend/plot_confusion_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/counted.h"
#include "core/error.h"
#include "core/line.h"
#include "frontend/canvas.h"

namespace sinter {
namespace {

constexpr int64_t kMostClasses = 1000;
constexpr int64_t kNumbersUpTo = 40;  // classes; with more there is no room for them
constexpr double kLongestName = 110;

std::string number_text(double value, int digits) {
  return value == std::floor(value) ? fmt::format("{:.0f}", value)
                                    : fmt::format("{:.{}f}", value, digits);
}

/// From white to blue, as far as `share` says.
Colour shade(double share) {
  const auto between = [&](double white, double full) { return white + share * (full - white); };
  return {between(1, kBlue.red), between(1, kBlue.green), between(1, kBlue.blue)};
}

void check(const Tensor& matrix, const std::vector<std::string>& names, int digits) {
  const Shape& shape = matrix.shape();
  if (shape.rank() != 2 || shape[0] != shape[1] || shape[0] == 0) {
    throw ShapeError(
        fmt::format("plot_confusion_matrix: the matrix must be [classes,classes], found {}",
                    shape.to_string()));
  }
  if (shape[0] > kMostClasses)
    throw Error(
        fmt::format("plot_confusion_matrix: {} classes are more than {}", shape[0], kMostClasses));
  if (!names.empty() && std::ssize(names) != shape[0])
    throw Error(fmt::format("plot_confusion_matrix: {} for {}", counted(names.size(), "class name"),
                            counted(shape[0], "class")));
  if (digits < 0 || digits > 17)
    throw Error(fmt::format("plot_confusion_matrix: digits must be 0 to 17, found {}", digits));
  for (int64_t i = 0; i < matrix.elements(); ++i) {
    if (!(matrix.at(i) >= 0 && std::isfinite(matrix.at(i))))
      throw Error(fmt::format("plot_confusion_matrix: the matrix holds {} (row {}, column {})",
                              matrix.at(i), i / shape[0], i % shape[0]));
  }
}

}  // namespace

void plot_confusion_matrix(const Tensor& matrix, const std::string& path,
                           const std::vector<std::string>& class_names,
                           PlotConfusionMatrixOptions options, SourceLocation where) {
  at_line(where, [&] {
    Canvas::check_path(path);
    check(matrix, class_names, options.digits);
    const int64_t n = matrix.shape()[0];
    const auto value = [&](int64_t row, int64_t column) { return matrix.at(row * n + column); };
    const auto name = [&](int64_t i) {
      return class_names.empty() ? std::to_string(i) : class_names[static_cast<size_t>(i)];
    };
    size_t longest = 1;
    for (int64_t i = 0; i < n * n; ++i)
      longest = std::max(longest, number_text(matrix.at(i), options.digits).size());
    const bool numbers = n <= kNumbersUpTo;
    const double cell = numbers ? std::max(34.0, 8.0 * static_cast<double>(longest) + 10)
                                : std::max(2.0, 1400.0 / static_cast<double>(n));
    // Of many classes only some names have room.
    const auto step = static_cast<int64_t>(std::ceil(16 / cell));

    const double title_height = options.title.empty() ? 0 : 30, axis = 24;
    // The widths of texts are known once there is a canvas; those of names decide its size.
    double names_width = 0;
    {
      Canvas measure(path, 10, 10);
      measure.font(kTextSize);
      for (int64_t i = 0; i < n; i += step)
        names_width =
            std::max(names_width, measure.text_width(measure.fitted(name(i), kLongestName)));
    }
    const double side = cell * static_cast<double>(n);
    // Names of columns that are wider than a column stand upright.
    const bool upright = names_width > cell * static_cast<double>(step) - 4;
    const double names_height = upright ? names_width + 8 : 18;
    const double left = kMargin + axis + names_width + 8, top = kMargin + title_height;
    Canvas canvas(path, left + side + kMargin, top + side + names_height + axis + kMargin / 2);
    canvas.colour(kText);
    canvas.font(kTitleSize + 2, true);
    if (!options.title.empty())
      canvas.text(kMargin, kMargin + 14, canvas.fitted(options.title, left + side - kMargin));

    canvas.font(kTextSize);
    for (int64_t row = 0; row < n; ++row) {
      double all = 0;
      for (int64_t column = 0; column < n; ++column) all += value(row, column);
      for (int64_t column = 0; column < n; ++column) {
        const double x = left + static_cast<double>(column) * cell,
                     y = top + static_cast<double>(row) * cell;
        const double share = all == 0 ? 0 : value(row, column) / all;
        canvas.colour(shade(share));
        canvas.fill({x, y, x + cell, y + cell});
        if (!numbers) continue;
        canvas.colour(share > 0.5 ? kWhite : value(row, column) == 0 ? kAxis : kText);
        canvas.text(x + cell / 2, y + cell / 2 + 4, number_text(value(row, column), options.digits),
                    0.5);
      }
    }
    canvas.colour(kAxis);
    canvas.frame({left, top, left + side, top + side}, 1);
    canvas.colour(kText);
    for (int64_t i = 0; i < n; i += step) {
      const double middle = (static_cast<double>(i) + 0.5) * cell;
      const std::string text = canvas.fitted(name(i), kLongestName);
      canvas.text(left - 8, top + middle + 4, text, 1);
      if (upright)
        canvas.upright_text(left + middle + 4, top + side + 6, text, 1);
      else
        canvas.text(left + middle, top + side + 16, text, 0.5);
    }
    canvas.colour(kQuietText);
    canvas.text(left + side / 2, top + side + names_height + 16, "predicted", 0.5);
    canvas.upright_text(kMargin + 10, top + side / 2, "true");
    canvas.save();
  });
}

}  // namespace sinter
