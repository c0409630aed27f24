// Losses as objects: settings to Keras's configuration.
#include "frontend/losses.h"

namespace sinter::losses {
namespace {

Config object_config(const Options& o) { return {{"name", o.name}, {"reduction", o.reduction}}; }

ConfigValue axes_value(const Axes& axes) {
  if (axes.list().empty()) return nullptr;
  return axes.list().size() == 1 ? ConfigValue(axes.list()[0]) : ConfigValue::ints(axes.list());
}

Config crossentropy_config(const CrossentropyOptions& o) {
  return {{"name", o.name},
          {"reduction", o.reduction},
          {"from_logits", o.from_logits},
          {"label_smoothing", o.label_smoothing},
          {"axis", o.axis}};
}

}  // namespace

#define SINTER_LOSS_CLASS(Class)                      \
  Class::Class(Options options, SourceLocation where) \
      : Loss(Loss::make(#Class, object_config(options), where)) {}
SINTER_LOSS_CLASS(MeanSquaredError)
SINTER_LOSS_CLASS(MeanAbsoluteError)
SINTER_LOSS_CLASS(MeanAbsolutePercentageError)
SINTER_LOSS_CLASS(MeanSquaredLogarithmicError)
SINTER_LOSS_CLASS(LogCosh)
SINTER_LOSS_CLASS(Hinge)
SINTER_LOSS_CLASS(SquaredHinge)
SINTER_LOSS_CLASS(CategoricalHinge)
SINTER_LOSS_CLASS(KLDivergence)
SINTER_LOSS_CLASS(Poisson)
#undef SINTER_LOSS_CLASS

BinaryCrossentropy::BinaryCrossentropy(CrossentropyOptions o, SourceLocation where)
    : Loss(Loss::make("BinaryCrossentropy", crossentropy_config(o), where)) {}
CategoricalCrossentropy::CategoricalCrossentropy(CrossentropyOptions o, SourceLocation where)
    : Loss(Loss::make("CategoricalCrossentropy", crossentropy_config(o), where)) {}
SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCrossentropyOptions o,
                                                             SourceLocation where)
    : Loss(Loss::make(
          "SparseCategoricalCrossentropy",
          {{"name", o.name},
           {"reduction", o.reduction},
           {"from_logits", o.from_logits},
           {"ignore_class", o.ignore_class ? ConfigValue(*o.ignore_class) : ConfigValue()}},
          where)) {}
BinaryFocalCrossentropy::BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions o,
                                                 SourceLocation where)
    : Loss(Loss::make("BinaryFocalCrossentropy",
                      {{"name", o.name},
                       {"reduction", o.reduction},
                       {"from_logits", o.from_logits},
                       {"label_smoothing", o.label_smoothing},
                       {"apply_class_balancing", o.apply_class_balancing},
                       {"alpha", o.alpha},
                       {"gamma", o.gamma}},
                      where)) {}
CategoricalFocalCrossentropy::CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions o,
                                                           SourceLocation where)
    : Loss(Loss::make("CategoricalFocalCrossentropy",
                      {{"name", o.name},
                       {"reduction", o.reduction},
                       {"from_logits", o.from_logits},
                       {"label_smoothing", o.label_smoothing},
                       {"alpha", o.alpha},
                       {"gamma", o.gamma}},
                      where)) {}
Dice::Dice(DiceOptions o, SourceLocation where)
    : Loss(Loss::make("Dice",
                      {{"name", o.name}, {"reduction", o.reduction}, {"axis", axes_value(o.axis)}},
                      where)) {}
Tversky::Tversky(TverskyOptions o, SourceLocation where)
    : Loss(Loss::make("Tversky",
                      {{"name", o.name},
                       {"reduction", o.reduction},
                       {"alpha", o.alpha},
                       {"beta", o.beta},
                       {"axis", axes_value(o.axis)}},
                      where)) {}
CosineSimilarity::CosineSimilarity(CosineSimilarityOptions o, SourceLocation where)
    : Loss(Loss::make("CosineSimilarity",
                      {{"name", o.name}, {"reduction", o.reduction}, {"axis", o.axis}}, where)) {}
Huber::Huber(HuberOptions o, SourceLocation where)
    : Loss(Loss::make("Huber", {{"name", o.name}, {"reduction", o.reduction}, {"delta", o.delta}},
                      where)) {}

}  // namespace sinter::losses
