#include "frontend/verify/apart.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

#include "core/error.h"

namespace sinter::verification {
namespace {

[[noreturn]] void run_child(int to, const std::function<std::string()>& work, int seconds) {
  const rlimit no_core = {0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM})
    std::signal(signal, SIG_DFL);
  ::alarm(static_cast<unsigned>(seconds));
  std::string text;
  try {
    text = work();
  } catch (const std::exception& error) {
    text = fmt::format("raises: {}", error.what());
  }
  text += '.';  // it has come to its end
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = ::write(to, text.data() + at, text.size() - at);
    if (n <= 0 && errno != EINTR) break;
    if (n > 0) at += static_cast<size_t>(n);
  }
  ::_exit(0);
}

}  // namespace

std::string apart(const std::function<std::string()>& work, int seconds) {
  std::fflush(nullptr);
  int ends[2];
  if (::pipe(ends) != 0) throw Error(fmt::format("pipe: {}", std::strerror(errno)));
  const pid_t child = ::fork();
  if (child < 0) throw Error(fmt::format("fork: {}", std::strerror(errno)));
  if (child == 0) {
    ::close(ends[0]);
    run_child(ends[1], work, seconds);
  }
  ::close(ends[1]);
  std::string text;
  char part[4096];
  for (;;) {
    const ssize_t n = ::read(ends[0], part, sizeof part);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(part, static_cast<size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text.empty() && text.back() == '.' && WIFEXITED(status))
    return text.substr(0, text.size() - 1);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    return fmt::format("crash: it has not ended after {} s", seconds);
  if (WIFSIGNALED(status)) return fmt::format("crash: {}", ::strsignal(WTERMSIG(status)));
  return "crash: the process has ended";
}

}  // namespace sinter::verification
