// Samples of picture files to tensors and back.
#include "frontend/data/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/file_io.h"
#include "core/line.h"
#include "frontend/data/image_codecs.h"

namespace sinter {

void raise_unreadable(const std::string& name, const std::string& text) {
  throw FileError(fmt::format("cannot read '{}': {}", name, text));
}

void RawImage::allocate(const std::string& name) {
  if (height <= 0 || width <= 0)
    raise_unreadable(name, fmt::format("it is {} x {} pixels", height, width));
  // Each side is below 2^31, so that the product does not overflow.
  const uint64_t all = static_cast<uint64_t>(height) * static_cast<uint64_t>(width);
  const uint64_t most = static_cast<uint64_t>(kMostImageBytes) / (is_wide() ? 2 : 1);
  if (all > most / static_cast<uint64_t>(channels)) {
    raise_unreadable(name, fmt::format("{} x {} pixels of {} channels take more than {} MiB",
                                       height, width, channels, kMostImageBytes >> 20));
  }
  (is_wide() ? words.resize(samples()) : bytes.resize(samples()));
}

void check_read_options(const char* call, int channels, DType dtype) {
  if (channels != 0 && channels != 1 && channels != 3 && channels != 4)
    throw Error(fmt::format("{}: channels must be 1, 3 or 4 (0: those of the file), found {}", call,
                            channels));
  if (dtype != DType::kFloat32 && dtype != DType::kUint8)
    throw Error(
        fmt::format("{}: images are read as float32 or uint8, not as {}", call, dtype_name(dtype)));
}

namespace {

// Calls put(i, value) for each sample of the picture with `channels` channels.
template <typename Sample, typename Put>
void for_each_sample(const RawImage& image, const std::vector<Sample>& samples, int channels,
                     const Put& put) {
  if (channels == image.channels) {
    for (size_t i = 0; i < samples.size(); ++i) put(i, samples[i]);
    return;
  }
  const auto from = static_cast<size_t>(image.channels), to = static_cast<size_t>(channels);
  const bool grey = from < 3, alpha = from == 2 || from == 4;
  const size_t pixels = samples.size() / from;
  for (size_t i = 0; i < pixels; ++i) {
    const Sample* p = samples.data() + i * from;
    if (to == 1) {
      // Weights of ITU-R BT.601 in 1/65536, as PIL has them.
      put(i, grey ? uint32_t{p[0]}
                  : static_cast<uint32_t>((uint64_t{19595} * p[0] + uint64_t{38470} * p[1] +
                                           uint64_t{7471} * p[2] + 0x8000) >>
                                          16));
      continue;
    }
    for (size_t c = 0; c < 3; ++c) put(i * to + c, uint32_t{grey ? p[0] : p[c]});
    if (to == 4) put(i * to + 3, alpha ? uint32_t{p[from - 1]} : image.maximum);
  }
}

template <typename Sample>
void convert(const RawImage& image, const std::vector<Sample>& samples, int channels, DType dtype,
             void* to) {
  const uint32_t maximum = image.maximum;
  if (dtype == DType::kFloat32) {
    auto* values = static_cast<float*>(to);
    const auto scale = static_cast<float>(maximum);
    if constexpr (sizeof(Sample) == 1) {
      static constexpr std::array<float, 256> kOfBytes = [] {
        std::array<float, 256> table{};
        for (size_t v = 0; v < table.size(); ++v) table[v] = static_cast<float>(v) / 255;
        return table;
      }();
      if (maximum == 255) {
        for_each_sample(image, samples, channels,
                        [&](size_t i, uint32_t v) { values[i] = kOfBytes[v]; });
        return;
      }
    }
    for_each_sample(image, samples, channels,
                    [&](size_t i, uint32_t v) { values[i] = static_cast<float>(v) / scale; });
    return;
  }
  auto* values = static_cast<uint8_t*>(to);
  for_each_sample(image, samples, channels, [&](size_t i, uint32_t v) {
    values[i] = static_cast<uint8_t>(maximum == 255 ? v : (v * 255 + maximum / 2) / maximum);
  });
}

}  // namespace

void put_values(const RawImage& image, int channels, DType dtype, void* to) {
  if (image.is_wide())
    convert(image, image.words, channels, dtype, to);
  else
    convert(image, image.bytes, channels, dtype, to);
}

RawImage decode_raw(std::string_view bytes, const std::string& name) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return decode_png(bytes, name);
  if (bytes.starts_with("\xff\xd8\xff")) return decode_jpeg(bytes, name);
  if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6')
    return decode_pnm(bytes, name);
  raise_unreadable(name, bytes.empty() ? "the file is empty" : "it is no PNG, JPEG or PNM file");
}

