// A picture to draw on, which becomes an SVG or a PNG file by its name.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace sinter {

struct Colour {
  double red, green, blue;
};
inline constexpr Colour kWhite{1, 1, 1}, kText{0.13, 0.16, 0.20}, kQuietText{0.42, 0.45, 0.50},
    kGrid{0.91, 0.92, 0.94}, kAxis{0.70, 0.73, 0.77};
// Told apart also by readers who see few colours, and in grey.
inline constexpr Colour kBlue{0.0, 0.40, 0.75}, kVermilion{0.87, 0.36, 0.02};

inline constexpr double kTextSize = 12, kTitleSize = 15, kMargin = 18;

struct Box {
  double left, top, right, bottom;
  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

/// Lengths are pixels of an SVG; a PNG has two for each, for sharp text. Every failure raises
/// FileError.
class Canvas {
 public:
  /// Raises FileError unless `path` ends in .svg or .png.
  static void check_path(const std::string& path);

  /// White.
  Canvas(const std::string& path, double width, double height);
  ~Canvas();

  void colour(const Colour& c, double alpha = 1);
  void line(double x0, double y0, double x1, double y1, double width);
  /// A line through points.
  void curve(std::span<const std::pair<double, double>> points, double width);
  void dot(double x, double y, double radius);
  void fill(const Box& box);
  void frame(const Box& box, double width);
  /// Pixels of `height` rows and `width` columns, 3 bytes each, as squares without smoothing.
  void image(const Box& box, int64_t height, int64_t width, std::span<const uint8_t> rgb);

  void font(double size, bool bold = false);
  double text_width(const std::string& text);
  /// `text` in the font at hand, its end left out where it is wider than `width`.
  std::string fitted(const std::string& text, double width);
  /// `anchor` 0: x is the left end of the text, 0.5: its middle, 1: its right end. y is the base
  /// line.
  void text(double x, double y, const std::string& text, double anchor = 0);
  /// From below to above; (x, y) is where its base line begins (`anchor` 0), its middle or its end.
  void upright_text(double x, double y, const std::string& text, double anchor = 0.5);

  /// Writes the file, atomically. Nothing may be drawn afterwards.
  void save();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sinter
