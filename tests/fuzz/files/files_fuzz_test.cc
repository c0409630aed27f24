// A short run of the fuzzer with a fixed seed; campaigns: fuzz_files (files_main.cc).
#include <gtest/gtest.h>

#include "core/file_io.h"
#include "core/model_file.h"
#include "core/text.h"
#include "ops/ops.h"
#include "tests/fuzz/files/mutate.h"
#include "tests/fuzz/files/promises.h"
#include "tests/fuzz/files/seeds.h"
#include "tests/support/temporary_folder.h"

namespace sinter::fuzz_files {
namespace {

constexpr uint64_t kRuns = 1500;

// Sanitizers explain what breaks; a mutation that asks for much memory must be refused.
class FilesFuzz : public ::testing::Test {
 protected:
  FilesFuzz() {
    register_ops();
    ::setenv("SINTER_MEMORY_LIMIT", "256M", 1);
  }
  ~FilesFuzz() override { ::unsetenv("SINTER_MEMORY_LIMIT"); }
  std::string path(const std::string& name) const { return folder_.file(name); }

  testing::TemporaryFolder folder_;
};

TEST_F(FilesFuzz, SeedsAreAcceptedAndRun) {
  for (const std::string& text : seed_graphs()) {
    const Outcome outcome = check_graph_text(text, folder_.path());
    EXPECT_TRUE(outcome.ran) << outcome.error << "\n" << text;
  }
}

TEST_F(FilesFuzz, MutatedModelFilesAreModelsOrErrors) {
  int64_t accepted = 0, ran = 0;
  for (uint64_t seed = 0; seed < kRuns; ++seed) {
    Choices choices(seed);
    ModelFile file;
    file.graphs.push_back(parse_graph(choices.of(seed_graphs())));
    save_model_file(path("seed.sinter"), file);
    const std::string bytes =
        mutated_model_file(read_file(path("seed.sinter")), choices, path("mended.sinter"));
    write_file_atomically(path("mutated.sinter"), bytes, false);
    try {
      const Outcome outcome = check_model_file(path("mutated.sinter"));
      accepted += outcome.accepted ? 1 : 0;
      ran += outcome.ran ? 1 : 0;
    } catch (const Broken& broken) {
      ADD_FAILURE() << "seed " << seed << ": " << broken.what();
    }
  }
  // Mutations that are all refused at once would test nothing.
  EXPECT_GT(accepted, static_cast<int64_t>(kRuns / 10));
  EXPECT_GT(ran, static_cast<int64_t>(kRuns / 20));
}

TEST_F(FilesFuzz, MutatedTextsAreGraphsOrErrors) {
  int64_t accepted = 0, ran = 0;
  for (uint64_t seed = 0; seed < kRuns; ++seed) {
    Choices choices(seed);
    const std::string text = mutated_text(choices.of(seed_graphs()), choices);
    try {
      const Outcome outcome = check_graph_text(text, folder_.path());
      accepted += outcome.accepted ? 1 : 0;
      ran += outcome.ran ? 1 : 0;
    } catch (const Broken& broken) {
      ADD_FAILURE() << "seed " << seed << ": " << broken.what() << "\n" << text;
    }
  }
  EXPECT_GT(accepted, static_cast<int64_t>(kRuns / 20));
  EXPECT_GT(ran, static_cast<int64_t>(kRuns / 40));
}

}  // namespace
}  // namespace sinter::fuzz_files
