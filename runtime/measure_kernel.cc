#include "runtime/measure_kernel.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "core/tensor.h"

namespace sinter {

double measure_microseconds(const Kernel& kernel, const Graph& graph, int32_t node) {
  using Clock = std::chrono::steady_clock;
  const Node& n = graph.node(node);
  std::vector<Tensor> memory;
  for (ValueId input : n.inputs) {
    Tensor tensor(graph.type(input).dtype, graph.type(input).shape);
    for (int64_t i = 0; i < tensor.elements(); i += 2) tensor.set(i, 1);
    memory.push_back(std::move(tensor));
  }
  for (const ValueType& type : n.types) memory.emplace_back(type.dtype, type.shape);
  memory.emplace_back(DType::kUint8, Shape{kernel.scratch_bytes()});
  memory.emplace_back(DType::kUint8, Shape{kernel.prepared_bytes()});
  memory.emplace_back(DType::kUint8, Shape{kernel.workspace_bytes()});
  std::vector<void*> buffers;
  for (Tensor& tensor : memory) buffers.push_back(tensor.raw());
  if (kernel.prepared_bytes() > 0) kernel.prepare(buffers.data(), buffers[buffers.size() - 2]);
  const auto run = [&] { kernel.run_all(buffers.data()); };
  const auto microseconds = [](Clock::time_point since) {
    return std::chrono::duration<double, std::micro>(Clock::now() - since).count();
  };
  run();
  // Batches of about 20 us, so that reading the clock does not count.
  auto begin = Clock::now();
  run();
  const int batch = std::clamp(static_cast<int>(20 / std::max(microseconds(begin), 0.02)), 1, 1000);
  double best = 1e30;
  const auto start = Clock::now();
  for (int tries = 0; tries < 5 || (tries < 100 && microseconds(start) < 5000); ++tries) {
    begin = Clock::now();
    for (int i = 0; i < batch; ++i) run();
    best = std::min(best, microseconds(begin) / batch);
  }
  return std::max(best, 1e-3);
}

}  // namespace sinter
