#include "frontend/child_process.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/error.h"

extern "C" char** environ;

namespace sinter {
namespace {

[[noreturn]] void raise_failed(std::string_view task, std::string_view what, int error) {
  throw Error(fmt::format("{}: {}: {}", task, what, std::generic_category().message(error)));
}

class StreamInMemory {
 public:
  explicit StreamInMemory(std::string_view task, std::string_view text = {})
      : descriptor_(::memfd_create("sinter-stream", MFD_CLOEXEC)) {
    if (descriptor_ < 0) raise_failed(task, "memory file", errno);
    for (size_t at = 0; at < text.size();) {
      const ssize_t count = ::write(descriptor_, text.data() + at, text.size() - at);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        const int error = errno;
        ::close(descriptor_);
        raise_failed(task, "memory file", error);
      }
      at += static_cast<size_t>(count);
    }
    ::lseek(descriptor_, 0, SEEK_SET);
  }
  ~StreamInMemory() { ::close(descriptor_); }
  StreamInMemory(const StreamInMemory&) = delete;
  StreamInMemory& operator=(const StreamInMemory&) = delete;

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

}  // namespace

std::string ProcessResult::fault() const {
  if (!errors.empty()) return errors.substr(0, errors.find('\n'));
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                             : fmt::format("exit code {}", WEXITSTATUS(status));
}

ProcessResult run_process(const std::vector<std::string>& command, std::string_view input,
                          std::string_view task) {
  const StreamInMemory in(task, input), out(task), errors(task);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.descriptor(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.descriptor(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, errors.descriptor(), STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) return {};
  if (error != 0) raise_failed(task, command[0], error);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) raise_failed(task, "waiting for " + command[0], errno);
  }
  return {.found = true,
          .done = WIFEXITED(status) && WEXITSTATUS(status) == 0,
          .status = status,
          .output = out.text(),
          .errors = errors.text()};
}

}  // namespace sinter
