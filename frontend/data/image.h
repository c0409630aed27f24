// Pictures: files to tensors and back, other sizes, many at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/source_location.h"
#include "core/tensor.h"
#include "frontend/image_size.h"
#include "frontend/number_arguments.h"

namespace sinter {

struct ReadImageOptions {
  /// 1 grey, 3 RGB, 4 RGBA; 0: as the file has it, which may be 2, too: grey and alpha. Grey is
  /// 0.299 R + 0.587 G + 0.114 B; alpha is left out, or opaque.
  int channels = 0;
  /// float32: 0 to 1; uint8: 0 to 255, values of 16 bits rounded.
  DType dtype = DType::kFloat32;
};

/// A PNG, JPEG or PNM (PBM, PGM, PPM) file, by its content, as [height, width, channels]; 1 to 16
/// bits a value, palettes as RGB. Raises FileError for what is damaged or cut short, for another
/// format, and for pictures that take more than 512 MiB; Error for other channels and dtypes.
Tensor read_image(const std::string& path, ReadImageOptions options = {},
                  SourceLocation where = SourceLocation::current());
/// The same of bytes in memory; errors call them `name`.
Tensor decode_image(std::string_view bytes, const std::string& name, ReadImageOptions options = {},
                    SourceLocation where = SourceLocation::current());

struct WriteImageOptions {
  int bits = 8;      // or 16, of PNG and PNM
  int quality = 95;  // of JPEG, 1 to 100
};

/// Writes [height, width] or [height, width, channels] as .png, .jpg, .jpeg, .pgm, .ppm or .pnm:
/// uint8, integers 0 to 255, or floats of 0 to 1 (others are cut off there), rounded. Atomically,
/// see core/file_io.h. Raises ShapeError for another shape, Error for NaN and integers out of
/// range, FileError.
void write_image(const std::string& path, const Tensor& image, WriteImageOptions options = {},
                 SourceLocation where = SourceLocation::current());

/// [height, width, channels] or [n, height, width, channels] in another size, by "nearest" (same
/// dtype), "bilinear" or "area" (float32), each as tf.image.resize has it, without antialiasing.
/// Raises ShapeError, NameError for another interpolation, Error for a size below 1.
Tensor resize(const Tensor& images, ImageSize size, const std::string& interpolation = "bilinear",
              SourceLocation where = SourceLocation::current());

struct LoadImagesOptions {
  /// Default: that of the first image, which all others must have.
  std::optional<ImageSize> size = std::nullopt;
  int channels = 0;  // as in read_image; 0: as the first image has them
  int threads = 0;   // 0: as many as threads()
  DType dtype = DType::kFloat32;
  std::string interpolation = "bilinear";
  bool progress = true;  // a bar on the terminal, on stderr
};

/// Files as one tensor [n, height, width, channels], in their order. Raises as read_image, for the
/// first file that fails, ShapeError for an image of another size than the first, and Error for no
/// file.
Tensor load_images(const std::vector<std::string>& paths, LoadImagesOptions options = {},
                   SourceLocation where = SourceLocation::current());

}  // namespace sinter
