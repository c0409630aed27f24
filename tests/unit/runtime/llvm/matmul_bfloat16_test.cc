// Matmul kernels of bfloat16, or what stands for them on CPUs without VDPBF16PS: sums of rounded
// factors against the double reference, within the bound of float32 sums.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "core/bfloat16.h"
#include "ops/ops.h"
#include "tests/unit/runtime/llvm/kernel_runs.h"
#include "tests/unit/runtime/llvm/matmul_cases.h"

namespace sinter {
namespace {

using namespace testing_support;

class MatmulBFloat16 : public testing::Test {
 protected:
  void SetUp() override { register_ops(); }
};

// Pairs of terms: odd depths end in half a pair; each side is paired in place, across or along.
TEST_F(MatmulBFloat16, EdgesInEveryFormWithEveryEpilogue) {
  const int64_t sizes[] = {1, 2, 3, 15, 16, 17, 31, 33, 61, 97};
  std::mt19937 engine(11);
  const auto size = [&] { return sizes[engine() % std::size(sizes)]; };
  for (Form form : kForms) {
    for (Epilogue epilogue : kAllEpilogues) {
      for (int i = 0; i < 6; ++i)
        check({form, size(), size(), size(), epilogue, DType::kBFloat16, i % 3 == 2});
    }
    for (int64_t depth : {1, 2, 31, 32, 33})
      check({form, 33, depth, 47, Epilogue::kNone, DType::kBFloat16});
    check({form, 1, 37, 100, Epilogue::kBiasRelu, DType::kBFloat16});
    check({form, 37, 100, 1, Epilogue::kMaskAndSums, DType::kBFloat16});
  }
}

TEST_F(MatmulBFloat16, LargeAndDeep) {
  for (Form form : kForms) {
    check({form, 128, 128, 128, Epilogue::kMaskAndSums, DType::kBFloat16});
    check({form, 131, 97, 211, Epilogue::kHeavy, DType::kBFloat16});
    check({form, 261, 401, 10, Epilogue::kMaskAndSums, DType::kBFloat16});
    check({form, 3, 401, 509, Epilogue::kBiasRelu, DType::kBFloat16});
    check({form, 70, 40, 1100, Epilogue::kBiasRelu, DType::kBFloat16});
    check({form, 9, 4099, 33, Epilogue::kMaskAndSums, DType::kBFloat16});
    check({form, 65, 2051, 530, Epilogue::kMaskAndSums, DType::kBFloat16});
    check({form, 64, 5000, 47, Epilogue::kNone, DType::kBFloat16, true});
  }
}

// A right side of float32 is rounded as it is packed.
TEST_F(MatmulBFloat16, RoundsItsRightSide) {
  const int64_t sizes[] = {1, 2, 15, 16, 17, 31, 33, 61, 97};
  std::mt19937 engine(13);
  const auto size = [&] { return sizes[engine() % std::size(sizes)]; };
  for (Form form : kForms) {
    for (Epilogue epilogue : kAllEpilogues) {
      for (int i = 0; i < 4; ++i)
        check({form, size(), size(), size(), epilogue, DType::kBFloat16, i % 2 == 1, true});
    }
    check({form, 128, 128, 128, Epilogue::kMaskAndSums, DType::kBFloat16, false, true});
    check({form, 131, 97, 211, Epilogue::kHeavy, DType::kBFloat16, false, true});
    check({form, 65, 2051, 530, Epilogue::kMaskAndSums, DType::kBFloat16, false, true});
  }
}

// Infinities and NaN are found where they belong and nowhere else: neither the zeros beside the
// last term of an odd depth nor the terms of the next row come near them.
TEST_F(MatmulBFloat16, InfinitiesAtOddDepths) {
  for (Form form : kForms) {
    for (const auto& [frozen, rounds] :
         {std::pair(false, false), {true, false}, {false, true}, {true, true}}) {
      for (const auto& [rows, depth, columns] :
           {std::array<int64_t, 3>{5, 7, 37}, {33, 33, 10}, {2, 1, 20}, {1, 5, 3}, {3, 9, 40}}) {
        const Case c{form, rows, depth, columns, Epilogue::kNone, DType::kBFloat16, frozen, rounds};
        const Graph g = graph_of(c);
        std::vector<Tensor> inputs;
        for (ValueId input : g.node(g.outputs()[0].value).inputs)
          inputs.push_back(random_tensor(g.type(input), 5));
        const auto at = [&](size_t side, int64_t free, int64_t k) {
          const bool depth_first =
              side == 0 ? form == Form::kWeightGradient : form != Form::kInputGradient;
          return depth_first ? k * (side == 0 ? rows : columns) + free : free * depth + k;
        };
        inputs[0].set(at(0, 0, depth - 1), INFINITY);
        inputs[0].set(at(0, rows - 1, 0), -INFINITY);
        inputs[1].set(at(1, columns - 1, depth - 1), NAN);
        inputs[1].set(at(1, 1, 0), INFINITY);
        const Tensor found = run_kernel(g, 0, inputs).results[0];
        for (int64_t i = 0; i < rows; ++i) {
          for (int64_t j = 0; j < columns; ++j) {
            double sum = 0;
            for (int64_t k = 0; k < depth; ++k)
              sum += inputs[0].at(at(0, i, k)) * bfloat16(inputs[1].at(at(1, j, k)));
            const double y = found.at(i * columns + j);
            EXPECT_TRUE(std::isfinite(sum) ? std::abs(y - sum) < 1e-4
                                           : y == sum || (std::isnan(y) && std::isnan(sum)))
                << c.to_string() << " at " << i << ", " << j << ": " << y << ", expected " << sum;
          }
        }
      }
    }
  }
}

// VDPBF16PS takes numbers below 2^-126 for zero, factors and sums alike; other CPUs need not.
TEST_F(MatmulBFloat16, SubnormalsAreZeroAtMost) {
  const Graph g = graph_of({Form::kForward, 1, 3, 16, Epilogue::kNone, DType::kBFloat16});
  std::vector<Tensor> inputs{Tensor(DType::kBFloat16, Shape{1, 3}),
                             Tensor::full(DType::kBFloat16, Shape{3, 16}, 3)};
  for (int64_t k = 0; k < 3; ++k) inputs[0].set(k, std::ldexp(1.0, k == 1 ? -126 : -130));
  const double found = run_kernel(g, 0, inputs).results[0].at(7);
  const double normal = 3 * std::ldexp(1.0, -126), all = normal + 6 * std::ldexp(1.0, -130);
  EXPECT_TRUE(found == normal || found == all) << found;
}

// Nothing beyond the end of an operand is touched: buffers end where memory does.
TEST_F(MatmulBFloat16, StaysWithinItsOperands) {
  const auto expect = [](const char* axes, const char* right, Shape lhs, Shape rhs, Shape result) {
    const std::string text = fmt::format(
        "graph \"g\" {{\n  %a = input() : bfloat16{}\n  %b = input() : {}{}\n"
        "  %y = contract(%a, %b) {{{}}} : float32{}\n  output \"y\" = %y\n}}",
        lhs.to_string(), right, rhs.to_string(), axes, result.to_string());
    EXPECT_EQ(check_kernels(text, 1e-6), "");
  };
  for (const char* right : {"bfloat16", "float32"}) {
    for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{19, 10}, {19, 33}, {3, 33}}) {
      for (int64_t depth : {1, 2, 31, 34}) {
        const Shape y{rows, columns};
        expect("lhs_contract=[1], rhs_contract=[0]", right, {rows, depth}, {depth, columns}, y);
        expect("lhs_contract=[0], rhs_contract=[0]", right, {depth, rows}, {depth, columns}, y);
        expect("lhs_contract=[1], rhs_contract=[1]", right, {rows, depth}, {columns, depth}, y);
      }
    }
  }
}

}  // namespace
}  // namespace sinter
