// Prints the loops of a matmul as they are generated, for dumps and golden tests; the text also
// tells kernels apart.
#include <fmt/format.h>

#include "core/text.h"
#include "runtime/llvm/matmul/kernel.h"
#include "runtime/llvm/matmul/runs.h"
#include "runtime/llvm/matmul/sums.h"

namespace sinter::codegen {
namespace {

std::string group_text(const DimGroup& group) {
  if (group.extents.empty()) return "0";
  std::string text;
  for (size_t i = 0; i < group.extents.size(); ++i) {
    text += fmt::format("{}{}*{}", i == 0 ? "" : "+", group.extents[i], group.strides[i]);
  }
  return text;
}

// Extent and stride of each index: "lhs %0: batch 8*512, row 16*32, k 32*1".
std::string operand_text(const char* name, int32_t input, const char* free, const MatmulOperand& o,
                         bool has_batch, const char* how) {
  std::string text = fmt::format("  {} %{}:", name, input);
  if (has_batch) text += fmt::format(" batch {},", group_text(o.batch));
  const std::string from = o.offset == 0 ? "" : fmt::format(" from {}", o.offset);
  return text + fmt::format(" {} {}, k {}{}{}\n", free, group_text(o.free), group_text(o.depth),
                            from, how);
}

std::string parts(const EvenSplit& split, const char* unit) {
  if (split.largest() == split.smallest())
    return fmt::format("{} of {} {}", split.count, split.largest(), unit);
  return fmt::format("{} of {}, {} of {} {}", split.large_parts(), split.largest(),
                     split.count - split.large_parts(), split.smallest(), unit);
}

const char* packing_text(const MatmulPlan& plan) {
  switch (plan.packing) {
    case MatmulPlan::Packing::kInPlace: return "";
    case MatmulPlan::Packing::kCopy:
      return plan.pairs ? ", each panel paired" : ", each panel copied";
    case MatmulPlan::Packing::kJoin: return ", paired in registers";
    case MatmulPlan::Packing::kAhead:
      return plan.transposes() ? ", all panels transposed first" : ", all panels copied first";
    case MatmulPlan::Packing::kTranspose: return ", each panel transposed";
    case MatmulPlan::Packing::kPrepared: return ", panels packed ahead";
  }
  return "";
}

std::string epilogue_text(const MatmulRegion& region, const MatmulPlan& plan) {
  if (region.whole_rows)
    return plan.lanes_along_rows ? "epilogue on whole rows, a vector of them at a time"
                                 : "epilogue on whole rows, one at a time";
  return fmt::format("epilogue in {}{}",
                     region.in_registers() ? "registers" : "a loop over the tile",
                     plan.lanes_along_rows ? ", turned back by rows" : "");
}

}  // namespace

std::string matmul_description(const MatmulPlan& plan) {
  const MatmulProblem& p = plan.problem;
  std::string text = "matmul ";
  if (p.batch > 1) text += fmt::format("{} x ", p.batch);
  const char* pairs = plan.pairs ? " in pairs" : "";
  text += fmt::format("{}x{}x{}{}, ", p.rows, plan.terms, p.columns, pairs);
  if (plan.lanes_along_rows)
    text += fmt::format("tiles of {}x{}, lanes along rows",
                        plan.row_tiles.largest() * plan.machine.lanes, p.columns);
  else
    text += fmt::format("tiles of {}x{}", plan.row_tiles.largest(), plan.panel_columns());
  text += packing_text(plan);
  return text + fmt::format(", {} piece{}", plan.pieces(), plan.pieces() == 1 ? "" : "s");
}

std::string matmul_text(const MatmulRegion& region, const MatmulPlan& plan) {
  const MatmulProblem& p = plan.problem;
  const MatmulProblem original = region.problem();
  const auto how = [&](bool gathers, const char* otherwise) {
    return gathers ? ", gathered to scratch" : otherwise;
  };
  std::string text = fmt::format("matmul {} rows {}, columns {}, depth {}{} {{\n",
                                 dtype_name(original.lhs.dtype), p.rows, p.columns, plan.terms,
                                 plan.pairs ? fmt::format(" = {} pairs", p.depth) : "");
  text += operand_text("lhs", region.lhs, "row", original.lhs, p.batch > 1,
                       how(plan.gather_lhs, !plan.pack_lhs     ? ""
                                            : plan.pairs       ? ", rows of a piece paired"
                                            : plan.left_panels ? ", rows of a piece packed by tiles"
                                                               : ", rows of a piece copied"));
  text += operand_text("rhs", region.rhs, "column", original.rhs, p.batch > 1,
                       how(plan.gather_rhs, packing_text(plan)));
  if (original.rhs.dtype != original.lhs.dtype) {
    text.insert(text.size() - 1, fmt::format(", rounded from {}", dtype_name(original.rhs.dtype)));
  }
  text += fmt::format("  pieces {}: {} of batch x {} of rows x {} of columns, {} first\n",
                      plan.pieces(), plan.batch_pieces, plan.row_pieces, plan.column_pieces,
                      plan.columns_first ? "columns" : "rows");
  std::string indent = "  ";
  const auto open = [&](const std::string& line) {
    text += indent + line + " {\n";
    indent += "  ";
  };
  if (p.batch > 1) open(fmt::format("for batch in {}", p.batch));
  if (plan.depth_chunks.count > 1)
    open(fmt::format(
        "for chunk in {}",
        parts(plan.depth_chunks,
              fmt::format("times {} {}", plan.unroll, plan.pairs ? "pairs" : "terms").c_str())));
  const auto vectors_of = [&](const char* what) {
    return fmt::format("vectors of {} {}", plan.machine.lanes, what);
  };
  if (plan.lanes_along_rows) {
    open(fmt::format("for tile in {}{}", parts(plan.row_tiles, vectors_of("rows").c_str()),
                     plan.turns_rows() ? ", turned in registers" : ""));
  } else {
    const std::string panels =
        fmt::format("for panel in {}", parts(plan.vectors, vectors_of("columns").c_str()));
    const std::string tiles = fmt::format("for tile in {}", parts(plan.row_tiles, "rows"));
    open(plan.rows_outer ? tiles : panels);
    open(plan.rows_outer ? panels : tiles);
  }
  open(fmt::format("for k by {}{}{}", plan.unroll, plan.pairs ? " pairs" : "",
                   plan.sums > 1 ? fmt::format(" into {} sums", plan.sums) : ""));
  if (plan.prefetch.rows > 0) {
    text +=
        indent + fmt::format("ask for {} rows of the next panel, {} bytes a step, {} steps a row\n",
                             plan.prefetch.rows, plan.prefetch.step_bytes, plan.prefetch.steps);
  }
  if (plan.operands.rows > 0) {
    text +=
        indent + fmt::format("ask for {} rows of the operands, {} bytes a step, {} steps a row\n",
                             plan.operands.rows, plan.operands.step_bytes, plan.operands.steps);
  }
  if (plan.left_ahead > 0)
    text += indent + fmt::format("ask for lhs[row, k + {}]\n", plan.left_ahead);
  const char* of_pairs =
      "acc[row, column] += lhs[row, k] * rhs[k, column] + lhs[row, k + 1] * rhs[k + 1, column]\n";
  text += indent + (plan.pairs ? of_pairs : "acc[row, column] += lhs[row, k] * rhs[k, column]\n");
  indent.resize(indent.size() - 2);
  text += indent + "}\n";
  if (const MatmulRuns runs = matmul_runs(plan); runs.terms > 0)
    text += indent +
            fmt::format("acc in runs of {} terms, totals {}\n", runs.terms, dtype_name(runs.dtype));
  else if (runs.chunks > 1 || (runs.has_totals() && runs.dtype != p.dtype))
    text += indent + fmt::format("acc in runs of {} chunk{}, totals {}\n", runs.chunks,
                                 runs.chunks == 1 ? "" : "s", dtype_name(runs.dtype));
  text += indent + epilogue_text(region, plan) + "\n";
  if (const MatmulSums sums = matmul_sums(plan, region); region.sum_count() > 0 && sums.levels > 1)
    text += indent + fmt::format("sums in runs of {} rows, {} levels\n", sums.run, sums.levels);
  while (indent.size() > 2) {
    indent.resize(indent.size() - 2);
    text += indent + "}\n";
  }
  text += to_text(*region.body, {.origins = false});
  return text + "}\n";
}

}  // namespace sinter::codegen
