#include "frontend/native/link_native.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

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
    std::string pattern = (std::filesystem::temp_directory_path() / "sinter-export-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw FileError(fmt::format("{}: no temporary folder like {}: {}", kTask, pattern,
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

void run(const std::vector<std::string>& command, const char* remedy) {
  const ProcessResult result = run_process(command, "", kTask);
  if (!result.found)
    throw Error(fmt::format("{}: the program '{}' is not installed ({}), or emit \"object\"", kTask,
                            command[0], remedy));
  if (!result.done)
    throw Error(fmt::format("{}: {} failed: {}", kTask, command[0], result.fault()));
}

}  // namespace

std::string link_shared(const std::string& object, const std::string& soname) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("code.o"), object, /*sync=*/false);
  const char* compiler = std::getenv("CC");
  const bool is_named = compiler != nullptr && *compiler != '\0';
  run({is_named ? compiler : "cc", "-shared", "-Wl,--as-needed", "-Wl,-z,noexecstack,-z,relro,-z,now,-z,defs",
       "-Wl,-soname," + soname, "-o", folder.file("code.so"), folder.file("code.o"), "-lm"},
      "Debian: apt-get install gcc libc6-dev");
  return read_file(folder.file("code.so"));
}

std::string link_static(const std::string& object, const std::string& member) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file(member), object, /*sync=*/false);
  run({"ar", "rcsD", folder.file("code.a"), folder.file(member)},
      "Debian: apt-get install binutils");
  return read_file(folder.file("code.a"));
}

}  // namespace sinter
