// Runs `dot` without a shell. Files in memory stand for its three streams, so nothing can wait for
// a full pipe.
#include "frontend/dot.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/origin.h"

extern "C" char** environ;

namespace sinter {
namespace {

[[noreturn]] void raise_undrawn(const std::string& what, int error) {
  throw Error(
      fmt::format("cannot draw the graph: {}: {}", what, std::generic_category().message(error)));
}

class MemoryFile {
 public:
  explicit MemoryFile(const std::string& text = {})
      : descriptor_(::memfd_create("sinter-dot", MFD_CLOEXEC)) {
    if (descriptor_ < 0) raise_undrawn("memory file", errno);
    for (size_t at = 0; at < text.size();) {
      const ssize_t count = ::write(descriptor_, text.data() + at, text.size() - at);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        const int error = errno;
        ::close(descriptor_);
        raise_undrawn("memory file", error);
      }
      at += static_cast<size_t>(count);
    }
    ::lseek(descriptor_, 0, SEEK_SET);
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }
  std::string text() const {
    std::string result;
    char buffer[4096];
    for (ssize_t count; (count = ::pread(descriptor_, buffer, sizeof buffer,
                                         static_cast<off_t>(result.size()))) > 0;) {
      result.append(buffer, static_cast<size_t>(count));
    }
    return result;
  }

 private:
  int descriptor_;
};

std::string run_dot(const std::string& dot_text, const std::string& format) {
  const MemoryFile input(dot_text), output, errors;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input.descriptor(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output.descriptor(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, errors.descriptor(), STDERR_FILENO);
  std::string program = "dot", type = "-T" + format, density = "-Gdpi=144";
  char* arguments[] = {program.data(), type.data(), format == "png" ? density.data() : nullptr,
                       nullptr};
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, "dot", &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT)
    throw Error(
        "cannot draw the graph: the program 'dot' is not installed (Debian: apt-get install "
        "graphviz)");
  if (error != 0) raise_undrawn("dot", error);

  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) raise_undrawn("waiting for dot", errno);
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const std::string message = errors.text();
    throw Error(fmt::format("cannot draw the graph: dot failed: {}",
                            message.substr(0, message.find('\n'))));
  }
  return output.text();
}

}  // namespace

std::string dot_to_svg(const std::string& dot_text, SourceLocation where) {
  return at_line(where, [&] { return run_dot(dot_text, "svg"); });
}

std::string dot_to_png(const std::string& dot_text, SourceLocation where) {
  return at_line(where, [&] { return run_dot(dot_text, "png"); });
}

void render_dot(const std::string& dot_text, const std::string& path, SourceLocation where) {
  at_line(where, [&] {
    const bool png = path.ends_with(".png");
    if (!png && !path.ends_with(".svg")) {
      throw FileError(
          fmt::format("cannot draw the graph to '{}': the name must end in .svg or .png", path));
    }
    write_file_atomically(path, run_dot(dot_text, png ? "png" : "svg"));
  });
}

}  // namespace sinter
