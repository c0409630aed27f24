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

PreparedData rows_of(const PreparedData& data, const std::vector<int64_t>& rows) {
  PreparedData part = data;
  part.rows = static_cast<int64_t>(rows.size());
  for (Tensor& t : part.x) t = rows_of(t, rows);
  for (Tensor& t : part.y) t = rows_of(t, rows);
  for (auto& w : part.weights) {
    if (w) w = rows_of(*w, rows);
  }
  return part;
}

// Is the loss of these rows NaN, or, where they train, its gradient? A row that the loss leaves out
// may still be multiplied with the zeros of its gradient.
bool gives_nan(ModelState& state, const PreparedData& part, NaNUse use) {
  if (std::isnan(evaluate_rows(state, part, part.rows, std::nullopt).loss())) return true;
  return use == NaNUse::kTraining &&
         std::ranges::any_of(gradients_of(state, part),
                             [](const Tensor& gradient) { return first_nan(gradient) >= 0; });
}

// `rows` and, beside them, as many others of `data`, from all of its parts.
std::vector<int64_t> among_others(const PreparedData& data, std::vector<int64_t> rows,
                                  const std::vector<int64_t>& with_nan) {
  const auto wanted = static_cast<int64_t>(rows.size());
  const int64_t others = data.rows - static_cast<int64_t>(with_nan.size());
  auto next = with_nan.begin();
  for (int64_t row = 0, other = 0, taken = 0; row < data.rows && taken < wanted; ++row) {
    if (next != with_nan.end() && *next == row) {
      ++next;
    } else if (other++ * wanted >= taken * others) {
      rows.push_back(row);
      ++taken;
    }
  }
  return rows;
}

}  // namespace

void refuse_nan(const char* call, ModelState& state, const PreparedData& data, NaNUse use) {
  if (data.nan.empty() || use == NaNUse::kWatched) return;
  const std::vector<int64_t> rows = rows_with_nan(data);
  constexpr int64_t kMostRows = 256;
  const auto count = static_cast<int64_t>(rows.size());
  for (int64_t begin = 0; begin < count; begin += kMostRows) {
    std::vector<int64_t> part(rows.begin() + begin,
                              rows.begin() + std::min(begin + kMostRows, count));
    if (!gives_nan(state, rows_of(data, part), use)) continue;
    // A mean over what counts is 0 / 0 of rows alone that do not.
    const std::vector<int64_t> mixed = among_others(data, part, rows);
    if (mixed.size() == part.size() || gives_nan(state, rows_of(data, mixed), use))
      throw Error(fmt::format("{}: {}; remove or fill such rows first", call, data.nan));
  }
}

}  // namespace sinter
