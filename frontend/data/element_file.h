// Elements of a Dataset one after the other in a file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/file_io.h"
#include "frontend/data/element.h"

namespace sinter {

/// Writes a file, which is there when commit() has returned.
class ElementWriter {
 public:
  ElementWriter(const std::string& path, const std::string& key);
  void add(const Element& element);
  void commit();

 private:
  AtomicFile file_;
  int64_t count_ = 0;
};

/// Reads such a file, an element at a time. Each function raises FileError, with the path, for what
/// is damaged.
class ElementReader {
 public:
  explicit ElementReader(const std::string& path);
  const std::string& key() const { return key_; }
  int64_t count() const { return count_; }
  /// Nothing at the end.
  std::optional<Element> next();

 private:
  [[noreturn]] void fail(const std::string& why) const;
  template <typename T>
  T number(uint64_t& hash);
  std::string text(size_t size, uint64_t& hash);
  Tensor tensor(uint64_t& hash);
  void check(uint64_t hash);

  std::string path_, key_;
  std::unique_ptr<FileReader> file_;
  int64_t count_ = 0, read_ = 0;
};

}  // namespace sinter
