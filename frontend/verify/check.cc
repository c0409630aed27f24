#include "frontend/verify/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "core/model_file.h"
#include "core/region_form.h"
#include "core/text.h"
#include "frontend/verify/apart.h"
#include "frontend/verify/check_gradients.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "runtime/thread_pool.h"

namespace sinter::verification {
namespace {

std::vector<Tensor> clones(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> result;
  for (const Tensor& t : tensors) result.push_back(t.clone());
  return result;
}

}  // namespace

bool has_windows(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [](const Node& n) {
    return n.is(KernelOp::kAsStrided) || n.op->name.starts_with("convolution");
  });
}

CompileOptions options_of(const Case& c, const Configuration& k) {
  CompileOptions options;
  options.backend = k.backend == "passes" ? "reference" : k.backend;
  options.pipeline = k.pipeline;
  options.batch = c.batch;
  options.mixed_precision = k.mixed_precision;
  options.disabled_passes = k.disabled;
  options.cache = false;
  options.strict_precision = k.strict && has_windows(c.graph);
  return options;
}

namespace {

Graph through_text(const Graph& graph) {
  constexpr int64_t kAllElements = int64_t{1} << 40;
  return parse_graph(to_text(graph, {.max_constant_elements = kAllElements}));
}

Graph through_file(const Graph& graph) {
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("sinter-verify-{}.sinter", ::getpid()))
          .string();
  ModelFile file;
  file.kind = "inference";
  file.graphs.push_back(graph);
  save_model_file(path, file);
  Graph loaded = load_model_file(path).graphs.at(0);
  std::filesystem::remove(path);
  return loaded;
}

// Memory for one output between two rows of a pattern that nobody may write.
class Guarded {
 public:
  explicit Guarded(const ValueType& type)
      : bytes_(static_cast<size_t>(type.bytes())),
        memory_(std::make_shared<Tensor>(
            DType::kUint8, Shape{static_cast<int64_t>((bytes_ + 63) / 64 * 64 + 2 * kGuard)})) {
    std::memset(memory_->raw(), kPattern, static_cast<size_t>(memory_->bytes()));
    tensor_ = Tensor(type.dtype, type.shape, data(), memory_);
  }
  const Tensor& tensor() const { return tensor_; }
  void* data() { return static_cast<uint8_t*>(memory_->raw()) + kGuard; }
  bool is_whole() const {
    const auto* all = static_cast<const uint8_t*>(memory_->raw());
    const auto is_pattern = [](uint8_t b) { return b == kPattern; };
    return std::all_of(all, all + kGuard, is_pattern) &&
           std::all_of(all + kGuard + bytes_, all + memory_->bytes(), is_pattern);
  }

 private:
  static constexpr size_t kGuard = 256;
  static constexpr uint8_t kPattern = 0xFB;
  size_t bytes_;
  std::shared_ptr<Tensor> memory_;
  Tensor tensor_;
};

struct Results {
  std::vector<Guarded> outputs, variables;
};

// One run from the first values of the variables.
Results run(Executable& executable, const Case& c) {
  Results r;
  std::vector<Tensor> variables;
  for (const Tensor& v : c.variables) {
    r.variables.emplace_back(v.type());
    Tensor place = r.variables.back().tensor();
    place.copy_from(v);
    variables.push_back(place);
  }
  executable.bind(variables);
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  for (const Tensor& t : c.inputs) inputs.push_back(t.raw());
  const Graph& graph = executable.graph();
  for (const Graph::Output& o : graph.outputs()) {
    r.outputs.emplace_back(graph.type(o.value));
    outputs.push_back(r.outputs.back().data());
  }
  executable.run(inputs, outputs);
  return r;
}

