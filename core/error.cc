// Error texts that more than one place needs: unknown names with a suggestion, and internal errors
// with their place.
#include "core/error.h"

#include "core/handle.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "core/shorten.h"

namespace sinter {
namespace {

// Additions, omissions, replacements and swaps of neighbours (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

}  // namespace

void raise_internal(const char* condition, const std::string& detail, SourceLocation where) {
  throw InternalError(fmt::format("internal error at {}:{}: {} does not hold{}{}",
                                  where.file_name(), where.line(), condition,
                                  detail.empty() ? "" : ": ", detail));
}

void raise_empty_handle() { throw Error("an empty object was used: it holds nothing yet"); }

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  std::string best;
  constexpr size_t kLongest = 256;  // longer than any name that is known
  if (name.empty() || name.size() > kLongest) return best;
  const size_t most = std::clamp<size_t>((name.size() + 1) / 3, 1, 4);
  const std::string folded = lower(name);
  std::pair<size_t, size_t> best_distance(most + 1, 0);  // upper and lower case alike, and not
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(folded, lower(candidate));
    // A single letter is like no other one.
    if (distance > most || distance >= std::max(name.size(), candidate.size())) continue;
    const std::pair<size_t, size_t> both(distance, edit_distance(name, candidate));
    if (both < best_distance) {
      best_distance = both;
      best = candidate;
    }
  }
  return best;
}

void raise_unknown_name(std::string_view kind, std::string_view name,
                        std::vector<std::string> known) {
  std::sort(known.begin(), known.end());
  const std::string nearest = nearest_name(name, known);
  throw NameError(fmt::format("unknown {} '{}'{} Known: {}", kind, shortened(name),
                              nearest.empty() ? "." : fmt::format("; did you mean '{}'?", nearest),
                              fmt::join(known, ", ")));
}

}  // namespace sinter
