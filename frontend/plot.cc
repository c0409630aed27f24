// Draws histories.
#include "frontend/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string_view>

#include "core/error.h"
#include "frontend/canvas.h"
#include "frontend/origin.h"
#include "frontend/plot_curves.h"

namespace sinter {
namespace {

constexpr Colour kTraining = kBlue, kValidation = kVermilion;

constexpr double kPanelWidth = 460, kPanelHeight = 330;
constexpr double kLargest = 1e300;   // beyond it even the distance of two values may overflow
constexpr size_t kMarkersUpTo = 25;  // epochs; with more the dots would hide the curve

struct Curve {
  std::vector<double> epochs;  // as drawn
  std::vector<double> values;
};

struct Panel {
  std::string name;
  std::optional<Curve> training, validation;
};

bool can_draw(double value) { return std::abs(value) <= kLargest; }

using Epochs = std::map<std::string, List<double>>;

Curve make_curve(const std::string& name, const std::vector<double>& values, const Epochs& epochs,
                 int first_epoch) {
  const auto known = epochs.find(name);
  Curve curve{{}, values};
  for (size_t i = 0; i < values.size(); ++i) {
    const bool is_known = known != epochs.end() && i < known->second.size();
    curve.epochs.push_back(first_epoch + (is_known ? known->second[i] : static_cast<double>(i)));
  }
  return curve;
}

std::vector<Panel> make_panels(const std::map<std::string, List<double>>& history,
                               const Epochs& epochs, int first_epoch) {
  std::map<std::string, Panel> by_name;
  for (const auto& [key, values] : history) {
    const bool validation = key.starts_with("val_");
    const std::string name = validation ? key.substr(4) : key;
    Panel& panel = by_name[name];
    panel.name = name;
    (validation ? panel.validation : panel.training) = make_curve(key, values, epochs, first_epoch);
  }
  std::vector<Panel> panels;
  for (const bool loss : {true, false}) {
    for (const auto& [name, panel] : by_name) {
      if ((name == "loss") == loss) panels.push_back(panel);
    }
  }
  return panels;
}

/// As many decimals as tell neighbouring ticks apart.
std::string tick_text(double value, double step) {
  if (std::abs(value) < step / 1000) return "0";
  if (std::abs(value) >= 1e6 || step < 1e-4) return fmt::format("{:.3g}", value);
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  return fmt::format("{:.{}f}", value, decimals);
}

/// Maps epochs and values to the plot area of one panel.
class PlotAxes {
 public:
  explicit PlotAxes(const Panel& panel) {
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (const std::optional<Curve>* curve : {&panel.training, &panel.validation}) {
      if (!*curve) continue;
      for (const double value : (*curve)->values) {
        if (!can_draw(value)) continue;
        low = std::min(low, value);
        high = std::max(high, value);
      }
      for (const double epoch : (*curve)->epochs) {
        first_ = std::min(first_, epoch);
        last_ = std::max(last_, epoch);
      }
    }
    if (first_ > last_) first_ = last_ = 1;
    empty_ = low > high;
    if (empty_) low = 0, high = 1;
    y_ticks_ = nice_ticks(low, high, 5);
    for (const double tick : nice_ticks(first_, std::max(last_, first_ + 1), 8)) {
      if (tick == std::floor(tick) && tick >= first_ && tick <= last_) x_ticks_.push_back(tick);
    }
    // The first epoch always has its number, if need be instead of the tick beside it.
    if (x_ticks_.empty() || x_ticks_[0] != first_) x_ticks_.insert(x_ticks_.begin(), first_);
    if (x_ticks_.size() > 2 && x_ticks_[1] - x_ticks_[0] < 0.6 * (x_ticks_[2] - x_ticks_[1]))
      x_ticks_.erase(x_ticks_.begin() + 1);
  }

