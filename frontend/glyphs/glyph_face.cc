// FreeType's one home.
#include "frontend/glyphs/glyph_face.h"

#include <ft2build.h>
#include FT_BBOX_H
#include FT_FREETYPE_H
#include FT_OUTLINE_H

#include <algorithm>
#include <utility>

#include "core/error.h"

namespace sinter::glyphs {
namespace {

/// FreeType itself, as long as there is a face.
std::shared_ptr<FT_LibraryRec_> library() {
  static const std::shared_ptr<FT_LibraryRec_> opened = [] {
    FT_Library made = nullptr;
    if (FT_Init_FreeType(&made) != 0) throw Error("make-glyphs: FreeType does not start");
    return std::shared_ptr<FT_LibraryRec_>(made, [](FT_Library l) { FT_Done_FreeType(l); });
  }();
  return opened;
}

}  // namespace

struct Face::State {
  std::shared_ptr<FT_LibraryRec_> library;
  FT_Face face = nullptr;
  ~State() {
    if (face != nullptr) FT_Done_Face(face);
  }
};

Face::Face(std::unique_ptr<State> state) : state_(std::move(state)) {}
Face::Face(Face&&) noexcept = default;
Face::~Face() = default;

std::vector<Face> Face::open(const std::string& path) {
  std::vector<Face> result;
  FT_Long count = 1;
  for (FT_Long i = 0; i < count; ++i) {
    auto state = std::make_unique<State>();
    state->library = library();
    if (FT_New_Face(state->library.get(), path.c_str(), i, &state->face) != 0) {
      state->face = nullptr;
      break;
    }
    count = state->face->num_faces;
    const bool has_letters = FT_Select_Charmap(state->face, FT_ENCODING_UNICODE) == 0;
    if (FT_IS_SCALABLE(state->face) && has_letters) result.push_back(Face(std::move(state)));
  }
  return result;
}

std::string Face::name() const {
  const char* postscript = FT_Get_Postscript_Name(state_->face);
  const std::string text = postscript != nullptr                  ? postscript
                           : state_->face->family_name != nullptr ? state_->face->family_name
                                                                  : "font";
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain || c == '-') result += c;
  }
  return result.empty() ? "font" : result;
}

Glyph Face::draw(char32_t letter, int size) const {
  FT_Face face = state_->face;
  const FT_UInt index = FT_Get_Char_Index(face, letter);
  // The outline in units of the font: hints are for one size alone.
  if (index == 0 || FT_Load_Glyph(face, index, FT_LOAD_NO_SCALE) != 0 ||
      face->glyph->format != FT_GLYPH_FORMAT_OUTLINE)
    return {};
  FT_Outline* outline = &face->glyph->outline;
  FT_BBox box;
  FT_Outline_Get_CBox(outline, &box);
  const FT_Pos longer = std::max(box.xMax - box.xMin, box.yMax - box.yMin);
  if (longer <= 0) return {};
  // Pixels are 64 units of FreeType.
  const double side = 64.0 * size, room = side - 2 * std::max(1.0, size / 14.0) * 64;
  const FT_Fixed scale = static_cast<FT_Fixed>(room / static_cast<double>(longer) * 0x10000);
  const FT_Matrix matrix{scale, 0, 0, scale};
  FT_Outline_Transform(outline, &matrix);
  FT_Outline_Get_BBox(outline, &box);
  FT_Outline_Translate(outline, (static_cast<FT_Pos>(side) - box.xMin - box.xMax) / 2,
                       (static_cast<FT_Pos>(side) - box.yMin - box.yMax) / 2);
  Glyph glyph{size, std::vector<uint8_t>(static_cast<size_t>(size) * static_cast<size_t>(size))};
  FT_Bitmap bitmap{};
  bitmap.rows = bitmap.width = static_cast<unsigned>(size);
  bitmap.pitch = size;
  bitmap.buffer = glyph.pixels.data();
  bitmap.pixel_mode = FT_PIXEL_MODE_GRAY;
  bitmap.num_grays = 256;
  if (FT_Outline_Get_Bitmap(state_->library.get(), outline, &bitmap) != 0 ||
      std::ranges::max(glyph.pixels) == 0)
    return {};
  return glyph;
}

}  // namespace sinter::glyphs
