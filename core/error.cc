// Error texts that more than one place needs: unknown names with a suggestion, and internal errors
// with their place.
#include "core/error.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/handle.h"
#include "core/op_line.h"
#include "core/shorten.h"

namespace sinter {
namespace {

constexpr size_t kEdit = 1000;  // what an edit costs, beside 1 for a change of case

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Additions, omissions, replacements and swaps of neighbours (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  const auto alike = [&](size_t i, size_t j) { return lower(a[i - 1]) == lower(b[j - 1]); };
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = kEdit * i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = kEdit * j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = a[i - 1] == b[j - 1] ? 0 : alike(i, j) ? 1 : kEdit;
      d[i][j] = std::min({d[i - 1][j] + kEdit, d[i][j - 1] + kEdit, d[i - 1][j - 1] + replace});
      if (i > 1 && j > 1 && alike(i, j - 1) && alike(i - 1, j))
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + kEdit);
    }
  }
  return d[a.size()][b.size()];
}

std::string readable(const std::string& text) {
  std::string result = shortened(text, 4000);
  for (size_t at = 0; (at = result.find('\0', at)) != std::string::npos; ++at)
    result.replace(at, 1, "\\0");
  return result;
}

// "lr" of "learning_rate"; "" of a name of one word.
std::string initials(std::string_view name) {
  std::string result(name.substr(0, 1));
  for (size_t i = 1; i < name.size(); ++i) {
    if (name[i - 1] == '_') result += name[i];
  }
  return result.size() > 1 ? result : "";
}

}  // namespace

Error::Error(const std::string& text) : Error(text, OpLine::innermost()) {}
Error::Error(const std::string& text, SourceLocation op_line)
    : std::runtime_error(readable(text)), op_line_(op_line) {}

void raise_internal(const char* condition, const std::string& detail, const char* file, int line) {
  throw InternalError(readable(fmt::format("internal error at {}:{}: {} does not hold{}{}", file,
                                           line, condition, detail.empty() ? "" : ": ", detail)));
}

void raise_empty_handle() {
  throw Error(
      "an empty object was used (a Model, a Layer ...): it holds nothing yet, assign one first");
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  std::string best;
  constexpr size_t kLongest = 256;  // longer than any name that is known
  if (name.empty() || name.size() > kLongest) return best;
  const size_t most = std::clamp<size_t>((name.size() + 1) / 3, 1, 4);
  size_t best_distance = kEdit * (most + 1);
  for (const std::string& candidate : known) {
    if (name == initials(candidate)) return candidate;
    const size_t distance = edit_distance(name, candidate);
    // A single letter is like no other one.
    if (distance >= best_distance || distance >= kEdit * std::max(name.size(), candidate.size()))
      continue;
    best_distance = distance;
    best = candidate;
  }
  return best;
}

void raise_unknown_name(std::string_view kind, std::string_view name,
                        std::vector<std::string> known) {
  std::sort(known.begin(), known.end());
  const std::string nearest = nearest_name(name, known);
  throw NameError(fmt::format(
      "unknown {} '{}'{} {}", kind, shortened(name),
      nearest.empty() ? "." : fmt::format("; did you mean '{}'?", nearest),
      known.empty() ? "There are none" : fmt::format("Known: {}", fmt::join(known, ", "))));
}

}  // namespace sinter