// Bits, but for the payload and sign of a NaN.
bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.identical(b)) return true;
  if (!is_floating(a.dtype())) return false;
  for (int64_t i = 0; i < a.elements(); ++i) {
    const double x = a.at(i), y = b.at(i);
    if (std::isnan(x) && std::isnan(y)) continue;
    if (std::memcmp(&x, &y, sizeof x) != 0) return false;
  }
  return true;
}

std::string differing(const Results& a, const Results& b) {
  for (size_t i = 0; i < a.outputs.size(); ++i) {
    if (!same_bits(a.outputs[i].tensor(), b.outputs[i].tensor()))
      return fmt::format("output {}", i);
  }
  for (size_t i = 0; i < a.variables.size(); ++i) {
    if (!same_bits(a.variables[i].tensor(), b.variables[i].tensor()))
      return fmt::format("variable {}", i);
  }
  return "";
}

Verdict memory_verdict(const Results& r, const Case& c, const std::vector<Tensor>& inputs_before,
                       const Graph& graph) {
  for (size_t i = 0; i < r.outputs.size(); ++i) {
    if (!r.outputs[i].is_whole())
      return {fmt::format("memory: something was written beside output {}", i)};
  }
  for (size_t i = 0; i < r.variables.size(); ++i) {
    if (!r.variables[i].is_whole())
      return {fmt::format("memory: something was written beside variable {}", i)};
    const bool updated = std::ranges::any_of(graph.updates(), [&](const Graph::Update& u) {
      return u.variable == graph.variables()[i];
    });
    if (!updated && !r.variables[i].tensor().identical(c.variables[i]))
      return {fmt::format("memory: variable {} has changed without an update", i)};
  }
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    if (!c.inputs[i].identical(inputs_before[i]))
      return {fmt::format("memory: input {} has changed", i)};
  }
  return {};
}

Verdict value_verdict(const Results& r, const Case& c, const Expectation& expected,
                      JudgeCounts* counts) {
  const Graph& graph = expected.lowered;
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const Graph::Output& o = graph.outputs()[i];
    const std::string fault = judge(r.outputs[i].tensor(), expected.at(o.value), counts);
    if (!fault.empty()) return {fmt::format("value: output \"{}\": {}", o.name, fault)};
  }
  for (const Graph::Update& u : graph.updates()) {
    const auto k = static_cast<size_t>(std::ranges::find(graph.variables(), u.variable) -
                                       graph.variables().begin());
    const std::string fault = judge(r.variables[k].tensor(), expected.at(u.value), counts);
    if (!fault.empty())
      return {fmt::format("value: new %{}: {}", graph.node(u.variable).name, fault)};
  }
  (void)c;
  return {};
}

// Kernels that normalization is folded into are others: 0 times an infinite weight is NaN, times
// what the normalization makes of 0 it is not; and mixed precision rounds what they are now.
bool folds_to_other_numbers(const Case& c, const Configuration& k) {
  const auto is_fold = [](const std::string& pass) {
    return pass == "fold_batch_norm" || pass == "all";
  };
  const auto is_norm = [](const Node& n) { return n.op->name.starts_with("batch_norm"); };
  const std::vector<Node>& nodes = c.graph.nodes();
  if (k.pipeline != "inference" || std::ranges::any_of(k.disabled, is_fold) ||
      std::ranges::none_of(nodes, is_norm))
    return false;
  if (!k.mixed_precision.empty()) return true;
  constexpr double kExtreme = 1e15;
  const auto is_extreme = [](const Tensor& t) {
    if (!is_floating(t.dtype())) return false;  // a key of random numbers
    for (int64_t i = 0; i < t.elements(); ++i) {
      if (!(std::fabs(t.at(i)) < kExtreme)) return true;
    }
    return false;
  };
  return std::ranges::any_of(c.variables, is_extreme) ||
         std::ranges::any_of(nodes, [&](const Node& n) {
           return n.is(KernelOp::kConstant) && is_extreme(n.attributes.get<Tensor>("value"));
         });
}

