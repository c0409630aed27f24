// The contract of every registered op: samples exist; shapes, values on each backend, gradients to
// second order, text and file round trips, and errors for bad inputs.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>
#include <set>

#include "core/error.h"
#include "core/graph.h"
#include "core/model_file.h"
#include "core/op_record.h"
#include "core/rewriter.h"
#include "core/text.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "tests/contract/samples/samples.h"

namespace sinter::contract {
namespace {

Tensor make_input(const InputSpec& spec, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> real(spec.low, spec.high);
  std::uniform_int_distribution<int64_t> integer(static_cast<int64_t>(spec.low),
                                                 static_cast<int64_t>(spec.high));
  Tensor t(spec.dtype, spec.shape);
  for (int64_t i = 0; i < t.elements(); ++i) {
    if (!spec.values.empty()) {
      const double v = spec.values[static_cast<size_t>(i) % spec.values.size()];
      if (spec.dtype == DType::kInt64)
        t.data<int64_t>()[static_cast<size_t>(i)] = static_cast<int64_t>(v);
      else
        t.set(i, v);
    } else {
      t.set(i, is_floating(spec.dtype) ? real(engine) : static_cast<double>(integer(engine)));
    }
  }
  return t;
}

std::vector<Tensor> make_inputs(const Sample& s) {
  std::vector<Tensor> result;
  for (size_t i = 0; i < s.inputs.size(); ++i)
    result.push_back(make_input(s.inputs[i], static_cast<unsigned>(17 + i)));
  return result;
}

Graph make_graph(const Sample& s) {
  Graph g("sample");
  std::vector<Symbol> inputs;
  for (size_t i = 0; i < s.inputs.size(); ++i)
    inputs.push_back(g.input(fmt::format("x{}", i), {s.inputs[i].dtype, s.inputs[i].shape}));
  const std::vector<Symbol> results = g.add(s.op, inputs, s.attributes);
  for (size_t r = 0; r < results.size(); ++r) g.add_output(fmt::format("y{}", r), results[r].id());
  return g;
}

bool has_bfloat16(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(),
                             [](const Node& n) { return n.types[0].dtype == DType::kBFloat16; });
}

std::vector<Tensor> to_double(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> result;
  for (const Tensor& t : tensors)
    result.push_back(t.dtype() == DType::kFloat32 ? t.cast(DType::kFloat64) : t);
  return result;
}

void expect_close(const Tensor& got, const Tensor& want, double tolerance,
                  const std::string& what) {
  ASSERT_EQ(got.shape(), want.shape()) << what;
  for (int64_t i = 0; i < got.elements(); ++i) {
    const double a = got.at(i), b = want.at(i);
    const bool same = a == b || (std::isnan(a) && std::isnan(b)) ||
                      std::fabs(a - b) <= tolerance * (1 + std::fabs(b));
    ASSERT_TRUE(same) << what << ": element " << i << " is " << a << ", expected " << b;
  }
}

class Contract : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override { register_ops(); }
  const Sample& sample() const { return all_samples()[GetParam()]; }
};

TEST_P(Contract, EveryBackendMatchesTheDoubleReference) {
  const Graph graph = make_graph(sample());
  verify(graph, "building");
  const std::vector<Tensor> inputs = make_inputs(sample());
  const std::vector<Tensor> want = evaluate_graph(widened(graph), to_double(inputs));
  for (size_t r = 0; r < want.size(); ++r)
    ASSERT_EQ(want[r].shape(), graph.type(graph.outputs()[r].value).shape);
  for (const std::string& backend : backend_names()) {
    for (const bool passes : {true, false}) {
      CompileOptions options;
      options.backend = backend;
      options.pipeline = "training";
      if (!passes) options.disabled_passes = {"all"};
      const std::vector<Tensor> got = compile(graph, options)->run(inputs);
      for (size_t r = 0; r < want.size(); ++r)
        expect_close(got[r], want[r], sample().tolerance,
                     backend + (passes ? "" : " without passes"));
      // float64 graphs run on every backend too; bfloat16 has no wide form.
      if (has_bfloat16(graph)) continue;
      const std::vector<Tensor> wide = compile(widened(graph), options)->run(to_double(inputs));
      for (size_t r = 0; r < want.size(); ++r)
        expect_close(wide[r], want[r], sample().tolerance == 0 ? 0 : 1e-11,
                     backend + " in float64");
    }
  }
}

