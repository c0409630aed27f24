// Optimizers: each writes, for every weight, the update of one training step into the graph of that
// step, from plain ops.
//
// Around the rule of each optimizer stands what all share, in Keras's order: scaling, clipping,
// weight decay, the rule, the moving average of weights, and the count of iterations.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/callable.h"
#include "core/error.h"
#include "core/handle.h"
#include "core/source_location.h"
#include "frontend/layer.h"
#include "frontend/number_arguments.h"
#include "frontend/optimizers/learning_rate.h"
#include "ops/ops.h"

namespace sinter {

/// Keyword arguments that every optimizer takes; a macro, because designated initialisers do not
/// reach into base classes. At most one of clipnorm, clipvalue and global_clipnorm; one that is 0
/// or below clips nothing, as in Keras. Where a norm is not finite, the step gives NaN.
#define SINTER_OPTIMIZER_OPTIONS                                     \
  std::optional<double> weight_decay = std::nullopt;                 \
  std::optional<double> clipnorm = std::nullopt;                     \
  std::optional<double> clipvalue = std::nullopt;                    \
  std::optional<double> global_clipnorm = std::nullopt;              \
  bool use_ema = false;                                              \
  double ema_momentum = 0.99;                                        \
  std::optional<int64_t> ema_overwrite_frequency = std::nullopt;     \
  std::optional<double> loss_scale_factor = std::nullopt;            \
  std::optional<int64_t> gradient_accumulation_steps = std::nullopt; \
  std::string name = ""

struct OptimizerOptions {
  SINTER_OPTIMIZER_OPTIONS;
};

/// One weight in one step. `t` is the number of this step as a float, 1 for the first: exact to
/// 2^24 in float32, where powers of what is below 1 have long become 0.
class StepContext {
 public:
  StepContext(CallContext& call_context, Symbol learning_rate, Symbol number, Symbol updates);

  Symbol lr, t;
  /// A bool scalar where gradients accumulate over several steps: does this one update the weights?
  /// Empty where every step does.
  Symbol update;
  /// `value` in a step that updates, else `old`.
  Symbol kept(Symbol value, Symbol old) const;
  /// A scalar that all weights of the step share; `make` runs at the first call.
  Symbol once(const std::string& key, const Callable<Symbol()>& make);
  CallContext& context() { return context_; }

 private:
  CallContext& context_;
  struct Shared;
  Handle<Shared> shared_;
};

/// State that an optimizer keeps for each weight.
struct Slot {
  std::string name;  // "momentum"
  double initial = 0;
};

class OptimizerImpl {
 public:
  OptimizerImpl(std::string class_name, LearningRate learning_rate, OptimizerOptions options);
  virtual ~OptimizerImpl();
  OptimizerImpl(const OptimizerImpl&) = delete;

  const std::string& class_name() const { return class_name_; }
  const std::string& name() const { return options_.name; }
  /// Keras's order: the shared settings, then the optimizer's own.
  Config config() const;

  /// Creates the state for these weights; keeps what there is when it has been made for them, and
  /// perhaps for more. State that nobody uses gives way; else raises Error for weights that it was
  /// not made for, as Keras does: there is one state, which two models cannot both have.
  void build(const std::vector<VariablePtr>& weights);
  /// The same, and from now on the state is in use: steps that are being written change it.
  void build_for_steps(const std::vector<VariablePtr>& weights);
  /// Whether the state was made for these weights, and perhaps for more.
  bool knows(const std::vector<VariablePtr>& weights) const;
  /// Whether the last build was build_for_steps() for these.
  bool trains(const std::vector<VariablePtr>& weights) const;
  /// No weight decay of these weights, and of those whose name holds one of `names` ("bias").
  /// Raises Error once the state has been made.
  void exclude_from_weight_decay(const std::vector<VariablePtr>& weights,
                                 const std::vector<std::string>& names);
  /// The same as config() tells it: {"weights": paths, "names": names}, and as files do: weights
  /// themselves.
  void exclude(const Config& settings);
  void exclude(const std::vector<VariablePtr>& weights);
  void forget_paths();
  /// Whether the weight was excluded itself, not by a part of its name.
  bool excludes(const Variable& weight) const;
  /// Whether settings named that path.
  bool excludes_path(const std::string& path) const;
  /// Writes one step: `gradients[i]` belongs to the weight i of build(); an empty symbol where the
  /// loss does not depend on it. Then the weight and its slots stay as they are: no decay, no
  /// constraint; its moving average goes on. So Keras on TensorFlow and on PyTorch; on JAX it takes
  /// zeros for such gradients, and decays.
  void apply(CallContext& context, std::span<const Symbol> gradients);
  /// What apply() takes the gradients of: loss * loss_scale_factor. apply() divides by it again, so
  /// that the factor saves small gradients from rounding to 0 and changes nothing else.
  Symbol scaled_loss(Symbol loss) const;

  /// iteration, learning_rate (unless scheduled), averages, slots: Keras's order. Of the weights of
  /// the last build(); empty before it.
  std::vector<VariablePtr> variables() const;
  /// The same of other weights that it knows().
  std::vector<VariablePtr> variables_for(const std::vector<VariablePtr>& weights) const;
  VariablePtr iterations() const;
  double learning_rate() const;
  bool is_scheduled() const { return learning_rate_.is_scheduled(); }
  /// Raises Error when a schedule sets it, or when it is no rate.
  void set_learning_rate(RealNumber value);
  /// Copies their averages into these weights, as fit() does at its end when use_ema is set.
  void finish_training(const std::vector<VariablePtr>& weights);

