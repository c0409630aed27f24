#include "runtime/llvm/emit/emitter.h"

#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/Verifier.h>

#include "core/error.h"

namespace sinter::codegen {

using llvm::Constant;
using llvm::FixedVectorType;

Emitter::Emitter(llvm::Module& module, const Cpu& cpu, bool rounds_for_products)
    : module_(module),
      cpu_(cpu),
      rounds_for_products_(rounds_for_products),
      ir_(module.getContext()) {}

void Emitter::carry_lines() {
  llvm::DIBuilder debug(module_);
  llvm::DIFile* file = debug.createFile("plan", "");
  debug.createCompileUnit(llvm::dwarf::DW_LANG_C, file, "sinter", true, "", 0);
  lines_ = debug.createFunction(file, "plan", "plan", file, 1,
                                debug.createSubroutineType(debug.getOrCreateTypeArray({})), 1,
                                llvm::DINode::FlagZero, llvm::DISubprogram::SPFlagDefinition);
  debug.finalize();
}

int Emitter::mark_line(int line) {
  const int before = line_;
  line_ = line;
  if (lines_ == nullptr) return before;
  llvm::DebugLoc at;
  if (line > 0)
    at = llvm::DILocation::get(module_.getContext(), static_cast<unsigned>(line), 0, lines_);
  ir_.SetCurrentDebugLocation(at);
  return before;
}

void Emitter::set_attributes(llvm::Function& function) {
  function.addFnAttr("target-cpu", cpu_.name);
  if (!cpu_.features.empty()) function.addFnAttr("target-features", cpu_.features);
  const std::string bits = std::to_string(cpu_.vector_bytes * 8);
  function.addFnAttr("prefer-vector-width", bits);
  function.addFnAttr("min-legal-vector-width", bits);
  function.addFnAttr(llvm::Attribute::NoUnwind);
}

llvm::Function* Emitter::begin(const std::string& name, llvm::ArrayRef<llvm::Type*> parameters) {
  SINTER_CHECK(function_ == nullptr, name);
  auto* type = llvm::FunctionType::get(ir_.getVoidTy(), parameters, false);
  function_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, name, module_);
  set_attributes(*function_);
  ir_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "entry", function_));
  return function_;
}

void Emitter::begin_kernel(const std::string& name) {
  llvm::Function* f = begin(name, {ir_.getInt64Ty(), ir_.getPtrTy()});
  piece_ = f->getArg(0);
  buffers_ = f->getArg(1);
}

llvm::Function* Emitter::begin_part(const std::string& name) {
  begin_kernel(name);
  llvm::Function* part = function_;
  part->setLinkage(llvm::Function::InternalLinkage);
  return part;
}

void Emitter::begin_prepare(const std::string& name) {
  llvm::Function* f = begin(name, {ir_.getPtrTy(), ir_.getPtrTy()});
  buffers_ = f->getArg(0);
  prepared_ = f->getArg(1);
}

void Emitter::end_function() {
  ir_.CreateRetVoid();
  function_ = nullptr;
  piece_ = buffers_ = prepared_ = nullptr;
  loaded_buffers_.clear();
}

Value Emitter::buffer(int index) {
  const auto i = static_cast<size_t>(index);
  if (loaded_buffers_.size() <= i) loaded_buffers_.resize(i + 1, nullptr);
  if (loaded_buffers_[i] == nullptr) {
    // In the entry block, so that every use is dominated by the load.
    llvm::BasicBlock& entry = function_->getEntryBlock();
    llvm::IRBuilder<> at(&entry, entry.begin());
    loaded_buffers_[i] = at.CreateLoad(
        ir_.getPtrTy(),
        at.CreateConstGEP1_64(ir_.getPtrTy(), buffers_, static_cast<uint64_t>(index)));
  }
  return loaded_buffers_[i];
}

llvm::Function* Emitter::helper(const std::string& name, llvm::FunctionType* type,
                                const std::function<void(llvm::Function*)>& fill) {
  if (llvm::Function* known = module_.getFunction(name)) return known;
  llvm::Function* f = llvm::Function::Create(type, llvm::Function::InternalLinkage, name, module_);
  set_attributes(*f);
  const llvm::IRBuilderBase::InsertPointGuard guard(ir_);
  ir_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "entry", f));
  fill(f);
  return f;
}

llvm::Type* Emitter::storage_type(DType dtype) {
  if (dtype == DType::kFloat32) return ir_.getFloatTy();
  if (dtype == DType::kFloat64) return ir_.getDoubleTy();
  // Floats of 16 bits are their bits; cast() makes a float of them.
  return ir_.getIntNTy(static_cast<unsigned>(8 * dtype_size(dtype)));
}

llvm::Type* Emitter::type(DType dtype, int lanes) {
  llvm::Type* element = dtype == DType::kBool ? ir_.getInt1Ty() : storage_type(dtype);
  return lanes == 1 ? element : FixedVectorType::get(element, static_cast<unsigned>(lanes));
}

