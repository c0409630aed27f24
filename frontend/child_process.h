// Other programs, run without a shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sinter {

struct ProcessResult {
  bool found = false;          // is the program installed?
  bool done = false;           // did it end with exit code 0?
  int status = 0;              // as waitpid() gives it
  std::string output, errors;  // what it wrote
  /// The first line of the errors, or how it ended where it wrote none.
  std::string fault() const;
};

/// Runs `command[0]`, looked for as a shell does, on `input`, and waits. Files in memory stand for
/// its three streams, so nothing can wait for a full pipe. Raises Error, which starts with `task`
/// ("cannot draw the graph"), when the system gives no process or no memory.
ProcessResult run_process(const std::vector<std::string>& command, std::string_view input,
                          std::string_view task);

}  // namespace sinter
