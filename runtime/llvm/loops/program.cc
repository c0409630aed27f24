#include "runtime/llvm/loops/program.h"
#include "runtime/limits.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace sinter::codegen {

Number reduce_identity(ReduceKind kind, DType dtype) {
  switch (kind) {
    case ReduceKind::kSum: return is_floating(dtype) ? Number(-0.0) : Number(0);  // 0 + -0 is 0
    case ReduceKind::kProd: return require_element(dtype, 1);
    case ReduceKind::kMax: return lowest_element(dtype);
    case ReduceKind::kMin: return highest_element(dtype);
  }
  return {};
}

ScalarOp reduce_scalar_op(ReduceKind kind) {
  constexpr ScalarOp ops[] = {ScalarOp::kAdd, ScalarOp::kMul, ScalarOp::kMax, ScalarOp::kMin};
  return ops[static_cast<size_t>(kind)];
}

int LoopNest::load(DType dtype, Access access) {
  LoopOp op;
  op.kind = LoopOpKind::kLoad;
  op.dtype = dtype;
  op.access = std::move(access);
  // One load a place.
  for (size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].kind == LoopOpKind::kLoad && ops[i].access == op.access) return static_cast<int>(i);
  }
  return add(std::move(op));
}

int LoopNest::number(DType dtype, Number value) {
  LoopOp op;
  op.dtype = dtype;
  op.constant = value;
  return add(std::move(op));
}

int LoopNest::apply(ScalarOp scalar, DType dtype, std::vector<int> operands) {
  LoopOp op;
  op.scalar = scalar;
  op.dtype = dtype;
  op.operands = std::move(operands);
  return add(std::move(op));
}

void LoopNest::store(int value, Access access) {
  LoopOp op;
  op.kind = LoopOpKind::kStore;
  op.dtype = ops[static_cast<size_t>(value)].dtype;
  op.operands = {value};
  op.access = std::move(access);
  add(std::move(op));
}

void LoopNest::finish() {
  collapse();
  find_levels();
  find_turn();
}

void LoopNest::collapse() {
  const auto erase = [&](size_t d) {
    dims.erase(dims.begin() + static_cast<int64_t>(d));
    for (LoopOp& op : ops) {
      if (!op.access.strides.empty())
        op.access.strides.erase(op.access.strides.begin() + static_cast<int64_t>(d));
      if (op.kind == LoopOpKind::kIndex && op.dim > static_cast<int>(d)) --op.dim;
    }
  };
  // Dimension d as a part of d - 1: every access must walk the two as one.
  const auto walks_as_one = [&](size_t d) {
    return std::all_of(ops.begin(), ops.end(), [&](const LoopOp& op) {
      if (op.kind == LoopOpKind::kIndex)
        return op.dim != static_cast<int>(d) && op.dim != static_cast<int>(d) - 1;
      return op.access.strides.empty() ||
             op.access.strides[d - 1] == op.access.strides[d] * dims[d];
    });
  };
  for (size_t d = dims.size() - 1; d-- > 0;) {
    if (dims[d] == 1 && std::none_of(ops.begin(), ops.end(), [&](const LoopOp& op) {
          return op.kind == LoopOpKind::kIndex && op.dim == static_cast<int>(d);
        }))
      erase(d);
  }
  for (size_t d = dims.size(); d-- > 1;) {
    if (!walks_as_one(d)) continue;
    for (LoopOp& op : ops) {
      if (!op.access.strides.empty()) op.access.strides[d - 1] = op.access.strides[d];
    }
    dims[d - 1] *= dims[d];
    erase(d);
  }
  for (LoopOp& op : ops) {
    for (size_t d = 0; d < op.access.strides.size(); ++d) {
      if (dims[d] == 1) op.access.strides[d] = 0;
    }
  }
}

void LoopNest::find_levels() {
  const auto c = static_cast<size_t>(columns());
  for (LoopOp& op : ops) {
    Level level = Level::kUniform;
    int pass = 0;
    for (int o : op.operands) {
      const LoopOp& operand = ops[static_cast<size_t>(o)];
      level = std::max(level, operand.level);
      pass = std::max(pass, operand.pass);
    }
    if (op.kind == LoopOpKind::kReduce || op.kind == LoopOpKind::kArgReduce) {
      level = Level::kRow;
      ++pass;
    } else if (op.kind == LoopOpKind::kIndex) {
      level = static_cast<size_t>(op.dim) == c ? Level::kElement : Level::kRow;
    } else if (!op.access.strides.empty()) {
      if (op.access.strides[c] != 0) level = Level::kElement;
      for (size_t d = 0; d < c; ++d) {
        if (op.access.strides[d] != 0) level = std::max(level, Level::kRow);
      }
      if (op.kind == LoopOpKind::kStore || op.kind == LoopOpKind::kAccumulate ||
          op.kind == LoopOpKind::kAccumulateAt)
        level = std::max(level, Level::kRow);
    }
    op.level = level;
    op.pass = pass;
  }
}

