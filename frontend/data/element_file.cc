// Numbers are little-endian. A magic, the key; of each element its parts, of each part its tensors,
// of each tensor name, dtype, shape and values; at last how many elements there are. Each of these
// has a hash of all its bytes behind it.
#include "frontend/data/element_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/hash.h"

namespace sinter {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as little-endian");

constexpr uint64_t kMagic = 0x3148434143544E53;  // "SNTCACH1"
constexpr size_t kEndBytes = 2 * sizeof(uint64_t);
constexpr uint32_t kMostParts = 3, kMostTensors = 1 << 16, kMostRank = 64;

uint64_t hashed(const void* data, size_t count, uint64_t hash) {
  return hash_bytes({static_cast<const std::byte*>(data), count}, hash);
}

/// Bytes on their way to a file, with the hash of those since the last one.
class Output {
 public:
  explicit Output(AtomicFile& file) : file_(file) {}
  void bytes(const void* data, size_t count) {
    hash_ = hashed(data, count, hash_);
    file_.write(data, count);
  }
  template <typename T>
  void number(T value) {
    bytes(&value, sizeof value);
  }
  void text(const std::string& text) {
    number(static_cast<uint32_t>(text.size()));
    bytes(text.data(), text.size());
  }
  void end() { file_.write(&hash_, sizeof hash_); }

 private:
  AtomicFile& file_;
  uint64_t hash_ = 0;
};

}  // namespace

ElementWriter::ElementWriter(const std::string& path, const std::string& key) : file_(path) {
  Output out(file_);
  out.number(kMagic);
  out.text(key);
  out.end();
}

void ElementWriter::add(const Element& element) {
  Output out(file_);
  out.number(static_cast<uint32_t>(element.size()));
  for (size_t i = 0; i < element.size(); ++i) {
    const Data& part = element.part(i);
    const bool named = !part.names().empty();
    out.number(static_cast<uint32_t>(part.list().size()));
    out.number(uint32_t{named});
    for (size_t j = 0; j < part.list().size(); ++j) {
      const Tensor& t = part.list()[j];
      if (named) out.text(part.names()[j]);
      out.number(static_cast<uint32_t>(t.dtype()));
      out.number(static_cast<uint32_t>(t.shape().rank()));
      for (const int64_t dim : t.shape()) out.number(dim);
      out.bytes(t.raw(), static_cast<size_t>(t.bytes()));
    }
  }
  out.end();
  ++count_;
}

void ElementWriter::commit() {
  Output out(file_);
  out.number(count_);
  out.end();
  file_.commit();
}

void ElementReader::fail(const std::string& why) const {
  throw FileError(
      fmt::format("cannot read the cache '{}': {}; removing it makes a new one", path_, why));
}

template <typename T>
T ElementReader::number(uint64_t& hash) {
  if (file_->left() < sizeof(T) + kEndBytes) fail("it is damaged");
  T value;
  file_->read(&value, sizeof value);
  hash = hashed(&value, sizeof value, hash);
  return value;
}

std::string ElementReader::text(size_t size, uint64_t& hash) {
  if (file_->left() < size) fail("it is damaged");
  std::string result(size, '\0');
  file_->read(result.data(), size);
  hash = hashed(result.data(), size, hash);
  return result;
}

void ElementReader::check(uint64_t hash) {
  uint64_t expected = 0;
  if (file_->left() < sizeof expected) fail("it is damaged");
  file_->read(&expected, sizeof expected);
  if (expected != hash) fail("it is damaged (a checksum does not match)");
}

ElementReader::ElementReader(const std::string& path) : path_(path), file_(FileReader::open(path)) {
  if (file_ == nullptr) fail("it is no file");
  // How many there are stands at the end.
  const std::unique_ptr<FileReader> end = FileReader::open(path);
  if (end == nullptr || file_->left() < sizeof kMagic + kEndBytes) fail("it is no cache");
  uint64_t hash = 0;
  if (number<uint64_t>(hash) != kMagic) fail("it is no cache");
  key_ = text(number<uint32_t>(hash), hash);
  check(hash);
  end->skip(end->left() - kEndBytes);
  uint64_t tail[2];
  end->read(tail, sizeof tail);
  count_ = static_cast<int64_t>(tail[0]);
  if (tail[1] != hashed(tail, sizeof tail[0], 0) || count_ < 0) fail("it is damaged at its end");
}

Tensor ElementReader::tensor(uint64_t& hash) {
  const auto dtype = number<uint32_t>(hash), rank = number<uint32_t>(hash);
  if (dtype >= std::size(kAllDTypes) || rank > kMostRank) fail("it is damaged");
  std::vector<int64_t> dims;
  int64_t bytes = dtype_size(kAllDTypes[dtype]);
  bool empty = false;
  for (uint32_t i = 0; i < rank; ++i) {
    dims.push_back(number<int64_t>(hash));
    empty |= dims.back() == 0;
    if (dims.back() < 0 || __builtin_mul_overflow(bytes, std::max<int64_t>(dims.back(), 1), &bytes))
      fail("it is damaged");
  }
  if (empty) bytes = 0;
  if (static_cast<uint64_t>(bytes) > file_->left()) fail("it is damaged");
  Tensor result = Tensor::placeholder(kAllDTypes[dtype], Shape(dims));
  file_->read(result.raw(), static_cast<size_t>(bytes));
  hash = hashed(result.raw(), static_cast<size_t>(bytes), hash);
  return result;
}

std::optional<Element> ElementReader::next() {
  if (read_ == count_) {
    if (file_->left() != kEndBytes) fail("it is damaged at its end");
    return std::nullopt;
  }
  uint64_t hash = 0;
  const auto parts = number<uint32_t>(hash);
  if (parts < 1 || parts > kMostParts) fail("it is damaged");
  Data data[kMostParts];
  for (uint32_t i = 0; i < parts; ++i) {
    const auto tensors = number<uint32_t>(hash), named = number<uint32_t>(hash);
    if (tensors > kMostTensors) fail("it is damaged");
    std::vector<Tensor> list;
    std::vector<std::string> names;
    for (uint32_t j = 0; j < tensors; ++j) {
      if (named != 0) names.push_back(text(number<uint32_t>(hash), hash));
      list.push_back(tensor(hash));
    }
    data[i] = Data(std::move(names), std::move(list));
  }
  check(hash);
  ++read_;
  return Element(std::move(data[0]), std::move(data[1]), std::move(data[2]));
}

}  // namespace sinter
