#include "tests/fuzz/derivatives.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "core/error.h"
#include "core/text.h"
#include "ops/gradients.h"
#include "runtime/compile.h"
#include "runtime/executable.h"
#include "tests/fuzz/maker.h"

namespace sinter::fuzz {
namespace {

constexpr double kSteps[] = {1e-4, 3e-5, 1e-5};  // along directions of numbers about 1
constexpr double kLargest = 1e4;                 // with larger values rounding looks like a slope

bool is_differentiable(DType dtype) { return dtype == DType::kFloat64; }

class Derivatives {
 public:
  explicit Derivatives(uint64_t seed) : random_(seed ^ 0xABCDEFu) {
    Maker maker(seed * 0x9E3779B97F4A7C15u + 5, {120, 12, true}, c_);
    maker.dtypes = {DType::kFloat64};
    maker.wild = false;
    maker.grow();
    forward_ = c_.graph.size();
    choose(maker);
  }

  /// Is there anything to differentiate? Values that are rounded to float32 tell nothing.
  bool can_be_judged() const {
    const auto is_rough = [](const ValueType& t) {
      return is_floating(t.dtype) && t.dtype != DType::kFloat64;
    };
    return !wrt_.empty() && !values_.empty() &&
           std::ranges::none_of(c_.graph.nodes(), [&](const Node& n) {
             return n.is("stop_gradient") || std::ranges::any_of(n.types, is_rough);
           });
  }

  std::string fault(DerivativeCounts& counts) {
    add_derivatives();
    CompileOptions options;
    options.backend = "reference";
    options.pipeline = "training";
    options.disabled_passes = {"all"};
    options.cache = false;
    options.batch = c_.batch;
    const auto executable = compile(c_.graph, options);
    for (const int style : {0, 2}) {
      fill(style);
      if (std::string what = judged(*executable, counts); !what.empty())
        return fmt::format("{}\n{}", what, to_text(c_.graph));
    }
    return "";
  }

 private:
  using Results = std::vector<double>;  // the loss, its first and its second derivative

  void choose(const Maker& maker) {
    for (const Symbol& s : maker.pool) {
      if (!is_differentiable(s.dtype())) continue;
      const Node& n = c_.graph.node(s.id());
      const bool source = n.is(KernelOp::kInput) || n.is(KernelOp::kVariable);
      const auto same = [&](const Symbol& w) { return w.id() == s.id(); };
      if (!source)
        values_.push_back(s);
      else if (std::ranges::none_of(wrt_, same))
        wrt_.push_back(s);
    }
  }

  // sum of gradient * direction, the directions being inputs.
  Symbol along_directions(Symbol y) {
    const std::vector<Symbol> gradient = gradients(y, wrt_);
    Symbol total;
    for (size_t i = 0; i < wrt_.size(); ++i) {
      const Symbol part = sum(gradient[i] * directions_[i]);
      total = total.valid() ? total + part : part;
    }
    return total;
  }

  void add_derivatives() {
    Symbol loss;
    for (int i = 0; i < 3; ++i) {
      const Symbol y = i == 0 ? values_.back() : random_.pick(values_);
      const Symbol weighted =
          y.shape().is_static() ? y * c_.graph.constant(random_tensor(random_, y.type(), 0)) : y;
      loss = loss.valid() ? loss + sum(weighted) : sum(weighted);
    }
    for (size_t i = 0; i < wrt_.size(); ++i)
      directions_.push_back(c_.graph.input(fmt::format("direction{}", i), wrt_[i].type()));
    c_.graph.add_output("loss", loss.id());
    const Symbol first = along_directions(loss);
    c_.graph.add_output("first", first.id());
    try {
      c_.graph.add_output("second", along_directions(first).id());
    } catch (const Error& error) {
      if (std::string_view(error.what()).find("has no gradient") == std::string_view::npos) throw;
    }
  }

  Tensor data_of(int32_t node, int style) {
    ValueType type = c_.graph.type({node, 0});
    type.shape = type.shape.specialized(c_.batch);
    const bool direction = c_.graph.node(node).name.starts_with("direction");
    Tensor t = random_tensor(random_, type, direction ? 0 : style);
    if (c_.graph.node(node).name == "state") t.set(0, 7), t.set(1, 3);
    return t;
  }

  void fill(int style) {
    c_.inputs.clear();
    c_.variables.clear();
    for (const int32_t i : c_.graph.inputs()) c_.inputs.push_back(data_of(i, style));
    for (const int32_t i : c_.graph.variables()) c_.variables.push_back(data_of(i, style));
  }

  // The data, moved by `step` along the directions.
  std::vector<Tensor> moved(const std::vector<int32_t>& nodes, const std::vector<Tensor>& data,
                            double step) const {
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

  Results at(Executable& executable, double step) const {
    executable.bind(moved(c_.graph.variables(), c_.variables, step));
    Results results;
    for (const Tensor& t : executable.run(moved(c_.graph.inputs(), c_.inputs, step)))
      results.push_back(t.at(0));
    return results;
  }

  // Is no value before the gradients beyond what differences tell about?
  bool values_are_moderate() const {
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

  std::string judged(Executable& executable, DerivativeCounts& counts) const {
    const Results here = at(executable, 0);
    std::array<Results, 3> after, before;
    for (size_t i = 0; i < 3; ++i) {
      after[i] = at(executable, kSteps[i]);
      before[i] = at(executable, -kSteps[i]);
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
      if (std::fabs(got - slopes[2]) > 3e-3 * size && values_are_moderate())
        return fmt::format("the {} derivative is {:.12g}, by differences {:.12g}",
                           order == 0 ? "first" : "second", got, slopes[2]);
    }
    return "";
  }

  Case c_;
  Random random_;
  int32_t forward_ = 0;
  std::vector<Symbol> wrt_, values_, directions_;
};

}  // namespace

std::string derivative_fault(uint64_t seed, DerivativeCounts& counts) {
  try {
    Derivatives derivatives(seed);
    if (!derivatives.can_be_judged()) return "";
    ++counts.graphs;
    return derivatives.fault(counts);
  } catch (const DoesNotFit&) {
    return "";
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("has no gradient") == std::string_view::npos) throw;
    return "";
  }
}

}  // namespace sinter::fuzz
