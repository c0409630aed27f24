// Keras's losses by class and settings.
#include "frontend/loss_table.h"

#include "core/error.h"
#include "ops/ops.h"

namespace sinter {
namespace {

using Function = Loss::Function;

template <Symbol (*function)(OpInput, OpInput)>
Function plain_loss(const Config&) {
  return function;
}

int axis_of(const Config& c) { return c.get_int32("axis", -1); }

template <Symbol (*loss)(OpInput, OpInput, bool, double)>
Function smoothed(const Config& c) {
  const bool logits = c.get_bool("from_logits", false);
  const double smoothing = c.get_float("label_smoothing", 0);
  const int axis = axis_of(c);
  return [=](Symbol t, Symbol p) {
    return loss(with_axis_last(t, axis), with_axis_last(p, axis), logits, smoothing);
  };
}

// The axes of Dice and Tversky: null, a number or a list.
Axes axes_of(const Config& c) {
  return c.get("axis").is_null() ? Axes() : Axes(c.get_ints("axis", {}));
}

}  // namespace

Function binary_crossentropy_of(const Config& c) {
  return smoothed<losses::binary_crossentropy>(c);
}

Function categorical_crossentropy_of(const Config& c) {
  return smoothed<losses::categorical_crossentropy>(c);
}

Function sparse_categorical_crossentropy_of(const Config& c) {
  if (axis_of(c) != -1) throw Error("SparseCategoricalCrossentropy: only axis -1 is supported yet");
  const bool logits = c.get_bool("from_logits", false);
  return [=](Symbol t, Symbol p) { return losses::sparse_categorical_crossentropy(t, p, logits); };
}

const std::vector<LossOfKeras>& losses_of_keras() {
  using namespace losses;
  static const std::vector<LossOfKeras> entries = {
      {"MeanSquaredError",
       {"mean_squared_error", "mse", "MSE"},
       {},
       plain_loss<mean_squared_error>},
      {"MeanAbsoluteError",
       {"mean_absolute_error", "mae", "MAE"},
       {},
       plain_loss<mean_absolute_error>},
      {"MeanAbsolutePercentageError",
       {"mean_absolute_percentage_error", "mape", "MAPE"},
       {},
       plain_loss<mean_absolute_percentage_error>},
      {"MeanSquaredLogarithmicError",
       {"mean_squared_logarithmic_error", "msle", "MSLE"},
       {},
       plain_loss<mean_squared_logarithmic_error>},
      {"BinaryCrossentropy",
       {"binary_crossentropy", "bce", "BCE"},
       {{"from_logits", false}, {"label_smoothing", 0.0}, {"axis", -1}},
       binary_crossentropy_of,
       Labels::kProbabilities},
      {"CategoricalCrossentropy",
       {"categorical_crossentropy", "cce"},
       {{"from_logits", false}, {"label_smoothing", 0.0}, {"axis", -1}},
       categorical_crossentropy_of,
       Labels::kOneHot},
      {"SparseCategoricalCrossentropy",
       {"sparse_categorical_crossentropy", "scce"},
       {{"from_logits", false}, {"ignore_class", nullptr}, {"axis", -1}},
       sparse_categorical_crossentropy_of,
       Labels::kClasses},
      {"Huber",
       {"huber", "huber_loss"},
       {{"delta", 1.0}},
       [](const Config& c) -> Function {
         const double delta = c.get_float("delta", 1.0);
         return [=](Symbol t, Symbol p) { return losses::huber(t, p, delta); };
       }},
      {"LogCosh", {"log_cosh", "logcosh"}, {}, plain_loss<log_cosh>},
      {"Hinge", {"hinge"}, {}, plain_loss<hinge>},
      {"SquaredHinge", {"squared_hinge"}, {}, plain_loss<squared_hinge>},
      {"CategoricalHinge", {"categorical_hinge"}, {}, plain_loss<categorical_hinge>},
      {"KLDivergence",
       {"kl_divergence", "kld", "KLD", "kullback_leibler_divergence"},
       {},
       plain_loss<kl_divergence>},
      {"Poisson", {"poisson"}, {}, plain_loss<poisson>},
      {"CosineSimilarity",
       {"cosine_similarity"},
       {{"axis", -1}},
       [](const Config& c) -> Function {
         const int axis = axis_of(c);
         return [=](Symbol t, Symbol p) {
           return losses::cosine_similarity(with_axis_last(t, axis), with_axis_last(p, axis));
         };
       }},
      {"BinaryFocalCrossentropy",
       {"binary_focal_crossentropy"},
       {{"from_logits", false},
        {"label_smoothing", 0.0},
        {"axis", -1},
        {"apply_class_balancing", false},
        {"alpha", 0.25},
        {"gamma", 2.0}},
       [](const Config& c) -> Function {
         const bool balanced = c.get_bool("apply_class_balancing", false);
         const double alpha = c.get_float("alpha", 0.25), gamma = c.get_float("gamma", 2.0);
         const bool logits = c.get_bool("from_logits", false);
         const double smoothing = c.get_float("label_smoothing", 0);
         const int axis = axis_of(c);
         return [=](Symbol t, Symbol p) {
           return losses::binary_focal_crossentropy(with_axis_last(t, axis),
                                                    with_axis_last(p, axis), balanced, alpha, gamma,
                                                    logits, smoothing);
         };
       },
       Labels::kProbabilities},
      {"CategoricalFocalCrossentropy",
       {"categorical_focal_crossentropy"},
       {{"from_logits", false},
        {"label_smoothing", 0.0},
        {"axis", -1},
        {"alpha", 0.25},
        {"gamma", 2.0}},
       [](const Config& c) -> Function {
         const double alpha = c.get_float("alpha", 0.25), gamma = c.get_float("gamma", 2.0);
         const bool logits = c.get_bool("from_logits", false);
         const double smoothing = c.get_float("label_smoothing", 0);
         const int axis = axis_of(c);
         return [=](Symbol t, Symbol p) {
           return losses::categorical_focal_crossentropy(
               with_axis_last(t, axis), with_axis_last(p, axis), alpha, gamma, logits, smoothing);
         };
       },
       Labels::kOneHot},
      {"Dice",
       {"dice"},
       {{"axis", nullptr}},
       [](const Config& c) -> Function {
         return [axis = axes_of(c)](Symbol t, Symbol p) { return losses::dice(t, p, axis); };
       }},
      {"Tversky",
       {"tversky"},
       {{"alpha", 0.5}, {"beta", 0.5}, {"axis", nullptr}},
       [](const Config& c) -> Function {
         const double alpha = c.get_float("alpha", 0.5), beta = c.get_float("beta", 0.5);
         return [=, axis = axes_of(c)](Symbol t, Symbol p) {
           return losses::tversky(t, p, alpha, beta, axis);
         };
       }},
  };
  return entries;
}

}  // namespace sinter
