// Metrics by name and object, and their state in one batch.
#include "frontend/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "core/error.h"
#include "core/graph.h"
#include "frontend/asked_settings.h"
#include "frontend/custom_functions.h"
#include "frontend/given_function.h"
#include "frontend/label_shape.h"
#include "frontend/loss_table.h"
#include "frontend/metric_state.h"
#include "frontend/metric_table.h"
#include "frontend/origin.h"
#include "frontend/own_names.h"
#include "ops/ops.h"

namespace sinter {

struct Metric::Spec {
  ConfigValue identity;
  std::string name;
  Function function;  // empty: to be resolved
  bool classes = false;
  Result result = Result::kMean;
  std::string direction = "";
  std::shared_ptr<const MetricImpl> impl = nullptr;
  bool custom = false;  // the user's own: takes labels of any shape
};

namespace {

using Function = Metric::Function;

bool is_accuracy(const std::string& name) {
  return name == "accuracy" || name == "acc" || name == "Accuracy";
}
bool is_crossentropy(const std::string& name) { return name == "crossentropy" || name == "ce"; }

CustomFunctions<Function>& custom_metrics() {
  static CustomFunctions<Function> instance;
  return instance;
}

CustomFunctions<std::shared_ptr<const MetricImpl>>& custom_states() {
  static CustomFunctions<std::shared_ptr<const MetricImpl>> instance;
  return instance;
}

bool is_metric_of_keras(const std::string& name) {
  return is_accuracy(name) || is_crossentropy(name) ||
         std::ranges::any_of(plain_metrics(),
                             [&](const PlainMetric& entry) {
                               return entry.class_name == name ||
                                      std::ranges::find(entry.names, name) != entry.names.end();
                             }) ||
         std::ranges::any_of(stateful_metrics(), [&](const StatefulMetric& entry) {
           return entry.class_name == name || to_snake_case(entry.class_name) == name;
         });
}

// Two objects of one class may have other settings, which nobody knows.
struct StateOfOwn {
  std::shared_ptr<const MetricImpl> impl;
  Sameness compare(const StateOfOwn& other) const {
    if (impl == other.impl) return Sameness::kSame;
    const MetricImpl &a = *impl, &b = *other.impl;
    return typeid(a) == typeid(b) ? Sameness::kUnknown : Sameness::kDifferent;
  }
};

/// The settings of an object: name, dtype, then those of its class.
Config full_config(const std::string& default_name, const Config& defaults, const Config& given) {
  Config full = {{"name", default_name}, {"dtype", "float32"}};
  full.merge(defaults);
  for (const ConfigEntry& e : given.entries()) {
    if (e.value.is_null() && !full.contains(e.key)) continue;
    if (e.key == "name" && given.get_string("name", "").empty()) continue;
    full.set(e.key, e.value);
  }
  return full;
}

}  // namespace

void register_metric(const std::string& name, std::shared_ptr<const MetricImpl> impl,
                     SourceLocation where) {
  custom_states().set(name, given(std::move(impl), "a metric", where));
}

void register_metric(const std::string& name, Function function, SourceLocation where) {
  custom_metrics().set(name, given(std::move(function), "a metric", where));
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names = {"accuracy", "acc", "crossentropy", "ce"};
  for (const PlainMetric& e : plain_metrics())
    names.insert(names.end(), e.names.begin(), e.names.end());
  for (const StatefulMetric& m : stateful_metrics()) names.push_back(to_snake_case(m.class_name));
  custom_metrics().append_names(names);
  custom_states().append_names(names);
  return names;
}

Metric Metric::find(const std::string& name, const Config& config, ConfigValue identity) {
  if (auto custom = custom_metrics().find(name)) return Metric(name, *std::move(custom));
  if (auto custom = custom_states().find(name)) return Metric(name, *std::move(custom));
  const bool by_string = identity.as<std::string>() != nullptr;
  if (is_accuracy(name) || is_crossentropy(name))
    return Metric(Spec{.identity = std::move(identity),
                       .name = name,
                       .function = {},
                       .direction = is_accuracy(name) ? "max" : "min"});
  for (const PlainMetric& entry : plain_metrics()) {
    bool match = entry.class_name == name;
    for (const std::string& known : entry.names) match = match || known == name;
    if (!match) continue;
    return made_of(name, config, [&] {
      std::string logged = by_string ? name : config.get_string("name", "");
      if (logged.empty()) logged = entry.names[0];
      return Metric(Spec{std::move(identity), logged, entry.make(config), entry.classes,
                         entry.result, entry.direction});
    });
  }
  for (const StatefulMetric& m : stateful_metrics()) {
    const std::string snake = to_snake_case(m.class_name);
    if (name != m.class_name && name != snake) continue;
    const Config full = full_config(m.name(), m.defaults, config);
    return made_of(name, config, full, [&] {
      const std::shared_ptr<const MetricImpl> impl = m.make(full);
      return Metric(Spec{.identity = std::move(identity),
                         .name = by_string ? name : full.get_string("name", m.name()),
                         .function = {},
                         .classes = impl->takes_classes(),
                         .direction = impl->direction(),
                         .impl = impl});
    });
  }
  raise_unknown_name("metric", name, metric_names());
}

Metric::Metric(Spec spec) : spec_(std::make_shared<const Spec>(std::move(spec))) {}

const std::shared_ptr<const MetricImpl>& Metric::impl() const { return spec_->impl; }

Metric::Metric(const std::string& name, SourceLocation where)
    : Metric(at_line(where, [&] { return find(name, {}, name); })) {}
Metric::Metric(const char* name, SourceLocation where) : Metric(std::string(name), where) {}

Metric Metric::make(const std::string& class_name, const Config& config, SourceLocation where) {
  if (where.line() != 0) return at_line(where, [&] { return make(class_name, config); });
  for (const PlainMetric& entry : plain_metrics()) {
    if (entry.class_name != class_name) continue;
    const Config full = full_config(entry.names[0], {}, config);
    return find(class_name, config, ConfigObject{"keras.metrics", class_name, full});
  }
  for (const StatefulMetric& m : stateful_metrics()) {
    if (m.class_name != class_name) continue;
    const Config full = full_config(m.name(), m.defaults, config);
    return find(class_name, config, ConfigObject{"keras.metrics", class_name, full});
  }
  return find(class_name, config, ConfigObject{"keras.metrics", class_name, config});
}

Metric::Metric(std::string name, Function function, SourceLocation where)
    : Metric(Spec{.identity = telling(name, kOwnMetric, {name, where, is_metric_of_keras(name)},
                                      given(function, "a metric", where)),
                  .name = name,
                  .function = function,
                  .custom = true}) {}

Metric::Metric(std::string name, std::shared_ptr<const MetricImpl> impl, SourceLocation where)
    : Metric(Spec{.identity = telling(name, kOwnMetric, {name, where, is_metric_of_keras(name)},
                                      StateOfOwn{given(impl, "a metric", where)}),
                  .name = name,
                  .function = {},
                  .classes = impl->takes_classes(),
                  .direction = impl->direction(),
                  .impl = std::move(impl),
                  .custom = true}) {}

Metric::Metric(AnyFunction function, Function bound, SourceLocation where) {
  using Pair = Symbol (*)(OpInput, OpInput);
  static const std::pair<AnyFunction, const char*> kNames[] = {
      {any_function(Pair(metrics::binary_accuracy)), "binary_accuracy"},
      {any_function(metrics::categorical_accuracy), "categorical_accuracy"},
      {any_function(metrics::sparse_categorical_accuracy), "sparse_categorical_accuracy"},
      {any_function(metrics::cosine_similarity), "cosine_similarity"},
  };
  const char* name = name_of_loss(given(function, "a metric", where));
  for (const auto& [known, of_metric] : kNames) {
    if (known == function) name = of_metric;
  }
  *this = name != nullptr ? Metric(name) : Metric("custom_metric", std::move(bound), where);
}

Metric::Metric(const Loss& loss)
    : Metric(Spec{.identity = loss.to_config(),
                  .name = loss ? loss.name() : "",
                  .function = [loss](Symbol t, Symbol p) { return loss.per_sample(t, p); },
                  .classes = loss.takes_classes()}) {
  if (!loss) throw Error("a metric cannot be an empty loss");
  if (loss.ignored_class())
    throw Error(
        fmt::format("loss '{}' has an ignore_class, which metrics do not know", loss.name()));
}

const std::string& Metric::name() const { return spec_->name; }
Metric::Result Metric::result() const { return spec_->result; }
const std::string& Metric::direction() const { return spec_->direction; }
bool Metric::takes_classes() const { return spec_->classes; }
ConfigValue Metric::to_config() const { return spec_->identity; }

Metric Metric::from_config(const ConfigValue& value) {
  if (const std::string* name = value.as<std::string>()) return Metric(*name);
  if (const ConfigObject* object = value.as<ConfigObject>()) {
    if (object->module == "keras.losses") return Loss::from_config(value);
    return make(object->class_name, object->config);
  }
  throw Error("a metric is a name or an object, found " + std::string(value.type_name()));
}

Metric Metric::resolve(const ValueType& y_true, const ValueType& y_pred) const {
  if (spec_->function || spec_->impl) return *this;
  const bool accuracy = is_accuracy(spec_->name);
  const bool binary = y_pred.shape.dim(-1) == 1;
  const bool sparse = y_true.shape.rank() < y_pred.shape.rank() || y_true.shape.dim(-1) == 1;
  const std::string prefix = binary ? "binary_" : sparse ? "sparse_categorical_" : "categorical_";
  const Metric chosen(prefix + (accuracy ? "accuracy" : "crossentropy"));
  Spec spec = *chosen.spec_;
  spec.identity = spec_->identity;
  spec.name = spec_->name;
  return Metric(std::move(spec));
}

void Metric::check_labels(const std::string& output, const ValueType& y_true,
                          const ValueType& y_pred) const {
  // Classes of a metric with a state (MeanIoU) are of any shape.
  if (spec_->custom || (spec_->impl && spec_->classes)) return;
  if (label_shape_fits(spec_->classes, y_true.shape, y_pred.shape)) return;
  constexpr std::string_view kSparse = "sparse_";
  const std::string other = spec_->classes && name().starts_with(kSparse)
                                ? name().substr(kSparse.size())
                                : std::string(kSparse) + name();
  std::string instead = spec_->classes ? "" : "to_categorical()";
  const std::vector<std::string> known = metric_names();
  if (std::ranges::find(known, other) != known.end())
    instead = fmt::format("'{}'{}", other, instead.empty() ? "" : " or " + instead);
  raise_label_shape(fmt::format("metric '{}' at output '{}'", name(), output), spec_->classes,
                    instead, y_true.shape, y_pred.shape);
}

namespace {

// Over all axes from that one on.
Symbol mean_from(Symbol x, int first) {
  std::vector<int64_t> axes;
  for (int i = first; i < x.rank(); ++i) axes.push_back(i);
  return axes.empty() ? x : mean(x, axes);
}

}  // namespace

Metric::State Metric::update(OpInput y_true, OpInput y_pred, OpInput sample_weight) const {
  if (!spec_->function) {
    throw Error(fmt::format(
        "metric '{}' {}: name it in compile()", spec_->name,
        spec_->impl ? "keeps a state, which no sum replaces" : "depends on the output it is for"));
  }
  if (!spec_->classes) {
    if (y_true.dtype() != y_pred.dtype()) y_true = cast(y_true, y_pred.dtype());
    squeeze_or_expand_to_same_rank(y_true, y_pred);
  }
  Symbol values = spec_->function(y_true, y_pred);
  y_pred.graph().id_of(values, fmt::format("metric '{}'", name()));
  if (values.dtype() != y_pred.dtype()) values = cast(values, y_pred.dtype());
  if (values.rank() == 0) return {values, scalar_like(values, 1.0)};
  if (!sample_weight.valid()) {
    values = mean_from(values, 1);
    return {sum(values), size(values, 0, values.dtype())};
  }
  // As Keras's reduce_to_samplewise_values: a row counts as much as its weights are in the mean.
  Symbol w = sample_weight;
  while (w.rank() > values.rank() && w.shape().dim(-1) == 1) w = squeeze(w, -1);
  if (w.rank() > values.rank()) {
    throw ShapeError(fmt::format("metric '{}': sample weights {} do not fit its values {}", name(),
                                 sample_weight.shape().to_string(), values.shape().to_string()));
  }
  values = mean_from(values, w.rank());
  w = broadcast_to(w, values.shape());
  return {sum(mean_from(values * w, 1)), sum(mean_from(w, 1))};
}

std::string metric_direction(const std::string& name) {
  for (const char* part :
       {"accuracy", "acc", "cosine_similarity", "precision", "recall", "auc", "iou", "r2", "f1"}) {
    if (name == part || name.ends_with(std::string("_") + part) ||
        (std::string(part) == "accuracy" && name.find(part) != std::string::npos)) {
      return "max";
    }
  }
  if (name.find("loss") != std::string::npos) return "min";
  for (const PlainMetric& entry : plain_metrics()) {
    for (const std::string& known : entry.names) {
      if (name == known || name.ends_with("_" + known)) return "min";
    }
  }
  for (const char* part : {"crossentropy", "ce"}) {
    if (name == part || name.ends_with(std::string("_") + part)) return "min";
  }
  return "";
}

namespace metrics {

#define SINTER_METRIC_CLASS(Class)                    \
  Class::Class(Options options, SourceLocation where) \
      : Metric(Metric::make(#Class, {{"name", options.name}}, where)) {}
SINTER_METRIC_CLASS(CategoricalAccuracy)
SINTER_METRIC_CLASS(SparseCategoricalAccuracy)
SINTER_METRIC_CLASS(MeanSquaredError)
SINTER_METRIC_CLASS(RootMeanSquaredError)
SINTER_METRIC_CLASS(MeanAbsoluteError)
SINTER_METRIC_CLASS(MeanAbsolutePercentageError)
SINTER_METRIC_CLASS(MeanSquaredLogarithmicError)
SINTER_METRIC_CLASS(LogCoshError)
SINTER_METRIC_CLASS(Hinge)
SINTER_METRIC_CLASS(SquaredHinge)
SINTER_METRIC_CLASS(CategoricalHinge)
SINTER_METRIC_CLASS(KLDivergence)
SINTER_METRIC_CLASS(Poisson)
SINTER_METRIC_CLASS(BinaryCrossentropy)
SINTER_METRIC_CLASS(CategoricalCrossentropy)
SINTER_METRIC_CLASS(SparseCategoricalCrossentropy)
#undef SINTER_METRIC_CLASS

CosineSimilarity::CosineSimilarity(CosineSimilarityOptions o, SourceLocation where)
    : Metric(Metric::make("CosineSimilarity", {{"name", o.name}, {"axis", o.axis}}, where)) {}

TopKCategoricalAccuracy::TopKCategoricalAccuracy(TopKOptions o, SourceLocation where)
    : Metric(Metric::make("TopKCategoricalAccuracy", {{"name", o.name}, {"k", o.k}}, where)) {}
SparseTopKCategoricalAccuracy::SparseTopKCategoricalAccuracy(TopKOptions o, SourceLocation where)
    : Metric(Metric::make("SparseTopKCategoricalAccuracy", {{"name", o.name}, {"k", o.k}}, where)) {
}

BinaryAccuracy::BinaryAccuracy(BinaryAccuracyOptions o, SourceLocation where)
    : Metric(
          Metric::make("BinaryAccuracy", {{"name", o.name}, {"threshold", o.threshold}}, where)) {}

}  // namespace metrics
}  // namespace sinter