// L = sum of w * y with fixed random w, so that every result element counts. Differences are taken
// of the double reference.
Symbol weighted_sum(Graph& g, std::span<const Symbol> values, unsigned seed) {
  Symbol total;
  for (const Symbol& y : values) {
    if (!is_floating(y.dtype())) continue;
    const Symbol w = g.constant(make_input({y.shape(), 0.5, 1.5, DType::kFloat64}, seed++));
    const Symbol part = sum(y * w);
    total = total.valid() ? total + part : part;
  }
  return total;
}

Tensor differences(const Graph& g, const std::vector<Tensor>& inputs, size_t wrt) {
  constexpr double kStep = 1e-6;
  Tensor d(DType::kFloat64, inputs[wrt].shape());
  // One executable for all elements: lowering the graph takes far longer than running it.
  CompileOptions options;
  options.backend = "reference";
  options.pipeline = "training";
  options.disabled_passes = {"all"};
  options.cache = false;
  const std::unique_ptr<Executable> executable = compile(g, options);
  executable->bind({});
  for (int64_t i = 0; i < d.elements(); ++i) {
    const auto at = [&](double delta) {
      std::vector<Tensor> moved = inputs;
      moved[wrt] = inputs[wrt].clone();
      moved[wrt].set(i, inputs[wrt].at(i) + delta);
      return executable->run(moved)[0].at(0);
    };
    d.set(i, (at(kStep) - at(-kStep)) / (2 * kStep));
  }
  return d;
}

TEST_P(Contract, GradientsMatchDifferencesToSecondOrder) {
  const Sample& s = sample();
  const OpRecord& op = Registry::global().get(s.op);
  if (s.orders == 0 || !op.no_gradient.empty())
    return;  // kinks and extremes; ops whose record says why there is none
  std::vector<Tensor> inputs = to_double(make_inputs(s));
  const Graph wide = widened(make_graph(s));
  Graph g("first");
  std::vector<Symbol> symbols, wrt;
  std::vector<size_t> index;
  for (size_t i = 0; i < inputs.size(); ++i) {
    symbols.push_back(g.input(fmt::format("x{}", i), inputs[i].type()));
    if (is_floating(inputs[i].dtype()) && inputs[i].elements() > 0) {
      wrt.push_back(symbols.back());
      index.push_back(i);
    }
  }
  const std::vector<Symbol> results = inline_graph(g, wide, symbols);
  const Symbol loss = weighted_sum(g, results, 99);
  if (!loss.valid() || wrt.empty()) return;  // integers carry no gradient
  const std::vector<Symbol> first = gradients(loss, wrt);
  const Symbol second_loss = weighted_sum(g, first, 199);
  const std::vector<Symbol> second = gradients(second_loss, wrt);
  for (const auto& [value, gradient, order] :
       {std::tuple{loss, first, 1}, std::tuple{second_loss, second, 2}}) {
    if (order > s.orders) break;
    Graph scalar = g, all = g;
    scalar.add_output("loss", value.id());
    for (size_t k = 0; k < wrt.size(); ++k) all.add_output(fmt::format("d{}", k), gradient[k].id());
    verify(all, "gradients");
    const std::vector<Tensor> got = evaluate_graph(all, inputs);
    for (size_t k = 0; k < wrt.size(); ++k) {
      const Tensor want = differences(scalar, inputs, index[k]);
      for (int64_t i = 0; i < want.elements(); ++i) {
        ASSERT_NEAR(got[k].at(i), want.at(i), 1e-5 + 1e-3 * std::fabs(want.at(i)))
            << "order " << order << ", input " << index[k] << ", element " << i;
      }
    }
  }
}

