// Reads .sinter files and trusts nothing in them: header, checksums and FlatBuffers' verifier here,
// what the table says in model_file_decode.cc.
#include <fmt/format.h>

#include <cstring>

#include "core/error.h"
#include "core/file_io.h"
#include "core/line.h"
#include "core/memory_limit.h"
#include "core/model_file.h"
#include "core/model_file_decode.h"
#include "core/model_file_format.h"
#include "core/model_generated.h"

namespace sinter {
namespace {

constexpr flatbuffers::uoffset_t kMaxTables = 1 << 24;

/// A hint for files that are something else.
std::string kind_of_stranger(std::string_view bytes) {
  if (bytes.starts_with("\x89HDF")) return "it is an HDF5 file";
  if (bytes.starts_with("PK")) return "it is a ZIP archive (a .keras file?)";
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && bytes[first] == '{') return "it is JSON";
  return bytes.empty() ? "it is empty" : "it is not a .sinter file";
}

ModelFileHeader read_header(std::string_view bytes) {
  constexpr std::string_view magic(ModelFileHeader::kMagic, sizeof ModelFileHeader::kMagic);
  if (bytes.empty() || !magic.starts_with(bytes.substr(0, magic.size())))
    raise_damage(kind_of_stranger(bytes));
  if (bytes.size() < sizeof(ModelFileHeader))
    raise_damage(fmt::format("it was cut off after {} bytes", bytes.size()));
  ModelFileHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.header_hash != header.computed_hash()) raise_damage("its header is damaged");
  if (header.version > kModelFileVersion) {
    raise_damage(fmt::format(
        "it is of format version {}, but this version of Sinter ({}) reads up to version {}",
        header.version, SINTER_VERSION, kModelFileVersion));
  }
  const uint64_t size = bytes.size();
  const uint64_t table_end = sizeof header + header.table_bytes;
  uint64_t end = 0;
  if (header.version == 0 || header.header_bytes != sizeof header ||
      header.table_bytes > size - sizeof header) {
    if (header.version != 0 && header.header_bytes == sizeof header)
      raise_damage(fmt::format("it was cut off: its table alone needs {} bytes more",
                               header.table_bytes - (size - sizeof header)));
    raise_damage("its header is damaged");
  }
  if (header.weights_offset % kWeightAlignment != 0 || header.weights_offset < table_end ||
      header.weights_offset - table_end >= kWeightAlignment ||
      __builtin_add_overflow(header.weights_offset, header.weights_bytes, &end)) {
    raise_damage("its header is damaged");
  }
  if (size < end) raise_damage(fmt::format("it was cut off: it has {} of {} bytes", size, end));
  if (size > end) raise_damage(fmt::format("{} bytes follow its end", size - end));
  return header;
}

ModelFile decode_file(std::shared_ptr<const MappedFile> mapping) {
  const ModelFileHeader header = read_header(mapping->text());
  const std::span<const std::byte> bytes = mapping->bytes();
  const std::span<const std::byte> table = bytes.subspan(sizeof header, header.table_bytes);
  if (table.size() >= FLATBUFFERS_MAX_BUFFER_SIZE)  // where its verifier would end the program
    raise_damage(fmt::format("its table has {} bytes, at most {} are possible", table.size(),
                             FLATBUFFERS_MAX_BUFFER_SIZE));
  if (hash_bytes(table) != header.table_hash)
    raise_damage("its table is damaged (the checksum does not match)");
  for (std::byte padding : bytes.subspan(sizeof header + table.size(),
                                         header.weights_offset - sizeof header - table.size())) {
    if (padding != std::byte{0}) raise_damage("the bytes between table and weights are damaged");
  }
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(table.data()), table.size(), 64,
                                 kMaxTables);
  if (!file::VerifyFileBuffer(verifier)) raise_damage("its table is damaged");
  const auto* root = file::GetFile(table.data());
  return decode_model_table(*root, table.size(), mapping,
                            bytes.subspan(header.weights_offset, header.weights_bytes));
}

}  // namespace

const Graph* ModelFile::find_graph(std::string_view name) const {
  for (const Graph& g : graphs) {
    if (g.name() == name) return &g;
  }
  return nullptr;
}

const Tensor* ModelFile::find_tensor(std::string_view name) const {
  for (const NamedTensor& t : tensors) {
    if (t.name == name) return &t.tensor;
  }
  return nullptr;
}

ModelFile load_model_file(const std::string& path, SourceLocation where) {
  return at_line(where, [&] {
    try {
      const std::shared_ptr<const MappedFile> bytes = MappedFile::snapshot(path);
      ModelFile file = decode_file(bytes);
      bytes->check_unchanged();
      return file;
    } catch (const ModelFileDamage& damage) {
      throw FileError(fmt::format("cannot load '{}': {}", path, damage.what));
    } catch (const FileError&) {
      throw;
    } catch (const MemoryError&) {
      throw;
    } catch (const Error& error) {
      throw FileError(fmt::format("cannot load '{}': {}", path, error.what()));
    }
  });
}

std::vector<Tensor> variables_from_file(const ModelFile& file, const Graph& graph,
                                        SourceLocation where) {
  return at_line(where, [&] {
    std::vector<Tensor> result;
    for (int32_t index : graph.variables()) {
      const std::string& name = graph.node(index).name;
      const ValueType& type = graph.node(index).types[0];
      const Tensor* tensor = file.find_tensor(name);
      if (tensor == nullptr)
        throw FileError(fmt::format("the file holds no tensor '{}', which graph '{}' reads", name,
                                    graph.name()));
      if (tensor->type() != type) {
        throw FileError(fmt::format("tensor '{}' is {} in the file, but graph '{}' reads {}", name,
                                    tensor->type().to_string(), graph.name(), type.to_string()));
      }
      result.push_back(*tensor);
    }
    return result;
  });
}

}  // namespace sinter
