// Model: layers from inputs to outputs that can be compiled, trained, evaluated, saved and asked
// for predictions, in Keras's words.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/handle.h"
#include "core/source_location.h"
#include "frontend/callbacks/callback.h"
#include "frontend/compile_arguments.h"
#include "frontend/data_argument.h"
#include "frontend/history.h"
#include "frontend/layer.h"
#include "frontend/map_argument.h"
#include "frontend/native/export_native.h"
#include "frontend/number_arguments.h"

namespace sinter {

class Dataset;
struct MemoryReport;
class Network;
struct ModelState;

/// `{x, y}`, `{x, y, sample_weight}` or a Dataset of batches.
struct ValidationData {
  ValidationData() = default;
  ValidationData(Data x_rows, Data y_rows, Data row_weights = {})
      : x(std::move(x_rows)), y(std::move(y_rows)), sample_weight(std::move(row_weights)) {}
  ValidationData(const Dataset& batches);  // NOLINT
  Data x = {}, y = {}, sample_weight = {};
  std::shared_ptr<const Dataset> dataset = nullptr;
  bool empty() const { return x.empty() && y.empty() && dataset == nullptr; }
};

/// The arguments of fit. The order is that of Keras, but for epochs, which people write first.
struct FitOptions {
  int epochs = 1;
  int64_t batch_size = 32;
  int verbose = 1;  // 0 silent, 1 progress, 2 a line an epoch
  /// The part of the rows, from the end, that validates instead of training.
  RealNumber validation_split = 0.0;
  ValidationData validation_data = {};
  CallbackList callbacks = {};
  bool shuffle = true;
  /// Of rows by their classes, 1 for those not named. Raises Error for a class that the output does
  /// not have, and for outputs of several classes a row (of steps, of pixels).
  MapArgument<int, double> class_weight = {};
  Data sample_weight = {};  // [rows], or [rows, steps ...] where the loss has values of steps
  int initial_epoch = 0;
  /// Batches an epoch; the next one goes on where it stopped, and ends early with the last batch.
  /// An endless Dataset needs it.
  std::optional<int64_t> steps_per_epoch = std::nullopt;
  std::optional<int64_t> validation_steps = std::nullopt;
  std::optional<int64_t> validation_batch_size = std::nullopt;
  int validation_freq = 1;
  /// Raises NumericsError (frontend/numerics.h) where a loss, a metric or a weight is not finite:
  /// it names the op that made the first such value. The model is then as it was before that step,
  /// which `replay_file` repeats: `sinter replay`.
  bool check_numerics = false;
  std::string replay_file = "replay.sinter";
};

struct EvaluateOptions {
  int64_t batch_size = 32;
  int verbose = 1;
  Data sample_weight = {};
  std::optional<int64_t> steps = std::nullopt;
};

struct PredictOptions {
  int64_t batch_size = 32;
  int verbose = 0;
  std::optional<int64_t> steps = std::nullopt;  // batches; default: all
};

/// Loss first, then losses of outputs, then metrics, in Keras's order.
struct Evaluation {
  std::vector<std::pair<std::string, double>> values;
  /// Raises Error when nothing was evaluated.
  double loss(SourceLocation where = SourceLocation::current()) const;
  /// Raises NameError for a name that is not there.
  double operator[](const LogName& name) const;
  operator std::vector<double>() const;
  Logs logs() const;
};

struct SummaryOptions {
  /// At least 40. The default is 76, and where summary() writes to a narrower terminal its width.
  int line_length = 0;
};

/// The arguments of memory_report.
struct MemoryReportOptions {
  bool training = false;  // a step of fit() instead of predict()
};

struct SaveOptions {
  /// The arguments of compile() and the state of training too.
  bool include_optimizer = true;
};

/// A handle: copies are the same model.
///
/// Threads: what trains or evaluates a model waits for what does so in another thread, and so does
/// compile(). What only asks a model (its layers, settings, summary, JSON, graphs) may run beside
/// compile() and beside training, and has the settings before or after, never of both. Saving,
/// getting and setting weights happen between two steps of training, whatever thread they are
/// called in. Any number of threads may predict at once; a prediction does not wait for training,
/// so beside it some of the weights that it reads are those before a step and some those after.
class Model {
 public:
  /// No model yet, for members that are assigned one later: any use is an Error.
  Model() = default;
  /// Is there a model?
  explicit operator bool() const { return static_cast<bool>(state_); }
  /// A functional model. Raises Error when outputs do not depend on the inputs alone, and for an
  /// input that is given twice.
  Model(KerasTensors inputs, KerasTensors outputs, std::string name = "",
        SourceLocation where = SourceLocation::current());

