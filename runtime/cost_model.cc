#include "runtime/cost_model.h"
#include "runtime/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/contract.h"
#include "core/error.h"
#include "core/reduce.h"

namespace sinter {
namespace {

constexpr double kFarBytes = 1 << 20;

// The loops of llvm, in the same way. Arithmetic and memory overlap, so the longer one counts: of
// relu, add, tanh, gelu, softmax and sums over 64 Ki and 16 Mi elements none is off by more
// than 1.4.
constexpr double kNanosecondsOfByte = 0.0095, kNanosecondsOfFarByte = 0.0107,
                 kNanosecondsOfMemoryByte = 0.032, kNanosecondsOfAddition = 0.018;
constexpr double kMemoryBytes = 32 << 20;
constexpr double kNanosecondsOfTurnedByte = 0.0115, kNanosecondsOfFarTurnedByte = 0.035;

// What `sinter roofline` calls "first of a run, threads awake", on the same machine: a kernel of
// one piece a thread takes so much longer than a piece. When the threads have parked it is 6 us,
// but they are awake in a stream of runs, and whoever runs alone loses nothing but their help.
constexpr double kHandOverMicroseconds = limit(0.5, 0.0002);
// A second thread must save this many times as much, for it may come late. `sinter bench mlp_b1
// --width 64` took 2.7 us with 1 and with 2, 3.1 us with 4, and 3.6 us with 0.2.
constexpr double kLeastGain = 2;
// More pieces than threads even out what a thread that loses its core leaves undone.
constexpr int64_t kMostPieces = 16;

const Cost* find_cost(Costs costs, CostFamily family) {
  const auto it = std::ranges::find(costs, family, &Cost::family);
  return it == costs.end() ? nullptr : &*it;
}

double microseconds_of(const Cost& cost, double units, double bytes) {
  return cost.microseconds + units * (bytes > kFarBytes ? cost.far : cost.nanoseconds) / 1000;
}

}  // namespace

std::optional<ProductSize> product_size(const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  const bool dense = node.is("dense");
  if (!dense && !node.is(KernelOp::kContract)) return std::nullopt;
  const Shape &a = graph.type(node.inputs[0]).shape, &b = graph.type(node.inputs[1]).shape;
  int axis = 0;  // of the kernel of a dense layer
  if (!dense) {
    const Contract c = Contract::of(graph, node);
    if (c.rhs.depth.size() != 1) return std::nullopt;
    axis = c.rhs.depth[0];
  }
  const Shape& result = node.types[0].shape;
  const int64_t columns = result.rank() > 0 ? result[result.rank() - 1] : 1;
  ProductSize size{.depth = b[axis], .columns = columns, .transposed = axis == b.rank() - 1};
  if (a.elements() != size.depth && columns > 0) size.rows = result.elements() / columns;
  return size;
}

double product_microseconds(Costs costs, const ProductSize& size) {
  const auto number = [](int64_t n) { return static_cast<double>(n); };
  // Vectors of 16 lanes work on the last dimension: a narrower one costs as much as 16.
  const double columns = number((size.columns + 15) / 16 * 16);
  const double right = number(size.batch * size.depth) * columns;
  const double bytes = 4 * number(size.batch) *
                       (number(size.rows * size.depth) + number(size.depth * size.columns) +
                        number(size.rows * size.columns));
  const bool by_rows = size.rows == 1;
  using enum CostFamily;
  const CostFamily family = by_rows ? (size.transposed ? kTransposedRowProduct : kRowProduct)
                                    : (size.transposed ? kTransposedProduct : kProduct);
  const Cost* cost = find_cost(costs, family);
  SINTER_CHECK(cost != nullptr, "costs of products");
  return microseconds_of(*cost, by_rows ? 4 * right : number(size.rows) * right, bytes);
}

double loop_microseconds(double bytes, double arithmetic) {
  const double byte = bytes > kMemoryBytes ? kNanosecondsOfMemoryByte
                      : bytes > kFarBytes  ? kNanosecondsOfFarByte
                                           : kNanosecondsOfByte;
  return std::max(bytes * byte, arithmetic * kNanosecondsOfAddition) / 1000;
}

double transpose_microseconds(double bytes) {
  return bytes * (bytes > kFarBytes ? kNanosecondsOfFarTurnedByte : kNanosecondsOfTurnedByte) /
         1000;
}

std::optional<double> float32_bytes(const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  double bytes = 0;
  std::vector<ValueType> values = node.types;
  for (ValueId input : node.inputs) values.push_back(graph.type(input));
  for (const ValueType& type : values) {
    if (type.dtype != DType::kFloat32) return std::nullopt;
    bytes += static_cast<double>(type.bytes());
  }
  return bytes;
}

std::optional<double> estimate_microseconds(Costs costs, const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  const std::optional<double> bytes = float32_bytes(graph, index);
  if (!bytes) return std::nullopt;
  if (const std::optional<ProductSize> size = product_size(graph, index))
    return product_microseconds(costs, *size);
  const auto of_elements = [&](CostFamily family, const Shape& shape) -> std::optional<double> {
    const Cost* cost = find_cost(costs, family);
    if (cost == nullptr) return std::nullopt;
    return microseconds_of(*cost, static_cast<double>(shape.elements()), *bytes);
  };
  if (reduces_rows(graph, node))
    return of_elements(CostFamily::kRowReduction, graph.type(node.inputs[0]).shape);
  if (node.is(KernelOp::kTranspose))
    return of_elements(CostFamily::kTranspose, node.types[0].shape);
  return std::nullopt;
}

bool reduces_rows(const Graph& graph, const Node& node) {
  if (!node.is(KernelOp::kReduce)) return false;
  const std::vector<int64_t> axes = Reduce::of(node).axes;
  return axes.size() == 1 && axes[0] == graph.type(node.inputs[0]).shape.rank() - 1;
}

int& UncutKernels::depth() {
  thread_local int depth = 0;
  return depth;
}

int worthwhile_pieces(double microseconds, int64_t most) {
  if (UncutKernels::is_active()) return 1;
  const double pieces = microseconds / (kLeastGain * kHandOverMicroseconds);
  most = std::min(most, kMostPieces);
  return static_cast<int>(std::max<int64_t>(
      1, pieces < static_cast<double>(most) ? static_cast<int64_t>(pieces) : most));
}

std::string explain_threads(std::optional<double> microseconds, int pieces) {
  std::string text = microseconds ? fmt::format("{:.2f} us estimated, ", *microseconds)
                                  : std::string("no estimate, ");
  if (pieces > 1) return text + fmt::format("all threads: {} pieces", pieces);
  if (!microseconds || worthwhile_pieces(*microseconds, kMostPieces) > 1)
    return text + "one thread: it is not cut";
  return text + fmt::format(
                    "one thread: a second one would save {:.2f} us, less than {:g} times the "
                    "{:.2f} us that "
                    "waking it costs",
                    *microseconds / 2, kLeastGain, kHandOverMicroseconds);
}

}  // namespace sinter