  /// Raises Error for an own setting that is NaN.
  void check_own_settings() const;

 protected:
  /// The slots of each weight. Runs: all weights of the first run, then of the next, as in Keras's
  /// files.
  virtual std::vector<std::vector<Slot>> slots() const = 0;
  /// Scalars of the optimizer as a whole.
  virtual std::vector<Slot> globals() const;
  virtual void own_config(Config& config) const = 0;
  /// Once a step, before the weights.
  virtual void begin(StepContext& step) { (void)step; }
  /// The new value of weight w from its gradient g. Reads and sets slots of `weight` with slot()
  /// and set_slot().
  virtual Symbol rule(StepContext& step, size_t weight, Symbol w, Symbol g) = 0;

  Symbol slot(StepContext& step, size_t weight, const std::string& name);
  void set_slot(StepContext& step, size_t weight, const std::string& name, Symbol value);
  Symbol global(StepContext& step, const std::string& name);
  void set_global(StepContext& step, const std::string& name, Symbol value);

 private:
  /// Of rates and counts in rules: float64 where all weights are, else float32.
  DType scalar_dtype() const;
  std::vector<Symbol> clipped(std::span<const Symbol> gradients) const;
  std::vector<Symbol> accumulated(StepContext& step, std::span<const Symbol> gradients);
  bool is_excluded(const Variable& weight) const;
  void check_paths() const;
  bool decays(const Variable& weight) const;
  Symbol averaged(StepContext& step, size_t weight, Symbol w, bool stays);
  double rate_now() const;
  bool is_made_for(const std::vector<VariablePtr>& weights) const;
  void build_locked(const std::vector<VariablePtr>& weights);
  void make(const std::vector<VariablePtr>& weights);
  void choose(const std::vector<VariablePtr>& weights);
  std::vector<VariablePtr> variables_of(const std::vector<VariablePtr>& weights) const;
  VariablePtr new_variable(const std::string& name, Tensor initial) const;

  std::string class_name_;
  LearningRate learning_rate_;
  OptimizerOptions options_;
  // What follows is read and changed under the lock of the state: models in other threads ask for
  // it.
  bool in_use_ = false;
  VariablePtr iterations_, rate_;
  struct State;
  Handle<State> state_;
};

/// What users hold and pass to compile(): copies share the state. It belongs to the weights that
/// the optimizer has begun to train: a model with others raises Error and needs an optimizer of its
/// own, for which Optimizer::from_config(optimizer.to_config()) takes the same settings.
class Optimizer {
 public:
  /// By name with defaults: "adam", "sgd" ... Raises NameError.
  Optimizer(const std::string& name, SourceLocation where = SourceLocation::current());  // NOLINT
  Optimizer(const char* name, SourceLocation where = SourceLocation::current());         // NOLINT
  explicit Optimizer(std::shared_ptr<OptimizerImpl> impl);

  OptimizerImpl& impl() const { return *impl_; }
  const std::string& name() const { return impl_->name(); }
  double learning_rate() const { return impl_->learning_rate(); }
  void set_learning_rate(RealNumber value, SourceLocation where = SourceLocation::current()) const;
  /// Training steps done, as Keras's optimizer.iterations; 0 before the first.
  int64_t iterations() const;
  List<VariablePtr> variables() const;
  /// No weight decay of these weights, whatever others are called, and of those whose name holds
  /// one of `names`: {"bias", "gamma"}. Files tell weights by their places in the model. Raises
  /// Error when training has begun.
  void exclude_from_weight_decay(const std::vector<VariablePtr>& weights,
                                 const std::vector<std::string>& names = {},
                                 SourceLocation where = SourceLocation::current()) const;
  void exclude_from_weight_decay(const std::vector<std::string>& names,
                                 SourceLocation where = SourceLocation::current()) const;
  void exclude_from_weight_decay(std::initializer_list<std::string> names,
                                 SourceLocation where = SourceLocation::current()) const;
  /// Writes one update of `weights` into a CompiledFunction; the state is made at the first call.
  /// An empty gradient leaves its weight as it is, and so do the zeros that context.gradients()
  /// gives where the loss does not depend on a weight. Raises Error when the counts differ, and
  /// when the optimizer trains weights already that are not these.
  void apply_gradients(CallContext& context, const std::vector<Symbol>& gradients,
                       const std::vector<VariablePtr>& weights,
                       SourceLocation where = SourceLocation::current()) const;
  /// {"module": "keras.optimizers", "class_name": "Adam", "config": {...}}. Weights that do not
  /// decay stand in it by their paths, or by their places among those that it trains where another
  /// one has the same path. Of two weights of one path, from_config() in this process knows which;
  /// from a text it does not, and training raises Error.
  ConfigValue to_config() const;
  static Optimizer from_config(const ConfigValue& value,
                               SourceLocation where = SourceLocation::current());

 private:
  Handle<OptimizerImpl> impl_;
};

using OptimizerFactory = Optimizer (*)(const Config&);
/// Under the class name; names are matched without regard to case.
void register_optimizer(const std::string& class_name, OptimizerFactory factory,
                        SourceLocation where = SourceLocation::current());
std::vector<std::string> optimizer_names();

}  // namespace sinter