  // --- structure
  const std::string& name() const;
  const List<Layer>& layers() const;
  /// Raises NameError, or Error for an index that is out of range (negative ones count from the
  /// end).
  Layer get_layer(const std::string& layer_name,
                  SourceLocation where = SourceLocation::current()) const;
  template <RealArgument T>
  requires(!std::is_floating_point_v<T>) Layer
      get_layer(T index, SourceLocation where = SourceLocation::current())
  const { return layer_at(static_cast<int64_t>(index), where); }
  List<KerasTensor> inputs(SourceLocation where = SourceLocation::current()) const;
  List<KerasTensor> outputs(SourceLocation where = SourceLocation::current()) const;
  /// The only input or output; raises Error when there are several.
  KerasTensor input(SourceLocation where = SourceLocation::current()) const;
  KerasTensor output(SourceLocation where = SourceLocation::current()) const;
  /// Of the only input or output, "[batch,784]"; raises Error when there are several.
  Shape input_shape(SourceLocation where = SourceLocation::current()) const;
  Shape output_shape(SourceLocation where = SourceLocation::current()) const;
  /// False of a Sequential that has not seen its input.
  bool built() const;
  const List<std::string>& output_names(SourceLocation where = SourceLocation::current()) const;
  const Network& network(SourceLocation where = SourceLocation::current()) const;
  /// Makes a layer of the model: its layers are called on other tensors and share their weights.
  /// The first call of a Sequential builds it.
  KerasTensor operator()(const KerasTensor& x,
                         SourceLocation where = SourceLocation::current()) const;
  KerasTensor operator()(const std::vector<KerasTensor>& xs,
                         SourceLocation where = SourceLocation::current()) const;
  Layer as_layer(SourceLocation where = SourceLocation::current()) const;
  /// Writes the model into the graph of a layer of your own, a CompiledFunction ..., and shares its
  /// weights. Raises ShapeError when a type is not that of the model's input.
  Symbol call(CallContext& context, Symbol x,
              SourceLocation where = SourceLocation::current()) const;
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> xs,
                           SourceLocation where = SourceLocation::current()) const;
  bool trainable() const;
  /// Of the model and all its layers, those of models in it too. As in Keras 3, a layer may be set
  /// otherwise afterwards, and training that has begun with other weights raises Error until
  /// compile() is called again.
  void set_trainable(bool trainable) const;
  void summary(SummaryOptions options = {}, SourceLocation where = SourceLocation::current()) const;
  std::string summary_text(SummaryOptions options = {},
                           SourceLocation where = SourceLocation::current()) const;

  // --- weights
  List<VariablePtr> variables(SourceLocation where = SourceLocation::current()) const;
  List<VariablePtr> trainable_variables(SourceLocation where = SourceLocation::current()) const;
  /// All others: of layers that are not trainable, moving averages ...
  List<VariablePtr> non_trainable_variables(SourceLocation where = SourceLocation::current()) const;
  /// The same by Keras's other names.
  List<VariablePtr> weights(SourceLocation where = SourceLocation::current()) const;
  List<VariablePtr> trainable_weights(SourceLocation where = SourceLocation::current()) const;
  List<VariablePtr> non_trainable_weights(SourceLocation where = SourceLocation::current()) const;
  /// Copies, layer by layer, trainable ones first.
  List<Tensor> get_weights(SourceLocation where = SourceLocation::current()) const;
  /// Raises ShapeError when the count or a shape differs; then nothing has changed.
  void set_weights(const std::vector<Tensor>& weights,
                   SourceLocation where = SourceLocation::current()) const;
  int64_t count_params(SourceLocation where = SourceLocation::current()) const;

