// The emitter: a thin layer over LLVM's IRBuilder that knows Sinter's dtypes, vector lanes, masks,
// loops and kernel functions.
//
// A scalar is a value of 1 lane and has LLVM's scalar type; other lane counts are vectors. Bools
// are i1 while computed with and one byte (0 or 1) in memory. Nothing here sets fast-math flags:
// reassociation is only where the loop program says so.
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/scalar_expr.h"
#include "runtime/llvm/cpu.h"

namespace sinter::codegen {

using Value = llvm::Value*;
using Values = std::vector<llvm::Value*>;

class Emitter {
 public:
  /// `rounds_for_products`: roundings to bfloat16 may take numbers below 2^-126 for zero.
  Emitter(llvm::Module& module, const Cpu& cpu, bool rounds_for_products = false);

  llvm::IRBuilder<>& ir() { return ir_; }
  llvm::Module& module() { return module_; }
  const Cpu& cpu() const { return cpu_; }

  // --- lines of the plan, for listings (jit/list_code.h): what is made while an OfLine lives
  // belongs to that line. Without carry_lines() nothing is kept.
  void carry_lines();
  /// Instead of a number: the multiplications of a product; the nodes of its region, from here on.
  static constexpr int kProductLine = 1 << 24, kNodeLines = 1 << 25;
  class OfLine {
   public:
    OfLine(Emitter& emitter, int line) : emitter_(emitter), before_(emitter.mark_line(line)) {}
    ~OfLine() { emitter_.mark_line(before_); }
    OfLine(const OfLine&) = delete;

   private:
    Emitter& emitter_;
    int before_;
  };

  // --- functions
  /// Starts `void name(i64 piece, ptr buffers)` with the attributes of this CPU; piece() and
  /// buffer() refer to it.
  void begin_kernel(const std::string& name);
  /// Starts `void name(ptr buffers, ptr prepared)`.
  void begin_prepare(const std::string& name);
  /// The same as begin_kernel(), for this module alone: kernels call it by call_part().
  llvm::Function* begin_part(const std::string& name);
  /// In a kernel: the work of a part, with the kernel's own piece and buffers.
  void call_part(llvm::Function* part) { ir_.CreateCall(part, {piece_, buffers_}); }
  /// Ends the function that was started.
  void end_function();
  Value piece() const { return piece_; }
  Value prepared() const { return prepared_; }
  /// Buffer `index` of Kernel::run, loaded once at the start of the function.
  Value buffer(int index);
  /// A helper function of this module with internal linkage and this CPU's attributes, made on
  /// first use by `fill`, which must emit the whole body with ir() placed in its entry block.
  llvm::Function* helper(const std::string& name, llvm::FunctionType* type,
                         const std::function<void(llvm::Function*)>& fill);

  // --- types and constants
  llvm::Type* storage_type(DType dtype);         // bool is i8
  llvm::Type* type(DType dtype, int lanes = 1);  // bool is i1
  Value i64(int64_t value) { return ir_.getInt64(static_cast<uint64_t>(value)); }
  Value i32(int64_t value) { return ir_.getInt32(static_cast<uint32_t>(value)); }
  Value number(DType dtype, Number value, int lanes = 1);
  Value f32(double value, int lanes) { return number(DType::kFloat32, value, lanes); }
  static int lanes_of(Value value);
  Value splat(Value scalar, int lanes) {
    return lanes == 1 ? scalar : ir_.CreateVectorSplat(static_cast<unsigned>(lanes), scalar);
  }
  /// <0, 1, 2, ...> of i64 or i32.
  Value lane_numbers(llvm::Type* element, int lanes);

  // --- memory; `offset` counts elements (i64). `mask` (lanes x i1) may be null: all lanes.
  // Masked-off lanes load as zero.
  Value element(Value pointer, DType dtype, Value offset);
  /// Room for so many values, made once a call of the function.
  Value on_stack(llvm::Type* type, int64_t count);
  Value load(DType dtype, Value pointer, Value offset, int lanes = 1, Value mask = nullptr);
  void store(DType dtype, Value value, Value pointer, Value offset, Value mask = nullptr);
  /// A whole vector at an address that is a multiple of its size, past the caches; fence() before
  /// another thread may read it.
  void stream(DType dtype, Value value, Value pointer, Value offset);
  void fence();
  /// The same at element offsets given a lane (lanes x i64), or with a constant distance between
  /// lanes.
  Value load_lanes(DType dtype, Value pointer, Value offsets, int lanes, Value mask = nullptr);
  void store_lanes(DType dtype, Value value, Value pointer, Value offsets, Value mask = nullptr);
  /// Lanes below `count` (i64; may be above `lanes`).
  Value mask_below(Value count, int lanes);

  // --- control flow
  /// for (i = begin; i < end; i += step) body(i)
  void loop(Value begin, Value end, int64_t step, const std::function<void(Value index)>& body);
  /// The same with values carried from one round to the next; returns their last values.
  Values loop(Value begin, Value end, int64_t step, std::span<const Value> start,
              const std::function<Values(Value index, std::span<const Value> carried)>& body);
  void when(Value condition, const std::function<void()>& then);

  // --- arithmetic
  /// a * b + c: fused where the CPU does it in one instruction, otherwise rounded twice.
  Value fma(Value a, Value b, Value c);
  Value intrinsic(llvm::Intrinsic::ID id, std::initializer_list<Value> operands);
  /// One scalar op on operands of dtype `operand` (that of the second for select); the result is of
  /// dtype `result`.
  Value scalar_op(ScalarOp op, DType result, DType operand, std::span<const Value> operands);
  /// The results of a scalar expression; arguments of 1 lane are splat where needed.
  Values expression(const ScalarExpr& expr, std::span<const Value> arguments, int lanes);
  Value cast(Value value, DType from, DType to);
  Value widen_bfloat16(Value bits);
  Value round_to_bfloat16(Value value);
  Value widen_float16(Value half);
  Value round_to_float16(Value value);
  /// max and min that give NaN when either side is NaN.
  Value maximum(DType dtype, Value a, Value b);
  Value minimum(DType dtype, Value a, Value b);
  /// One lane of a vector. Lanes of floats are taken by this alone (see kept_a_vector).
  Value lane(Value vector, int index);
  /// Combines all lanes pairwise (halving), an order that depends on the lane count alone.
  Value combine_lanes(Value vector, const std::function<Value(Value, Value)>& combine);

 private:
  int mark_line(int line);  // returns the line in force before; 0: none
  void set_attributes(llvm::Function& function);
  Value kept_a_vector(Value value);
  llvm::Function* begin(const std::string& name, llvm::ArrayRef<llvm::Type*> parameters);

  llvm::Module& module_;
  const Cpu& cpu_;
  const bool rounds_for_products_;
  llvm::IRBuilder<> ir_;
  llvm::DISubprogram* lines_ = nullptr;  // whose scope lines are in, where they are kept
  int line_ = 0;
  llvm::Function* function_ = nullptr;
  Value piece_ = nullptr, buffers_ = nullptr, prepared_ = nullptr;
  std::vector<Value> loaded_buffers_;
};

}  // namespace sinter::codegen