TEST_P(Contract, TextAndFileGiveTheSameGraph) {
  const Graph graph = make_graph(sample());
  EXPECT_TRUE(equal_graphs(graph, parse_graph(to_text(graph, {.max_constant_elements = 1 << 20}))))
      << to_text(graph);
  const auto path = std::filesystem::temp_directory_path() /
                    fmt::format("sinter_contract_{}_{}.sinter", ::getpid(), GetParam());
  ModelFile file;
  file.graphs.push_back(graph);
  save_model_file(path.string(), file);
  const ModelFile loaded = load_model_file(path.string());
  std::filesystem::remove(path);
  ASSERT_EQ(loaded.graphs.size(), 1u);
  EXPECT_TRUE(equal_graphs(graph, loaded.graphs[0])) << to_text(loaded.graphs[0]);
}

TEST_P(Contract, BadInputsGiveErrors) {
  const Sample& s = sample();
  Graph g("bad");
  std::vector<Symbol> inputs;
  for (size_t i = 0; i < s.inputs.size(); ++i)
    inputs.push_back(g.input(fmt::format("x{}", i), {s.inputs[i].dtype, s.inputs[i].shape}));
  const OpRecord& op = Registry::global().get(s.op);
  if (op.min_inputs > 0) {
    EXPECT_THROW(
        g.add(s.op, std::span(inputs.data(), static_cast<size_t>(op.min_inputs - 1)), s.attributes),
        Error);
  }
  if (op.max_inputs < kAnyNumber) {
    std::vector<Symbol> more(static_cast<size_t>(op.max_inputs) + 1,
                             g.input("extra", {DType::kFloat32, Shape{2}}));
    EXPECT_THROW(g.add(s.op, more, s.attributes), Error);
  }
  Attributes unknown = s.attributes;
  unknown.set("no_such_attribute", 1.0);
  EXPECT_THROW(g.add(s.op, inputs, unknown), Error);
  for (const AttributeSpec& spec : op.attributes) {
    Attributes wrong = s.attributes;
    wrong.set(spec.name, spec.type == AttributeType::kString
                             ? AttributeValue(true)
                             : AttributeValue(std::string("wrong")));
    EXPECT_THROW(g.add(s.op, inputs, wrong), Error) << spec.name;
  }
}

// The sample with its floating inputs in another dtype, or with all of them: what can be built runs
// everywhere and gives what the reference gives without passes; the rest is refused when built.
void expect_runs_or_is_refused(const Sample& sample, DType from, DType to) {
  Sample changed = sample;
  bool any = false;
  for (InputSpec& spec : changed.inputs) {
    if (spec.dtype != from) continue;
    any = true;
    spec.dtype = to;
    if (to == DType::kBool || to == DType::kUint8) {
      spec.values.clear();
      spec.low = 0;
      spec.high = to == DType::kBool ? 1 : 200;
    }
  }
  if (!any) return;
  Graph graph;
  try {
    graph = make_graph(changed);
  } catch (const Error&) {
    return;  // refused, and not by an internal error
  }
  const std::string what = fmt::format("{} of {}", sample.op, dtype_name(to));
  std::vector<Symbol> wrt, results;
  for (int32_t i : graph.inputs()) {
    const Symbol x(&graph, {i, 0});
    if (is_floating(x.dtype())) wrt.push_back(x);
  }
  for (const Graph::Output& o : graph.outputs()) {
    const Symbol y(&graph, o.value);
    if (is_floating(y.dtype())) results.push_back(y);
  }
  if (!wrt.empty() && !results.empty() && Registry::global().get(sample.op).no_gradient.empty()) {
    const std::vector<Symbol> found = gradients(results, wrt);
    for (size_t k = 0; k < wrt.size(); ++k) {
      ASSERT_EQ(found[k].type(), wrt[k].type()) << what;
      graph.add_output(fmt::format("d{}", k), found[k].id());
    }
  }
  const std::vector<Tensor> inputs = make_inputs(changed);
  CompileOptions plain;
  plain.backend = "reference";
  plain.pipeline = "training";
  plain.disabled_passes = {"all"};
  const std::vector<Tensor> want = compile(graph, plain)->run(inputs);
  for (const std::string& backend : backend_names()) {
    if (backend == "onednn") continue;  // it takes float32, and auto has its kernels too
    for (const bool passes : {false, true}) {
      CompileOptions options;
      options.backend = backend;
      options.pipeline = "training";
      if (!passes) options.disabled_passes = {"all"};
      const std::vector<Tensor> got = compile(graph, options)->run(inputs);
      for (size_t r = 0; r < want.size(); ++r) {
        const DType dtype = want[r].dtype();
        const double tolerance = dtype == DType::kFloat64    ? 1e-11
                                 : dtype == DType::kBFloat16 ? 0x1p-6
                                 : dtype == DType::kFloat16  ? 0x1p-9
                                 : dtype == DType::kFloat32  ? 1e-4
                                                             : 0;
        expect_close(got[r], want[r], tolerance,
                     fmt::format("{} on {}{}, result {}", what, backend,
                                 passes ? "" : " without passes", r));
      }
    }
  }
}

