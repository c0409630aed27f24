// Letters of font files as pictures.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sinter::glyphs {

/// A picture of grey values, row by row.
struct Glyph {
  int size = 0;  // both sides
  std::vector<uint8_t> pixels;
  bool operator==(const Glyph& other) const = default;
};

/// One face of a font file.
class Face {
 public:
  /// The faces of a file that have outlines and Unicode letters; none where it is no font.
  static std::vector<Face> open(const std::string& path);
  Face(Face&&) noexcept;
  ~Face();

  /// "DejaVuSans-Bold": letters, digits and '-' alone, for file names.
  std::string name() const;
  /// The letter in white, as large as fits between margins of a fourteenth of the side, in the
  /// middle. Empty where the face has no such letter, or nothing to be seen of it.
  Glyph draw(char32_t letter, int size) const;

 private:
  struct State;
  explicit Face(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sinter::glyphs
