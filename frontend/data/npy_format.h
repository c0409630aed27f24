// What reading and writing .npy share, and how .npz files hold it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/dtype.h"
#include "core/tensor.h"

namespace sinter {

inline constexpr std::string_view kNpyMagic = "\x93NUMPY";

/// What NumPy takes values of `dtype` as: it has no bfloat16, which becomes float32.
constexpr DType numpy_dtype(DType dtype) {
  return record_of(dtype).numpy.empty() ? arithmetic_dtype(dtype) : dtype;
}

/// Bytes in their order, wherever they come from.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual size_t left() const = 0;
  virtual void read(void* data, size_t count) = 0;

  std::string text(size_t count) {
    std::string result(count, '\0');
    read(result.data(), count);
    return result;
  }
};

/// What load_npy() gives of these bytes, all that are left.
Tensor parse_npy(ByteSource& source, const std::string& name);

/// All that stands in front of the values of a tensor, which is none of bfloat16.
std::string npy_prefix(const Tensor& tensor);

}  // namespace sinter
