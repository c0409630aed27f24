// Private to the model file: its table as graphs, tensors and texts, and how damage is told.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

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
[[noreturn]] void raise_damage(std::string what);

/// What a verified table says, with tensors that point into the mapped weights. Raises
/// ModelFileDamage for an index, a size or a product that is not as it must be, and for a table of
/// which more than a multiple of its `table_bytes` would be made.
ModelFile decode_model_table(const file::File& table, size_t table_bytes,
                             std::shared_ptr<const MappedFile> mapping,
                             std::span<const std::byte> weights);

}  // namespace sinter
