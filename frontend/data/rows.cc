#include "frontend/data/rows.h"

#include <cstring>
#include <utility>

namespace sinter {

void copy_rows(const Tensor& from, std::span<const int64_t> rows, Tensor& to) {
  if (rows.empty()) return;
  const auto bytes = static_cast<size_t>(from.bytes() / from.shape()[0]);
  if (bytes == 0) return;
  const auto* values = static_cast<const std::byte*>(from.raw());
  auto* target = static_cast<std::byte*>(to.raw());
  for (const int64_t row : rows) {
    std::memcpy(target, values + static_cast<size_t>(row) * bytes, bytes);
    target += bytes;
  }
}

Tensor rows_at(const Tensor& from, std::span<const int64_t> rows) {
  Shape shape = from.shape();
  shape[0] = std::ssize(rows);
  Tensor result = Tensor::placeholder(from.dtype(), shape);
  copy_rows(from, rows, result);
  return result;
}

}  // namespace sinter
