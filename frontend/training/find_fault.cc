// All values of the step are made outputs, so no pass hides one; then the way from what was not
// finite back to the op that began it.
#include "frontend/training/find_fault.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "frontend/session.h"
#include "runtime/compile.h"

namespace sinter {
namespace {

// So many bytes of values at a time: each part runs the step anew.
constexpr int64_t kMostBytes = int64_t{1} << 28;

bool is_source(const Graph& graph, ValueId value) {
  return graph.node(value).op->kind == KernelKind::kSource;
}

class StepValues {
 public:
  explicit StepValues(const RecordedStep& step) : step_(step), graph_(step.graph) {}

  // Values of ops from node `begin` on, as many as fit; the node where the next part begins.
  int32_t load(int32_t begin) {
    values_.clear();
    Graph part = graph_;
    part.clear_outputs();
    part.clear_updates();
    const std::vector<bool> live = graph_.live_nodes();
    std::vector<ValueId> wanted;
    int64_t bytes = 0;
    int32_t next = begin;
    for (; next < graph_.size() && bytes < kMostBytes; ++next) {
      const Node& node = graph_.node(next);
      if (!live[static_cast<size_t>(next)] || node.op->kind == KernelKind::kSource) continue;
      for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r) {
        const ValueType& type = node.types[static_cast<size_t>(r)];
        if (!is_floating(type.dtype)) continue;
        part.add_output(fmt::format("{}.{}", next, r), {next, r});
        wanted.push_back({next, r});
        bytes += ValueType{type.dtype, type.shape.specialized(step_.rows)}.bytes();
      }
    }
    if (wanted.empty()) return next;
    CompileOptions options;
    options.backend = step_.backend;
    options.pipeline = "training";
    options.batch = step_.rows;
    options.mixed_precision = step_.mixed_precision;
    options.disabled_passes = {"all"};
    options.cache = code_cache();
    const std::unique_ptr<Executable> executable = compile(part, options);
    std::vector<Tensor> variables;
    for (const int32_t i : executable->graph().variables()) {
      const std::string& name = executable->graph().node(i).name;
      const auto at = std::ranges::find(graph_.variables(), graph_.find_variable(name));
      variables.push_back(step_.variables[static_cast<size_t>(at - graph_.variables().begin())]);
    }
    executable->bind(std::move(variables));
    std::vector<Tensor> results = executable->run(step_.inputs);
    for (size_t i = 0; i < wanted.size(); ++i) values_.emplace_back(wanted[i], results[i]);
    return next;
  }

  // Of the part that was loaded last, and of inputs and variables; null for others.
  const Tensor* find(ValueId value) const {
    if (graph_.node(value).is(KernelOp::kInput)) return given(graph_.inputs(), step_.inputs, value);
    if (graph_.node(value).is(KernelOp::kVariable))
      return given(graph_.variables(), step_.variables, value);
    if (graph_.node(value).is(KernelOp::kConstant))
      return &graph_.node(value).attributes.get<Tensor>("value");
    const auto at = std::ranges::find(values_, value, [](const auto& v) { return v.first; });
    return at == values_.end() ? nullptr : &at->second;
  }

  const std::vector<std::pair<ValueId, Tensor>>& loaded() const { return values_; }

 private:
  static const Tensor* given(const std::vector<int32_t>& nodes, const std::vector<Tensor>& tensors,
                             ValueId value) {
    const auto at = std::ranges::find(nodes, value.node);
    return &tensors[static_cast<size_t>(at - nodes.begin())];
  }

