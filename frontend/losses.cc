// Losses by name and object, their reductions, and the check of labels against predictions.
#include "frontend/losses.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/graph.h"
#include "frontend/argument_checks.h"
#include "frontend/asked_settings.h"
#include "frontend/custom_functions.h"
#include "frontend/given_function.h"
#include "frontend/label_shape.h"
#include "frontend/loss_table.h"
#include "frontend/origin.h"
#include "frontend/own_names.h"
#include "ops/ops.h"

namespace sinter {

struct Loss::Spec {
  ConfigValue identity;
  std::string name;
  Function function;
  Reduction reduction = Reduction::kSumOverBatchSize;
  Labels labels = Labels::kValues;
  bool custom = false;
  std::optional<int64_t> ignored = {};  // the class whose values do not count
};
namespace {

using Function = Loss::Function;

Reduction parse_reduction(const std::string& name) {
  if (name == "sum_over_batch_size" || name == "mean" || name == "auto")  // "auto": Keras 2
    return Reduction::kSumOverBatchSize;
  if (name == "sum") return Reduction::kSum;
  if (name == "mean_with_sample_weight") return Reduction::kMeanWithSampleWeight;
  if (name == "none")
    throw Error("reduction 'none' gives no number to train on; use 'sum_over_batch_size' or 'sum'");
  raise_unknown_name("loss reduction", name,
                     {"sum_over_batch_size", "mean", "sum", "mean_with_sample_weight"});
}

// Labels of the class `ignored` become class 0, and do not count.
struct CountedLabels {
  CountedLabels(Symbol y_true, Symbol y_pred, int64_t ignored) {
    // Wide enough for any class: labels of uint8 are never -1.
    if (!is_floating(y_true.dtype())) y_true = cast(y_true, DType::kInt64);
    counted = not_equal(y_true, ignored);
    labels = select(counted, y_true, 0);
    if (counted.rank() == y_pred.rank()) counted = squeeze(counted, -1);
  }
  Symbol labels;   // as y_true
  Symbol counted;  // as the values of the loss, of bool
};

CustomFunctions<Function>& custom_losses() {
  static CustomFunctions<Function> instance;
  return instance;
}

bool is_loss_of_keras(const std::string& name) {
  return name == "crossentropy" || name == "ce" ||
         std::ranges::any_of(losses_of_keras(), [&](const LossOfKeras& entry) {
           return entry.class_name == name ||
                  std::ranges::find(entry.names, name) != entry.names.end();
         });
}

}  // namespace

void register_loss(const std::string& name, Loss::Function function, SourceLocation where) {
  custom_losses().set(name, given(std::move(function), "a loss", where));
}

std::vector<std::string> loss_names() {
  std::vector<std::string> names = {"crossentropy", "ce"};
  for (const LossOfKeras& e : losses_of_keras())
    names.insert(names.end(), e.names.begin(), e.names.end());
  custom_losses().append_names(names);
  return names;
}

Loss Loss::find(const std::string& name, const Config& config, ConfigValue identity) {
  if (auto custom = custom_losses().find(name)) return Loss(name, *std::move(custom));
  if (name == "crossentropy" || name == "ce") {
    Spec open;
    open.identity = std::move(identity);
    open.name = name;
    return Loss(std::move(open));
  }
  for (const LossOfKeras& entry : losses_of_keras()) {
    bool match = entry.class_name == name;
    for (const std::string& known : entry.names) match = match || known == name;
    if (!match) continue;
    Spec spec{std::move(identity), config.get_string("name", entry.names[0]), entry.make(config),
              parse_reduction(config.get_string("reduction", "sum_over_batch_size")), entry.labels};
    if (!config.get("ignore_class").is_null()) spec.ignored = config.get_int("ignore_class", 0);
    return Loss(std::move(spec));
  }
  raise_unknown_name("loss", name, loss_names());
}

Loss::Loss(Spec spec) : spec_(std::make_shared<const Spec>(std::move(spec))) {}

Loss::Loss(const std::string& name, SourceLocation where)
    : Loss(at_line(where, [&] { return find(name, {}, name); })) {}
Loss::Loss(const char* name, SourceLocation where) : Loss(std::string(name), where) {}

namespace {

void check_loss_settings(const std::string& owner, const Config& settings) {
  check_numbers(owner, settings,
                {{"label_smoothing", kZeroToOne},
                 {"delta", kPositive},
                 {"gamma", kNotNegative},
                 {"beta", kNotNegative}});
  // Of two classes the other one counts 1 - alpha.
  check_numbers(owner, settings,
                {{"alpha", owner == "BinaryFocalCrossentropy" ? kZeroToOne : kNotNegative}});
}

}  // namespace

Loss Loss::make(const std::string& class_name, const Config& config, SourceLocation where) {
  if (where.line() != 0) return at_line(where, [&] { return make(class_name, config); });
  for (const LossOfKeras& entry : losses_of_keras()) {
    if (entry.class_name != class_name) continue;
    std::string name = config.get_string("name", "");
    Config full = {{"name", name.empty() ? entry.names[0] : name},
                   {"reduction", config.get_string("reduction", "sum_over_batch_size")}};
    full.merge(entry.defaults);
    for (const ConfigEntry& e : config.entries()) {
      if (entry.defaults.contains(e.key)) full.set(e.key, e.value);
    }
    return made_of(class_name, config, full, [&] {
      check_loss_settings(class_name, full);
      return find(class_name, full, ConfigObject{"keras.losses", class_name, full});
    });
  }
  return made_of(class_name, config, [&] {
    return find(class_name, config, ConfigObject{"keras.losses", class_name, config});
  });
}

Loss::Loss(std::string name, Function function, SourceLocation where)
    : Loss(Spec{.identity = telling(name, kOwnLoss, {name, where, is_loss_of_keras(name)},
                                    given(function, "a loss", where)),
                .name = name,
                .function = function,
                .custom = true}) {}

const char* name_of_loss(AnyFunction function) {
  using namespace losses;
  static const std::pair<AnyFunction, const char*> kNames[] = {
      {any_function(mean_squared_error), "mean_squared_error"},
      {any_function(mean_absolute_error), "mean_absolute_error"},
      {any_function(mean_absolute_percentage_error), "mean_absolute_percentage_error"},
      {any_function(mean_squared_logarithmic_error), "mean_squared_logarithmic_error"},
      {any_function(huber), "huber"},
      {any_function(log_cosh), "log_cosh"},
      {any_function(hinge), "hinge"},
      {any_function(squared_hinge), "squared_hinge"},
      {any_function(categorical_hinge), "categorical_hinge"},
      {any_function(kl_divergence), "kl_divergence"},
      {any_function(poisson), "poisson"},
      {any_function(losses::cosine_similarity), "cosine_similarity"},
      {any_function(sinter::binary_crossentropy), "binary_crossentropy"},
      {any_function(losses::binary_crossentropy), "binary_crossentropy"},
      {any_function(sinter::categorical_crossentropy), "categorical_crossentropy"},
      {any_function(losses::categorical_crossentropy), "categorical_crossentropy"},
      {any_function(sinter::sparse_categorical_crossentropy), "sparse_categorical_crossentropy"},
      {any_function(losses::sparse_categorical_crossentropy), "sparse_categorical_crossentropy"},
  };
  for (const auto& [known, name] : kNames) {
    if (known == function) return name;
  }
  return nullptr;
}

Loss::Loss(AnyFunction function, Function bound, bool unbound, SourceLocation where) {
  if (const char* name = name_of_loss(given(function, "a loss", where))) {
    *this = Loss(name);
    return;
  }
  if (unbound) {
    throw Error(with_line(
        where,
        "a loss with a further argument needs it bound: pass a lambda of (y_true, y_pred), or an "
        "object of namespace losses"));
  }
  *this = Loss("custom_loss", std::move(bound), where);
}

const std::string& Loss::name() const { return spec_->name; }
bool Loss::takes_classes() const { return spec_ != nullptr && spec_->labels == Labels::kClasses; }
bool Loss::takes_probabilities() const {
  return spec_ != nullptr && spec_->labels == Labels::kProbabilities;
}
bool Loss::is_custom() const { return spec_ != nullptr && spec_->custom; }
Reduction Loss::reduction() const { return spec_->reduction; }
std::optional<int64_t> Loss::ignored_class() const {
  return spec_ == nullptr ? std::nullopt : spec_->ignored;
}

ConfigValue Loss::to_config() const { return spec_ == nullptr ? ConfigValue() : spec_->identity; }

Loss Loss::from_config(const ConfigValue& value) {
  if (value.is_null()) return {};
  if (const std::string* name = value.as<std::string>()) return Loss(*name);
  if (const ConfigObject* object = value.as<ConfigObject>())
    return make(object->class_name, object->config);
  throw Error("a loss is null, a name or an object, found " + std::string(value.type_name()));
}

void squeeze_or_expand_to_same_rank(Symbol& a, Symbol& b) {
  const auto shrink = [](Symbol& wide, Symbol& narrow) {
    if (wide.rank() != narrow.rank() + 1 || wide.shape().dim(-1) != 1) return;
    if (narrow.rank() == 1) {
      narrow = expand_dims(narrow, -1);
    } else {
      wide = squeeze(wide, -1);
    }
  };
  shrink(a, b);
  shrink(b, a);
}

Loss Loss::resolve(const ValueType& y_true, const ValueType& y_pred) const {
  if (spec_ == nullptr || spec_->function) return *this;
  const bool binary = y_pred.shape.dim(-1) == 1;
  const bool sparse = y_true.shape.rank() < y_pred.shape.rank() || y_true.shape.dim(-1) == 1;
  return Loss(binary   ? "binary_crossentropy"
              : sparse ? "sparse_categorical_crossentropy"
                       : "categorical_crossentropy");
}

Symbol Loss::values_of(OpInput y_true, OpInput y_pred, Symbol& counted) const {
  if (!takes_classes()) {
    if (y_true.dtype() != y_pred.dtype()) y_true = cast(y_true, y_pred.dtype());
    squeeze_or_expand_to_same_rank(y_true, y_pred);
  }
  if (spec_->ignored) {
    const CountedLabels c(y_true, y_pred, *spec_->ignored);
    counted = c.counted;
    return select(counted, spec_->function(c.labels, y_pred), 0.0);
  }
  const Symbol values = spec_->function(y_true, y_pred);
  y_pred.graph().id_of(values, fmt::format("loss '{}'", name()));
  return values;
}

Symbol Loss::per_sample(OpInput y_true, OpInput y_pred) const {
  Symbol counted;
  return values_of(y_true, y_pred, counted);
}

Symbol with_axis_last(OpInput x, int axis) {
  const int rank = x.rank(), from = axis < 0 ? axis + rank : axis;
  if (from < 0 || from >= rank) {
    throw ShapeError(fmt::format("axis {} is out of range for predictions or labels {}", axis,
                                 x.shape().to_string()));
  }
  if (from == rank - 1) return x;
  std::vector<int64_t> order;
  for (int i = 0; i < rank; ++i) {
    if (i != from) order.push_back(i);
  }
  order.push_back(from);
  return transpose(x, order);
}

Symbol weight_like(OpInput weight, OpInput values, const std::string& of) {
  const Symbol given = weight;
  while (weight.rank() > values.rank() && weight.shape().dim(-1) == 1) weight = squeeze(weight, -1);
  while (weight.rank() < values.rank()) weight = expand_dims(weight, -1);
  if (weight.rank() > values.rank()) {
    throw ShapeError(fmt::format("{}: sample weights {} do not fit values {}", of,
                                 given.shape().to_string(), values.shape().to_string()));
  }
  return weight;
}

Symbol Loss::operator()(OpInput y_true, OpInput y_pred, OpInput sample_weight) const {
  Symbol weight, counted;  // of each value; none: all are 1
  Symbol values = values_of(y_true, y_pred, counted);
  if (sample_weight.valid()) {
    // As in Keras, one number for the whole batch is weighted by each of them.
    weight = values.rank() == 0
                 ? sample_weight
                 : weight_like(sample_weight, values, fmt::format("loss '{}'", name()));
    values = values * weight;
    weight = broadcast_to(weight, values.shape());
  }
  if (counted.valid()) {
    counted = cast(counted, values.dtype());
    weight = weight.valid() ? weight * counted : counted;
  }
  if (reduction() == Reduction::kSum) return sum(values);
  if (reduction() == Reduction::kMeanWithSampleWeight && weight.valid())
    return divide_no_nan(sum(values), sum(weight));
  return counted.valid() ? divide_no_nan(sum(values), sum(counted)) : mean(values);
}

void Loss::check_labels(const std::string& output, const ValueType& y_true,
                        const ValueType& y_pred) const {
  if (spec_ == nullptr || spec_->custom) return;
  if (label_shape_fits(takes_classes(), y_true.shape, y_pred.shape)) return;
  const char* instead = takes_classes() ? "'categorical_crossentropy'"
                        : spec_->labels == Labels::kOneHot
                            ? "'sparse_categorical_crossentropy' or to_categorical()"
                            : "";
  raise_label_shape(fmt::format("loss '{}' at output '{}'", name(), output), takes_classes(),
                    instead, y_true.shape, y_pred.shape);
}

}  // namespace sinter