Value Emitter::number(DType dtype, Number value, int lanes) {
  llvm::Type* t = type(dtype, lanes);
  if (dtype == DType::kBFloat16) return llvm::ConstantInt::get(t, bfloat16(value.as_double()).bits);
  if (dtype == DType::kFloat16) return llvm::ConstantInt::get(t, float16(value.as_double()).bits);
  if (is_floating(dtype)) return llvm::ConstantFP::get(t, value.as_double());
  return llvm::ConstantInt::get(t, static_cast<uint64_t>(value.as_integer()), true);
}

int Emitter::lanes_of(Value value) {
  const auto* vector = llvm::dyn_cast<FixedVectorType>(value->getType());
  return vector == nullptr ? 1 : static_cast<int>(vector->getNumElements());
}

Value Emitter::lane_numbers(llvm::Type* element, int lanes) {
  if (lanes == 1) return llvm::ConstantInt::get(element, 0);
  std::vector<Constant*> numbers;
  for (int i = 0; i < lanes; ++i)
    numbers.push_back(llvm::ConstantInt::get(element, static_cast<uint64_t>(i)));
  return llvm::ConstantVector::get(numbers);
}

// --- memory

Value Emitter::on_stack(llvm::Type* type, int64_t count) {
  llvm::BasicBlock& entry = ir_.GetInsertBlock()->getParent()->getEntryBlock();
  llvm::IRBuilder<> at_entry(&entry, entry.begin());
  return at_entry.CreateAlloca(llvm::ArrayType::get(type, static_cast<uint64_t>(count)));
}

Value Emitter::element(Value pointer, DType dtype, Value offset) {
  return ir_.CreateGEP(storage_type(dtype), pointer, offset);
}

Value Emitter::load(DType dtype, Value pointer, Value offset, int lanes, Value mask) {
  llvm::Type* stored = storage_type(dtype);
  if (lanes > 1) stored = FixedVectorType::get(stored, static_cast<unsigned>(lanes));
  const llvm::Align align(static_cast<uint64_t>(dtype_size(dtype)));
  Value address = element(pointer, dtype, offset);
  Value result =
      mask == nullptr || lanes == 1
          ? static_cast<Value>(ir_.CreateAlignedLoad(stored, address, align))
          : ir_.CreateMaskedLoad(stored, address, align, mask, Constant::getNullValue(stored));
  return dtype == DType::kBool ? ir_.CreateICmpNE(result, Constant::getNullValue(stored)) : result;
}

namespace {

bool stores_one_lane(Value mask) {
  const auto* known = llvm::dyn_cast<Constant>(mask);
  if (known == nullptr) return false;
  for (unsigned lane = 0; lane < static_cast<unsigned>(Emitter::lanes_of(mask)); ++lane) {
    if (known->getAggregateElement(lane)->isOneValue() != (lane == 0)) return false;
  }
  return true;
}

}  // namespace

// Where one lane is taken or stored LLVM 19 makes scalars of what computes it, and for AVX-512
// cannot select the instruction for a scalar that an equality of floats chose from two others
// (github.com/llvm/llvm-project/pull/117681).
Value Emitter::kept_a_vector(Value value) {
  if (!value->getType()->isFPOrFPVectorTy()) return value;
  return ir_.CreateIntrinsic(llvm::Intrinsic::arithmetic_fence, {value->getType()}, {value});
}

Value Emitter::lane(Value vector, int index) {
  if (index == 0) vector = kept_a_vector(vector);
  return ir_.CreateExtractElement(vector, static_cast<uint64_t>(index));
}

void Emitter::store(DType dtype, Value value, Value pointer, Value offset, Value mask) {
  const int lanes = lanes_of(value);
  const llvm::Align align(static_cast<uint64_t>(dtype_size(dtype)));
  if (dtype == DType::kBool)
    value = ir_.CreateZExt(value, lanes == 1 ? ir_.getInt8Ty()
                                             : static_cast<llvm::Type*>(FixedVectorType::get(
                                                   ir_.getInt8Ty(), static_cast<unsigned>(lanes))));
  Value address = element(pointer, dtype, offset);
  if (mask == nullptr || lanes == 1) {
    ir_.CreateAlignedStore(value, address, align);
    return;
  }
  if (stores_one_lane(mask)) value = kept_a_vector(value);
  ir_.CreateMaskedStore(value, address, align, mask);
}

void Emitter::stream(DType dtype, Value value, Value pointer, Value offset) {
  const auto bytes = static_cast<uint64_t>(lanes_of(value) * dtype_size(dtype));
  llvm::StoreInst* store =
      ir_.CreateAlignedStore(value, element(pointer, dtype, offset), llvm::Align(bytes));
  store->setMetadata(
      llvm::LLVMContext::MD_nontemporal,
      llvm::MDNode::get(module_.getContext(), llvm::ConstantAsMetadata::get(ir_.getInt32(1))));
}

void Emitter::fence() {
  // Elsewhere such stores are ordered as others are.
  if (llvm::Triple(module_.getTargetTriple()).isX86())
    ir_.CreateIntrinsic(llvm::Intrinsic::x86_sse_sfence, {}, {});
}

