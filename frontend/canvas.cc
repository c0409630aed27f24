// Drawing by cairo: its one home.
#include "frontend/canvas.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/file_io.h"

namespace sinter {
namespace {

using Surface = std::unique_ptr<cairo_surface_t, void (*)(cairo_surface_t*)>;

cairo_status_t append_bytes(void* target, const unsigned char* bytes, unsigned count) {
  static_cast<std::string*>(target)->append(reinterpret_cast<const char*>(bytes), count);
  return CAIRO_STATUS_SUCCESS;
}

void check(cairo_status_t status, const std::string& path) {
  if (status != CAIRO_STATUS_SUCCESS)
    throw FileError(fmt::format("cannot draw '{}': {}", path, cairo_status_to_string(status)));
}

bool is_png(const std::string& path) { return path.ends_with(".png"); }

Surface surface_for(const std::string& path, double width, double height, double scale,
                    std::string& bytes) {
  return {is_png(path)
              ? cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width * scale),
                                           static_cast<int>(height * scale))
              : cairo_svg_surface_create_for_stream(&append_bytes, &bytes, width, height),
          &cairo_surface_destroy};
}

}  // namespace

struct Canvas::State {
  State(const std::string& file, double width, double height)
      : path(file), surface(surface_for(file, width, height, scale(), bytes)) {
    check(cairo_surface_status(surface.get()), path);
    cairo.reset(cairo_create(surface.get()));
  }
  double scale() const { return is_png(path) ? 2 : 1; }
  cairo_t* raw() { return cairo.get(); }

  std::string path, bytes;
  Surface surface;
  std::unique_ptr<cairo_t, void (*)(cairo_t*)> cairo{nullptr, &cairo_destroy};
};

void Canvas::check_path(const std::string& path) {
  if (!is_png(path) && !path.ends_with(".svg"))
    throw FileError(fmt::format("cannot plot to '{}': the name must end in .svg or .png", path));
}

Canvas::Canvas(const std::string& path, double width, double height) {
  check_path(path);
  state_ = std::make_unique<State>(path, width, height);
  cairo_t* cairo = state_->raw();
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
  cairo_scale(cairo, state_->scale(), state_->scale());
  cairo_set_source_rgb(cairo, 1, 1, 1);
  cairo_paint(cairo);
}
Canvas::~Canvas() = default;

void Canvas::colour(const Colour& c, double alpha) {
  cairo_set_source_rgba(state_->raw(), c.red, c.green, c.blue, alpha);
}

void Canvas::line(double x0, double y0, double x1, double y1, double width) {
  const std::pair<double, double> points[] = {{x0, y0}, {x1, y1}};
  curve(points, width);
}

void Canvas::curve(std::span<const std::pair<double, double>> points, double width) {
  if (points.size() < 2) return;
  cairo_set_line_width(state_->raw(), width);
  cairo_new_path(state_->raw());
  for (const auto& [x, y] : points) cairo_line_to(state_->raw(), x, y);
  cairo_stroke(state_->raw());
}

void Canvas::dot(double x, double y, double radius) {
  cairo_new_sub_path(state_->raw());
  cairo_arc(state_->raw(), x, y, radius, 0, 2 * M_PI);
  cairo_fill(state_->raw());
}

void Canvas::fill(const Box& box) {
  cairo_rectangle(state_->raw(), box.left, box.top, box.width(), box.height());
  cairo_fill(state_->raw());
}

void Canvas::frame(const Box& box, double width) {
  cairo_set_line_width(state_->raw(), width);
  cairo_rectangle(state_->raw(), box.left, box.top, box.width(), box.height());
  cairo_stroke(state_->raw());
}

void Canvas::image(const Box& box, int64_t height, int64_t width, std::span<const uint8_t> rgb) {
  const Surface picture(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width),
                                                   static_cast<int>(height)),
                        &cairo_surface_destroy);
  check(cairo_surface_status(picture.get()), state_->path);
  unsigned char* row = cairo_image_surface_get_data(picture.get());
  const uint8_t* from = rgb.data();
  for (int64_t y = 0; y < height; ++y, row += cairo_image_surface_get_stride(picture.get())) {
    for (int64_t x = 0; x < width; ++x, from += 3) {
      const uint32_t pixel = uint32_t{from[0]} << 16 | uint32_t{from[1]} << 8 | from[2];
      std::memcpy(row + 4 * x, &pixel, sizeof pixel);
    }
  }
  cairo_surface_mark_dirty(picture.get());
  cairo_t* cairo = state_->raw();
  cairo_save(cairo);
  cairo_translate(cairo, box.left, box.top);
  cairo_scale(cairo, box.width() / static_cast<double>(width),
              box.height() / static_cast<double>(height));
  cairo_set_source_surface(cairo, picture.get(), 0, 0);
  cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_NEAREST);
  cairo_rectangle(cairo, 0, 0, static_cast<double>(width), static_cast<double>(height));
  cairo_fill(cairo);
  cairo_restore(cairo);
}

void Canvas::font(double size, bool bold) {
  cairo_select_font_face(state_->raw(), "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(state_->raw(), size);
}

double Canvas::text_width(const std::string& text) {
  cairo_text_extents_t extents;
  cairo_text_extents(state_->raw(), text.c_str(), &extents);
  return extents.x_advance;
}

std::string Canvas::fitted(const std::string& text, double width) {
  if (text_width(text) <= width) return text;
  std::string part = text;
  while (!part.empty() && text_width(part + "...") > width) {
    do part.pop_back();
    while (!part.empty() && (static_cast<unsigned char>(part.back()) & 0xC0) == 0x80);  // UTF-8
  }
  return part + "...";
}

void Canvas::text(double x, double y, const std::string& text, double anchor) {
  cairo_move_to(state_->raw(), x - anchor * text_width(text), y);
  cairo_show_text(state_->raw(), text.c_str());
}

void Canvas::upright_text(double x, double y, const std::string& text, double anchor) {
  cairo_save(state_->raw());
  cairo_translate(state_->raw(), x, y);
  cairo_rotate(state_->raw(), -M_PI / 2);
  this->text(0, 0, text, anchor);
  cairo_restore(state_->raw());
}

void Canvas::save() {
  State& s = *state_;
  check(cairo_status(s.raw()), s.path);
  s.cairo.reset();
  if (is_png(s.path)) {
    check(cairo_surface_write_to_png_stream(s.surface.get(), &append_bytes, &s.bytes), s.path);
  } else {
    cairo_surface_finish(s.surface.get());
    check(cairo_surface_status(s.surface.get()), s.path);
  }
  write_file_atomically(s.path, s.bytes);
}

}  // namespace sinter