  const RecordedStep& step_;
  const Graph& graph_;
  std::vector<std::pair<ValueId, Tensor>> values_;
};

// What is not finite: values of ops by running all parts, inputs and variables as they are.
// Constants are meant to hold what they hold: a mask may be of infinities.
std::set<ValueId> values_not_finite(const RecordedStep& step, StepValues& values) {
  const Graph& graph = step.graph;
  std::set<ValueId> found;
  for (const auto* nodes : {&graph.inputs(), &graph.variables()}) {
    for (const int32_t i : *nodes) {
      if (!is_finite(*values.find({i, 0}))) found.insert({i, 0});
    }
  }
  for (int32_t next = 0; next < graph.size();) {
    next = values.load(next);
    for (const auto& [value, tensor] : values.loaded()) {
      if (!is_finite(tensor)) found.insert(value);
    }
  }
  return found;
}

// Where the way back from `value` through such values ends; of several ends the first op.
ValueId origin_of(const Graph& graph, const std::set<ValueId>& not_finite, ValueId value) {
  std::set<ValueId> seen = {value};
  std::vector<ValueId> open = {value};
  std::optional<ValueId> first;
  while (!open.empty()) {
    const ValueId at = open.back();
    open.pop_back();
    bool begins = true;
    for (const ValueId input : graph.node(at).inputs) {
      if (!not_finite.contains(input)) continue;
      begins = false;
      if (seen.insert(input).second) open.push_back(input);
    }
    if (begins && (!first || at < *first)) first = at;
  }
  return *first;
}

// Outputs in their order, the loss first, then new values of variables.
std::optional<ValueId> damaged(const Graph& graph, const std::set<ValueId>& not_finite) {
  for (const Graph::Output& o : graph.outputs()) {
    if (not_finite.contains(o.value)) return o.value;
  }
  for (const Graph::Update& u : graph.updates()) {
    if (not_finite.contains(u.value)) return u.value;
  }
  return std::nullopt;
}

// Does no output depend on it?
bool is_backward(const Graph& graph, int32_t node) {
  Graph logged = graph;
  logged.clear_updates();
  return !logged.live_nodes()[static_cast<size_t>(node)];
}

bool has_origin_of(const Node& a, const Node& b) {
  return a.origin != nullptr && b.origin != nullptr && *a.origin == *b.origin;
}

// Does the map `node` read nothing but what the elementwise op `i` reads and makes, and, last, the
// gradient of what it makes?
bool may_be_gradient(const Graph& graph, const Node& node, int32_t i) {
  const Node& of = graph.node(i);
  if (!of.op->is_elementwise() || !has_origin_of(of, node) || node.inputs.size() < 2) return false;
  if (of.types[0] != graph.type(node.inputs.back())) return false;
  return std::all_of(node.inputs.begin(), node.inputs.end() - 1, [&](ValueId input) {
    return input == ValueId{i, 0} || std::ranges::find(of.inputs, input) != of.inputs.end();
  });
}

// As users call it. Gradients of elementwise ops are maps, in the reverse order of the ops.
std::string name_of_op(const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  if (node.is(KernelOp::kReduce)) return node.attributes.get_string("kind");
  if (!node.is(KernelOp::kMap)) return node.op->name;
  int32_t of = index;
  for (int32_t i = 0; i <= index; ++i) {
    const Node& map = graph.node(i);
    if (!map.is(KernelOp::kMap) || !has_origin_of(map, node)) continue;
    int32_t next = std::min(of, i) - 1;
    while (next >= 0 && !may_be_gradient(graph, map, next)) --next;
    if (next >= 0) of = next;
    if (i == index) return next < 0 ? node.op->name : "gradient of " + graph.node(next).op->name;
  }
  return node.op->name;
}

void describe(const RecordedStep& step, StepValues& values, ValueId value, NumericsFault& fault) {
  const Node& node = step.graph.node(value);
  fault.op = name_of_op(step.graph, value.node);
  fault.layer = node.name;
  if (node.origin != nullptr && node.op->kind != KernelKind::kSource) {
    fault.layer = node.origin->layer;
    fault.file = node.origin->file;
    fault.line = node.origin->line;
  }
  fault.backward = !is_source(step.graph, value) && is_backward(step.graph, value.node);
  // Once more, so that the values around the op are at hand.
  const auto tensor_of = [&](ValueId wanted) {
    const Tensor* found = values.find(wanted);
    if (found == nullptr) {
      values.load(wanted.node);
      found = values.find(wanted);
    }
    return *found;
  };
  for (const ValueId input : node.inputs) {
    const ValueType& type = step.graph.type(input);
    if (is_floating(type.dtype)) fault.inputs.push_back(statistics_of(tensor_of(input)));
  }
  const Tensor made = tensor_of(value);
  fault.output = statistics_of(made);
  int64_t at = 0;
  while (std::isfinite(made.at(at))) ++at;
  fault.value = made.at(at);
  const Shape& shape = step.graph.type(value).shape;
  if (shape.rank() > 0 && shape[0] == kBatch) {
    const auto row = static_cast<size_t>(at / (made.elements() / made.shape()[0]));
    fault.sample = step.samples[row];
  }
}

// NaN has no sign that means something.
std::string number(double value) {
  return std::isnan(value) ? "NaN" : fmt::format("{:.4g}", value);
}

template <typename T>
void add_statistics(std::span<const T> values, ValueStatistics& s) {
  int64_t count = 0;
  double sum = 0;
  for (const T v : values) {
    const auto x = static_cast<double>(v);
    if (std::isnan(x)) {
      ++s.nans;
    } else if (std::isinf(x)) {
      ++s.infinities;
    } else {
      s.min = count == 0 ? x : std::min(s.min, x);
      s.max = count == 0 ? x : std::max(s.max, x);
      sum += x;
      ++count;
    }
  }
  if (count > 0) s.mean = sum / static_cast<double>(count);
}

// The exponents of a block are looked at together, which compilers turn into vectors.
template <typename Bits>
bool is_finite_bits(const Bits* bits, size_t count, Bits exponent) {
  constexpr size_t kBlock = 64;
  size_t i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    Bits worst = 0;
    for (size_t k = 0; k < kBlock; ++k) worst |= (bits[i + k] & exponent) == exponent ? 1 : 0;
    if (worst != 0) return false;
  }
  for (; i < count; ++i) {
    if ((bits[i] & exponent) == exponent) return false;
  }
  return true;
}

}  // namespace

