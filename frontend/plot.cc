// Draws histories with cairo.
#include "frontend/plot.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string_view>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/origin.h"
#include "frontend/plot_curves.h"

namespace sinter {
namespace {

struct Colour {
  double red, green, blue;
};
constexpr Colour kText{0.13, 0.16, 0.20}, kQuietText{0.42, 0.45, 0.50}, kGrid{0.91, 0.92, 0.94},
    kAxis{0.70, 0.73, 0.77};
// Blue and vermilion: told apart also by readers who see few colours, and in grey.
constexpr Colour kTraining{0.0, 0.40, 0.75}, kValidation{0.87, 0.36, 0.02};

constexpr double kTextSize = 12, kTitleSize = 15, kPanelWidth = 460, kPanelHeight = 330,
                 kMargin = 18;
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

struct Box {
  double left, top, right, bottom;
};

bool can_draw(double value) { return std::abs(value) <= kLargest; }

class Canvas {
 public:
  explicit Canvas(cairo_surface_t* surface) : cairo_(cairo_create(surface), &cairo_destroy) {
    cairo_set_line_join(raw(), CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(raw(), CAIRO_LINE_CAP_ROUND);
  }
  cairo_t* raw() { return cairo_.get(); }

  void colour(const Colour& c, double alpha = 1) {
    cairo_set_source_rgba(raw(), c.red, c.green, c.blue, alpha);
  }
  void line(double x0, double y0, double x1, double y1, double width) {
    cairo_set_line_width(raw(), width);
    cairo_move_to(raw(), x0, y0);
    cairo_line_to(raw(), x1, y1);
    cairo_stroke(raw());
  }
  void font(double size, bool bold = false) {
    cairo_select_font_face(raw(), "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(raw(), size);
  }
  double text_width(const std::string& text) {
    cairo_text_extents_t extents;
    cairo_text_extents(raw(), text.c_str(), &extents);
    return extents.x_advance;
  }
  /// `anchor` 0: x is the left end of the text, 0.5: its middle, 1: its right end. y is the base
  /// line.
  void text(double x, double y, const std::string& text, double anchor = 0) {
    cairo_move_to(raw(), x - anchor * text_width(text), y);
    cairo_show_text(raw(), text.c_str());
  }
  void dot(double x, double y, double radius) {
    cairo_new_sub_path(raw());
    cairo_arc(raw(), x, y, radius, 0, 2 * M_PI);
    cairo_fill(raw());
  }

 private:
  std::unique_ptr<cairo_t, void (*)(cairo_t*)> cairo_;
};

using Epochs = std::map<std::string, std::vector<double>>;

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

std::vector<Panel> make_panels(const std::map<std::string, std::vector<double>>& history,
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
class Axes {
 public:
  explicit Axes(const Panel& panel) {
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

void draw_curve(Canvas& canvas, const Axes& axes, const Curve& curve, const Colour& colour) {
  const std::vector<double>& values = curve.values;
  canvas.colour(colour);
  cairo_set_line_width(canvas.raw(), 2.2);
  bool pen_down = false;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!can_draw(values[i])) {
      pen_down = false;
      continue;
    }
    const double x = axes.x(curve.epochs[i]), y = axes.y(values[i]);
    pen_down ? cairo_line_to(canvas.raw(), x, y) : cairo_move_to(canvas.raw(), x, y);
    pen_down = true;
  }
  cairo_stroke(canvas.raw());
  if (values.size() > kMarkersUpTo) return;
  for (size_t i = 0; i < values.size(); ++i) {
    if (can_draw(values[i])) canvas.dot(axes.x(curve.epochs[i]), axes.y(values[i]), 3);
  }
}

/// `text` in the font at hand, its end left out where it is wider than `width`.
std::string fitted(Canvas& canvas, const std::string& text, double width) {
  if (canvas.text_width(text) <= width) return text;
  std::string part = text;
  while (!part.empty() && canvas.text_width(part + "...") > width) {
    do part.pop_back();
    while (!part.empty() && (static_cast<unsigned char>(part.back()) & 0xC0) == 0x80);  // UTF-8
  }
  return part + "...";
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
  canvas.text(box.left, baseline, fitted(canvas, panel.name, box.right - box.left - names));
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
  Axes axes(panel);
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

cairo_status_t append_bytes(void* target, const unsigned char* bytes, unsigned count) {
  static_cast<std::string*>(target)->append(reinterpret_cast<const char*>(bytes), count);
  return CAIRO_STATUS_SUCCESS;
}

void check(cairo_status_t status, const std::string& path) {
  if (status != CAIRO_STATUS_SUCCESS)
    throw FileError(fmt::format("cannot draw '{}': {}", path, cairo_status_to_string(status)));
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

void plot_history(const std::map<std::string, std::vector<double>>& history,
                  const std::string& path, const PlotOptions& options, SourceLocation where) {
  at_line(where, [&] { plot_history(history, {}, path, options); });
}

void plot_history(const std::map<std::string, std::vector<double>>& history, const Epochs& epochs,
                  const std::string& path, const PlotOptions& options) {
  const bool png = path.ends_with(".png");
  if (!png && !path.ends_with(".svg"))
    throw FileError(fmt::format("cannot plot to '{}': the name must end in .svg or .png", path));
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

  std::string bytes;
  const double scale = png ? 2 : 1;
  const std::unique_ptr<cairo_surface_t, void (*)(cairo_surface_t*)> surface(
      png ? cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width * scale),
                                       static_cast<int>(height * scale))
          : cairo_svg_surface_create_for_stream(&append_bytes, &bytes, width, height),
      &cairo_surface_destroy);
  check(cairo_surface_status(surface.get()), path);
  {
    Canvas canvas(surface.get());
    cairo_scale(canvas.raw(), scale, scale);
    cairo_set_source_rgb(canvas.raw(), 1, 1, 1);
    cairo_paint(canvas.raw());
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
    check(cairo_status(canvas.raw()), path);
  }
  if (png) {
    check(cairo_surface_write_to_png_stream(surface.get(), &append_bytes, &bytes), path);
  } else {
    cairo_surface_finish(surface.get());
    check(cairo_surface_status(surface.get()), path);
  }
  write_file_atomically(path, bytes);
}

}  // namespace sinter
