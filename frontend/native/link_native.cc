#include "frontend/native/link_native.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <system_error>
#include <vector>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/child_process.h"

namespace sinter {
namespace {

constexpr const char* kTask = "cannot link the exported code";

// A folder of its own, for as long as it lives.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const char* named = std::getenv("TMPDIR");
    const std::string parent = named == nullptr || *named == 0 ? "/tmp" : named;
    std::string pattern = parent + "/sinter-export-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      throw FileError(fmt::format("{}: no temporary folder in {}: {}", kTask, parent,
                                  std::generic_category().message(errno)));
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

void run(const std::vector<std::string>& command, const std::string& remedy) {
  const ProcessResult result = run_process(command, "", kTask);
  if (!result.found)
    throw Error(
        fmt::format("{}: the program '{}' is not installed (Debian: apt-get install {}), or "
                    "emit \"object\"",
                    kTask, command[0], remedy));
  if (!result.done)
    throw Error(fmt::format("{}: {} failed: {}", kTask, command[0], result.fault()));
}

// CC may be a program with arguments, "ccache gcc".
std::vector<std::string> c_compiler(const std::string& target) {
  const char* named = std::getenv("CC");
  std::istringstream words(named == nullptr ? "" : named);
  std::vector<std::string> command{std::istream_iterator<std::string>(words), {}};
  if (command.empty()) command.push_back(target.empty() ? "cc" : target + "-gcc");
  return command;
}

}  // namespace

std::string link_shared(const std::string& object, const std::string& soname,
                        const std::string& target) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("code.o"), object, /*sync=*/false);
  std::vector<std::string> command = c_compiler(target);
  command.insert(
      command.end(),
      {"-shared", "-Wl,--as-needed", "-Wl,-z,noexecstack,-z,relro,-z,now,-z,defs", "-Xlinker",
       "-soname", "-Xlinker", soname, "-o", folder.file("code.so"), folder.file("code.o"), "-lm"});
  run(command, target.empty() ? "gcc libc6-dev" : "gcc-" + target);
  return read_file(folder.file("code.so"));
}

std::string link_wasm(const std::string& object, const std::vector<std::string>& functions) {
  // The module of JavaScript has these, most of them by its Math.
  constexpr const char* kMathematics = "sin\nsinf\ncos\ncosf\npow\npowf\nerf\n";
  constexpr const char* kStackBytes = "1048576";
  const TemporaryFolder folder;
  write_file_atomically(folder.file("code.o"), object, /*sync=*/false);
  write_file_atomically(folder.file("imports"), kMathematics, /*sync=*/false);
  std::vector<std::string> command = {
      run_process({"wasm-ld-19", "--version"}, "", kTask).found ? "wasm-ld-19" : "wasm-ld",
      "--no-entry",
      "--strip-all",
      "--stack-first",
      "-z",
      std::string("stack-size=") + kStackBytes,
      "--allow-undefined-file=" + folder.file("imports"),
      "--export=__heap_base"};
  for (const std::string& function : functions) command.push_back("--export=" + function);
  command.insert(command.end(), {"-o", folder.file("code.wasm"), folder.file("code.o")});
  run(command, "lld-19");
  return read_file(folder.file("code.wasm"));
}

std::string link_static(const std::string& object, const std::string& member) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file(member), object, /*sync=*/false);
  run({"ar", "rcsD", folder.file("code.a"), folder.file(member)}, "binutils");
  return read_file(folder.file("code.a"));
}

}  // namespace sinter
