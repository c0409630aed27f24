// Losses: names, objects or the user's own functions of (y_true, y_pred), with Keras's formulas and
// reductions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/axes.h"
#include "core/callable.h"
#include "core/handle.h"
#include "core/one_of.h"
#include "core/source_location.h"
#include "core/symbol.h"
#include "frontend/config.h"

namespace sinter {

/// How one number is made of the losses of a batch. The mean is over all elements, with sample
/// weights too (they do not enter the count), except for kMeanWithSampleWeight: sum(w l) / sum(w).
enum class Reduction { kSumOverBatchSize, kSum, kMeanWithSampleWeight };

/// What functions that are losses take behind y_true and y_pred: from_logits, label_smoothing, or
/// delta.
template <typename... Further>
concept FurtherOfLoss =
    OneOf<void(Further...), void(), void(bool), void(bool, double), void(double)>;

class Loss {
 public:
  using Function = Callable<Symbol(Symbol y_true, Symbol y_pred)>;

  /// No loss: an output that is not trained.
  Loss() = default;
  Loss(std::nullptr_t, SourceLocation = {}) {}  // NOLINT
  /// By Keras's name: "mse", "categorical_crossentropy" ... Raises NameError.
  Loss(const std::string& name, SourceLocation where = SourceLocation::current());  // NOLINT
  Loss(const char* name, SourceLocation where = SourceLocation::current());         // NOLINT
  /// The functions of namespace losses keep their names; others are custom. Raise Error for an
  /// empty one, as all that take a function do.
  template <SymbolParameter S, typename... Further>
  requires FurtherOfLoss<Further...> Loss(
      Symbol (*function)(S, S, Further...),
      SourceLocation where = SourceLocation::current())  // NOLINT
      : Loss(any_function(function), with_defaults<Further...>(function),
             std::is_same_v<void(Further...), void(double)>, where) {}
  /// Anything that can be called with (y_true, y_pred). Losses themselves can, too: an object of
  /// namespace losses stays what it is.
  template <typename F>
  requires(std::is_class_v<F> && !std::is_base_of_v<Loss, F> &&
           std::is_invocable_r_v<Symbol, const F&, Symbol, Symbol>)
      Loss(F function, SourceLocation where = SourceLocation::current())  // NOLINT
      : Loss("custom_loss", Function(std::move(function)), where) {}
  /// The user's own function, by a name that files and messages use.
  Loss(std::string name, Function function, SourceLocation where = SourceLocation::current());

  explicit operator bool() const { return spec_ != nullptr; }
  const std::string& name() const;
  /// Labels are integer classes, not values like the prediction.
  bool takes_classes() const;
  /// Labels are in 0..1, as binary_crossentropy compares them.
  bool takes_probabilities() const;
  bool is_custom() const;
  Reduction reduction() const;
  /// The class of labels whose values do not count, of SparseCategoricalCrossentropy.
  std::optional<int64_t> ignored_class() const;
  /// One value for each sample (and position): y_true is cast to the dtype of y_pred and given its
  /// rank when one has a last dimension of 1 more.
  Symbol per_sample(OpInput y_true, OpInput y_pred) const;
  /// The reduced scalar. `sample_weight` has the shape of the values of per_sample(), or their
  /// leading dimensions, or dimensions of 1 behind these; or it is empty. A mean over weights that
  /// add up to 0 is 0.
  Symbol operator()(OpInput y_true, OpInput y_pred, OpInput sample_weight = {}) const;

  /// The loss with "crossentropy" decided, by the rule of Metric::resolve.
  Loss resolve(const ValueType& y_true, const ValueType& y_pred) const;
  /// Raises ShapeError when labels of type `y_true` cannot go with the output `output` of type
  /// `y_pred`.
  void check_labels(const std::string& output, const ValueType& y_true,
                    const ValueType& y_pred) const;

  /// Null, the name it was given by, or an object of keras.losses.
  ConfigValue to_config() const;
  static Loss from_config(const ConfigValue& value);
  /// By class name and settings, as an object.
  static Loss make(const std::string& class_name, const Config& config, SourceLocation where = {});

