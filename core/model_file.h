// The .sinter file: graphs, named tensors and opaque texts in one container that core alone reads
// and writes.
//
//   header       64 bytes: magic, format version, sizes, checksums
//   table        FlatBuffers, schema in core/model.fbs
//   weights      64-byte aligned region: tensors point into the memory that the file was loaded to,
//   writes stay private to the process
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph.h"
#include "core/tensor.h"

namespace sinter {

/// The format this build writes; it reads every version up to it. 2: regions of any number of
/// dimensions, `as_strided`, regions that write parts of a concat.
inline constexpr uint32_t kModelFileVersion = 2;

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

struct ModelFile {
  /// "model": everything; "weights": tensors only; "inference": lowered graphs that core and
  /// runtime alone can run.
  std::string kind = "model";
  std::vector<Graph> graphs;
  std::vector<NamedTensor> tensors;  // names are unique
  // Texts of the frontend, not looked at here.
  std::string architecture;
  std::string compile_settings;
  std::string training_state;
  /// The version of Sinter that wrote the file; set by load_model_file.
  std::string producer;

  /// Null when there is none of that name.
  const Graph* find_graph(std::string_view name) const;
  const Tensor* find_tensor(std::string_view name) const;
};

/// Replaces `path` atomically. Raises FileError with the system's reason.
void save_model_file(const std::string& path, const ModelFile& file,
                     SourceLocation where = SourceLocation::current());

/// Raises FileError for anything that is not a whole, undamaged file of a known version whose ops
/// are registered (a program that links core alone knows the kernel ops; register_ops() adds the
/// others), MemoryError for one that does not fit the memory. The tensors share the memory that it
/// was read to; what happens to the file afterwards does not matter, unless it is larger than
/// MappedFile::kCopied (core/file_io.h).
ModelFile load_model_file(const std::string& path,
                          SourceLocation where = SourceLocation::current());

/// The tensors of graph.variables(), in order, found by name. Raises FileError naming the first
/// that is missing or of another type.
std::vector<Tensor> variables_from_file(const ModelFile& file, const Graph& graph,
                                        SourceLocation where = SourceLocation::current());

}  // namespace sinter
