// What callers of an executable see: binding variables, runs with their arguments, and what is
// prepared after variables changed.
#include "runtime/executable.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "core/error.h"
#include "core/float_environment.h"
#include "core/line.h"
#include "runtime/executable_instance.h"
#include "runtime/recording.h"
#include "runtime/thread_pool.h"

namespace sinter {

int most_workers(const Program& program) {
  int most = 1;
  bool is_cut = false;
  for (const std::vector<StepPhase>& stage : program.stages) {
    int of_stage = 0;
    for (const StepPhase& at : stage) {
      const int pieces = program.steps[static_cast<size_t>(at.step)].kernel->pieces(at.phase);
      is_cut = is_cut || pieces > 1;
      of_stage = std::min(kMaxThreads, of_stage + pieces);
    }
    most = std::max(most, of_stage);
  }
  return is_cut ? most : 1;
}

Executable::Executable(Program program)
    : program_(std::make_shared<const Program>(std::move(program))),
      derived_(DType::kUint8, Shape{program_->derived_bytes}) {
  for (const Step& step : program_->steps) {
    const int64_t bytes = step.kernel->prepared_bytes();
    prepared_.emplace_back(DType::kUint8, Shape{bytes});
    has_derived_ = has_derived_ || bytes > 0 || step.prologue;
    if (step.prologue) continue;
    const bool shared = step.kernel->most_pieces() > 1;
    // Work of unknown size is taken for large where it is cut.
    constexpr double kLarge = 1e6;
    microseconds_ += step.kernel->microseconds().value_or(shared ? kLarge : 0);
  }
  most_workers_ = most_workers(*program_);
  if (program_->graph.variables().empty()) bind({});
}

Executable::~Executable() {
  for (const auto& instance : instances_) quiesce(instance.get());
}

void Executable::bind(std::vector<Tensor> variables, VariableVersion version,
                      SourceLocation where) {
  const auto& expected = program_->graph.variables();
  if (variables.size() != expected.size()) {
    throw ShapeError(
        with_line(where, fmt::format("graph '{}' has {} variables, {} tensors were bound",
                                     graph().name(), expected.size(), variables.size())));
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    const Node& node = graph().node(expected[i]);
    if (variables[i].type() != node.types[0]) {
      throw ShapeError(with_line(
          where, fmt::format("variable '{}' is {}, the tensor bound to it {}", node.name,
                             node.types[0].to_string(), variables[i].type().to_string())));
    }
  }
  const std::lock_guard lock(mutex_);
  for (const auto& instance : instances_) quiesce(instance.get());
  idle_.store(nullptr);
  spare_.clear();
  instances_.clear();
  variables_ = std::move(variables);
  updated_.clear();
  for (size_t i = 0; i < expected.size(); ++i) {
    if (graph().find_update(expected[i]) >= 0)
      updated_.add(variables_[i].raw(), variables_[i].bytes());
  }
  updated_.sort();
  version_ = version ? std::move(version) : std::make_shared<std::atomic<uint64_t>>(0);
  derived_version_.store(~uint64_t{0});
}

Executable::Instance* Executable::acquire() {
  // The usual case, one run at a time: no lock.
  if (Instance* instance = idle_.exchange(nullptr, std::memory_order_acq_rel)) return instance;
  const std::lock_guard lock(mutex_);
  if (!spare_.empty()) {
    Instance* instance = spare_.back();
    spare_.pop_back();
    return instance;
  }
  instances_.push_back(std::make_unique<Instance>(*program_));
  instances_.back()->set_up(variables_, derived_, prepared_);
  spare_.reserve(instances_.size());
  return instances_.back().get();
}

void Executable::release(Instance* instance) {
  Instance* expected = nullptr;
  if (idle_.compare_exchange_strong(expected, instance, std::memory_order_acq_rel)) return;
  const std::lock_guard lock(mutex_);
  spare_.push_back(instance);
}

void Executable::prepare(Instance& instance) {
  const uint64_t version = version_->load(std::memory_order_acquire);
  if (!has_derived_ || derived_version_.load(std::memory_order_acquire) == version) return;
  const std::lock_guard lock(mutex_);
  if (derived_version_.load(std::memory_order_relaxed) == version) return;
  const int64_t begin = instance.is_recorded() ? recording_clock() : 0;
  for (size_t s = 0; s < program_->steps.size(); ++s) {
    const Step& step = program_->steps[s];
    void* const* table = instance.table(s);
    if (step.kernel->prepared_bytes() > 0) step.kernel->prepare(table, prepared_[s].raw());
    if (step.prologue) step.kernel->run_all(table);
  }
  derived_version_.store(version, std::memory_order_release);
  if (instance.is_recorded()) instance.record_preparation(begin);
}

bool Executable::reads_updated(std::span<const void* const> inputs) const {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (updated_.overlap(inputs[i], graph().type({graph().inputs()[i], 0}).bytes())) return true;
  }
  return false;
}

