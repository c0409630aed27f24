// Expressions that are deep: the code generator's stack does not grow with them.
#include <gtest/gtest.h>
#include <pthread.h>

#include "core/error.h"
#include "core/text.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/compile_options.h"

namespace sinter {
namespace {

struct DeepRun {
  Graph graph;
  double value = 0;
  std::string error = "";
};

void* compile_and_run(void* argument) {
  DeepRun& run = *static_cast<DeepRun*>(argument);
  try {
    const std::unique_ptr<Executable> executable =
        compile(run.graph, {.backend = "llvm", .cache = false});
    const std::vector<Tensor> inputs = {Tensor::full(DType::kFloat32, {16}, 0.5)};
    run.value = executable->run(inputs)[0].at(3);
  } catch (const std::exception& error) {
    run.error = error.what();
  }
  return nullptr;
}

TEST(DeepExpression, IsCompiledOnASmallStack) {
  register_ops();
  constexpr int kDepth = 6000;
  std::string body = "(float32) -> t0 = neg(a0); ";
  for (int i = 1; i < kDepth; ++i)
    body += "t" + std::to_string(i) + " = sub(a0, t" + std::to_string(i - 1) + "); ";
  body += "t" + std::to_string(kDepth - 1);
  DeepRun run{parse_graph("graph \"g\" {\n%x = input() : float32[16]\n%1 = map(%x) {body=\"" +
                          body + "\"}\noutput \"y\" = %1\n}"),
              0, ""};
  pthread_attr_t attributes;
  pthread_t thread;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, size_t{1} << 20), 0);
  ASSERT_EQ(pthread_create(&thread, &attributes, compile_and_run, &run), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.value, 1.0);  // 0.5 and -0.5 in turn from -0.5: 1, -0.5, 1, ...
}

}  // namespace
}  // namespace sinter
