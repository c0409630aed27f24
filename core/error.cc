// Error texts that more than one place needs: unknown names with a suggestion, and internal errors
// with their place.
#include "core/error.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

namespace sinter {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

void raise_internal(const char* condition, const std::string& detail, std::source_location where) {
  throw InternalError(fmt::format("internal error at {}:{}: {} does not hold{}{}",
                                  where.file_name(), where.line(), condition,
                                  detail.empty() ? "" : ": ", detail));
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

void raise_unknown_name(std::string_view kind, std::string_view name,
                        std::vector<std::string> known) {
  std::sort(known.begin(), known.end());
  const std::string nearest = nearest_name(name, known);
  throw NameError(fmt::format("unknown {} '{}'{} Known: {}", kind, name,
                              nearest.empty() ? "." : fmt::format("; did you mean '{}'?", nearest),
                              fmt::join(known, ", ")));
}

}  // namespace sinter