  // --- training
  /// Raises NameError for unknown names and Error when losses or metrics do not fit the outputs.
  /// Warns once of losses that cannot train: see the README. Raises Error for an optimizer that
  /// trains another model, and in a callback of fit().
  void compile(CompileArguments arguments, SourceLocation where = SourceLocation::current()) const;
  bool is_compiled() const;
  CompileArguments compile_arguments(SourceLocation where = SourceLocation::current()) const;
  Optimizer optimizer(SourceLocation where = SourceLocation::current()) const;
  LossArgument loss(SourceLocation where = SourceLocation::current()) const;
  /// The names of what evaluate() gives, in its order.
  List<std::string> metrics_names(SourceLocation where = SourceLocation::current()) const;
  /// Warns once, with the line of the call, when steps_per_epoch asks for more batches than there
  /// are, and when the loss is not finite though x or y hold infinities.
  History fit(const Data& x, const Data& y, const FitOptions& options = {},
              SourceLocation where = SourceLocation::current()) const;
  /// The same on a Dataset of batches, elements (x, y) or (x, y, sample_weight), which is walked
  /// through once an epoch. It decides on batches, order and weights: raises Error for batch_size,
  /// sample_weight and validation_split, for one that is empty, and for one that is endless without
  /// steps_per_epoch.
  History fit(const Dataset& batches, const FitOptions& options = {},
              SourceLocation where = SourceLocation::current()) const;
  Evaluation evaluate(const Data& x, const Data& y, const EvaluateOptions& options = {},
                      SourceLocation where = SourceLocation::current()) const;
  Evaluation evaluate(const Dataset& batches, const EvaluateOptions& options = {},
                      SourceLocation where = SourceLocation::current()) const;
  /// The prediction of a model of one output, [n, ...].
  Tensor predict(const Data& x, const PredictOptions& options = {},
                 SourceLocation where = SourceLocation::current()) const;
  List<Tensor> predict_all(const Data& x, const PredictOptions& options = {},
                           SourceLocation where = SourceLocation::current()) const;
  /// Of the x of each element of a Dataset of batches, one after the other.
  Tensor predict(const Dataset& batches, const PredictOptions& options = {},
                 SourceLocation where = SourceLocation::current()) const;
  List<Tensor> predict_all(const Dataset& batches, const PredictOptions& options = {},
                           SourceLocation where = SourceLocation::current()) const;
  /// One update on one batch; loss and metrics of this batch alone. Each batch size has a program
  /// of its own, which is compiled when it first comes.
  Evaluation train_on_batch(const Data& x, const Data& y, const Data& sample_weight = {},
                            SourceLocation where = SourceLocation::current()) const;
  Evaluation test_on_batch(const Data& x, const Data& y, const Data& sample_weight = {},
                           SourceLocation where = SourceLocation::current()) const;
  Tensor predict_on_batch(const Data& x, SourceLocation where = SourceLocation::current()) const;
  /// The gradients of the loss (regularizers included) on one batch, one for each of
  /// trainable_variables(), zeros where the loss does not depend on it; layers work as in training.
  /// Nothing is changed. Needs compile(). For other losses and orders: CompiledFunction.
  List<Tensor> gradients(const Data& x, const Data& y, const Data& sample_weight = {},
                         SourceLocation where = SourceLocation::current()) const;
  /// Set by callbacks: training ends after this batch or epoch.
  bool stop_training() const;
  void set_stop_training(bool stop) const;

  /// What predicting, or a step of training, allocates for a batch of so many rows: a bound that is
  /// known before anything is allocated, by layer and kind (frontend/memory_report.h says what is
  /// in it). Kernels are planned, and compiled where the code cache lacks them. Raises Error for a
  /// batch below 1, and for training before compile().
  MemoryReport memory_report(int64_t batch, MemoryReportOptions options = {},
                             SourceLocation where = SourceLocation::current()) const;

  // --- files (frontend/save.h says what each holds; load_model and model_from_json are there)
  void save(const std::string& path, const SaveOptions& options = {},
            SourceLocation where = SourceLocation::current()) const;
  void save_weights(const std::string& path,
                    SourceLocation where = SourceLocation::current()) const;
  void load_weights(const std::string& path,
                    SourceLocation where = SourceLocation::current()) const;
  std::string to_json(int indent = -1, SourceLocation where = SourceLocation::current()) const;
  void export_inference(const std::string& path,
                        SourceLocation where = SourceLocation::current()) const;
  /// As native code with a C header (frontend/native/export_native.h).
  NativeFiles export_native(const std::string& path, const ExportOptions& options = {},
                            SourceLocation where = SourceLocation::current()) const;

  // --- graphs, as built before any pass, with a symbolic batch
  Graph forward_graph(SourceLocation where = SourceLocation::current()) const;
  Graph inference_graph(SourceLocation where = SourceLocation::current()) const;
  /// Needs compile(). Labels have the type that the losses expect.
  Graph training_graph(SourceLocation where = SourceLocation::current()) const;

  /// Never null: an Error when this is no model yet.
  std::shared_ptr<ModelState> state() const;
  explicit Model(std::shared_ptr<ModelState> state);

 protected:
  Layer layer_at(int64_t index, SourceLocation where) const;
  /// Builds a Sequential that has not seen its input.
  void build_for(const Data& x) const;
  void build_for(const std::vector<Shape>& shapes) const;

  Handle<ModelState> state_;
};

}  // namespace sinter
