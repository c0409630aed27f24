// Batches of rows, in the order that shuffling gives.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "core/philox.h"
#include "frontend/training/prepared_data.h"

namespace sinter {

std::vector<int64_t> permutation(int64_t n, int64_t seed, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  // Fisher and Yates; 64 random bits a step make the bias of the remainder negligible.
  for (int64_t i = n - 1; i > 0; --i) {
    const uint64_t high = philox_bits(seed, epoch, 0x50f1, 2 * i);
    const uint64_t bits = high << 32 | philox_bits(seed, epoch, 0x50f1, 2 * i + 1);
    std::swap(order[static_cast<size_t>(i)], order[bits % static_cast<uint64_t>(i + 1)]);
  }
  return order;
}

Batches::Batches(const PreparedData& data, int64_t batch_size, const std::vector<int64_t>& order)
    : rows_(data.rows), batch_size_(batch_size), order_(order) {
  for (size_t i = 0; i < data.x.size(); ++i) add_source(data.x[i], data.x_dtypes[i]);
  for (size_t i = 0; i < data.y.size(); ++i) add_source(data.y[i], data.inputs.labels[i].dtype);
  for (size_t i = 0; i < data.weights.size(); ++i) {
    if (data.weights[i]) add_source(*data.weights[i], data.inputs.weights[i]->dtype);
  }
  pointers_.resize(sources_.size());
}

void Batches::add_source(const Tensor& source, DType dtype) {
  sources_.push_back(source);
  buffers_.emplace_back();
  if (order_.empty() && source.dtype() == dtype) return;
  Shape shape = source.shape();
  shape[0] = std::min(batch_size_, rows_);
  buffers_.back() = Tensor(dtype, shape);
}

namespace {

// Row `row(i)` of the source becomes row i of the target, converted as Tensor::cast() does.
template <typename Row>
void copy_rows(const Tensor& source, Tensor& target, int64_t count, Row row) {
  const auto size = static_cast<size_t>(source.elements() / source.shape()[0]);
  dispatch_dtype(source.dtype(), [&](auto from_zero) {
    using From = decltype(from_zero);
    dispatch_dtype(target.dtype(), [&](auto to_zero) {
      using To = decltype(to_zero);
      const auto* from = static_cast<const From*>(source.raw());
      auto* to = static_cast<To*>(target.raw());
      for (int64_t i = 0; i < count; ++i, to += size) {
        const From* values = from + static_cast<size_t>(row(i)) * size;
        if constexpr (std::is_same_v<From, To>) {
          std::memcpy(to, values, size * sizeof(To));
        } else {
          std::transform(values, values + size, to, [](From v) { return static_cast<To>(v); });
        }
      }
    });
  });
}

}  // namespace

const std::vector<const void*>& Batches::pointers(int64_t batch) {
  const int64_t begin = batch * batch_size_;
  for (size_t s = 0; s < sources_.size(); ++s) {
    const Tensor& source = sources_[s];
    if (!buffers_[s]) {
      pointers_[s] = static_cast<const std::byte*>(source.raw()) +
                     begin * (source.bytes() / source.shape()[0]);
      continue;
    }
    Tensor& buffer = *buffers_[s];
    if (order_.empty()) {
      copy_rows(source, buffer, size(batch), [&](int64_t i) { return begin + i; });
    } else {
      copy_rows(source, buffer, size(batch),
                [&](int64_t i) { return order_[static_cast<size_t>(begin + i)]; });
    }
    pointers_[s] = buffer.raw();
  }
  return pointers_;
}

}  // namespace sinter
