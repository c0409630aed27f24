#include "runtime/llvm/matmul/pair_plan.h"

#include <algorithm>

namespace sinter::codegen {
namespace {

int64_t whole_lines(int64_t words) { return (words + 15) / 16 * 16; }

// Do the terms of each row or column lie side by side?
bool runs_along_depth(const MatmulOperand& operand) {
  return operand.depth.stride() == 1 || operand.depth.extents.empty();
}

bool runs_along_free(const MatmulOperand& operand) { return operand.free.stride() == 1; }

bool is_walkable(const MatmulOperand& operand) {
  const bool single = operand.free.is_single() && operand.depth.is_single();
  return single && (runs_along_free(operand) || runs_along_depth(operand));
}

bool is_even(const DimGroup& group) {
  return std::all_of(group.strides.begin(), group.strides.end(),
                     [](int64_t s) { return s % 2 == 0; });
}

DimGroup halved(DimGroup group) {
  for (int64_t& stride : group.strides) stride /= 2;
  return group;
}

DimGroup dense(int64_t extent, int64_t stride) {
  DimGroup group;
  group.append(extent, stride);
  return group;
}

// The same operand as whole pairs in rows of `stride`, one behind the other.
MatmulOperand in_pairs(const MatmulOperand& operand, bool depth_last, int64_t free, int64_t pairs,
                       int64_t stride) {
  MatmulOperand result;
  result.batch = dense(operand.batch.size(), free * pairs);
  result.free = dense(free, depth_last ? stride : 1);
  result.depth = dense(pairs, depth_last ? 1 : stride);
  return result;
}

}  // namespace

void make_pairs(MatmulPlan& plan, bool pack_rhs) {
  MatmulProblem& p = plan.problem;
  plan.pairs = true;
  p.depth = (p.depth + 1) / 2;
  plan.lhs_source = p.lhs;
  plan.rhs_source = p.rhs;
  if (plan.terms % 2 == 0 && p.lhs.depth.is_single() && p.lhs.depth.stride() == 1 &&
      p.lhs.free.is_single() && is_even(p.lhs.free) && is_even(p.lhs.batch)) {
    p.lhs = {halved(p.lhs.batch), halved(p.lhs.free), dense(p.depth, 1), p.dtype};
  } else {
    plan.pack_lhs = is_walkable(p.lhs);
    plan.gather_lhs = !plan.pack_lhs;
    const bool across = plan.pack_lhs && runs_along_free(p.lhs);
    p.lhs = in_pairs(p.lhs, !across, p.rows, p.depth, across ? p.rows : p.depth);
  }
  plan.gather_rhs = !pack_rhs && !is_walkable(p.rhs);
  const bool joins = p.rows <= kFewRows && p.columns >= plan.machine.lanes;
  if (pack_rhs)
    plan.packing = MatmulPlan::Packing::kPrepared;
  else if (!plan.gather_rhs && !runs_along_free(p.rhs))
    plan.packing = MatmulPlan::Packing::kTranspose;
  else if (!plan.gather_rhs)
    plan.packing = joins ? MatmulPlan::Packing::kJoin : MatmulPlan::Packing::kCopy;
  p.rhs = in_pairs(p.rhs, false, p.columns, p.depth, p.columns);
}

void place_pairs(MatmulPlan& plan) {
  MatmulProblem& p = plan.problem;
  if (plan.pairs && plan.pack_lhs) {
    const bool across = runs_along_free(plan.lhs_source);
    p.lhs = in_pairs(p.lhs, !across, p.rows, p.depth,
                     whole_lines(across ? plan.piece_rows() : plan.chunk_terms()));
    p.lhs.batch = {};
  }
  if (plan.pairs && plan.lanes_along_rows && plan.packing != MatmulPlan::Packing::kInPlace)
    p.rhs = in_pairs(p.rhs, false, p.columns, p.depth, plan.machine.lanes);
}

}  // namespace sinter::codegen
