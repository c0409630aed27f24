#include "frontend/data/paths.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/error.h"
#include "core/line.h"
#include "frontend/session.h"
#include "frontend/training/prepared_data.h"

namespace sinter {

std::vector<std::string> glob(const std::string& pattern, SourceLocation where) {
  return at_line(where, [&] {
    glob_t found{};
    const std::unique_ptr<glob_t, void (*)(glob_t*)> closer(&found, ::globfree);
    const int status = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
    if (status != 0 && status != GLOB_NOMATCH)
      throw FileError(fmt::format("glob: '{}' asks for more than there is memory for", pattern));
    std::vector<std::string> result;
    if (status == 0) result.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    std::ranges::sort(result);
    return result;
  });
}

void shuffle(std::vector<std::string>& paths, WholeNumber seed) {
  std::vector<std::string> result;
  result.reserve(paths.size());
  for (const int64_t i : permutation(static_cast<int64_t>(paths.size()), seed, 0))
    result.push_back(std::move(paths[static_cast<size_t>(i)]));
  paths = std::move(result);
}

void shuffle(std::vector<std::string>& paths) {
  shuffle(paths, static_cast<int64_t>(next_random_key()));
}

}  // namespace sinter
