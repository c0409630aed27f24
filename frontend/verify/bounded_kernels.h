// The kernel ops on values with error bounds, one by one, and what they share.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "core/sizes.h"
#include "frontend/verify/bounded.h"

namespace sinter::verification {

/// An integer as `dtype` holds it.
Bounded wrapped(DType dtype, int64_t value);
/// A float made in the arithmetic dtype, as it is stored.
Bounded stored(DType dtype, const Bounded& b);

/// Sums of floats and of integers, in any order.
class Sum {
 public:
  static constexpr int64_t kRun = 64, kRunOfProducts = 512;  // with all slack, those of kernels
  explicit Sum(DType dtype, int64_t run = kRun) : dtype_(arithmetic_dtype(dtype)), run_(run) {}
  void add(const Bounded& x) {
    integer_ =
        static_cast<int64_t>(static_cast<uint64_t>(integer_) + static_cast<uint64_t>(x.integer));
    value_ += x.value;  // in more than double: of float64 this, too, is the reference
    if (!std::isinf(x.value)) magnitude_ += std::fabs(x.value);
    radius_ += x.radius;
    exact_ = exact_ && x.radius == 0 && is_exact(x.value);
    nan_ = nan_ || (x.radius == 0 && std::isnan(x.value));
    ++terms_;
  }
  Bounded result() const {
    if (!is_floating(dtype_)) return radius_ > 0 ? unknown() : wrapped(dtype_, integer_);
    if (nan_) return {std::nan(""), 0, 0};
    // Some of the terms, added first, may overflow.
    if (is_unknown(bounded_float(dtype_, magnitude_, radius_, 0))) return unknown();
    const auto value = static_cast<double>(value_);
    if (!std::isfinite(value)) return {value, 0, 0};
    if (exact_ && is_exact(magnitude_)) return {value, 0, 0};
    return bounded_float(dtype_, value, radius_,
                         terms_ < 2 ? 0 : sum_radius(dtype_, terms_, magnitude_ + radius_, run_));
  }

 private:
  DType dtype_;
  int64_t run_;
  long double value_ = 0;
  double magnitude_ = 0, radius_ = 0;
  int64_t integer_ = 0, terms_ = 0;
  bool exact_ = true, nan_ = false;
};

/// Is the order of a product's factors all the same: may no product of some of them overflow or be
/// flushed to zero?
class Factors {
 public:
  explicit Factors(DType dtype) : dtype_(dtype) {}
  void add(const Bounded& x) {
    const double size = std::fabs(x.value);
    if (size == 0 || !std::isfinite(size)) return;
    most_ *= std::max(1.0, size + x.radius);
    least_ *= std::min(1.0, size);
  }
  bool may_be_taken_in_any_order() const {
    return !is_unknown(bounded_float(dtype_, most_, 0, 0)) && least_ >= smallest_normal(dtype_);
  }

 private:
  DType dtype_;
  double most_ = 1, least_ = 1;
};

/// Walks the indices of `shape` in row-major order: visit(n, base + sum of index * stride).
template <typename F>
void walk(const Shape& shape, const std::vector<int64_t>& strides, int64_t base, F&& visit) {
  std::array<int64_t, kMaxValueRank> index{};
  const int64_t count = shape.elements();
  int64_t at = base;
  for (int64_t n = 0; n < count; ++n) {
    visit(n, at);
    for (int d = shape.rank() - 1; d >= 0; --d) {
      const auto k = static_cast<size_t>(d);
      at += strides[k];
      if (++index[k] < shape[d]) break;
      at -= strides[k] * shape[d];
      index[k] = 0;
    }
  }
}

using BoundedInputs = std::vector<const BoundedTensor*>;
void bounded_contract(const Node& n, const BoundedInputs& in, BoundedTensor& out);
/// What Winograd's transforms may do to a product of float32: differences of whole tiles are
/// multiplied, so that an element depends on others, which are finite or spoil it.
void allow_transforms(const BoundedInputs& in, BoundedTensor& out);
void bounded_gather(const Node& n, const BoundedInputs& in, BoundedTensor& out);
void bounded_scatter_add(const Node& n, const BoundedInputs& in, BoundedTensor& out);
void bounded_random(const Node& n, const BoundedInputs& in, BoundedTensor& out);
/// Of kind move; raises Error for an op it does not know.
void bounded_move(const Node& n, const BoundedInputs& in, BoundedTensor& out);

}  // namespace sinter::verification
