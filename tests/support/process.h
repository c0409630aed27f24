// Runs a program and gives what it printed and how it ended.
#pragma once

#include <string>
#include <vector>

namespace sinter::testing {

struct ProcessResult {
  int exit_code = -1;  // 128 + signal when a signal ended it
  std::string out;
  std::string err;
};

/// `arguments[0]` is the program. `environment` holds "NAME=value" entries added to this process's
/// own.
ProcessResult run_process(const std::vector<std::string>& arguments,
                          const std::vector<std::string>& environment = {});

/// The tool of this build with the given arguments.
ProcessResult run_sinter(std::vector<std::string> arguments);

}  // namespace sinter::testing
