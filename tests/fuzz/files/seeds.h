// Legal graphs that mutations start from: every kernel op, expressions, regions of every kind.
#pragma once

#include <string>
#include <vector>

namespace sinter::fuzz_files {

/// Text forms of graphs, lowered and not, without the types that follow from others.
const std::vector<std::string>& seed_graphs();

}  // namespace sinter::fuzz_files
