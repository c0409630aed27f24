// sinter export.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/file_io.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

TEST(ExportTool, WritesCodeAndHeaders) {
  const TemporaryFolder folder;
  const std::string model = SINTER_TEST_DATA "/released/format2/trained.sinter";
  const std::string net = folder.file("net");
  ProcessResult r = run_sinter({"export", model, "--output", net, "--batch", "4,1", "--training"});
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr(net + ".o: "));
  const std::string header = read_file(net + ".h");
  for (const char* name : {"int net_predict(const void* state, const float* features, float*",
                           "int net_predict_1(", "int net_train_step(void* state, const float*",
                           "size_t net_workspace_size(void);", "#define net_OFFSET_dense_kernel 0"})
    EXPECT_THAT(header, HasSubstr(name));
  EXPECT_GT(read_file(net + ".o").size(), 1000u);
  EXPECT_GT(read_file(net + ".hpp").size(), 500u);
  r = run_sinter({"export", model, "--output", net, "--emit", "wasm64"});
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_THAT(r.err, HasSubstr("unknown emit 'wasm64'"));
}

}  // namespace
}  // namespace sinter::testing
