// JPEG by libjpeg (libjpeg-turbo): its one home.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
// After <cstdio>, which it needs and does not include.
#include <jpeglib.h>

#include <memory>

#include "core/error.h"
#include "frontend/data/image_codecs.h"

namespace sinter {
namespace {

// A file of many empty scans over many pixels takes long, not memory.
constexpr int kMostScans = 500;

struct Errors {
  jpeg_error_mgr manager;  // first: libjpeg knows this alone
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX] = "";
};

[[noreturn]] void on_error(j_common_ptr jpeg) {
  auto* errors = reinterpret_cast<Errors*>(jpeg->err);
  jpeg->err->format_message(jpeg, errors->message);
  std::longjmp(errors->escape, 1);
}
// libjpeg goes on with grey where data are damaged or missing; here that is an error.
void on_message(j_common_ptr jpeg, int level) {
  if (level < 0) on_error(jpeg);
}
void count_scans(j_common_ptr jpeg) {
  if (!jpeg->is_decompressor) return;
  auto* d = reinterpret_cast<j_decompress_ptr>(jpeg);
  if (d->input_scan_number <= kMostScans) return;
  auto* errors = reinterpret_cast<Errors*>(jpeg->err);
  std::snprintf(errors->message, sizeof errors->message, "the file has more than %d scans",
                kMostScans);
  std::longjmp(errors->escape, 1);
}

void prepare(Errors& errors, j_common_ptr jpeg) {
  jpeg->err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = on_error;
  errors.manager.emit_message = on_message;
}

// libjpeg leaves these by longjmp: no object in them has a destructor.
bool read_header(jpeg_decompress_struct& jpeg, Errors& errors, std::string_view bytes) {
  if (setjmp(errors.escape) != 0) return false;
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()),
               static_cast<unsigned long>(bytes.size()));
  (void)jpeg_read_header(&jpeg, TRUE);
  switch (jpeg.jpeg_color_space) {
    case JCS_GRAYSCALE: jpeg.out_color_space = JCS_GRAYSCALE; break;
    case JCS_CMYK:
    case JCS_YCCK: jpeg.out_color_space = JCS_CMYK; break;
    default: jpeg.out_color_space = JCS_RGB;
  }
  return true;
}

bool read_rows(jpeg_decompress_struct& jpeg, Errors& errors, uint8_t* to, size_t row_bytes) {
  if (setjmp(errors.escape) != 0) return false;
  (void)jpeg_start_decompress(&jpeg);
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = to + static_cast<size_t>(jpeg.output_scanline) * row_bytes;
    (void)jpeg_read_scanlines(&jpeg, &row, 1);
  }
  (void)jpeg_finish_decompress(&jpeg);
  return true;
}

bool write_all(jpeg_compress_struct& jpeg, Errors& errors, const RawImage& image, int quality,
               unsigned char** out, unsigned long* size) {
  if (setjmp(errors.escape) != 0) return false;
  jpeg_create_compress(&jpeg);
  jpeg_mem_dest(&jpeg, out, size);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.input_components = image.channels;
  jpeg.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, quality, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  const size_t length = static_cast<size_t>(image.width) * static_cast<size_t>(image.channels);
  while (jpeg.next_scanline < jpeg.image_height) {
    auto* row = const_cast<JSAMPROW>(image.bytes.data() + jpeg.next_scanline * length);
    (void)jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  return true;
}

}  // namespace

RawImage decode_jpeg(std::string_view bytes, const std::string& name) {
  Errors errors;
  struct Reader {
    jpeg_decompress_struct jpeg{};
    jpeg_progress_mgr progress{};
    ~Reader() { jpeg_destroy_decompress(&jpeg); }
  };
  const auto reader = std::make_unique<Reader>();
  jpeg_decompress_struct& jpeg = reader->jpeg;
  prepare(errors, reinterpret_cast<j_common_ptr>(&jpeg));
  if (setjmp(errors.escape) != 0) raise_unreadable(name, errors.message);
  jpeg_create_decompress(&jpeg);
  reader->progress.progress_monitor = count_scans;
  jpeg.progress = &reader->progress;
  if (!read_header(jpeg, errors, bytes)) raise_unreadable(name, errors.message);
  const bool is_cmyk = jpeg.out_color_space == JCS_CMYK;
  RawImage image;
  image.height = jpeg.image_height;
  image.width = jpeg.image_width;
  image.channels = is_cmyk ? 4 : jpeg.out_color_space == JCS_GRAYSCALE ? 1 : 3;
  image.allocate(name);
  const size_t row = image.samples() / static_cast<size_t>(image.height);
  if (!read_rows(jpeg, errors, image.bytes.data(), row)) raise_unreadable(name, errors.message);
  if (!is_cmyk) return image;
  // Adobe's files hold 255 minus the ink.
  const size_t pixels = image.samples() / 4;
  for (size_t i = 0; i < pixels; ++i) {
    const uint8_t* ink = image.bytes.data() + 4 * i;
    const auto light = [&](size_t c) {
      return jpeg.saw_Adobe_marker ? unsigned{ink[c]} : 255u - ink[c];
    };
    const unsigned black = light(3);
    for (size_t c = 0; c < 3; ++c)
      image.bytes[3 * i + c] = static_cast<uint8_t>((light(c) * black + 127) / 255);
  }
  image.channels = 3;
  image.bytes.resize(image.samples());
  return image;
}

std::string encode_jpeg(const RawImage& image, int quality) {
  Errors errors;
  struct Writer {
    jpeg_compress_struct jpeg{};
    unsigned char* out = nullptr;
    unsigned long size = 0;
    ~Writer() {
      jpeg_destroy_compress(&jpeg);
      std::free(out);  // NOLINT: libjpeg's
    }
  };
  const auto writer = std::make_unique<Writer>();
  prepare(errors, reinterpret_cast<j_common_ptr>(&writer->jpeg));
  if (!write_all(writer->jpeg, errors, image, quality, &writer->out, &writer->size))
    throw Error(std::string("write_image: ") + errors.message);
  return {reinterpret_cast<const char*>(writer->out), writer->size};
}

}  // namespace sinter
