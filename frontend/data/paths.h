// Lists of files, as Python's glob and random.shuffle make them.
#pragma once

#include <string>
#include <vector>

#include "core/source_location.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// The files and folders that a pattern fits, sorted by their bytes: `glob("letters/*/*.png")`. *
/// stands for any number of characters, ? for one, [a-c] for one of these, all within a name; names
/// that begin with a dot need one in the pattern. Nothing fits: an empty list.
std::vector<std::string> glob(const std::string& pattern,
                              SourceLocation where = SourceLocation::current());

/// Another order, which depends on the seed alone.
void shuffle(std::vector<std::string>& paths, WholeNumber seed);
/// The seed depends on set_random_seed() and on how many random things were made before.
void shuffle(std::vector<std::string>& paths);

}  // namespace sinter
