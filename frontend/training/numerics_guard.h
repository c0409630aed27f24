// fit(..., {.check_numerics = true}): steps are watched from outside, so that they stay what they
// are. Loss and metrics are looked at after each step, variables after some steps; where one is not
// finite, these steps are repeated from a copy of the variables, one by one, and the one that did
// it op by op.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/source_location.h"
#include "frontend/model_state.h"
#include "frontend/training/feed.h"

namespace sinter {

class NumericsGuard {
 public:
  /// What is given must outlive this. `replay_file` is where a fault goes.
  NumericsGuard(ModelState& state, Feed& feed, std::string replay_file, SourceLocation where)
      : state_(state), feed_(feed), replay_file_(std::move(replay_file)), where_(where) {}

  /// Around each step, which counts from 1 in an epoch that does, too.
  void before(const std::shared_ptr<StepProgram>& program, int64_t epoch, int64_t step);
  /// Raises NumericsError.
  void after();
  /// Looks at all variables, and begins anew: what an epoch ends with. Raises NumericsError.
  void settle();

 private:
  // Memory is that of one copy of the variables, and of the batches of so many steps.
  static constexpr size_t kSteps = 64;

  struct Step {
    std::shared_ptr<StepProgram> program;
    int64_t batch = 0;  // in the feed
    int64_t rows = 0, epoch = 0, number = 0;
  };

  std::vector<VariablePtr> to_watch(const StepProgram& program) const;
  uint64_t changes() const;
  void take_copy();
  bool all_finite(const StepProgram& program) const;
  void put_back(const std::vector<Tensor>& values);
  [[noreturn]] void search();
  [[noreturn]] void report(const Step& step);

  ModelState& state_;
  Feed& feed_;
  std::string replay_file_;
  SourceLocation where_;
  std::vector<VariablePtr> watched_;  // weights, the optimizer's state, random numbers
  std::vector<Tensor> copy_;          // of them, before the first of the steps
  std::vector<bool> was_finite_;      // in the copy
  std::vector<Step> steps_;           // since then
  const StepProgram* counted_ = nullptr;
  uint64_t changes_of_step_ = 0;  // that a step of `counted_` makes
  uint64_t expected_changes_ = 0;
};

}  // namespace sinter
