// Private to the model file: its table as graphs, tensors and texts, and how damage is told.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "core/file_io.h"
#include "core/model_file.h"

namespace sinter {

namespace file {
struct File;
}

/// What is wrong with a file, without its name.
struct ModelFileDamage {
  std::string what;
};
template <typename... Args>
[[noreturn]] void raise_damage(fmt::format_string<Args...> format, Args&&... args) {
  throw ModelFileDamage{fmt::format(format, std::forward<Args>(args)...)};
}

/// What a verified table says, with tensors that point into the mapped weights. Raises
/// ModelFileDamage for an index, a size or a product that is not as it must be, and for a table of
/// which more than a multiple of its `table_bytes` would be made.
ModelFile decode_model_table(const file::File& table, size_t table_bytes,
                             std::shared_ptr<const MappedFile> mapping,
                             std::span<const std::byte> weights);

}  // namespace sinter
