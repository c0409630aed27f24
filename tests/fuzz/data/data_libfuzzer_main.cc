// Readers of data under clang's libFuzzer: any bytes give values or an Error with the file's name.
// The first byte says which reader.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/data/archive.h"
#include "frontend/data/csv.h"
#include "frontend/data/datasets.h"
#include "frontend/data/image.h"
#include "frontend/data/npy.h"
#include "frontend/data/npz.h"

namespace {

using namespace sinter;

const std::string& folder() {
  static const std::string path = [] {
    ::setenv("SINTER_MEMORY_LIMIT", "1G", 0);
    std::string result = "/tmp/sinter-fuzz-data-" + std::to_string(::getpid());
    std::filesystem::create_directories(result);
    return result;
  }();
  return path;
}

void read(uint8_t reader, std::string_view bytes, const std::string& path) {
  switch (reader % 6) {
    case 0: (void)decode_image(bytes, path, {.channels = reader % 2 == 0 ? 0 : 1}); return;
    case 1: (void)parse_npy(bytes, path); return;
    default: break;
  }
  write_file_atomically(path, bytes, false);
  switch (reader % 6) {
    case 2: (void)load_csv(path); return;
    case 3: (void)datasets::load_idx(path); return;
    case 4: (void)load_npz(path); return;
    default:
      archive::extract(path, folder() + "/target", {.most_bytes = 1 << 20, .progress = false});
      std::filesystem::remove_all(folder() + "/target");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string path = folder() + "/current";
  try {
    read(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1}, path);
  } catch (const Error& error) {
    if (std::string_view(error.what()).find(path) == std::string_view::npos) std::abort();
  }
  return 0;
}
