// The limit of memory: read from the environment, and kept to by tensors.
#include "core/memory_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/tensor.h"

namespace sinter {
namespace {

using ::testing::HasSubstr;

class MemoryLimit : public ::testing::Test {
 protected:
  ~MemoryLimit() override { ::unsetenv("SINTER_MEMORY_LIMIT"); }
  static int64_t with(const char* text) {
    ::setenv("SINTER_MEMORY_LIMIT", text, 1);
    return memory_limit();
  }
};

TEST_F(MemoryLimit, AmountsAreBytesOrHaveAUnit) {
  EXPECT_EQ(with("6000000000"), 6000000000);
  EXPECT_EQ(with("1K"), 1024);
  EXPECT_EQ(with("512M"), int64_t{512} << 20);
  EXPECT_EQ(with("1.5G"), int64_t{3} << 29);
  EXPECT_EQ(with("2T"), int64_t{2} << 40);
  for (const char* wrong : {"much", "12 ", "-1", "0", "nan", "1e30", "5X", "G"})
    EXPECT_THROW(with(wrong), Error) << wrong;
}

TEST_F(MemoryLimit, TheMachineHasOne) {
  EXPECT_GT(with(""), int64_t{1} << 26);
  EXPECT_LT(memory_limit(), int64_t{1} << 50);
}

TEST_F(MemoryLimit, ATensorAboveItIsRefused) {
  with("8M");
  EXPECT_NO_THROW(Tensor(DType::kFloat32, {1 << 20}));
  try {
    Tensor(DType::kFloat32, {3, 1 << 20});
    FAIL();
  } catch (const MemoryError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("float32[3,1048576] needs 12.0 MiB of memory, but the limit "
                          "is 8.0 MiB"));
  }
}

}  // namespace
}  // namespace sinter