  bool empty() const { return empty_; }
  const std::vector<double>& x_ticks() const { return x_ticks_; }
  const std::vector<double>& y_ticks() const { return y_ticks_; }
  double y_step() const { return y_ticks_[1] - y_ticks_[0]; }
  void place(const Box& area) { area_ = area; }
  double x(double epoch) const {
    if (first_ == last_) return (area_.left + area_.right) / 2;
    const double inset = 8;  // the first and the last point stay clear of the edge
    const double share = (epoch - first_) / (last_ - first_);
    return area_.left + inset + share * (area_.right - area_.left - 2 * inset);
  }
  double y(double value) const {
    const double low = y_ticks_.front(), high = y_ticks_.back();
    return area_.bottom - (value - low) / (high - low) * (area_.bottom - area_.top);
  }

 private:
  double first_ = HUGE_VAL, last_ = -HUGE_VAL;  // epochs
  bool empty_ = false;
  std::vector<double> x_ticks_, y_ticks_;
  Box area_{};
};

void draw_curve(Canvas& canvas, const PlotAxes& axes, const Curve& curve, const Colour& colour) {
  const std::vector<double>& values = curve.values;
  canvas.colour(colour);
  std::vector<std::pair<double, double>> points;
  for (size_t i = 0; i <= values.size(); ++i) {
    if (i < values.size() && can_draw(values[i])) {
      points.emplace_back(axes.x(curve.epochs[i]), axes.y(values[i]));
    } else {  // a gap
      canvas.curve(points, 2.2);
      points.clear();
    }
  }
  if (values.size() > kMarkersUpTo) return;
  for (size_t i = 0; i < values.size(); ++i) {
    if (can_draw(values[i])) canvas.dot(axes.x(curve.epochs[i]), axes.y(values[i]), 3);
  }
}

/// The title of a panel, and in the same row, where no curve can run under it, name and line sample
/// of each curve, right-aligned: their kind alone where the names leave no room for the title.
void draw_heading(Canvas& canvas, const Panel& panel, const Box& box) {
  constexpr double kSample = 26, kGap = 18;
  const double baseline = box.top + 14;
  const auto width_of = [&](const std::string& name) {
    return canvas.text_width(name) + kSample + kGap;
  };
  std::string training = panel.name, validation = "val_" + panel.name;
  canvas.font(kTitleSize - 1, true);
  const double title = canvas.text_width(panel.name);
  canvas.font(kTextSize);
  double names = 0;
  for (const bool short_ones : {false, true}) {
    if (short_ones) training = "training", validation = "validation";
    names =
        (panel.validation ? width_of(validation) : 0) + (panel.training ? width_of(training) : 0);
    if (title + names <= box.right - box.left) break;
  }
  canvas.colour(kText);
  canvas.font(kTitleSize - 1, true);
  canvas.text(box.left, baseline, canvas.fitted(panel.name, box.right - box.left - names));
  canvas.font(kTextSize);
  double right = box.right;
  const auto entry = [&](const std::string& name, const Colour& colour) {
    const double left = right - canvas.text_width(name);
    canvas.colour(kText);
    canvas.text(left, baseline, name);
    canvas.colour(colour);
    canvas.line(left - kSample, baseline - 4, left - 8, baseline - 4, 2.6);
    right -= width_of(name);
  };
  if (panel.validation) entry(validation, kValidation);
  if (panel.training) entry(training, kTraining);
}

void draw_panel(Canvas& canvas, const Panel& panel, const Box& box) {
  PlotAxes axes(panel);
  canvas.font(kTextSize);
  double label_width = 0;
  for (const double tick : axes.y_ticks())
    label_width = std::max(label_width, canvas.text_width(tick_text(tick, axes.y_step())));
  const Box area{box.left + label_width + 10, box.top + 34, box.right, box.bottom - 42};
  axes.place(area);

  draw_heading(canvas, panel, box);
  for (const double tick : axes.y_ticks()) {
    const double y = axes.y(tick);
    canvas.colour(kGrid);
    canvas.line(area.left, y, area.right, y, 1);
    canvas.colour(kQuietText);
    canvas.text(area.left - 8, y + 4, tick_text(tick, axes.y_step()), 1);
  }
  for (const double tick : axes.x_ticks()) {
    const double x = axes.x(tick);
    canvas.colour(kGrid);
    canvas.line(x, area.top, x, area.bottom, 1);
    canvas.colour(kAxis);
    canvas.line(x, area.bottom, x, area.bottom + 4, 1);
    canvas.colour(kQuietText);
    canvas.text(x, area.bottom + 18, fmt::format("{:.0f}", tick), 0.5);
  }
  canvas.colour(kAxis);
  canvas.line(area.left, area.bottom, area.right, area.bottom, 1);
  canvas.colour(kQuietText);
  canvas.text((area.left + area.right) / 2, area.bottom + 36, "epoch", 0.5);

  if (axes.empty()) {
    canvas.text((area.left + area.right) / 2, (area.top + area.bottom) / 2, "no finite values",
                0.5);
    return;
  }
  if (panel.training) draw_curve(canvas, axes, *panel.training, kTraining);
  if (panel.validation) draw_curve(canvas, axes, *panel.validation, kValidation);
}

}  // namespace

std::vector<double> nice_ticks(double low, double high, int count) {
  double span = high - low;
  const double size = std::max(std::abs(low), std::abs(high));
  constexpr double kLeast = 1e-290;              // below it powers of ten are 0
  if (!(span > size * 1e-9) || span < kLeast) {  // one value, or nearly: a range around it
    const double around = size > kLeast ? size * 0.1 : 0.5;
    low -= around;
    high += around;
    span = high - low;
  }
  const double rough = span / std::max(count - 1, 1),
               power = std::pow(10, std::floor(std::log10(rough)));
  const double digit = rough / power;
  const double step = power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
  const auto first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
  std::vector<double> ticks;
  for (double i = first; i <= last; ++i) ticks.push_back(i * step);
  return ticks;
}

void plot_history(const std::map<std::string, List<double>>& history, const std::string& path,
                  const PlotOptions& options, SourceLocation where) {
  at_line(where, [&] { plot_history(history, {}, path, options); });
}

void plot_history(const std::map<std::string, List<double>>& history, const Epochs& epochs,
                  const std::string& path, const PlotOptions& options) {
  Canvas::check_path(path);
  if (history.empty()) throw Error("cannot plot an empty history: fit() has run no epoch");

  const std::vector<Panel> panels = make_panels(history, epochs, options.first_epoch);
  const size_t columns = panels.size() == 4 ? 2 : std::min<size_t>(panels.size(), 3);
  const size_t rows = (panels.size() + columns - 1) / columns;
  const double title_height = options.title.empty() ? 0 : 34;
  const double width = options.width > 0
                           ? options.width
                           : kPanelWidth * static_cast<double>(columns) + (columns == 1 ? 120 : 0);
  const double height =
      options.height > 0 ? options.height : kPanelHeight * static_cast<double>(rows) + title_height;

  Canvas canvas(path, width, height);
  if (!options.title.empty()) {
    canvas.colour(kText);
    canvas.font(kTitleSize + 2, true);
    canvas.text(kMargin, kMargin + 14, options.title);
  }
  const double panel_width = width / static_cast<double>(columns),
               panel_height = (height - title_height) / static_cast<double>(rows);
  for (size_t i = 0; i < panels.size(); ++i) {
    const double left = static_cast<double>(i % columns) * panel_width,
                 top = title_height + static_cast<double>(i / columns) * panel_height;
    draw_panel(canvas, panels[i],
               {left + kMargin, top + kMargin, left + panel_width - kMargin,
                top + panel_height - kMargin / 2});
  }
  canvas.save();
}

}  // namespace sinter
