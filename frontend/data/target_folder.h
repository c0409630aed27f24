// Writing below a folder, and nowhere else, whatever names and links say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// A descriptor that is closed.
class Descriptor {
 public:
  explicit Descriptor(int descriptor = -1) : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return descriptor_; }
  int release();

 private:
  int descriptor_;
};

/// Each function raises FileError with the system's reason.
class TargetFolder {
 public:
  /// Makes the folder and those above it.
  explicit TargetFolder(const std::string& path);

  /// The names of a path: without "." and empty ones. Raises FileError for "..", a path from the
  /// root, NUL bytes and no name at all.
  static std::vector<std::string> parts(std::string_view path);

  void make_folder(const std::vector<std::string>& parts);
  /// A new file, open for writing, in place of a file or link that is there.
  Descriptor make_file(const std::vector<std::string>& parts, bool is_executable);
  /// Raises FileError for a target outside of the folder. ".." may only be at its beginning: behind
  /// another name, which may be a link, it could lead anywhere.
  void make_link(const std::vector<std::string>& parts, const std::string& target);
  /// Another name of a regular file that is there.
  void make_hard_link(const std::vector<std::string>& parts,
                      const std::vector<std::string>& existing);

 private:
  /// The folder that the last part is in, made; no link on the way is followed.
  Descriptor parent(const std::vector<std::string>& parts);
  void remove_old(int folder, const std::string& name);

  Descriptor root_;
};

}  // namespace sinter