// Is any pass on that may change the bits of what the reference backend computes?
bool rounds_elsewhere(const Configuration& k) {
  return !std::ranges::all_of(kRoundingPasses, [&](const std::string& pass) {
    return std::ranges::find(k.disabled, pass) != k.disabled.end();
  });
}

// A run for each number of threads.
Verdict judged_runs(Executable& executable, const Case& c, const Configuration& k,
                    const Expectation& expected, JudgeCounts* counts, std::vector<Results>& all) {
  const std::vector<Tensor> inputs_before = clones(c.inputs);
  const bool shared = std::ranges::any_of(
      executable.program().steps, [](const Step& s) { return s.kernel->most_pieces() > 1; });
  for (const int n : k.threads) {
    if (!shared && !all.empty()) break;  // it would be the same thread
    set_threads(n);
    all.push_back(run(executable, c));
    Verdict v = memory_verdict(all.back(), c, inputs_before, executable.graph());
    if (v.good() && all.size() == 1) v = value_verdict(all[0], c, expected, counts);
    if (!v.good()) return v;
    const std::string other = differing(all.back(), all.front());
    if (!other.empty()) return {fmt::format("bits: {} is another one with {} threads", other, n)};
  }
  // Once more: nothing may be left over from the run before.
  set_threads(k.threads.front());
  const std::string other = differing(run(executable, c), all.front());
  if (!other.empty()) return {fmt::format("bits: {} is another one in the second run", other)};
  return {};
}

Verdict check_runs(const Case& c, const Configuration& k, const Expectation& expected,
                   JudgeCounts* counts) {
  Graph graph = c.graph;
  if (k.route == "text") {
    graph = through_text(graph);
    if (!equal_graphs(graph, c.graph)) return {"text: another graph comes back"};
  }
  const CompileOptions options = options_of(c, k);
  const auto lower_as_asked = [&](const Graph& g) {
    if (k.backend != "passes") return lower(g, options);
    Case same = c;
    same.graph = g;
    return lower_for_fusion(same, k);
  };
  Graph lowered = lower_as_asked(graph);
  if (k.route == "text") {
    const Graph again = through_text(lowered);
    if (!equal_graphs(again, lowered)) return {"text: another lowered graph comes back"};
  }
  if (k.route == "file") {
    Graph again = through_file(lowered);
    if (!equal_graphs(again, lowered)) return {"file: another lowered graph comes back"};
    lowered = std::move(again);
  }
  if (k.values_apart) lowered = with_values_apart(lowered);
  const std::unique_ptr<Executable> executable = load_executable(lowered, options);
  std::vector<Results> all;
  if (Verdict v = judged_runs(*executable, c, k, expected, counts, all); !v.good()) return v;
  std::string other;
  if (k.route != "direct") {
    other = differing(run(*load_executable(lower_as_asked(c.graph), options), c), all.front());
    if (!other.empty())
      return {fmt::format("bits: {} is another one without the {}", other, k.route)};
  }
  if (k.budget >= 0) {
    const Graph within = within_budget(lower_as_asked(c.graph), options, k.budget);
    other = differing(run(*load_executable(within, options), c), all.front());
    if (!other.empty()) return {fmt::format("bits: {} is another one within a budget", other)};
  }
  if (k.backend != "passes" || rounds_elsewhere(k)) return {};
  other = differing(run(*load_executable(expected.lowered, options), c), all.front());
  return {other.empty() ? "" : fmt::format("bits: {} is another one without passes", other)};
}

template <typename F>
Verdict or_raised(F&& f) {
  try {
    return f();
  } catch (const InternalError& error) {
    return {fmt::format("internal error: {}", error.what())};
  } catch (const std::exception& error) {
    return {fmt::format("raises: {}", error.what())};
  }
}

}  // namespace