namespace {

Tensor tensor_of(const RawImage& image, const ReadImageOptions& options) {
  const int channels = options.channels == 0 ? image.channels : options.channels;
  Tensor result = Tensor::placeholder(options.dtype, {image.height, image.width, channels});
  put_values(image, channels, options.dtype, result.raw());
  return result;
}

// 0 to `maximum`; those of floats of 0 to 1, others as they are.
uint32_t sample_of(const Tensor& image, int64_t i, uint32_t maximum) {
  const double value = image.at(i);
  if (std::isnan(value))
    throw Error(fmt::format("write_image: the image holds NaN (element {})", i));
  if (is_floating(image.dtype()))
    return static_cast<uint32_t>(std::lround(std::clamp(value, 0.0, 1.0) * maximum));
  if (image.dtype() == DType::kBool) return value != 0 ? maximum : 0;
  if (value < 0 || value > 255)
    throw Error(
        fmt::format("write_image: the image holds {} (element {}); integers must be 0 to "
                    "255",
                    value, i));
  return static_cast<uint32_t>(value) * (maximum / 255);
}

RawImage raw_of(const Tensor& image, int bits) {
  const Shape& shape = image.shape();
  RawImage raw;
  if (shape.rank() != 2 && shape.rank() != 3) {
    throw ShapeError(
        fmt::format("write_image: an image is [height,width] or [height,width,channels], found {}",
                    shape.to_string()));
  }
  raw.height = shape[0];
  raw.width = shape[1];
  const int64_t channels = shape.rank() == 3 ? shape[2] : 1;
  if (channels < 1 || channels > 4 || image.elements() == 0) {
    throw ShapeError(fmt::format("write_image: an image has pixels of 1 to 4 channels, found {}",
                                 shape.to_string()));
  }
  raw.channels = static_cast<int>(channels);
  raw.maximum = bits == 16 ? 65535 : 255;
  (raw.is_wide() ? raw.words.resize(raw.samples()) : raw.bytes.resize(raw.samples()));
  for (int64_t i = 0; i < image.elements(); ++i) {
    const uint32_t value = sample_of(image, i, raw.maximum);
    if (raw.is_wide())
      raw.words[static_cast<size_t>(i)] = static_cast<uint16_t>(value);
    else
      raw.bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(value);
  }
  return raw;
}

bool ends_with_any(const std::string& path, std::initializer_list<const char*> endings) {
  std::string lower = path;
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return std::ranges::any_of(endings, [&](const char* e) { return lower.ends_with(e); });
}

}  // namespace

Tensor decode_image(std::string_view bytes, const std::string& name, ReadImageOptions options,
                    SourceLocation where) {
  return at_line(where, [&] {
    check_read_options("decode_image", options.channels, options.dtype);
    return tensor_of(decode_raw(bytes, name), options);
  });
}

Tensor read_image(const std::string& path, ReadImageOptions options, SourceLocation where) {
  return at_line(where, [&] {
    check_read_options("read_image", options.channels, options.dtype);
    return tensor_of(decode_raw(read_file(path), path), options);
  });
}

void write_image(const std::string& path, const Tensor& image, WriteImageOptions options,
                 SourceLocation where) {
  at_line(where, [&] {
    const bool png = ends_with_any(path, {".png"}), jpeg = ends_with_any(path, {".jpg", ".jpeg"}),
               pgm = ends_with_any(path, {".pgm"}), ppm = ends_with_any(path, {".ppm"});
    if (!png && !jpeg && !pgm && !ppm && !ends_with_any(path, {".pnm"}))
      throw FileError(fmt::format(
          "cannot write '{}': the name must end in .png, .jpg, .jpeg, .pgm, .ppm or .pnm", path));
    if ((options.bits != 8 && options.bits != 16) || (jpeg && options.bits != 8))
      throw Error(fmt::format("write_image: '{}' takes values of {} bits, found {}", path,
                              jpeg ? "8" : "8 or 16", options.bits));
    if (options.quality < 1 || options.quality > 100)
      throw Error(fmt::format("write_image: quality must be 1 to 100, found {}", options.quality));
    const RawImage raw = raw_of(image, options.bits);
    const bool fits = png || (pgm   ? raw.channels == 1
                              : ppm ? raw.channels == 3
                                    : raw.channels == 1 || raw.channels == 3);
    if (!fits)
      throw ShapeError(fmt::format("write_image: '{}' takes {} channels, found {}", path,
                                   pgm   ? "1"
                                   : ppm ? "3"
                                         : "1 or 3",
                                   raw.channels));
    const std::string bytes = png    ? encode_png(raw)
                              : jpeg ? encode_jpeg(raw, options.quality)
                                     : encode_pnm(raw);
    // Folders of thousands of pictures are written at once: that none waits for the disk.
    write_file_atomically(path, bytes, false);
  });
}

}  // namespace sinter