void LoopNest::find_turn() {
  turn = -1;
  if (scalar || ops.size() != 2 || ops[0].kind != LoopOpKind::kLoad ||
      ops[1].kind != LoopOpKind::kStore || ops[0].dtype != ops[1].dtype)
    return;
  const auto c = static_cast<size_t>(columns());
  const std::vector<int64_t>&from = ops[0].access.strides, &to = ops[1].access.strides;
  if ((from[c] == 1) == (to[c] == 1)) return;
  const std::vector<int64_t>& other = from[c] == 1 ? to : from;
  for (size_t d = 0; d < c; ++d) {
    if (other[d] == 1) turn = static_cast<int>(d);
  }
}

int LoopNest::passes() const {
  int last = 0;
  for (const LoopOp& op : ops) last = std::max(last, op.pass);
  return last + 1;
}

bool LoopNest::accumulates_in_registers() const {
  // Beyond the second cache the rows are better read as they lie, unless one block has them whole.
  constexpr int64_t kMostElements = limit(int64_t{1} << 18, 64), kWholeRow = 16;
  const auto c = static_cast<size_t>(columns());
  if (scalar || turn >= 0 || c == 0 || passes() > 1) return false;
  int64_t elements = 1;
  for (int64_t d : dims) elements *= d;
  if (elements > kMostElements && dims[c] > kWholeRow) return false;
  bool any = false;
  for (const LoopOp& op : ops) {
    if (op.kind == LoopOpKind::kRandom || op.kind == LoopOpKind::kStore ||
        op.kind == LoopOpKind::kAccumulateAt)
      return false;
    if (op.kind != LoopOpKind::kAccumulate) continue;
    if (op.access.strides[c] != 1) return false;
    for (size_t d = 0; d < c; ++d) {
      if (op.access.strides[d] != 0) return false;
    }
    any = true;
  }
  return any;
}

int64_t LoopNest::run_along(int dim) const {
  int64_t longest = 1;
  for (const LoopOp& op : ops) {
    for (const Run& run : op.access.runs) {
      if (run.dim == static_cast<size_t>(dim)) longest = std::max(longest, run.length);
    }
  }
  return longest;
}

namespace {

std::string access_text(const Access& a) {
  std::string index;
  const auto term = [&](int64_t factor, const std::string& what) {
    if (factor == 0) return;
    if (!index.empty()) index += " + ";
    index += factor == 1 ? what : fmt::format("{} * {}", factor, what);
  };
  for (size_t d = 0; d < a.strides.size(); ++d) term(a.strides[d], fmt::format("i{}", d));
  for (const Run& run : a.runs) term(run.stride, fmt::format("(i{} / {})", run.dim, run.length));
  term(a.piece_stride, "piece");
  if (a.offset != 0 || index.empty())
    index += fmt::format("{}{}", index.empty() ? "" : " + ", a.offset);
  return fmt::format("b{}[{}]", a.buffer, index);
}

std::string op_text(const LoopOp& op) {
  const auto operand = [&](size_t n) { return fmt::format("%{}", op.operands[n]); };
  switch (op.kind) {
    case LoopOpKind::kLoad: return "load " + access_text(op.access);
    case LoopOpKind::kLoadAt:
      return fmt::format("load {} at {} of {} * {}", access_text(op.access), operand(0), op.limit,
                         op.scale);
    case LoopOpKind::kScalar: {
      if (op.scalar == ScalarOp::kConstant)
        return fmt::format("{}:{}", op.constant.to_string(), dtype_name(op.dtype));
      std::vector<std::string> names;
      for (size_t i = 0; i < op.operands.size(); ++i) names.push_back(operand(i));
      const std::string type =
          op.scalar == ScalarOp::kCast ? fmt::format(" to {}", dtype_name(op.dtype)) : "";
      return fmt::format("{}({}){}", scalar_op_name(op.scalar), fmt::join(names, ", "), type);
    }
    case LoopOpKind::kIndex: return fmt::format("i{} as {}", op.dim, dtype_name(op.dtype));
    case LoopOpKind::kRandom:
      return fmt::format("random {}{} of {}, stream {}", dtype_name(op.dtype),
                         op.scale == 16 ? " below 2^16" : "", access_text(op.access), op.limit);
    case LoopOpKind::kReduce:
      return fmt::format("row_{} {}", reduce_kind_name(op.reduce), operand(0));
    case LoopOpKind::kArgReduce:
      return fmt::format("row_arg{} {}", reduce_kind_name(op.reduce), operand(0));
    case LoopOpKind::kStore:
      return fmt::format("{} {} {}", access_text(op.access), op.stream ? "= stream" : "=",
                         operand(0));
    case LoopOpKind::kAccumulate:
      return fmt::format("{} {}= {}", access_text(op.access), reduce_kind_name(op.reduce),
                         operand(0));
    case LoopOpKind::kAccumulateAt:
      return fmt::format("{} at {} of {} * {} += {}", access_text(op.access), operand(0), op.limit,
                         op.scale, operand(1));
  }
  return "";
}

bool has_result(const LoopOp& op) {
  return op.kind != LoopOpKind::kStore && op.kind != LoopOpKind::kAccumulate &&
         op.kind != LoopOpKind::kAccumulateAt;
}

}  // namespace

