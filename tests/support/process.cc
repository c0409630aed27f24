// fork, exec, and both pipes read at once so that neither fills up.
#include "tests/support/process.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>

namespace sinter::testing {
namespace {

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe failed");
    read = ends[0];
    write = ends[1];
  }
};

[[noreturn]] void become(const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment, const Pipe& out,
                         const Pipe& err) {
  ::dup2(out.write, 1);
  ::dup2(err.write, 2);
  for (int end : {out.read, out.write, err.read, err.write}) ::close(end);
  for (const std::string& entry : environment) {
    const size_t equal = entry.find('=');
    ::setenv(entry.substr(0, equal).c_str(), entry.substr(equal + 1).c_str(), 1);
  }
  std::vector<char*> argv;
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments,
                          const std::vector<std::string>& environment) {
  const Pipe out, err;
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) become(arguments, environment, out, err);
  ::close(out.write);
  ::close(err.write);
  ProcessResult result;
  struct pollfd open[2] = {{out.read, POLLIN, 0}, {err.read, POLLIN, 0}};
  std::string* texts[2] = {&result.out, &result.err};
  while (open[0].fd >= 0 || open[1].fd >= 0) {
    if (::poll(open, 2, -1) < 0 && errno != EINTR) break;
    for (int i = 0; i < 2; ++i) {
      if (open[i].fd < 0 || open[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t count = ::read(open[i].fd, buffer, sizeof buffer);
      if (count > 0) {
        texts[i]->append(buffer, static_cast<size_t>(count));
      } else if (count == 0 || errno != EINTR) {
        open[i].fd = -1;
      }
    }
  }
  ::close(out.read);
  ::close(err.read);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

ProcessResult run_sinter(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), SINTER_BINARY_DIR "/sinter");
  return run_process(arguments);
}

}  // namespace sinter::testing
