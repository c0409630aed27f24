// Plans of products, whatever their size: a tile or a panel of nothing would be written beside the
// result.
#include "runtime/llvm/matmul/plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sinter::codegen {
namespace {

MatmulProblem problem_of(int64_t batch, int64_t rows, int64_t depth, int64_t columns,
                         bool transposed_lhs, bool transposed_rhs) {
  MatmulProblem p;
  p.batch = batch;
  p.rows = rows;
  p.depth = depth;
  p.columns = columns;
  p.lhs.batch.append(batch, rows * depth);
  p.lhs.free.append(rows, transposed_lhs ? 1 : depth);
  p.lhs.depth.append(depth, transposed_lhs ? rows : 1);
  p.rhs.batch.append(batch, depth * columns);
  p.rhs.free.append(columns, transposed_rhs ? depth : 1);
  p.rhs.depth.append(depth, transposed_rhs ? 1 : columns);
  return p;
}

// Empty where each part is one of something, and no piece is without any.
std::string fault_of(const MatmulPlan& plan) {
  if (plan.vectors.smallest() < 1) return "a panel without columns";
  if (plan.row_tiles.smallest() < 1) return "a tile without rows";
  if (plan.column_pieces > plan.vectors.count || plan.row_pieces > plan.row_tiles.count ||
      plan.batch_pieces > plan.problem.batch)
    return "a piece without work";
  return "";
}

TEST(MatmulPlan, HasNoEmptyParts) {
  const VectorShape machines[] = {{4, 16}, {8, 16}, {16, 32}};
  for (const VectorShape& machine : machines) {
    for (const int64_t batch : {1, 7, 2000, 200000}) {
      for (const int64_t rows : {1, 2, 3, 4, 5, 9, 64}) {
        for (const int64_t depth : {1, 2, 3, 9, 5000}) {
          for (int64_t columns = 1; columns < 20 * machine.lanes; columns += 3) {
            for (const int form : {0, 1, 2, 3}) {
              MatmulContext context;
              context.pack_rhs = columns % 2 == 0;
              context.sums_rows = columns % 5 == 0;
              const MatmulPlan plan = plan_matmul(
                  problem_of(batch, rows, depth, columns, (form & 1) != 0, (form & 2) != 0),
                  machine, context);
              ASSERT_EQ(fault_of(plan), "")
                  << fmt::format("{} lanes, batch {}, {}x{}x{}, form {}", machine.lanes, batch,
                                 rows, depth, columns, form);
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace sinter::codegen