void Executable::check_count(SourceLocation where, const char* what, size_t has,
                             size_t given) const {
  if (given == has) return;
  throw ShapeError(with_line(
      where, fmt::format("graph '{}' has {} {}, {} were given", graph().name(), has, what, given)));
}

void Executable::run_stages(Instance& instance) {
  if (most_workers_ == 1) return instance.run_alone();
  const bool alone = choice_.alone();
  const auto start = std::chrono::steady_clock::now();
  if (alone) {
    instance.run_alone();
  } else {
    PoolLease lease(microseconds_, most_workers_);
    if (lease.workers() == 1) return instance.run_alone();  // nothing was chosen
    instance.run_shared(lease);
  }
  choice_.add(alone, std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count());
}

void Executable::run(std::span<const void* const> inputs, std::span<void* const> outputs,
                     SourceLocation where) {
  check_count(where, "inputs", graph().inputs().size(), inputs.size());
  check_count(where, "outputs", graph().outputs().size(), outputs.size());
  if (!version_) {
    throw Error(with_line(
        where, fmt::format("graph '{}' has variables: bind them before run()", graph().name())));
  }
  const DefaultFloatEnvironment environment;
  Instance* instance = acquire();
  struct Release {
    Executable* executable;
    Instance* instance;
    ~Release() { executable->release(instance); }
  } const release_at_end{this, instance};
  std::vector<const void*> own_inputs;
  std::vector<Tensor> copies;
  if (!updated_.empty() && reads_updated(inputs)) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const ValueType& type = graph().type({graph().inputs()[i], 0});
      own_inputs.push_back(inputs[i]);
      if (!updated_.overlap(inputs[i], type.bytes())) continue;
      Tensor& copy = copies.emplace_back(type.dtype, type.shape);
      std::memcpy(copy.raw(), inputs[i], static_cast<size_t>(type.bytes()));
      own_inputs.back() = copy.raw();
    }
    inputs = own_inputs;
  }
  instance->set_arguments(inputs, outputs);
  instance->begin_recording();
  prepare(*instance);
  run_stages(*instance);
  for (const Copy& copy : program_->copies) {
    std::memmove(instance->resolve(copy.to, variables_, derived_),
                 instance->resolve(copy.from, variables_, derived_),
                 static_cast<size_t>(copy.bytes));
  }
  if (instance->is_recorded()) instance->end_recording(program_);
  if (!graph().updates().empty()) {
    // This run changed none of the variables that its own derived values were made of.
    uint64_t before = version_->fetch_add(1, std::memory_order_acq_rel);
    derived_version_.compare_exchange_strong(before, before + 1, std::memory_order_acq_rel);
  }
}

std::vector<Tensor> Executable::run(std::span<const Tensor> inputs, SourceLocation where) {
  const auto& expected = graph().inputs();
  check_count(where, "inputs", expected.size(), inputs.size());
  std::vector<const void*> in;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Node& node = graph().node(expected[i]);
    if (inputs[i].type() != node.types[0]) {
      throw ShapeError(
          with_line(where, fmt::format("input '{}' is {}, the tensor given for it {}", node.name,
                                       node.types[0].to_string(), inputs[i].type().to_string())));
    }
    in.push_back(inputs[i].raw());
  }
  std::vector<Tensor> results;
  std::vector<void*> out;
  for (const Graph::Output& o : graph().outputs()) {
    const ValueType& type = graph().type(o.value);
    results.emplace_back(type.dtype, type.shape);
    out.push_back(results.back().raw());
  }
  run(in, out, where);
  return results;
}

}  // namespace sinter
