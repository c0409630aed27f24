// Work that waits for memory, by Sinter's kernels and by oneDNN's own primitives: relu of 16 Mi
// floats, layer normalization of 4096 rows of 512 as in training (forward, which keeps the
// statistics, and backward, which reads them). One thread each: bench_onednn_normalize
#include <array>
#include <cstring>
#include <dnnl.hpp>
#include <memory>
#include <unordered_map>

#include "ops/layer_norm.h"
#include "tests/bench/graph_benchmark.h"

namespace sinter {
namespace {

constexpr int64_t kRows = 4096, kColumns = 512, kLarge = int64_t{1} << 24;
constexpr float kEpsilon = 1e-3f;

// --- Sinter

struct Run {
  std::unique_ptr<Executable> executable;
  std::vector<Tensor> inputs, outputs;
  std::vector<const void*> in;
  std::vector<void*> out;

  explicit Run(const Graph& graph)
      : executable(compile(graph, {.backend = "llvm", .pipeline = "training", .cache = false})) {
    set_threads(1);
    for (const int32_t node : executable->graph().inputs()) {
      const ValueType& type = executable->graph().node(node).types[0];
      inputs.push_back(random_tensor(type));
      in.push_back(inputs.back().raw());
    }
    for (const Graph::Output& o : executable->graph().outputs()) {
      const ValueType& type = executable->graph().type(o.value);
      outputs.emplace_back(type.dtype, type.shape);
      out.push_back(outputs.back().raw());
    }
    executable->bind({});
  }
  void operator()() { executable->run(in, out); }
};

Graph forward_graph() {
  Graph g("forward");
  const Symbol x = floats(g, "x", {kRows, kColumns}), gamma = floats(g, "gamma", {1, kColumns}),
               beta = floats(g, "beta", {1, kColumns});
  const LayerNormResult r = layer_norm(x, gamma, beta, {1}, kEpsilon);
  g.add_output("y", r.y.id());
  g.add_output("mean", r.mean.id());
  g.add_output("variance", r.variance.id());
  return g;
}

Graph backward_graph() {
  Graph g("backward");
  const Symbol x = floats(g, "x", {kRows, kColumns}), gamma = floats(g, "gamma", {1, kColumns}),
               mean = floats(g, "mean", {kRows, 1}), variance = floats(g, "variance", {kRows, 1}),
               dy = floats(g, "dy", {kRows, kColumns});
  const std::vector<Symbol> r =
      g.add("layer_norm_grad", std::array{x, gamma, mean, variance, dy},
            {{"axes", std::vector<int64_t>{1}}, {"epsilon", double{kEpsilon}}});
  for (const Symbol& s : r) g.add_output("d" + std::to_string(s.id().result), s.id());
  return g;
}

void sinter_relu(benchmark::State& state) {
  Graph g("relu");
  g.add_output("y", relu(floats(g, "x", {kLarge})).id());
  Run run(g);
  for (auto _ : state) run();
}

void sinter_layer_norm(benchmark::State& state) {
  Run forward(forward_graph()), backward(backward_graph());
  for (float& v : backward.inputs[3].data<float>()) v = 1 + v * v;  // a variance
  for (auto _ : state) {
    forward();
    backward();
  }
}

// --- oneDNN

using dnnl::memory;

memory random(const dnnl::engine& engine, const memory::desc& desc) {
  memory m(desc, engine);
  const Tensor values =
      random_tensor({DType::kFloat32, {static_cast<int64_t>(desc.get_size() / sizeof(float))}});
  std::memcpy(m.get_data_handle(), values.raw(), desc.get_size());
  return m;
}

void onednn_relu(benchmark::State& state) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const memory::desc desc({kLarge}, memory::data_type::f32, memory::format_tag::a);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::eltwise_forward primitive({engine, dnnl::prop_kind::forward_inference,
                                         dnnl::algorithm::eltwise_relu, desc, desc, 0.0f});
#else
  const dnnl::eltwise_forward primitive(
      {{dnnl::prop_kind::forward_inference, dnnl::algorithm::eltwise_relu, desc, 0.0f}, engine});
#endif
  memory x = random(engine, desc), y = random(engine, desc);
  for (auto _ : state) {
    primitive.execute(stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
    stream.wait();
  }
}

void onednn_layer_norm(benchmark::State& state) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const memory::desc desc({kRows, kColumns}, memory::data_type::f32, memory::format_tag::ab);
  const auto flags = dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::layer_normalization_forward::primitive_desc forward(
      engine, dnnl::prop_kind::forward_training, desc, desc, kEpsilon, flags);
  const dnnl::layer_normalization_backward::primitive_desc backward(
      engine, dnnl::prop_kind::backward, desc, desc, desc, kEpsilon, flags, forward);
#else
  const dnnl::layer_normalization_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, desc, kEpsilon, flags}, engine);
  const dnnl::layer_normalization_backward::primitive_desc backward(
      {dnnl::prop_kind::backward, desc, desc, kEpsilon, flags}, engine, forward);
#endif
  const dnnl::layer_normalization_forward ahead(forward);
  const dnnl::layer_normalization_backward back(backward);
  const memory::desc row({kColumns}, memory::data_type::f32, memory::format_tag::a);
  memory x = random(engine, desc), y = random(engine, desc), dy = random(engine, desc),
         dx = random(engine, desc), gamma = random(engine, row), beta = random(engine, row),
         dgamma = random(engine, row), dbeta = random(engine, row),
         mean = random(engine, forward.mean_desc()),
         variance = random(engine, forward.variance_desc());
  const std::unordered_map<int, memory> of_forward = {
      {DNNL_ARG_SRC, x},      {DNNL_ARG_DST, y},     {DNNL_ARG_SCALE, gamma},
      {DNNL_ARG_SHIFT, beta}, {DNNL_ARG_MEAN, mean}, {DNNL_ARG_VARIANCE, variance}};
  const std::unordered_map<int, memory> of_backward = {
      {DNNL_ARG_SRC, x},       {DNNL_ARG_DIFF_DST, dy},       {DNNL_ARG_DIFF_SRC, dx},
      {DNNL_ARG_SCALE, gamma}, {DNNL_ARG_DIFF_SCALE, dgamma}, {DNNL_ARG_DIFF_SHIFT, dbeta},
      {DNNL_ARG_SHIFT, beta},  {DNNL_ARG_MEAN, mean},         {DNNL_ARG_VARIANCE, variance}};
  for (auto _ : state) {
    ahead.execute(stream, of_forward);
    back.execute(stream, of_backward);
    stream.wait();
  }
}

BENCHMARK(sinter_relu)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(onednn_relu)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(sinter_layer_norm)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(onednn_layer_norm)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace sinter