std::string LoopNest::to_string(int pieces) const {
  std::vector<std::string> sizes;
  for (size_t d = 0; d < dims.size(); ++d) {
    sizes.push_back(
        fmt::format("{}{}", dims[d], static_cast<int>(d) == split && pieces > 1 ? "/pieces" : ""));
  }
  std::string text =
      fmt::format("  for [{}]{}{}\n", fmt::join(sizes, ", "), scalar ? " in order" : "",
                  turn >= 0 ? fmt::format(" turned with i{}", turn) : "");
  constexpr std::string_view levels[] = {"once", "row", "each"};
  for (size_t i = 0; i < ops.size(); ++i) {
    const std::string result = has_result(ops[i]) ? fmt::format("%{} = ", i) : "";
    text += fmt::format("    {:4} {} {}{}\n", levels[static_cast<size_t>(ops[i].level)],
                        ops[i].pass, result, op_text(ops[i]));
  }
  return text;
}

std::string LoopProgram::to_string() const {
  std::string text;
  for (size_t b = 0; b < buffers.size(); ++b) {
    const std::string offset =
        buffers[b].byte_offset == 0 ? "" : fmt::format(" + {}", buffers[b].byte_offset);
    text += fmt::format("b{}: {} argument {}{}\n", b, dtype_name(buffers[b].dtype),
                        buffers[b].argument, offset);
  }
  for (const LoopPhase& phase : phases) {
    text += fmt::format("phase of {} piece{}\n", phase.pieces, phase.pieces == 1 ? "" : "s");
    for (const LoopNest& nest : phase.nests) text += nest.to_string(phase.pieces);
  }
  return text;
}

int LoopProgram::line_of(const LoopNest& nest) const {
  size_t line = 1 + buffers.size();
  for (const LoopPhase& phase : phases) {
    ++line;
    for (const LoopNest& other : phase.nests) {
      if (&other == &nest) return static_cast<int>(line);
      line += 1 + other.ops.size();
    }
  }
  return 0;
}

int LoopProgram::add_buffer(LoopBuffer buffer) {
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i] == buffer) return static_cast<int>(i);
  }
  buffers.push_back(buffer);
  return static_cast<int>(buffers.size()) - 1;
}

int LoopProgram::add_scratch(DType dtype, int64_t elements, int argument) {
  const int64_t offset = scratch_bytes;
  scratch_bytes += (elements * dtype_size(dtype) + 63) / 64 * 64;
  buffers.push_back({dtype, argument, offset});
  return static_cast<int>(buffers.size()) - 1;
}

void LoopProgram::merge_phases() {
  std::vector<LoopPhase> merged;
  for (LoopPhase& phase : phases) {
    if (!merged.empty() && merged.back().pieces == 1 && phase.pieces == 1) {
      for (LoopNest& nest : phase.nests) merged.back().nests.push_back(std::move(nest));
    } else {
      merged.push_back(std::move(phase));
    }
  }
  phases = std::move(merged);
}

int64_t columns_per_piece(int64_t columns, int pieces) {
  const int64_t even = (columns + pieces - 1) / pieces;
  return (even + 63) / 64 * 64;
}

}  // namespace sinter::codegen