Graph lower_for_fusion(const Case& c, const Configuration& k,
                       const std::function<bool(std::string_view rule, const Node& at)>& may_fire) {
  register_ops();
  Target target;
  target.name = "passes";
  target.fuses_elementwise = target.fuses_epilogues = true;
  target.contracts_bfloat16 = true;
  PassContext context;
  context.target = &target;
  context.evaluate = [](const Graph& g) { return evaluate_graph(g, {}); };
  context.mixed_precision = k.mixed_precision;
  context.disabled = k.disabled;
  int fired = 0;
  if (k.rules >= 0 || may_fire) {
    context.may_fire = [&](std::string_view rule, const Node& at) {
      if (k.rules >= 0 && fired >= k.rules) return false;
      ++fired;
      return !may_fire || may_fire(rule, at);
    };
  }
  const Pipeline& whole = find_pipeline(k.pipeline);
  Pipeline pipeline{whole.name, {}};
  for (int i = 0; i < static_cast<int>(whole.passes.size()); ++i) {
    const Pass* pass = whole.passes[static_cast<size_t>(i)];
    if (k.passes < 0 || i < k.passes || pass->required) pipeline.passes.push_back(pass);
  }
  const Graph graph = has_symbolic_batch(c.graph) ? specialize(c.graph, c.batch) : c.graph;
  Graph lowered = run_pipeline(pipeline, graph, context);
  check_regions(lowered);
  return lowered;
}

Graph with_values_apart(const Graph& lowered) {
  Graph all = lowered;
  const std::vector<bool> live = lowered.live_nodes();
  for (int32_t i = 0; i < all.size(); ++i) {
    if (!live[static_cast<size_t>(i)] || all.node(i).op->kind == KernelKind::kSource ||
        all.node(i).is(KernelOp::kReshape))
      continue;
    for (int32_t r = 0; r < static_cast<int32_t>(all.node(i).types.size()); ++r)
      all.add_output(fmt::format("value {}.{}", i, r), {i, r});
  }
  return all;
}

Expectation expectation_of(const Case& c, const Configuration& configuration, Branches* branches) {
  Configuration k = configuration;
  k.backend = "reference";
  k.disabled.clear();
  // What clipping probabilities would lose, this pass keeps: it changes results on purpose.
  const auto is_on = [&](const std::string& pass) {
    return configuration.passes != 0 &&  // it is the first one
           std::ranges::none_of(configuration.disabled,
                                [&](const std::string& d) { return d == pass || d == "all"; });
  };
  for (const Pass& p : all_passes()) {
    if (!p.required && !(p.name == "stabilize_cross_entropy" && is_on(p.name)))
      k.disabled.push_back(p.name);
  }
  Expectation e;
  e.lowered = lower(c.graph, options_of(c, k));
  e.values = bounded_run(e.lowered, c.inputs, c.variables, configuration.strict, branches);
  if (folds_to_other_numbers(c, configuration)) {
    for (std::vector<BoundedTensor>& results : e.values) {
      for (BoundedTensor& t : results) std::ranges::fill(t.elements, unknown());
    }
  }
  return e;
}

Verdict check_executable(Executable& executable, const Case& c, const Configuration& configuration,
                         const Expectation& expected) {
  return or_raised([&] {
    std::vector<Results> all;
    return judged_runs(executable, c, configuration, expected, nullptr, all);
  });
}

Verdict check(const Case& c, const Configuration& configuration, const Expectation& expected,
              JudgeCounts* counts) {
  return or_raised([&] { return check_runs(c, configuration, expected, counts); });
}

Verdict check(const Case& c, const Configuration& configuration, JudgeCounts* counts) {
  return or_raised([&] {
    if (configuration.backend == "gradients") return Verdict{gradient_fault(c)};
    return check_runs(c, configuration, expectation_of(c, configuration), counts);
  });
}

Verdict check_apart(const Case& c, const Configuration& configuration) {
  return {apart([&] { return check(c, configuration).what; }, 60)};
}

}  // namespace sinter::verification
