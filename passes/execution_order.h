// A graph as the runs of its nodes in order, with the memory that is taken at each: what
// rematerialize changes, moving runs and repeating them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/graph.h"
#include "passes/pass.h"

namespace sinter {

class ExecutionOrder {
 public:
  /// A result of a run; or of a node that is no run, since its results are there before the first
  /// one: inputs, variables, constants and what the prologue makes of them.
  struct Value {
    int32_t run = 0, result = 0;
    static Value given(ValueId id) { return {-1 - id.node, id.result}; }
    bool is_given() const { return run < 0; }
    int32_t node() const { return -1 - run; }  // of what is given
    auto operator<=>(const Value&) const = default;
  };
  struct Run {
    int32_t node = 0;           // of the graph
    std::vector<Value> inputs;  // seen through reshapes
  };
  /// A value takes memory from the place of the run that makes it to that of the last one that
  /// reads it.
  struct Life {
    int64_t bytes = 0;  // 0 where it lies in memory of an output or variable
    int32_t first = 0, last = 0;
    bool is_kept = false;        // an output or a new value of a variable
    bool takes_over = false;     // lies where what the run reads last lay
    std::vector<int32_t> reads;  // places, ascending
  };

  /// `need`: what the kernels of the graph ask for. The graph must outlive it.
  ExecutionOrder(const Graph& graph, const RunNeed& need);

  int32_t size() const { return static_cast<int32_t>(order_.size()); }
  int32_t run_at(int32_t place) const { return order_[static_cast<size_t>(place)]; }
  int32_t place_of(int32_t run) const { return places_[static_cast<size_t>(run)]; }
  const Run& run(int32_t run) const { return runs_[static_cast<size_t>(run)]; }
  int32_t results(int32_t run) const;
  const Life& life(Value value) const {
    return lives_[static_cast<size_t>(first_life_[static_cast<size_t>(value.run)] + value.result)];
  }
  double microseconds(int32_t run) const;
  /// Nothing of it is an output or update, so that it may run twice.
  bool is_repeatable(int32_t run) const;

  /// Bytes of values and scratch while the run at `place` runs.
  int64_t bytes_at(int32_t place) const { return bytes_[static_cast<size_t>(place)]; }
  /// The place where most is taken, of several the first, and how many there are.
  struct Peak {
    int64_t bytes = 0;
    int32_t place = 0, places = 0;
  };
  const Peak& peak() const { return peak_; }
  /// The values that are alive at a place, neither made nor read there.
  std::vector<Value> kept_across(int32_t place) const;

  /// Repeats `runs`, in this order, before `place`: who reads their results from there on reads
  /// those of the repetitions. Runs that nobody reads any more are gone.
  void repeat(std::span<const int32_t> runs, int32_t place);
  /// Moves runs, in this order, from behind `place` to before it, where all that they read is
  /// there.
  void advance(std::span<const int32_t> runs, int32_t place);

  Graph graph() const;

 private:
  Value seen(ValueId id) const;
  Life& life_of(Value value);
  void drop_unread();
  void measure();
  void find_reads();
  void place_kept();
  void take_over(int32_t place);
  bool may_overwrite(int32_t run, int32_t result, Value input) const;
  void sum_up();

  const Graph* graph_;
  const RunNeed* need_;
  std::vector<bool> given_;  // by node
  std::vector<Value> outputs_, updates_;
  std::vector<Run> runs_;
  std::vector<int32_t> order_;
  // What follows from these.
  std::vector<int32_t> places_, first_life_;  // by run
  std::vector<Life> lives_;
  std::vector<int32_t> last_read_;  // by node, of what is given
  std::vector<int64_t> bytes_;      // by place
  Peak peak_;
};

}  // namespace sinter
