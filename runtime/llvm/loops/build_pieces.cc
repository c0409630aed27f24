// How the work of a phase is shared: pieces, and partial results of accumulations that pieces cut.
#include <algorithm>
#include <bit>
#include <map>

#include "runtime/cost_model.h"
#include "runtime/limits.h"
#include "runtime/llvm/loops/build.h"

namespace sinter::codegen {
namespace {

int64_t elements(const LoopNest& nest) {
  int64_t count = 1;
  for (int64_t d : nest.dims) count *= d;
  return count;
}

struct Units {
  int64_t bytes = 0, arithmetic = 0;
};

// Bytes moved and arithmetic of one element.
Units units_of_element(const LoopNest& nest) {
  Units each;
  for (const LoopOp& op : nest.ops) {
    if (op.level != Level::kElement) continue;
    if (op.kind == LoopOpKind::kScalar)
      each.arithmetic += scalar_op_cost(op.scalar);
    else if (op.kind == LoopOpKind::kRandom)
      each.arithmetic += op.scale == 16 ? 15 : 30;
    else
      each.bytes += dtype_size(op.dtype);
  }
  return each;
}

// Marks the stores that go past the caches: the result does not stay in the last of them, so
// reading each line before it is written is traffic for nothing. Only where memory is what the
// nest waits for; otherwise the line is fetched while it computes.
void choose_streams(LoopNest& nest) {
  constexpr int64_t kStreamBytes = limit(int64_t{32} << 20, 64);
  constexpr int64_t kMostArithmeticPerByte = 5;
  constexpr int64_t kLine = 64;
  const Units each = units_of_element(nest);
  if (nest.scalar || each.arithmetic > kMostArithmeticPerByte * each.bytes) return;
  for (LoopOp& op : nest.ops) {
    if (op.kind != LoopOpKind::kStore || op.level != Level::kElement) continue;
    const int64_t size = dtype_size(op.dtype);
    auto adjacent = static_cast<size_t>(nest.columns());
    if (nest.turn >= 0 && op.access.strides[adjacent] != 1)
      adjacent = static_cast<size_t>(nest.turn);
    bool even = size >= 4 && op.access.strides[adjacent] == 1 && op.access.offset == 0 &&
                op.access.piece_stride == 0;
    for (size_t d = 0; d < nest.dims.size(); ++d)
      even &= d == adjacent || op.access.strides[d] * size % kLine == 0;
    if (nest.turn >= 0) even &= nest.dims[adjacent] % kTurnTile == 0;
    op.stream = even && elements(nest) * size > kStreamBytes;
  }
}

bool has_op(const LoopNest& nest, LoopOpKind kind) {
  return std::any_of(nest.ops.begin(), nest.ops.end(),
                     [&](const LoopOp& op) { return op.kind == kind; });
}

// Is every row reduction there only to be accumulated? Then columns may be cut.
bool reductions_are_partial(const LoopNest& nest) {
  std::vector<bool> used(nest.ops.size(), false);
  for (const LoopOp& op : nest.ops) {
    for (int o : op.operands)
      used[static_cast<size_t>(o)] =
          used[static_cast<size_t>(o)] || op.kind != LoopOpKind::kAccumulate;
  }
  for (size_t k = 0; k < nest.ops.size(); ++k) {
    if (nest.ops[k].kind == LoopOpKind::kArgReduce ||
        (nest.ops[k].kind == LoopOpKind::kReduce && used[k]))
      return false;
  }
  return true;
}

// A long sum over rows is made in runs, each in a place of its own: at most kRunTerms rows, as many
// as fit from the innermost reduced dimension outwards. Few rows stay one sum, and so do those
// whose totals stay in registers, where they are added in runs too.
void choose_runs(const LoopNest& nest, LoopOp& op) {
  if (!op.in_runs || op.reduce != ReduceKind::kSum || !is_floating(op.dtype)) return;
  int64_t terms = 1;
  for (size_t d = 0; d < static_cast<size_t>(nest.columns()); ++d)
    terms *= op.access.strides[d] == 0 ? nest.dims[d] : 1;
  if (terms <= 2 * kRunTerms) return;
  int64_t left = kRunTerms;
  for (auto d = static_cast<size_t>(nest.columns()); d-- > 0;) {
    if (op.access.strides[d] != 0) continue;
    if (nest.dims[d] > left) op.access.runs.push_back({d, left, 0});
    left = std::max<int64_t>(
        1, nest.dims[d] > left ? 1 : std::bit_floor(static_cast<uint64_t>(left / nest.dims[d])));
  }
}

// Runs of the sum, whose places lie one after the other.
int64_t place_runs(const LoopNest& nest, LoopOp& op, int64_t count) {
  int64_t places = 1;
  for (Run& run : op.access.runs) {
    run.stride = places * count;
    places *= (nest.dims[run.dim] + run.length - 1) / run.length;
  }
  return places;
}

// How many parts pieces may make of dimension `d`.
int64_t parts_along(const LoopNest& nest, int d) {
  const int64_t run = nest.run_along(d);
  return (nest.dims[static_cast<size_t>(d)] + run - 1) / run;
}

// How many pieces dimension `d` of a nest that turns its elements has at most.
int64_t parts_of_turn(const LoopNest& nest, int d) {
  const int64_t extent = nest.dims[static_cast<size_t>(d)];
  return nest.is_turned(d) ? extent / kTurnTile : extent;
}

// Cut outside the squares if that gives enough pieces, then whole rows of the result, then parts of
// rows.
int choose_turned_split(const LoopNest& nest, int64_t wanted) {
  std::vector<int> dims;
  for (int d = 0; d < nest.columns(); ++d) {
    if (d != nest.turn) dims.push_back(d);
  }
  const bool columns_are_adjacent =
      nest.ops[1].access.strides[static_cast<size_t>(nest.columns())] == 1;
  dims.push_back(columns_are_adjacent ? nest.turn : nest.columns());
  dims.push_back(columns_are_adjacent ? nest.columns() : nest.turn);
  int best = dims[0];
  for (int d : dims) {
    if (parts_of_turn(nest, best) < wanted && parts_of_turn(nest, d) > parts_of_turn(nest, best))
      best = d;
  }
  return parts_of_turn(nest, best) > 1 ? best : -1;
}

// The dimension to cut, or -1 when the nest is not worth cutting.
int choose_split(const LoopNest& nest) {
  const int columns = nest.columns();
  const int wanted = worthwhile_pieces(nest_microseconds(nest), 1 << 20);
  if (wanted == 1) return -1;
  if (nest.turn >= 0) return choose_turned_split(nest, wanted);
  const bool may_cut_columns = reductions_are_partial(nest) &&
                               !has_op(nest, LoopOpKind::kAccumulateAt) &&
                               nest.dims[static_cast<size_t>(columns)] >= 64 * wanted;
  int row = -1;
  for (int d = 0; d < columns; ++d) {
    bool free = true;
    for (const LoopOp& op : nest.ops)
      free &=
          op.kind != LoopOpKind::kAccumulateAt || op.access.strides[static_cast<size_t>(d)] != 0;
    if (free &&
        (row < 0 || nest.dims[static_cast<size_t>(d)] > nest.dims[static_cast<size_t>(row)]))
      row = d;
  }
  // Cutting columns saves an accumulation over rows its partial results.
  const bool accumulates_rows =
      row >= 0 && std::any_of(nest.ops.begin(), nest.ops.end(), [&](const LoopOp& op) {
        return op.kind == LoopOpKind::kAccumulate &&
               op.access.strides[static_cast<size_t>(row)] == 0;
      });
  if (may_cut_columns &&
      (row < 0 || accumulates_rows || nest.dims[static_cast<size_t>(row)] < wanted))
    return columns;
  return row >= 0 && nest.dims[static_cast<size_t>(row)] > 1 ? row : -1;
}

int pieces_of(const LoopNest& nest, int split) {
  if (split < 0) return 1;
  if (nest.turn >= 0) return worthwhile_pieces(nest_microseconds(nest), parts_of_turn(nest, split));
  const int64_t extent = nest.dims[static_cast<size_t>(split)];
  if (split != nest.columns())
    return worthwhile_pieces(nest_microseconds(nest), parts_along(nest, split));
  // Whole multiples of 64 columns, none of them empty.
  const int pieces = worthwhile_pieces(nest_microseconds(nest), extent / 64);
  const int64_t each = columns_per_piece(extent, pieces);
  return static_cast<int>((extent + each - 1) / each);
}

// Elements of what an accumulation leaves, and the strides of its row-major layout.
int64_t result_elements(const LoopNest& nest, const LoopOp& op) {
  int64_t count = 1;
  for (size_t d = 0; d < nest.dims.size(); ++d)
    count *= op.access.strides[d] == 0 ? 1 : nest.dims[d];
  return count;
}

// Adds up `copies` partial results, each of `count` elements.
LoopNest sum_nest(const LoopOp& accumulation, int partial, int64_t count, int64_t copies) {
  LoopNest nest;
  nest.dims = {copies, count};
  LoopOp sum;
  sum.kind = LoopOpKind::kAccumulate;
  sum.dtype = accumulation.dtype;
  sum.reduce = accumulation.reduce;
  sum.in_runs = true;
  sum.operands = {
      nest.load(accumulation.dtype, {.buffer = partial, .offset = 0, .strides = {count, 1}})};
  sum.access = {.buffer = accumulation.access.buffer, .offset = 0, .strides = {0, 1}};
  nest.add(std::move(sum));
  nest.finish();
  return nest;
}

LoopNest combine_nest(const LoopOp& accumulation, int partial, int64_t count, int pieces) {
  LoopNest nest;
  nest.dims = {count};
  int total = -1;
  for (int p = 0; p < pieces; ++p) {
    const int value =
        nest.load(accumulation.dtype, {.buffer = partial, .offset = p * count, .strides = {1}});
    total = total < 0 ? value
                      : nest.apply(reduce_scalar_op(accumulation.reduce), accumulation.dtype,
                                   {total, value});
  }
  nest.store(total, {.buffer = accumulation.access.buffer, .offset = 0, .strides = {1}});
  nest.finish();
  return nest;
}

}  // namespace

double nest_microseconds(const LoopNest& nest) {
  const Units each = units_of_element(nest);
  const auto count = static_cast<double>(elements(nest));
  if (nest.turn >= 0) return transpose_microseconds(static_cast<double>(each.bytes) * count);
  return loop_microseconds(static_cast<double>(each.bytes) * count,
                           static_cast<double>(each.arithmetic) * count);
}

void add_phase(std::vector<LoopNest> nests, LoopProgram& program, int scratch_argument) {
  LoopPhase phase;
  for (LoopNest& nest : nests) {
    if (!nest.accumulates_in_registers()) {
      for (LoopOp& op : nest.ops) choose_runs(nest, op);
    }
    nest.split = choose_split(nest);
    choose_streams(nest);
    phase.pieces = std::max(phase.pieces, pieces_of(nest, nest.split));
  }
  std::vector<LoopNest> combine;
  for (LoopNest& nest : nests) {
    if (nest.split >= 0) {
      // Every nest of the phase is cut into as many pieces, or not at all.
      const int64_t extent = nest.dims[static_cast<size_t>(nest.split)];
      const bool columns = nest.split == nest.columns();
      if (nest.turn >= 0 ? parts_of_turn(nest, nest.split) < phase.pieces
          : columns      ? (extent + columns_per_piece(extent, phase.pieces) - 1) /
                              columns_per_piece(extent, phase.pieces) !=
                          phase.pieces
                    : parts_along(nest, nest.split) < phase.pieces)
        nest.split = -1;
    }
    for (LoopOp& op : nest.ops) {
      if (op.kind != LoopOpKind::kAccumulate) continue;
      const bool is_cut = nest.split >= 0 && phase.pieces > 1 &&
                          op.access.strides[static_cast<size_t>(nest.split)] == 0;
      // Pieces part no run, so only sums without runs along the cut dimension meet.
      const bool apart = is_cut && std::ranges::find(op.access.runs, nest.split, [](const Run& r) {
                                     return static_cast<int>(r.dim);
                                   }) == op.access.runs.end();
      if (!apart && op.access.runs.empty()) continue;
      // The layout of the result is row-major and dense, so its elements need no other order in the
      // partial copies.
      const int64_t count = result_elements(nest, op), places = place_runs(nest, op, count);
      const int64_t copies = places * (apart ? phase.pieces : 1);
      const int partial = program.add_scratch(op.dtype, count * copies, scratch_argument);
      combine.push_back(op.access.runs.empty() ? combine_nest(op, partial, count, phase.pieces)
                                               : sum_nest(op, partial, count, copies));
      op.access.buffer = partial;
      if (apart) op.access.piece_stride = count * places;
    }
  }
  phase.nests = std::move(nests);
  program.phases.push_back(std::move(phase));
  if (!combine.empty()) add_phase(std::move(combine), program, scratch_argument);
}

}  // namespace sinter::codegen
