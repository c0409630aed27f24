// Data with NaN: which models and losses can have them shows when they are evaluated on these rows.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "frontend/training/loop.h"

namespace sinter {
namespace {

Tensor rows_of(const Tensor& t, const std::vector<int64_t>& rows) {
  Shape shape = t.shape();
  shape[0] = static_cast<int64_t>(rows.size());
  Tensor result(t.dtype(), shape);
  const int64_t bytes = t.bytes() / t.shape()[0];
  auto* to = static_cast<std::byte*>(result.raw());
  for (const int64_t row : rows) {
    std::memcpy(to, static_cast<const std::byte*>(t.raw()) + row * bytes,
                static_cast<size_t>(bytes));
    to += bytes;
  }
  return result;
}

}  // namespace

void refuse_nan(const char* call, ModelState& state, const PreparedData& data, NaNUse use) {
  if (data.nan.empty()) return;
  const std::vector<int64_t> rows = rows_with_nan(data);
  PreparedData part = data;
  part.rows = static_cast<int64_t>(rows.size());
  for (Tensor& t : part.x) t = rows_of(t, rows);
  for (Tensor& t : part.y) t = rows_of(t, rows);
  for (auto& w : part.weights) {
    if (w) w = rows_of(*w, rows);
  }
  constexpr int64_t kMostRows = 256;
  const auto refuse = [&] {
    throw Error(fmt::format("{}: {}; remove or fill such rows first", call, data.nan));
  };
  const int64_t batch = std::min(part.rows, kMostRows);
  if (std::isnan(evaluate_rows(state, part, batch, std::nullopt).loss())) refuse();
  if (use == NaNUse::kEvaluation) return;
  // A row that the loss leaves out may still be multiplied with the zeros of its gradient.
  for (int64_t begin = 0; begin < part.rows; begin += batch) {
    const int64_t end = std::min(begin + batch, part.rows);
    for (const Tensor& gradient : gradients_of(state, part.slice(begin, end))) {
      if (first_nan(gradient) >= 0) refuse();
    }
  }
}

}  // namespace sinter
