#include "passes/space.h"

#include <algorithm>

namespace sinter {
namespace {

constexpr size_t kMostCuts = 7;

bool is_legal(const Space& s) {
  if (s.cuts.size() > kMostCuts) return false;
  int64_t inner = 1;
  for (const int64_t cut : s.cuts) {
    if (cut % inner != 0) return false;
    inner = cut;
  }
  if (s.elements % inner != 0) return false;
  if (s.row != 0 && s.cuts.front() != s.row) return false;
  return std::ranges::none_of(s.whole, [&](const std::pair<int64_t, int64_t>& range) {
    return std::ranges::any_of(
        s.cuts, [&](int64_t cut) { return range.first < cut && cut < range.second; });
  });
}

template <typename T>
std::vector<T> united(const std::vector<T>& a, const std::vector<T>& b) {
  std::vector<T> result;
  std::ranges::set_union(a, b, std::back_inserter(result));
  return result;
}

}  // namespace

std::vector<int64_t> Space::dims() const {
  std::vector<int64_t> result;
  int64_t inner = 1;
  for (const int64_t cut : cuts) {
    result.push_back(cut / inner);
    inner = cut;
  }
  result.push_back(elements / inner);
  if (result.size() == 1) result.push_back(1);
  std::ranges::reverse(result);
  return result;
}

bool Space::lies_in(const Shape& shape) const {
  std::vector<int64_t> own;
  int64_t inner = 1;
  for (int d = shape.rank() - 1; d > 0; --d) own.push_back(inner *= shape[d]);
  if (row != 0 && (own.empty() || own.front() != row)) return false;
  const auto is_cut = [&](int64_t cut) { return std::ranges::find(own, cut) != own.end(); };
  return std::ranges::all_of(cuts, is_cut) &&
         std::ranges::none_of(whole, [&](const std::pair<int64_t, int64_t>& range) {
           return std::ranges::any_of(
               own, [&](int64_t cut) { return range.first < cut && cut < range.second; });
         });
}

Space space_of(const View& view) {
  Space space{view.elements()};
  int64_t inner = 1;
  for (size_t d = view.extents.size(); d-- > 1;) space.cuts.push_back(inner *= view.extents[d]);
  return space;
}

std::optional<Space> meet(const Space& a, const Space& b) {
  if (a.elements != b.elements || (a.row != 0 && b.row != 0 && a.row != b.row)) return std::nullopt;
  Space s{a.elements, united(a.cuts, b.cuts), united(a.whole, b.whole), std::max(a.row, b.row)};
  if (!is_legal(s)) return std::nullopt;
  if (!a.cuts.empty() && !b.cuts.empty() && a.cuts[0] != b.cuts[0] && s.cuts[0] < kShortestRow)
    return std::nullopt;
  return s;
}

Space rows_of(const Space& space, int64_t row) {
  Space result{space.elements * row, {row}, {}, row};
  for (const int64_t cut : space.cuts) result.cuts.push_back(cut * row);
  for (const auto& [from, to] : space.whole) result.whole.emplace_back(from * row, to * row);
  return result;
}

}  // namespace sinter
