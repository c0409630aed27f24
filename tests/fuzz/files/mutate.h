// Mutations of decoded structures and of texts.
#pragma once

#include <string>
#include <string_view>

#include "tests/fuzz/files/choices.h"

namespace sinter::fuzz_files {

/// `bytes` of a .sinter file with some fields of its table changed, and whatever else must then be
/// changed so that readers come as far as the change: offsets, sizes, checksums. With `path` given,
/// stored types that do not follow from the change are mended too: by loading the file from there
/// and reading in the error what they should have been.
std::string mutated_model_file(std::string_view bytes, Choices& choices, const std::string& path);

/// `text` of a graph with some of its tokens and lines changed.
std::string mutated_text(std::string_view text, Choices& choices);

}  // namespace sinter::fuzz_files
