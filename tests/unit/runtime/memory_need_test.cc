// What a run needs is known before it is compiled, and refused where it is more than the limit.
#include "runtime/memory_need.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/memory_limit.h"
#include "core/text.h"
#include "ops/ops.h"
#include "runtime/compile.h"

namespace sinter {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMiB = 1 << 20;

int64_t need(const std::string& nodes) {
  return memory_need(parse_graph("graph \"g\" {" + nodes + "}"));
}

TEST(MemoryNeed, CountsWhatIsAliveAtOnce) {
  const std::string x = "%x = input() : float32[262144]\n";  // 1 MiB
  const auto mapped = [](const std::string& name, const std::string& from) {
    return "%" + name + " = map(%" + from + ") {body=\"(float32) -> exp(a0)\"}\n";
  };
  EXPECT_EQ(need(x + mapped("1", "x") + "output \"y\" = %1"), 2 * kMiB);
  // A chain works in place.
  EXPECT_EQ(need(x + mapped("1", "x") + mapped("2", "1") + mapped("3", "2") + "output \"y\" = %3"),
            2 * kMiB);
  // What is read later stays.
  EXPECT_EQ(need(x + mapped("1", "x") + mapped("2", "1") + mapped("3", "2") +
                 "output \"y\" = %3\noutput \"z\" = %1"),
            3 * kMiB);
  // A reshape takes none, an update lies in its variable, what nobody reads is not computed.
  EXPECT_EQ(need(x + mapped("1", "x") + "%2 = reshape(%1) {shape=[512,512]}\noutput \"y\" = %2"),
            2 * kMiB);
  EXPECT_EQ(need("%v = variable() : float32[262144]\n" + mapped("1", "v") + mapped("2", "1") +
                 mapped("3", "1") + "update %v = %2"),
            2 * kMiB);
  EXPECT_EQ(
      need(x + "%1 = pad(%x) {low=[0], high=[262144]}\n%2 = reduce(%1) {kind=\"sum\", axes=[0]}\n"
               "output \"y\" = %2"),
      3 * kMiB);
}

TEST(MemoryNeed, AGraphThatPadsToNineGigabytesIsRefusedBeforeItIsCompiled) {
  register_ops();
  const Graph graph = parse_graph(R"g(graph "wide" {
    %x = input() : float32[4]
    %1 = pad(%x) {low=[0], high=[2400000000]} @ "padding" "a.cc":7
    %2 = reduce(%1) {kind="sum", axes=[0]}
    output "y" = %2 })g");
  ::setenv("SINTER_MEMORY_LIMIT", "1G", 1);
  try {
    compile(graph, {});
    FAIL();
  } catch (const MemoryError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("a run of graph 'wide' (its largest value is "
                          "float32[2400000004] (8.9 GiB) of 'pad' of 'padding' (a.cc:7)) "
                          "needs 8.9 GiB of memory, but the limit is 1.0 GiB"));
  }
  ::unsetenv("SINTER_MEMORY_LIMIT");
}

}  // namespace
}  // namespace sinter
