// States of metrics in graphs, and their results.
#include "frontend/training/metric_results.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "ops/ops.h"
#include "runtime/compile.h"

namespace sinter {
namespace {

// In a step: variables of the model, and what they become.
class StepState final : public MetricContext {
 public:
  StepState(const std::string& metric, CallContext& context, std::vector<MetricVariable>& variables)
      : metric_(metric), context_(context), variables_(variables) {}

  Symbol variable(const std::string& name, const Shape& shape, double initial,
                  const OpLine& line) override {
    line.enter();
    MetricVariable* known = find(name);
    if (known == nullptr) {
      const std::string path = metric_ + "/" + name;
      variables_.push_back({name,
                            std::make_shared<Variable>(
                                name, path, Tensor::full(DType::kFloat64, shape, initial), false),
                            initial});
      known = &variables_.back();
    }
    for (const CallContext::Update& u : updates_) {
      if (u.variable == known->variable) return u.value;
    }
    return context_.variable(known->variable);
  }

  void assign(const std::string& name, OpInput value) override {
    if (find(name) == nullptr) variable(name, value.shape(), 0, SourceLocation());
    const VariablePtr& v = find(name)->variable;
    if (value.shape() != v->value.shape()) {
      throw ShapeError(fmt::format("metric '{}': variable '{}' is {}, and cannot become {}",
                                   metric_, name, v->value.shape().to_string(),
                                   value.shape().to_string()));
    }
    value = cast(value, DType::kFloat64);
    for (CallContext::Update& u : updates_) {
      if (u.variable != v) continue;
      u.value = value;
      return;
    }
    updates_.push_back({v, value});
  }

  const std::vector<CallContext::Update>& updates() const { return updates_; }

 private:
  MetricVariable* find(const std::string& name) {
    const auto it = std::ranges::find(variables_, name, &MetricVariable::name);
    return it == variables_.end() ? nullptr : &*it;
  }

  const std::string& metric_;
  CallContext& context_;
  std::vector<MetricVariable>& variables_;
  std::vector<CallContext::Update> updates_;
};

// Behind the steps: variables are inputs of a small graph.
class ResultState final : public MetricContext {
 public:
  ResultState(const std::string& metric, Graph& graph, const std::vector<MetricVariable>& variables)
      : metric_(metric) {
    for (const MetricVariable& v : variables)
      symbols_.emplace_back(v.name, graph.input(v.name, v.variable->value.type()));
  }

  Symbol variable(const std::string& name, const Shape&, double, const OpLine& line) override {
    line.enter();
    std::vector<std::string> known;
    for (const auto& [key, symbol] : symbols_) {
      if (key == name) return symbol;
      known.push_back(key);
    }
    raise_unknown_name(fmt::format("variable of metric '{}'", metric_), name, known);
  }
  void assign(const std::string&, OpInput) override {
    throw InternalError(fmt::format("metric '{}': result() changes a variable", metric_));
  }

 private:
  const std::string& metric_;
  std::vector<std::pair<std::string, Symbol>> symbols_;
};

}  // namespace

std::vector<CallContext::Update> MetricResult::write(CallContext& context, const MetricImpl& metric,
                                                     Symbol y_true, Symbol y_pred, Symbol weight) {
  if (!metric.takes_classes()) {
    if (y_true.dtype() != y_pred.dtype()) y_true = cast(y_true, y_pred.dtype());
    squeeze_or_expand_to_same_rank(y_true, y_pred);
  }
  StepState state(name_, context, variables_);
  metric.update_state(state, y_true, y_pred, weight);
  if (result_ == nullptr) {
    Graph graph(name_);
    ResultState after(name_, graph, variables_);
    const Symbol number = metric.result(after);
    if (!number.shape().is_static() || number.shape().elements() != 1) {
      throw Error(fmt::format(
          "metric '{}' gives {}, and one number is logged: set .average or the like, or use a "
          "metric for each",
          name_, number.shape().to_string()));
    }
    graph.add_output("result", graph.id_of(cast(number, DType::kFloat64), "metric " + name_));
    CompileOptions options;
    options.backend = "reference";
    options.cache = false;
    result_ = compile(graph, options);
  }
  return state.updates();
}

double MetricResult::value() {
  std::vector<Tensor> values;
  for (const MetricVariable& v : variables_) values.push_back(v.variable->value);
  return result_->run(values).at(0).at(0);
}

std::vector<Tensor> MetricResult::save() const {
  std::vector<Tensor> values;
  for (const MetricVariable& v : variables_) values.push_back(v.variable->value.clone());
  return values;
}

void MetricResult::restore(const std::vector<Tensor>& values) {
  for (size_t i = 0; i < values.size(); ++i) variables_[i].variable->assign(values[i]);
}

void MetricResult::reset() {
  for (const MetricVariable& v : variables_)
    v.variable->assign(Tensor::full(DType::kFloat64, v.variable->value.shape(), v.initial));
}

}  // namespace sinter
