// Emits one loop nest, from the outside in: what is uniform, the row loops, what a row needs, then
// the columns in vector chunks, once a pass. Values are made where they are first asked for and
// remembered for as long as they stay true: a piece, a row, a chunk.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "runtime/llvm/emit/emitter.h"
#include "runtime/llvm/emit/random.h"
#include "runtime/llvm/loops/program.h"

namespace sinter::codegen {

class NestEmitter {
 public:
  /// `line`: of the nest in the text of the program.
  NestEmitter(Emitter& e, const LoopProgram& program, const LoopNest& nest, int pieces, int line)
      : e_(e),
        ir_(e.ir()),
        program_(program),
        nest_(nest),
        pieces_(pieces),
        line_(line),
        columns_(static_cast<size_t>(nest.columns())) {}

  void emit();

 private:
  using RandomParts = std::map<std::pair<size_t, int>, Values>;
  struct Chunk {
    Value column = nullptr;  // of the first lane
    Value mask = nullptr;    // null: all lanes
    int group_part = -1;     // which vector of a group of random elements this is, or -1
    std::vector<Value> values;
    // What Philox made for the group so far, by op and part; null where elements are not walked in
    // groups.
    RandomParts* parts = nullptr;
  };

  using AddTerms = std::function<Values(Value index, std::span<const Value> totals)>;
  using AddTotals = std::function<void(Values& totals, std::span<const Value> others)>;

  // --- choices
  int choose_lanes() const;
  void choose_range();
  void find_needed();
  // May stores go past the caches? Null when none should.
  Value may_stream();
  static bool is_sink(const LoopOp& op) {
    return op.kind == LoopOpKind::kStore || op.kind == LoopOpKind::kAccumulate ||
           op.kind == LoopOpKind::kAccumulateAt;
  }
  static bool is_reduction(const LoopOp& op) {
    return op.kind == LoopOpKind::kReduce || op.kind == LoopOpKind::kArgReduce;
  }
  // While it lives, what is emitted is of op `k`.
  Emitter::OfLine of_op(size_t k) const { return {e_, line_ + 1 + static_cast<int>(k)}; }
  const LoopOp& op(int k) const { return nest_.ops[static_cast<size_t>(k)]; }

  // --- addresses
  Value buffer(const Access& a);
  // The part of an element number that rows and piece decide.
  Value row_offset(const Access& a);
  Value lane_columns(const Chunk& chunk) {
    return ir_.CreateAdd(e_.splat(chunk.column, lanes_), e_.lane_numbers(ir_.getInt64Ty(), lanes_));
  }
  Value lane_offsets(const Chunk& chunk, size_t k);

  // A loop of at most `steps` steps that adds terms to `totals`: what `run` steps have added up
  // from `none` counts as one term, and so on.
  Values in_runs(Value begin, Value end, int64_t step, int64_t steps, int64_t run,
                 std::span<const Value> none, std::span<const Value> totals, const AddTerms& add,
                 const AddTotals& combine);

  // --- rows (loops/emit_nest.cc)
  void emit_rows(size_t d);
  void emit_row();
  // Addresses and values of the row; compute_row: those first known in a pass.
  void begin_row();
  void compute_row(int pass);
  void row_sink(size_t k);
  // A value of one lane: uniform or of the row.
  Value scalar_value(size_t k);
  Value scalar_operand(const LoopOp& o, size_t n);
  // Is this the first row of the piece that reaches the place accumulated into? Null when every row
  // has its own place.
  Value is_first(const LoopOp& o);

  // --- rows added up by columns (loops/emit_accumulate.cc)
  void emit_accumulations();
  // All rows of the vectors that begin at `column`.
  void accumulate_block(Value column, int64_t vectors, Value mask);
  Values accumulate_rows(size_t d, std::span<const Value> at, Value mask,
                         std::span<const Value> totals);

  // --- turning (loops/emit_turn.cc)
  void emit_turned();

  // --- arithmetic
  Value apply(const LoopOp& o, std::span<const Value> operands);
  Value constant(const LoopOp& o, int lanes);
  Value identity(ReduceKind kind, DType dtype, int lanes);
  Value combine(ReduceKind kind, DType dtype, Value a, Value b) {
    return e_.scalar_op(reduce_scalar_op(kind), dtype, dtype, std::vector<Value>{a, b});
  }
  // An index clamped to 0 .. limit - 1, as i64.
  Value clamped(Value index, DType dtype, int64_t limit);

  // --- columns (loops/emit_columns.cc)
  int64_t element_ops() const;
  // Where the last whole block of that many columns ends.
  Value whole_columns(int64_t block);
  // Short rows are written out, and values live from one pass to the next.
  bool is_unrolled() const;
  bool has_random(std::span<const size_t> roots) const;
  // Does every row begin where a group of 64 elements does, or a block of 16-bit numbers?
  bool is_aligned(const LoopOp& o) const;
  // Elements that random ops make at once, or 0 where each vector is made for itself.
  int64_t random_group(std::span<const size_t> roots);
  void emit_pass(const std::vector<size_t>& reductions, const std::vector<size_t>& sinks,
                 bool unrolled);
  // Computes everything the sinks need before any of them stores, because a result may share the
  // memory of an input.
  Values emit_chunk(Chunk& chunk, std::span<const size_t> reductions, std::span<const size_t> sinks,
                    std::span<const Value> carried);
  void element_sink(Chunk& chunk, size_t k);
  Value element_value(Chunk& chunk, size_t k);
  size_t element_operands(const LoopOp& o) const;
  bool is_row_at_index(const LoopOp& o) const;
  Value compute(Chunk& chunk, size_t k);
  Value load(const Chunk& chunk, size_t k);
  Value random(Chunk& chunk, size_t k);
  Value random_bits16(Chunk& chunk, size_t k);
  Value random_elements(size_t k, Value elements);

  // --- reductions: one running value (sum, ...), or value and column (arg)
  // (loops/emit_reductions.cc)
  void start_reduction(size_t k, Values& start);
  void combine_totals(std::span<const size_t> reductions, Values& total,
                      std::span<const Value> other);
  void finish_reductions(std::span<const size_t> reductions, std::span<const Value> totals);
  // Does candidate (value, column) beat the best so far? NaN counts as the extreme; a column of -1
  // is none.
  Value beats(const LoopOp& o, Value best, Value best_column, Value value);
  // The better of two; of equals the one with the lower column.
  void merge_best(const LoopOp& o, Value& best, Value& best_column, Value value, Value column);

  Emitter& e_;
  llvm::IRBuilder<>& ir_;
  const LoopProgram& program_;
  const LoopNest& nest_;
  int pieces_, line_;
  size_t columns_;
  int lanes_ = 1;
  bool streaming_ = false;
  std::vector<bool> needed_;
  Values begin_, end_, index_;
  Values outer_, row_;  // values of one lane: uniform, and of the current row
  Values row_offsets_;
  std::map<size_t, PhiloxKey> keys_;
  std::vector<Chunk> chunks_;  // of an unrolled row
  RandomParts row_parts_;      // of an unrolled row
  int bits16_vectors_ = 1;     // that are made at once
  std::vector<size_t> sinks_;  // that add rows up
};

}  // namespace sinter::codegen