Value Emitter::load_lanes(DType dtype, Value pointer, Value offsets, int lanes, Value mask) {
  if (lanes == 1) return load(dtype, pointer, offsets);
  llvm::Type* stored = FixedVectorType::get(storage_type(dtype), static_cast<unsigned>(lanes));
  Value addresses = element(pointer, dtype, offsets);
  Value result = ir_.CreateMaskedGather(stored, addresses,
                                        llvm::Align(static_cast<uint64_t>(dtype_size(dtype))), mask,
                                        Constant::getNullValue(stored));
  return dtype == DType::kBool ? ir_.CreateICmpNE(result, Constant::getNullValue(stored)) : result;
}

void Emitter::store_lanes(DType dtype, Value value, Value pointer, Value offsets, Value mask) {
  const int lanes = lanes_of(value);
  if (lanes == 1) return store(dtype, value, pointer, offsets);
  if (dtype == DType::kBool)
    value =
        ir_.CreateZExt(value, FixedVectorType::get(ir_.getInt8Ty(), static_cast<unsigned>(lanes)));
  ir_.CreateMaskedScatter(value, element(pointer, dtype, offsets),
                          llvm::Align(static_cast<uint64_t>(dtype_size(dtype))), mask);
}

Value Emitter::mask_below(Value count, int lanes) {
  llvm::Type* i32_type = ir_.getInt32Ty();
  if (const auto* known = llvm::dyn_cast<llvm::ConstantInt>(count)) {
    std::vector<Constant*> bits;
    for (int i = 0; i < lanes; ++i) bits.push_back(ir_.getInt1(i < known->getSExtValue()));
    return llvm::ConstantVector::get(bits);
  }
  // Counts are clamped, so 32 bits a lane suffice.
  Value clamped = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, count, i64(lanes));
  return ir_.CreateICmpSLT(lane_numbers(i32_type, lanes),
                           splat(ir_.CreateTrunc(clamped, i32_type), lanes));
}

// --- control flow

void Emitter::loop(Value begin, Value end, int64_t step, const std::function<void(Value)>& body) {
  loop(begin, end, step, {}, [&](Value index, std::span<const Value>) {
    body(index);
    return Values{};
  });
}

Values Emitter::loop(Value begin, Value end, int64_t step, std::span<const Value> start,
                     const std::function<Values(Value, std::span<const Value>)>& body) {
  // Known bounds: no loop for no round or one round.
  const auto* known_begin = llvm::dyn_cast<llvm::ConstantInt>(begin);
  const auto* known_end = llvm::dyn_cast<llvm::ConstantInt>(end);
  if (known_begin != nullptr && known_end != nullptr) {
    const int64_t length = known_end->getSExtValue() - known_begin->getSExtValue();
    if (length <= 0) return {start.begin(), start.end()};
    if (length <= step) return body(begin, start);
  }
  llvm::LLVMContext& context = module_.getContext();
  llvm::BasicBlock* before = ir_.GetInsertBlock();
  llvm::BasicBlock* round = llvm::BasicBlock::Create(context, "loop", before->getParent());
  llvm::BasicBlock* after = llvm::BasicBlock::Create(context, "done", before->getParent());
  ir_.CreateCondBr(ir_.CreateICmpSLT(begin, end), round, after);
  ir_.SetInsertPoint(round);
  llvm::PHINode* index = ir_.CreatePHI(ir_.getInt64Ty(), 2);
  index->addIncoming(begin, before);
  std::vector<llvm::PHINode*> phis;
  Values carried;
  for (Value v : start) {
    phis.push_back(ir_.CreatePHI(v->getType(), 2));
    phis.back()->addIncoming(v, before);
    carried.push_back(phis.back());
  }
  const Values next = body(index, carried);
  Value advanced = ir_.CreateNSWAdd(index, i64(step));
  llvm::BasicBlock* last = ir_.GetInsertBlock();
  index->addIncoming(advanced, last);
  for (size_t i = 0; i < phis.size(); ++i) phis[i]->addIncoming(next[i], last);
  ir_.CreateCondBr(ir_.CreateICmpSLT(advanced, end), round, after);
  ir_.SetInsertPoint(after);
  Values results;
  for (size_t i = 0; i < phis.size(); ++i) {
    llvm::PHINode* result = ir_.CreatePHI(start[i]->getType(), 2);
    result->addIncoming(start[i], before);
    result->addIncoming(next[i], last);
    results.push_back(result);
  }
  return results;
}

void Emitter::when(Value condition, const std::function<void()>& then) {
  llvm::LLVMContext& context = module_.getContext();
  llvm::Function* function = ir_.GetInsertBlock()->getParent();
  llvm::BasicBlock* inside = llvm::BasicBlock::Create(context, "then", function);
  llvm::BasicBlock* after = llvm::BasicBlock::Create(context, "after", function);
  ir_.CreateCondBr(condition, inside, after);
  ir_.SetInsertPoint(inside);
  then();
  ir_.CreateBr(after);
  ir_.SetInsertPoint(after);
}

}  // namespace sinter::codegen
