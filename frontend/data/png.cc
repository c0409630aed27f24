// PNG by libpng: its one home.
#include <png.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "frontend/data/image_codecs.h"

namespace sinter {
namespace {

// Deflate packs 1032 bytes into one at most.
constexpr uint64_t kMostPacked = 1032;
constexpr png_alloc_size_t kMostChunkBytes = 8 << 20;

struct Png {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const uint8_t* at = nullptr;
  size_t left = 0;
  std::string* out = nullptr;
  char message[160] = "";
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* state = static_cast<Png*>(png_get_error_ptr(png));
  std::strncpy(state->message, text, sizeof state->message - 1);
  png_longjmp(png, 1);
}
void on_warning(png_structp, png_const_charp) {}

void give_bytes(png_structp png, png_bytep to, size_t count) {
  auto* state = static_cast<Png*>(png_get_io_ptr(png));
  if (count > state->left) png_error(png, "the file ends too early");
  std::memcpy(to, state->at, count);
  state->at += count;
  state->left -= count;
}

struct PngHeader {
  png_uint_32 width = 0, height = 0;
  int channels = 0, depth = 0;
  size_t packed_row = 0;  // bytes of a row in the file, before deflate
};

// libpng leaves these two by longjmp: no object in them has a destructor.
bool read_header(Png& s, PngHeader& h) {
  if (setjmp(png_jmpbuf(s.png)) != 0) return false;
  png_set_read_fn(s.png, &s, give_bytes);
  png_set_user_limits(s.png, kMostPixelsASide, kMostPixelsASide);
  png_set_chunk_malloc_max(s.png, kMostChunkBytes);
  png_read_info(s.png, s.info);
  int colour = 0;
  png_get_IHDR(s.png, s.info, &h.width, &h.height, &h.depth, &colour, nullptr, nullptr, nullptr);
  h.packed_row = png_get_rowbytes(s.png, s.info);
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(s.png);
  if (colour == PNG_COLOR_TYPE_GRAY && h.depth < 8) png_set_expand_gray_1_2_4_to_8(s.png);
  if (png_get_valid(s.png, s.info, PNG_INFO_tRNS) != 0) png_set_tRNS_to_alpha(s.png);
  if (h.depth == 16) png_set_swap(s.png);
  (void)png_set_interlace_handling(s.png);
  png_read_update_info(s.png, s.info);
  h.channels = png_get_channels(s.png, s.info);
  h.depth = png_get_bit_depth(s.png, s.info);
  return true;
}

bool read_rows(Png& s, png_bytep* rows) {
  if (setjmp(png_jmpbuf(s.png)) != 0) return false;
  png_read_image(s.png, rows);
  png_read_end(s.png, nullptr);
  return true;
}

bool write_all(Png& s, const RawImage& image, png_const_bytep* rows) {
  constexpr int kColours[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                              PNG_COLOR_TYPE_RGBA};
  if (setjmp(png_jmpbuf(s.png)) != 0) return false;
  png_set_IHDR(s.png, s.info, static_cast<png_uint_32>(image.width),
               static_cast<png_uint_32>(image.height), image.is_wide() ? 16 : 8,
               kColours[image.channels - 1], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(s.png, s.info);
  if (image.is_wide()) png_set_swap(s.png);
  png_write_image(s.png, const_cast<png_bytepp>(rows));
  png_write_end(s.png, nullptr);
  return true;
}

// The rows of `image`, one pointer each.
template <typename Byte, typename Image>
std::vector<Byte*> rows_of(Image& image) {
  std::vector<Byte*> rows(static_cast<size_t>(image.height));
  const size_t length = image.samples() / rows.size();
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i] = image.is_wide() ? reinterpret_cast<Byte*>(image.words.data() + i * length)
                              : image.bytes.data() + i * length;
  }
  return rows;
}

}  // namespace

RawImage decode_png(std::string_view bytes, const std::string& name) {
  RawImage plain;
  if (decode_plain_png(bytes, plain)) return plain;
  struct Reader : Png {
    ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  } reader;
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, static_cast<Png*>(&reader), on_error,
                                      on_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) raise_unreadable(name, "libpng finds no memory");
  reader.at = reinterpret_cast<const uint8_t*>(bytes.data());
  reader.left = bytes.size();
  PngHeader header;
  if (!read_header(reader, header)) raise_unreadable(name, reader.message);
  RawImage image;
  image.height = header.height;
  image.width = header.width;
  image.channels = header.channels;
  image.maximum = header.depth == 16 ? 65535 : 255;
  // Before memory is taken for pixels that cannot be there.
  if (uint64_t{header.height} * header.packed_row / kMostPacked > bytes.size())
    raise_unreadable(name, "the file ends too early");
  image.allocate(name);
  std::vector<png_bytep> rows = rows_of<png_byte>(image);
  if (!read_rows(reader, rows.data())) raise_unreadable(name, reader.message);
  return image;
}

std::string encode_png(const RawImage& image) {
  struct Writer : Png {
    ~Writer() { png_destroy_write_struct(&png, &info); }
  } writer;
  std::string result;
  writer.out = &result;
  writer.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, static_cast<Png*>(&writer), on_error,
                                       on_warning);
  if (writer.png != nullptr) writer.info = png_create_info_struct(writer.png);
  if (writer.info == nullptr) throw Error("write_image: libpng finds no memory");
  png_set_write_fn(
      writer.png, static_cast<Png*>(&writer),
      [](png_structp png, png_bytep from, size_t count) {
        static_cast<Png*>(png_get_io_ptr(png))
            ->out->append(reinterpret_cast<const char*>(from), count);
      },
      nullptr);
  std::vector<png_const_bytep> rows = rows_of<const png_byte>(image);
  if (!write_all(writer, image, rows.data()))
    throw Error(std::string("write_image: ") + writer.message);
  return result;
}

}  // namespace sinter
