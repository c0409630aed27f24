#include "tests/unit/runtime/llvm/kernel_runs.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <random>

#include "core/error.h"
#include "core/text.h"
#include "runtime/backend.h"
#include "runtime/compile.h"

namespace sinter::testing_support {
namespace {

constexpr size_t kPage = 4096;

// Memory whose last byte is followed by a page without access. Starts filled with a pattern that is
// NaN as a float.
class GuardedBuffer {
 public:
  explicit GuardedBuffer(int64_t bytes, int64_t alignment = 1) {
    const auto size = static_cast<size_t>((bytes + alignment - 1) / alignment * alignment);
    mapped_ = (size + kPage - 1) / kPage * kPage + kPage;
    base_ = static_cast<std::byte*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SINTER_CHECK(base_ != MAP_FAILED);
    mprotect(base_ + mapped_ - kPage, kPage, PROT_NONE);
    data_ = base_ + mapped_ - kPage - size;
    std::memset(base_, 0xFF, mapped_ - kPage);
  }
  GuardedBuffer(const GuardedBuffer&) = delete;
  ~GuardedBuffer() { munmap(base_, mapped_); }
  void* data() { return data_; }
  /// Bytes before the data that changed.
  bool underrun() const {
    return std::any_of(base_, data_, [](std::byte b) { return b != std::byte{0xFF}; });
  }

 private:
  std::byte* base_ = nullptr;
  std::byte* data_ = nullptr;
  size_t mapped_ = 0;
};

}  // namespace

std::vector<Tensor> random_inputs(const Graph& graph, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<Tensor> inputs;
  for (int32_t i : graph.inputs()) {
    const ValueType& type = graph.type({i, 0});
    Tensor t(type.dtype, type.shape);
    std::uniform_real_distribution<float> real(-2, 2);
    std::uniform_int_distribution<int> integer(type.dtype == DType::kUint8 ? 0 : -5, 9);
    for (int64_t k = 0; k < t.elements(); ++k) {
      if (is_floating(type.dtype))
        t.set(k, real(engine));  // exact in float32, so that both references see it
      else
        t.set(k, type.dtype == DType::kBool ? integer(engine) > 3 : integer(engine));
    }
    inputs.push_back(std::move(t));
  }
  return inputs;
}

std::vector<Tensor> run_kernels(const Graph& graph, const std::vector<Tensor>& inputs,
                                unsigned seed) {
  std::mt19937 engine(seed);
  CompileOptions options;
  options.cache = false;
  std::vector<int32_t> nodes;
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (graph.node(i).op->kind != KernelKind::kSource) nodes.push_back(i);
  }
  const auto kernels = llvm_backend().compile(graph, nodes, options);
  std::map<ValueId, std::unique_ptr<GuardedBuffer>> values;
  const auto make = [&](ValueId v) -> GuardedBuffer& {
    return *(values[v] = std::make_unique<GuardedBuffer>(graph.type(v).bytes()));
  };
  for (size_t i = 0; i < inputs.size(); ++i)
    std::memcpy(make({graph.inputs()[i], 0}).data(), inputs[i].raw(),
                static_cast<size_t>(inputs[i].bytes()));
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (!graph.node(i).is(KernelOp::kConstant)) continue;
    const Tensor& t = graph.node(i).attributes.get<Tensor>("value");
    std::memcpy(make({i, 0}).data(), t.raw(), static_cast<size_t>(t.bytes()));
  }
  for (size_t k = 0; k < nodes.size(); ++k) {
    const Node& n = graph.node(nodes[k]);
    std::vector<void*> buffers;
    for (ValueId v : n.inputs) buffers.push_back(values.at(v)->data());
    for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r)
      buffers.push_back(make({nodes[k], r}).data());
    GuardedBuffer scratch(kernels[k]->scratch_bytes(), 64),
        prepared(kernels[k]->prepared_bytes(), 64), workspace(kernels[k]->workspace_bytes(), 64);
    buffers.push_back(scratch.data());
    buffers.push_back(prepared.data());
    buffers.push_back(workspace.data());
    if (kernels[k]->prepared_bytes() > 0) kernels[k]->prepare(buffers.data(), prepared.data());
    for (int phase = 0; phase < kernels[k]->phases(); ++phase) {
      std::vector<int> order(static_cast<size_t>(kernels[k]->pieces(phase)));
      std::iota(order.begin(), order.end(), 0);
      std::shuffle(order.begin(), order.end(), engine);
      for (int piece : order) kernels[k]->run(phase, piece, buffers.data());
    }
    for (const auto& [v, buffer] : values) SINTER_CHECK(!buffer->underrun(), n.op->name);
    SINTER_CHECK(!scratch.underrun() && !workspace.underrun(), n.op->name);
  }
  std::vector<Tensor> outputs;
  for (const Graph::Output& o : graph.outputs()) {
    Tensor t(graph.type(o.value).dtype, graph.type(o.value).shape);
    std::memcpy(t.raw(), values.at(o.value)->data(), static_cast<size_t>(t.bytes()));
    outputs.push_back(std::move(t));
  }
  return outputs;
}

std::string check_kernels(const Graph& graph, double tolerance, unsigned seed) {
  const std::vector<Tensor> inputs = random_inputs(graph, seed);
  std::vector<Tensor> wide;
  for (const Tensor& t : inputs)
    wide.push_back(t.dtype() == DType::kFloat32 ? t.cast(DType::kFloat64) : t.clone());
  const std::vector<Tensor> want = evaluate_graph(widened(graph), wide);
  const std::vector<Tensor> got = run_kernels(graph, inputs, seed);
  for (size_t o = 0; o < want.size(); ++o) {
    double scale = 1;
    for (int64_t i = 0; i < want[o].elements(); ++i) {
      if (std::isfinite(want[o].at(i))) scale = std::max(scale, std::fabs(want[o].at(i)));
    }
    for (int64_t i = 0; i < want[o].elements(); ++i) {
      const double a = got[o].at(i), b = want[o].at(i);
      if (a == b || (std::isnan(a) && std::isnan(b))) continue;
      if (is_floating(got[o].dtype()) && std::fabs(a - b) <= tolerance * scale) continue;
      return fmt::format("output {}, element {} is {}, expected {}\n{}", o, i, a, b,
                         to_text(graph));
    }
  }
  return "";
}

std::string check_kernels(std::string_view text, double tolerance, unsigned seed) {
  return check_kernels(parse_graph(text), tolerance, seed);
}

}  // namespace sinter::testing_support
