#include "frontend/verify/check_gradients.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"

namespace sinter::verification {
namespace {

constexpr double kSteps[] = {1e-4, 3e-5, 1e-5};  // along directions of numbers about 1
constexpr double kLargest = 1e4;                 // with larger values rounding looks like a slope
constexpr double kAllowed = 3e-3;                // of the slope
constexpr double kBeside = 1e-2;                 // farther than a step of differences

bool is_differentiable(DType dtype) { return dtype == DType::kFloat64; }

bool has_no_gradient(const Error& error) {
  return std::string_view(error.what()).find("has no gradient") != std::string_view::npos;
}

}  // namespace

bool DerivativeCheck::can_be_judged(const Graph& graph) {
  const auto is_rough = [](const ValueType& t) {
    return is_floating(t.dtype) && t.dtype != DType::kFloat64;
  };
  const std::vector<bool> live = graph.live_nodes();
  for (int32_t i = 0; i < graph.size(); ++i) {
    const Node& n = graph.node(i);
    if (live[static_cast<size_t>(i)] &&
        (n.is("stop_gradient") || std::ranges::any_of(n.types, is_rough)))
      return false;
  }
  return true;
}

DerivativeCheck::DerivativeCheck(Case c, const std::vector<ValueId>& values,
                                 const std::vector<ValueId>& wrt, Random random)
    : c_(std::move(c)), random_(random), forward_(c_.graph.size()) {
  Graph& g = c_.graph;
  g.clear_outputs();
  g.clear_updates();
  for (const ValueId id : wrt) wrt_.emplace_back(&g, id);
  Symbol loss;
  for (const ValueId id : values) {
    const Symbol y(&g, id);
    const Symbol weighted =
        y.shape().is_static() ? y * g.constant(random_tensor(random_, y.type(), 0)) : y;
    loss = loss.valid() ? loss + sum(weighted) : sum(weighted);
  }
  for (size_t i = 0; i < wrt_.size(); ++i)
    directions_.push_back(g.input(fmt::format("direction{}", i), wrt_[i].type()));
  g.add_output("loss", loss.id());
  const Symbol first = along_directions(loss);
  g.add_output("first", first.id());
  try {
    g.add_output("second", along_directions(first).id());
  } catch (const Error& error) {
    if (!has_no_gradient(error)) throw;
  }
  CompileOptions options;
  options.backend = "reference";
  options.pipeline = "training";
  options.disabled_passes = {"all"};
  options.cache = false;
  options.batch = c_.batch;
  executable_ = compile(g, options);
}

// sum of gradient * direction, the directions being inputs.
Symbol DerivativeCheck::along_directions(Symbol y) {
  const std::vector<Symbol> gradient = gradients(y, wrt_);
  Symbol total;
  for (size_t i = 0; i < wrt_.size(); ++i) {
    const Symbol part = sum(gradient[i] * directions_[i]);
    total = total.valid() ? total + part : part;
  }
  return total;
}

void DerivativeCheck::set_data(const std::vector<Tensor>& inputs, std::vector<Tensor> variables) {
  c_.inputs = inputs;
  c_.variables = std::move(variables);
  for (const Symbol& d : directions_) {
    const ValueType type{d.type().dtype, d.type().shape.specialized(c_.batch)};
    c_.inputs.push_back(random_tensor(random_, type, 0));
  }
}

// The data, moved by `step` along the directions.
std::vector<Tensor> DerivativeCheck::moved(const std::vector<int32_t>& nodes,
                                           const std::vector<Tensor>& data, double step) const {
  std::vector<Tensor> result;
  for (size_t k = 0; k < nodes.size(); ++k) {
    result.push_back(data[k].clone());
    for (size_t w = 0; w < wrt_.size(); ++w) {
      if (wrt_[w].id().node != nodes[k]) continue;
      const auto& inputs = c_.graph.inputs();
      const auto at = std::ranges::find(inputs, directions_[w].id().node) - inputs.begin();
      const auto along = c_.inputs[static_cast<size_t>(at)].data<double>();
      for (size_t e = 0; e < along.size(); ++e) result[k].data<double>()[e] += step * along[e];
    }
  }
  return result;
}

DerivativeCheck::Results DerivativeCheck::at(double step) {
  executable_->bind(moved(c_.graph.variables(), c_.variables, step));
  Results results;
  for (const Tensor& t : executable_->run(moved(c_.graph.inputs(), c_.inputs, step)))
    results.push_back(t.at(0));
  return results;
}

// Is no value before the gradients beyond what differences tell about?
bool DerivativeCheck::values_are_moderate() const {
  Graph all = c_.graph;
  all.clear_outputs();
  for (int32_t i = 0; i < forward_; ++i) {
    const auto results = static_cast<int32_t>(all.node(i).types.size());
    for (int32_t r = 0; r < results; ++r) all.add_output(fmt::format("{}_{}", i, r), {i, r});
  }
  for (const Tensor& t : evaluate_graph(all, c_.inputs, c_.variables)) {
    if (!is_differentiable(t.dtype())) continue;
    if (!std::ranges::all_of(t.data<double>(), [](double v) { return std::fabs(v) < kLargest; }))
      return false;
  }
  return true;
}

std::string DerivativeCheck::fault(DerivativeCounts& counts) {
  const Results here = at(0);
  std::array<Results, 3> after, before;
  for (size_t i = 0; i < 3; ++i) {
    after[i] = at(kSteps[i]);
    before[i] = at(-kSteps[i]);
  }
  for (size_t order = 0; order + 1 < here.size(); ++order) {
    double slopes[3];
    for (size_t i = 0; i < 3; ++i)
      slopes[i] = (after[i][order] - before[i][order]) / (2 * kSteps[i]);
    const double step = kSteps[2], value = here[order], right = (after[2][order] - value) / step,
                 left = (value - before[2][order]) / step;
    const double size = std::fabs(slopes[2]) + 1e-3 + std::fabs(value) * 1e-3;
    const bool smooth = std::fabs(slopes[0] - slopes[1]) <= 1e-4 * size &&
                        std::fabs(slopes[1] - slopes[2]) <= 1e-4 * size &&
                        std::fabs(right - left) <= 1e-2 * size;
    if (!smooth) continue;  // or not finite
    const double got = here[order + 1];
    if (!std::isfinite(got)) {
      ++counts.not_finite;
      continue;
    }
    ++(order == 0 ? counts.judged_first : counts.judged_second);
    const double share = std::fabs(got - slopes[2]) / (kAllowed * size);
    if (share > 1 && values_are_moderate())
      return fmt::format("the {} derivative is {:.12g}, by differences {:.12g}",
                         order == 0 ? "first" : "second", got, slopes[2]);
    if (share <= 1) counts.worst = std::max(counts.worst, share);
  }
  return "";
}

std::string gradient_fault(const Case& c, DerivativeCounts* counts) {
  DerivativeCounts own;
  Case wide;
  wide.batch = c.batch;
  wide.graph = widened(has_symbolic_batch(c.graph) ? specialize(c.graph, c.batch) : c.graph);
  wide.graph.clear_updates();
  if (!DerivativeCheck::can_be_judged(wide.graph)) return "";
  // Somewhat beside the numbers: at those with a place of their own (labels of 0, masks) the slope
  // of what holds there alone is no slope.
  Random random(1);
  const auto beside = [&](const std::vector<Tensor>& tensors) {
    std::vector<Tensor> result;
    for (const Tensor& t : tensors) {
      result.push_back(t.dtype() == DType::kFloat32 ? t.cast(DType::kFloat64) : t.clone());
      if (!is_differentiable(result.back().dtype())) continue;
      for (double& v : result.back().data<double>())
        v += kBeside * (1 + std::fabs(v)) * random.uniform(-1, 1);
    }
    return result;
  };
  std::vector<ValueId> values, wrt;
  for (const Graph::Output& o : wide.graph.outputs()) {
    if (is_differentiable(wide.graph.type(o.value).dtype)) values.push_back(o.value);
  }
  const std::vector<bool> live = wide.graph.live_nodes();
  for (const auto* nodes : {&wide.graph.inputs(), &wide.graph.variables()}) {
    for (const int32_t i : *nodes) {
      if (live[static_cast<size_t>(i)] && is_differentiable(wide.graph.type({i, 0}).dtype))
        wrt.push_back({i, 0});
    }
  }
  if (values.empty() || wrt.empty()) return "";
  try {
    DerivativeCheck check(std::move(wide), values, wrt, random);
    check.set_data(beside(c.inputs), beside(c.variables));
    const std::string fault = check.fault(counts == nullptr ? own : *counts);
    return fault.empty() ? "" : "gradient: " + fault;
  } catch (const Error& error) {
    if (!has_no_gradient(error)) throw;
    return "";
  }
}

}  // namespace sinter::verification
