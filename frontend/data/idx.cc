// IDX, the format of MNIST and Fashion-MNIST: a big-endian magic and sizes, then bytes. Gzipped and
// plain files are read alike.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/data/images.h"
#include "frontend/data/inflate.h"
#include "frontend/origin.h"

namespace sinter::datasets {
namespace {

constexpr size_t kLargest = size_t{1} << 31;  // MNIST takes 47 MB; a bomb stops here

std::string read_maybe_gzipped(const std::string& path) {
  const std::string stored = read_file(path);
  if (!stored.starts_with("\x1f\x8b")) return stored;
  std::optional<std::string> result = inflate(stored, kLargest);
  if (!result) throw FileError(fmt::format("'{}' is a damaged gzip file", path));
  return *std::move(result);
}

uint32_t big_endian(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

Split load_split(const std::string& folder, const std::string& side,
                 const std::vector<std::string>& class_names) {
  auto path_of = [&](const char* kind) {
    const std::string plain = folder + "/" + side + kind;
    return ::access(plain.c_str(), F_OK) == 0 ? plain : plain + ".gz";
  };
  const std::string image_path = path_of("-images-idx3-ubyte"),
                    label_path = path_of("-labels-idx1-ubyte");
  const Tensor images = load_idx(image_path, {}), bytes = load_idx(label_path, {});
  if (images.shape().rank() != 3 || bytes.shape().rank() != 1 ||
      images.shape()[0] != bytes.shape()[0]) {
    throw FileError(
        fmt::format("'{}' holds uint8{} and '{}' uint8{}; expected [n,rows,columns] and [n]",
                    image_path, images.shape().to_string(), label_path, bytes.shape().to_string()));
  }
  const int64_t count = images.shape()[0];
  Tensor x(DType::kFloat32, {count, count == 0 ? 0 : images.elements() / count});
  const std::span<const uint8_t> from = images.data<uint8_t>();
  for (size_t i = 0; i < from.size(); ++i)
    x.data<float>()[i] = static_cast<float>(from[i]) / 255.0f;
  const Tensor labels = bytes.cast(DType::kInt32);
  for (const int32_t label : labels.data<int32_t>()) {
    if (label >= static_cast<int32_t>(class_names.size())) {
      throw FileError(fmt::format("'{}' holds label {}; expected 0 to {}", label_path, label,
                                  class_names.size() - 1));
    }
  }
  return make_split(std::move(x), labels, class_names);
}

Dataset load_folder(const std::string& folder, const std::vector<std::string>& class_names) {
  return {load_split(folder, "train", class_names), load_split(folder, "t10k", class_names)};
}

}  // namespace

Tensor load_idx(const std::string& path, SourceLocation where) {
  return at_line(where, [&] {
    const std::string bytes = read_maybe_gzipped(path);
    if (bytes.size() < 4 || bytes[0] != 0 || bytes[1] != 0)
      throw FileError(fmt::format("'{}' is no IDX file", path));
    const size_t rank = static_cast<uint8_t>(bytes[3]), start = 4 + 4 * rank;
    if (bytes[2] != 8 || rank < 1 || rank > 3) {
      throw FileError(fmt::format(
          "'{}' holds IDX type {} of rank {}; only bytes (type 8) of rank 1 to 3 are read", path,
          static_cast<uint8_t>(bytes[2]), rank));
    }
    if (bytes.size() < start) throw FileError(fmt::format("'{}' ends within the IDX header", path));
    std::vector<int64_t> dims;
    int64_t elements = 1;
    for (size_t axis = 0; axis < rank; ++axis) {
      dims.push_back(big_endian(bytes, 4 + 4 * axis));
      if (__builtin_mul_overflow(elements, std::max<int64_t>(dims.back(), 1), &elements))
        elements = INT64_MAX;
    }
    const Shape shape(dims);
    // Sides of an empty one are bounded, too: their product is asked for without the 0.
    if (elements > static_cast<int64_t>(kLargest) ||
        static_cast<uint64_t>(shape.elements()) != bytes.size() - start) {
      throw FileError(fmt::format("'{}' holds {} bytes of values, but its shape is {}", path,
                                  bytes.size() - start, shape.to_string()));
    }
    Tensor result(DType::kUint8, shape);
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(start), bytes.end(),
              result.data<uint8_t>().begin());
    return result;
  });
}

Dataset mnist(const std::string& folder, SourceLocation where) {
  return at_line(where, [&] { return load_folder(folder, digit_names()); });
}

Dataset fashion_mnist(const std::string& folder, SourceLocation where) {
  return at_line(where, [&] {
    return load_folder(folder, {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal",
                                "Shirt", "Sneaker", "Bag", "Ankle boot"});
  });
}

}  // namespace sinter::datasets