bool is_finite(const Tensor& t) {
  const auto count = static_cast<size_t>(t.elements());
  switch (t.dtype()) {
    case DType::kFloat32:
      return is_finite_bits(static_cast<const uint32_t*>(t.raw()), count, uint32_t{0x7f800000});
    case DType::kFloat64:
      return is_finite_bits(static_cast<const uint64_t*>(t.raw()), count,
                            uint64_t{0x7ff0000000000000});
    default: break;
  }
  if (!is_floating(t.dtype())) return true;
  for (int64_t i = 0; i < t.elements(); ++i) {
    if (!std::isfinite(t.at(i))) return false;
  }
  return true;
}

ValueStatistics statistics_of(const Tensor& t) {
  ValueStatistics result;
  result.type = t.type().to_string();
  dispatch_dtype(t.dtype(), [&](auto zero) {
    add_statistics(std::span<const decltype(zero)>(t.data<decltype(zero)>()), result);
  });
  return result;
}

std::string ValueStatistics::to_string() const {
  return fmt::format("{} min {} max {} mean {}, {} NaN, {} inf", type, number(min), number(max),
                     number(mean), nans, infinities);
}

std::string NumericsFault::to_string() const {
  const std::string place = Origin{layer, file, line}.to_string();
  std::string text = fmt::format("epoch {}, step {}: ", epoch, step);
  const std::string where = sample ? fmt::format(" in sample {}", *sample) : "";
  if (inputs.empty()) {
    text += fmt::format("{} {} holds {}{} before the step ({})", op, place, number(value), where,
                        output.to_string());
  } else {
    text += fmt::format("'{}'{}{} gives {}{}", op, place.empty() ? "" : " of " + place,
                        backward ? ", in the gradients and updates," : "", number(value), where);
    for (size_t i = 0; i < inputs.size(); ++i)
      text += fmt::format("{}{}", i == 0 ? " from " : "; ", inputs[i].to_string());
  }
  if (!replay.empty()) text += fmt::format(". 'sinter replay {}' repeats it", replay);
  return text;
}

std::optional<NumericsFault> find_fault(const RecordedStep& step) {
  StepValues values(step);
  const std::set<ValueId> not_finite = values_not_finite(step, values);
  const std::optional<ValueId> end = damaged(step.graph, not_finite);
  if (!end) return std::nullopt;
  NumericsFault fault;
  fault.epoch = step.epoch;
  fault.step = step.step;
  describe(step, values, origin_of(step.graph, not_finite, *end), fault);
  return fault;
}

}  // namespace sinter
