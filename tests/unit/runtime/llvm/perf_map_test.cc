// Kernels by name in /tmp/perf-PID.map, with their code in jit-PID.dump.
#include "runtime/llvm/jit/perf_map.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

#include "runtime/llvm/jit/perf_dump.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/runtime/llvm/kernel_runs.h"

namespace sinter::codegen {
namespace {

using ::testing::HasSubstr;

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

template <typename T>
T take(std::string_view& bytes) {
  T value{};
  EXPECT_GE(bytes.size(), sizeof value);
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  bytes.remove_prefix(std::min(bytes.size(), sizeof value));
  return value;
}

TEST(PerfDump, HasTheCodeOfKernelsWhereItIsAskedFor) {
  const sinter::testing::TemporaryFolder folder;
  const std::string path = folder.file(fmt::format("jit-{}.dump", ::getpid()));
  run_product(31);
  EXPECT_FALSE(std::filesystem::exists(path));
  ::setenv("SINTER_PERF_DUMP", folder.file("").c_str(), 1);
  run_product(37);
  run_product(41);
  ::unsetenv("SINTER_PERF_DUMP");
  run_product(43);
  const std::string file = text_of(path);
  std::string_view rest = file;
  EXPECT_EQ(take<uint32_t>(rest), 0x4A695444u);
  EXPECT_EQ(take<uint32_t>(rest), 1u);
  EXPECT_EQ(take<uint32_t>(rest), 40u);
  rest.remove_prefix(8);
  EXPECT_EQ(take<uint32_t>(rest), static_cast<uint32_t>(::getpid()));
  rest = std::string_view(file).substr(40);
  std::string names;
  uint64_t expected = 0, time = 0;
  while (!rest.empty()) {
    EXPECT_EQ(take<uint32_t>(rest), 0u) << "JIT_CODE_LOAD";
    const auto total = take<uint32_t>(rest);
    const auto at = take<uint64_t>(rest);
    EXPECT_GE(at, time);
    time = at;
    rest.remove_prefix(8);
    const auto vma = take<uint64_t>(rest), address = take<uint64_t>(rest);
    EXPECT_EQ(vma, address);
    const auto size = take<uint64_t>(rest);
    EXPECT_EQ(take<uint64_t>(rest), expected++);
    const std::string name = rest.data();
    names += name + "\n";
    ASSERT_EQ(total, 56 + name.size() + 1 + size);
    ASSERT_GE(rest.size(), name.size() + 1 + size);
    rest.remove_prefix(name.size() + 1 + size);
  }
  EXPECT_THAT(names, HasSubstr("matmul 37x11x17"));
  EXPECT_THAT(names, HasSubstr("matmul 41x11x17"));
  EXPECT_THAT(names, ::testing::Not(HasSubstr("matmul 43x11x17")));
}

}  // namespace
}  // namespace sinter::codegen