 private:
  struct Spec;
  explicit Loss(Spec spec);
  /// `bound` is `function` of two symbols; `unbound`: there is no default for its further argument,
  /// unless it is one of Sinter's.
  Loss(AnyFunction function, Function bound, bool unbound, SourceLocation where);
  /// The values of per_sample(); `counted`: which of them count, where an ignore_class says so.
  Symbol values_of(OpInput y_true, OpInput y_pred, Symbol& counted) const;
  static Loss find(const std::string& name, const Config& config, ConfigValue identity);

  Handle<const Spec> spec_;
};

/// Makes a custom loss known under `name`, for compile() and for files that use it.
void register_loss(const std::string& name, Loss::Function function,
                   SourceLocation where = SourceLocation::current());
std::vector<std::string> loss_names();

/// Weights that multiply `values`: dimensions of 1 at the end of `weight` go or come until the
/// ranks are equal. Raises ShapeError, which begins with `of`, when the weight still has more
/// dimensions.
Symbol weight_like(OpInput weight, OpInput values, const std::string& of);

/// `x` with `axis` moved to the end, for losses along another axis than the last. Raises
/// ShapeError.
Symbol with_axis_last(OpInput x, int axis);

/// Keras's rule for labels and predictions whose ranks differ by a last dimension of 1.
void squeeze_or_expand_to_same_rank(Symbol& a, Symbol& b);

namespace losses {

// Functions: one value for each sample, the last axis reduced. Formulas: Keras's.
Symbol mean_squared_error(OpInput y_true, OpInput y_pred);
Symbol mean_absolute_error(OpInput y_true, OpInput y_pred);
Symbol mean_absolute_percentage_error(OpInput y_true, OpInput y_pred);
Symbol mean_squared_logarithmic_error(OpInput y_true, OpInput y_pred);
Symbol huber(OpInput y_true, OpInput y_pred, double delta = 1.0);
Symbol log_cosh(OpInput y_true, OpInput y_pred);
Symbol hinge(OpInput y_true, OpInput y_pred);
Symbol squared_hinge(OpInput y_true, OpInput y_pred);
Symbol categorical_hinge(OpInput y_true, OpInput y_pred);
Symbol kl_divergence(OpInput y_true, OpInput y_pred);
Symbol poisson(OpInput y_true, OpInput y_pred);
/// Lin et al. 2017: binary cross entropy times (1 - p)^gamma, p the probability of the true class;
/// balanced: times alpha for class 1 and 1 - alpha for class 0.
Symbol binary_focal_crossentropy(OpInput y_true, OpInput y_pred, bool apply_class_balancing = false,
                                 double alpha = 0.25, double gamma = 2.0, bool from_logits = false,
                                 double label_smoothing = 0.0);
/// sum of alpha (1 - p)^gamma times the cross entropy of each class.
Symbol categorical_focal_crossentropy(OpInput y_true, OpInput y_pred, double alpha = 0.25,
                                      double gamma = 2.0, bool from_logits = false,
                                      double label_smoothing = 0.0);
/// 1 - 2 sum(t p) / (sum(t) + sum(p) + eps) over `axis`, by default the whole batch (one number).
Symbol dice(OpInput y_true, OpInput y_pred, Axes axis = {});
/// 1 - s / (s + alpha sum((1 - p) t) + beta sum((1 - t) p) + eps), s = sum(t p), as dice.
Symbol tversky(OpInput y_true, OpInput y_pred, double alpha = 0.5, double beta = 0.5,
               Axes axis = {});
/// -sum(normalised y_true * normalised y_pred)
Symbol cosine_similarity(OpInput y_true, OpInput y_pred);
Symbol binary_crossentropy(OpInput y_true, OpInput y_pred, bool from_logits = false,
                           double label_smoothing = 0.0);
Symbol categorical_crossentropy(OpInput y_true, OpInput y_pred, bool from_logits = false,
                                double label_smoothing = 0.0);
Symbol sparse_categorical_crossentropy(OpInput y_true, OpInput y_pred, bool from_logits = false);

struct Options {
  std::string reduction =
      "sum_over_batch_size";  // sum_over_batch_size or mean, sum, mean_with_sample_weight
  std::string name = "";
};
struct CrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0.0;
  int axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = "";
};
struct SparseCrossentropyOptions {
  bool from_logits = false;
  /// Labels of this class, -1 or 255, say, do not count, nor do they enter the mean.
  std::optional<int64_t> ignore_class = std::nullopt;
  std::string reduction = "sum_over_batch_size";
  std::string name = "";
};
struct CosineSimilarityOptions {
  int axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = "";
};
struct HuberOptions {
  double delta = 1.0;
  std::string reduction = "sum_over_batch_size";
  std::string name = "";
};
struct BinaryFocalCrossentropyOptions {
  bool apply_class_balancing = false;
  double alpha = 0.25;
  double gamma = 2.0;
  bool from_logits = false;
  double label_smoothing = 0.0;
  std::string reduction = "sum_over_batch_size";
  std::string name = "";
};
struct CategoricalFocalCrossentropyOptions {
  double alpha = 0.25;
  double gamma = 2.0;
  bool from_logits = false;
  double label_smoothing = 0.0;
  std::string reduction = "sum_over_batch_size";
  std::string name = "";
};
struct DiceOptions {
  Axes axis = {};
  std::string reduction = "sum_over_batch_size";
  std::string name = "";
};
struct TverskyOptions {
  double alpha = 0.5;
  double beta = 0.5;
  Axes axis = {};
  std::string reduction = "sum_over_batch_size";
  std::string name = "";
};

struct MeanSquaredError : Loss {
  explicit MeanSquaredError(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct MeanAbsoluteError : Loss {
  explicit MeanAbsoluteError(Options options = {},
                             SourceLocation where = SourceLocation::current());
};
struct MeanAbsolutePercentageError : Loss {
  explicit MeanAbsolutePercentageError(Options options = {},
                                       SourceLocation where = SourceLocation::current());
};
struct MeanSquaredLogarithmicError : Loss {
  explicit MeanSquaredLogarithmicError(Options options = {},
                                       SourceLocation where = SourceLocation::current());
};
struct BinaryCrossentropy : Loss {
  explicit BinaryCrossentropy(CrossentropyOptions options = {},
                              SourceLocation where = SourceLocation::current());
};
struct CategoricalCrossentropy : Loss {
  explicit CategoricalCrossentropy(CrossentropyOptions options = {},
                                   SourceLocation where = SourceLocation::current());
};
struct SparseCategoricalCrossentropy : Loss {
  explicit SparseCategoricalCrossentropy(SparseCrossentropyOptions options = {},
                                         SourceLocation where = SourceLocation::current());
};
struct Huber : Loss {
  explicit Huber(HuberOptions options = {}, SourceLocation where = SourceLocation::current());
};
struct LogCosh : Loss {
  explicit LogCosh(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct Hinge : Loss {
  explicit Hinge(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct SquaredHinge : Loss {
  explicit SquaredHinge(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct CategoricalHinge : Loss {
  explicit CategoricalHinge(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct KLDivergence : Loss {
  explicit KLDivergence(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct Poisson : Loss {
  explicit Poisson(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct CosineSimilarity : Loss {
  explicit CosineSimilarity(CosineSimilarityOptions options = {},
                            SourceLocation where = SourceLocation::current());
};
struct BinaryFocalCrossentropy : Loss {
  explicit BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions options = {},
                                   SourceLocation where = SourceLocation::current());
};
struct CategoricalFocalCrossentropy : Loss {
  explicit CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions options = {},
                                        SourceLocation where = SourceLocation::current());
};
struct Dice : Loss {
  explicit Dice(DiceOptions options = {}, SourceLocation where = SourceLocation::current());
};
struct Tversky : Loss {
  explicit Tversky(TverskyOptions options = {}, SourceLocation where = SourceLocation::current());
};

}  // namespace losses
}  // namespace sinter
