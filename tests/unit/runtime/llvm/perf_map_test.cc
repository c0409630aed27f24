// Kernels by name in /tmp/perf-PID.map.
#include "runtime/llvm/jit/perf_map.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/unit/runtime/llvm/kernel_runs.h"

namespace sinter::codegen {
namespace {

using testing::HasSubstr;

std::filesystem::path map_of_this_process() { return fmt::format("/tmp/perf-{}.map", ::getpid()); }

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A product of a shape that no other test has: otherwise the process has the kernel already.
void run_product(int64_t rows) {
  const std::string graph = fmt::format(R"(graph "g" {{
    %x = input() : float32[{},11]
    %w = input() : float32[11,17]
    %y = contract(%x, %w) {{lhs_contract=[1], rhs_contract=[0]}}
    output "y" = %y
  }})",
                                        rows);
  EXPECT_EQ(sinter::testing_support::check_kernels(graph, 1e-6), "");
}

TEST(PerfMap, NamesKernelsWhereItIsAskedFor) {
  std::filesystem::remove(map_of_this_process());
  run_product(23);
  EXPECT_FALSE(std::filesystem::exists(map_of_this_process()));
  ::setenv("SINTER_PERF_MAP", "1", 1);
  run_product(29);
  ::unsetenv("SINTER_PERF_MAP");
  const std::string text = text_of(map_of_this_process());
  std::filesystem::remove(map_of_this_process());
  EXPECT_THAT(text, HasSubstr(" matmul 29x11x17"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    uint64_t address = 0, size = 0;
    words >> std::hex >> address >> size;
    EXPECT_TRUE(words) << line;
    EXPECT_GT(size, 0u) << line;
    EXPECT_LT(size, 1u << 20) << line;
  }
}

}  // namespace
}  // namespace sinter::codegen
