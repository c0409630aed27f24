// What a Model handle points to: the network, the settings of compile(), the state of training, and
// the executables made so far.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/fork.h"
#include "core/source_location.h"
#include "frontend/model.h"
#include "frontend/network.h"
#include "frontend/trace_mutex.h"
#include "frontend/training/scratch.h"
#include "frontend/training/step_graph.h"
#include "frontend/weights_lock.h"
#include "runtime/compile_options.h"
#include "runtime/executable.h"

namespace sinter {

/// What compile() has settled.
struct Compiled {
  CompileArguments arguments;
  std::vector<OutputPlan> outputs;
  std::vector<VariablePtr> trainable;
  // States of metrics that all steps share; makers of programs add to them.
  std::shared_ptr<MetricResults> metric_results = std::make_shared<MetricResults>();
  SourceLocation where = {};  // of the call
};

/// An executable of a step or of prediction, and where its results go.
struct StepProgram {
  StepGraph step;
  int64_t rows = 0;  // of a batch
  std::unique_ptr<Executable> executable;
  std::vector<Tensor> outputs;  // scalars of a step; empty for prediction
  std::vector<void*> targets;   // where they are
  WeightsLocks locks;           // of what a step reads and changes
};

struct ModelState {
  explicit ModelState(std::string model_name);
  /// Called `given`, or "functional_1" where that is empty and `base` is "functional".
  static std::shared_ptr<ModelState> named(std::string given, const char* base);

  std::string name;
  bool has_automatic_name = false;
  ForkMutex build_mutex;
  std::optional<Network> network;  // absent in a Sequential that has not seen its input
  std::weak_ptr<LayerImpl>
      as_layer;  // once the model has been called; it owns this state, so not the reverse
  std::atomic<bool> trainable = true;
  bool sequential = false;
  List<Layer> chain;                       // of a Sequential
  std::optional<KerasTensor> chain_input;  // once it is known

  // Training state that files keep.
  VariablePtr random_state;  // int64[2] {seed, step}, for dropout
  int64_t shuffle_seed = 0;
  int64_t epochs_done = 0;  // over all calls of fit: with the seed it decides the order of rows
  std::atomic<bool> stop_training = false;

  /// The network; raises Error when the model has not been built.
  const Network& net() const;
  /// What compile() has settled, or null. Other threads may compile anew meanwhile: who takes it
  /// once has all of one call.
  std::shared_ptr<const Compiled> compiled() const;
  void set_compiled(std::shared_ptr<const Compiled> settled);
  /// The same; raises Error naming `what` when compile() has not been called.
  std::shared_ptr<const Compiled> settings(const char* what) const;
  std::string backend() const;
  /// Builds a Sequential for rows of this shape, unless it is built.
  void build_chain(const Shape& row_shape);
  std::vector<VariablePtr> trainable_variables() const;
  /// Which loss and metrics belong to which output; the state of the optimizer. Raises for what
  /// does not fit the outputs.
  void settle(Compiled& compiled) const;
  /// Takes the weights that are trainable now, unless the optimizer has changed others: Error.
  void settle_trainable();
  /// The optimizer is about to train these weights. Raises Error when it trains those of another
  /// model.
  void claim_optimizer();

  using Maker = std::function<std::unique_ptr<StepProgram>()>;
  /// The program of that key, made when there is none; the least recently used one of its kind
  /// (prediction or other steps) goes when there are too many.
  std::shared_ptr<StepProgram> program(const std::string& key, const Maker& make);
  void forget_programs();
  /// The graph of a step for any batch size, built when there is none under that key. Only makers
  /// of programs ask for it.
  StepGraph step_graph(const std::string& key, const std::function<StepGraph()>& build);
  /// The locks of all that a save holds: weights and the state of training.
  WeightsLocks locks() const;
  /// Whether more rows may be run beside those of a prediction (core/independent_rows.h).
  bool has_independent_rows();
  /// Tells executables when weights have changed since they last looked.
  void refresh_version();

  VariableVersion version = std::make_shared<std::atomic<uint64_t>>(0);
  ScratchPool scratch;
  LongMutex fit_mutex;  // training is exclusive; callbacks may evaluate
  int fits = 0;         // that run, one in a callback of the other; under fit_mutex
  /// Raises Error where a callback of fit() would change what it trains; under fit_mutex.
  void refuse_in_fit(const char* call) const;
  /// What compile() settled, and all programs: the layers are others now.
  void forget_settings();

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<StepProgram> program;
  };
  /// Runs `make` unless it is running for that key already: what the user wrote then uses what it
  /// is part of, and Error says so.
  template <typename Make>
  auto once(const std::string& key, const Make& make);
  /// The lock of what follows; where a fork cut another thread off, all of it begun anew.
  std::unique_lock<TraceMutex> hold_programs();

  mutable ForkMutex compiled_mutex_;
  std::shared_ptr<const Compiled> compiled_;
  TraceMutex mutex_;
  std::vector<std::string> making_;  // keys
  std::list<Entry> programs_;        // most recently used first
  std::map<std::string, StepGraph> step_graphs_;
  std::optional<bool> independent_rows_;
  uint64_t seen_changes_ = 0;
};

/// How the programs of a model are compiled.
CompileOptions program_options(const ModelState& state, const char* pipeline, int64_t batch);
/// The variables of `lowered`, which passes made of the graph of `step`, in its order.
std::vector<VariablePtr> variables_in_order(const StepGraph& step, const Graph& lowered);
/// The training step for labels of the usual kind, without weights of samples. Raises Error naming
/// `call` when the model was not compiled.
StepGraph training_step(ModelState& state, const char* call);

/// The programs of a model for one batch size.
std::shared_ptr<StepProgram> training_program(ModelState& state, const StepInputs& inputs,
                                              int64_t batch);
std::shared_ptr<StepProgram> evaluation_program(ModelState& state, const StepInputs& inputs,
                                                int64_t batch);
std::shared_ptr<StepProgram> gradients_program(ModelState& state, const StepInputs& inputs,
                                               int64_t batch);
/// For that many rows or, unless `exact`, for a few more, where rows do not depend on each other:
/// so a few programs serve all sizes. How many rows, depends on `batch` alone (prediction_rows).
std::shared_ptr<StepProgram> prediction_program(ModelState& state, int64_t batch, bool exact);

/// The rows of the program that predicts `batch` of them: as many, or the next of eight sizes an
/// octave above 16 (24: 16, 18, 20 ..., 32, 36 ...). With less room than 96 programs
/// (SINTER_PREDICTION_PROGRAMS), four, two or one an octave.
int64_t prediction_rows(int64_t batch, int64_t programs);

}  // namespace sinter