TEST_P(Contract, EveryDTypeRunsOrIsRefusedWhenBuilt) {
  for (DType to : kAllDTypes) {
    for (DType from : {DType::kFloat32, DType::kInt32}) {
      if (to != from) expect_runs_or_is_refused(sample(), from, to);
    }
  }
}

// Operands of any dtypes beside each other: what can be built is lowered to what it was said to be.
void expect_lowers_or_is_refused(const Sample& sample) {
  Graph graph;
  std::vector<ValueType> types;
  std::string what = sample.op + " of";
  for (const InputSpec& spec : sample.inputs)
    what += fmt::format(" {}", ValueType{spec.dtype, spec.shape}.to_string());
  try {
    graph = make_graph(sample);
    for (const Graph::Output& o : graph.outputs()) types.push_back(graph.type(o.value));
  } catch (const Error&) {
    return;
  } catch (const std::exception& error) {
    FAIL() << what << " when built: " << error.what();
  }
  CompileOptions options;
  options.backend = "reference";
  options.disabled_passes = {"all"};
  try {
    const Graph lowered = lower(graph, options);
    for (size_t r = 0; r < types.size(); ++r)
      EXPECT_EQ(lowered.type(lowered.outputs()[r].value), types[r]) << what;
  } catch (const std::exception& error) {
    FAIL() << what << " when lowered: " << error.what();
  }
}

TEST_P(Contract, EveryMixOfDTypesIsLoweredOrRefused) {
  const Samples& all = all_samples();
  const bool first = std::ranges::none_of(all.begin(), all.begin() + static_cast<int>(GetParam()),
                                          [&](const Sample& s) { return s.op == sample().op; });
  if (!first) return;  // dtypes do not hang on shapes
  constexpr size_t kTogether = 3;
  for (size_t begin = 0; begin < sample().inputs.size(); ++begin) {
    Sample changed = sample();
    const size_t end = std::min(begin + kTogether, changed.inputs.size());
    const auto each = [&](auto&& self, size_t i) -> void {
      if (i == end) return expect_lowers_or_is_refused(changed);
      for (const DType dtype : kAllDTypes) {
        changed.inputs[i].dtype = dtype;
        self(self, i + 1);
      }
    };
    each(each, begin);
    if (end == changed.inputs.size()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Contract, testing::Range(size_t{0}, all_samples().size()),
                         [](const auto& info) {
                           return fmt::format("{}_{}", all_samples()[info.param].op, info.param);
                         });

TEST(ContractTable, EveryOpHasSamplesAndAGradientOrAReason) {
  register_ops();
  std::set<std::string> sampled;
  for (const Sample& s : all_samples()) sampled.insert(s.op);
  for (const std::string& name : Registry::global().names()) {
    const OpRecord& op = Registry::global().get(name);
    if (op.kind == KernelKind::kSource) continue;
    EXPECT_TRUE(sampled.contains(name))
        << "op '" << name << "' has no samples in tests/contract/samples";
    EXPECT_TRUE(op.gradient || op.decomposition || op.is_elementwise() || !op.no_gradient.empty())
        << "op '" << name << "' has neither a gradient nor a reason";
  }
}

}  // namespace
}  // namespace sinter::contract
