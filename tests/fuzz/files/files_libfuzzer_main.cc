// The same under clang's libFuzzer: its bytes are the choices of the mutations.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "core/file_io.h"
#include "core/model_file.h"
#include "core/text.h"
#include "ops/ops.h"
#include "tests/fuzz/files/mutate.h"
#include "tests/fuzz/files/promises.h"
#include "tests/fuzz/files/seeds.h"

namespace {

using namespace sinter;
using namespace sinter::fuzz_files;

const std::string& folder() {
  static const std::string path = [] {
    register_ops();
    ::setenv("SINTER_MEMORY_LIMIT", "256M", 0);
    std::string result = "/tmp/sinter-fuzz-" + std::to_string(::getpid());
    std::filesystem::create_directories(result);
    return result;
  }();
  return path;
}

std::string seed_file(const std::string& text) {
  ModelFile file;
  file.graphs.push_back(parse_graph(text));
  save_model_file(folder() + "/seed.sinter", file);
  return read_file(folder() + "/seed.sinter");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string path = folder() + "/current.sinter";
  static const std::vector<std::string> seeds = [] {
    std::vector<std::string> result;
    for (const std::string& text : seed_graphs()) result.push_back(seed_file(text));
    return result;
  }();
  Choices choices(std::span(data, size));
  if (choices.one_in(2)) {
    check_graph_text(mutated_text(choices.of(seed_graphs()), choices), folder());
  } else {
    const std::string bytes = mutated_model_file(choices.of(seeds), choices, path);
    write_file_atomically(path, bytes, false);
    check_model_file(path);
  }
  return 0;
}
