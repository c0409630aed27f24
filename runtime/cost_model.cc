#include "runtime/cost_model.h"
#include "runtime/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "core/contract.h"
#include "core/error.h"

namespace sinter {
namespace {

// Families of nodes that cost so much a unit of work.
enum class Family {
  kProduct,            // a unit is a product and a sum
  kTransposedProduct,  // the right side is read along its rows (dy.W^T)
  kRowProduct,         // one row: a unit is a byte of the right side
  kTransposedRowProduct,
  kRowReduction,  // a unit is an element
  kTranspose,     // a unit is an element
};

struct Cost {
  Family family;
  double microseconds;  // however little there is to do
  double nanoseconds;   // a unit, while all fits in the L2 cache
  double far;           // a unit otherwise
};

// From bench_kernels (tests/bench), one thread, AMD EPYC (Zen 4, AVX-512), 2026-11-24;
// oneDNN 2.6.3. Other machines scale both columns alike, more or less: only the comparison counts.
// Measure again when the kernels change.
//
// A product of bfloat16 is one of pairs, half as deep, and costs what one of float32 does that is:
// `bench_matmul --benchmark_filter=^matmul_bfloat16/` is within 13 % of these figures (128x784x128:
// 114 us, 110 estimated; 1024x1024x1024: 9.9 ms, 10.8; its transposed form 10.0 ms, 10.6; one row,
// packed: 1.74 us, 1.76). oneDNN is given none: its own bfloat16 matmul took 0.97 to 1.22 times as
// long in 16 of those cases, and 2.3 to 4.8 times with 10 columns, without what follows a product.
constexpr Cost kLlvm[] = {
    {Family::kProduct, 0.1, 0.0172, 0.0202},
    {Family::kTransposedProduct, 0.1, 0.0190, 0.0197},
    {Family::kRowProduct, 0.05, 0.0085, 0.0130},
    {Family::kTransposedRowProduct, 0.05, 0.0360, 0.0500},
};
constexpr Cost kOneDnn[] = {
    {Family::kProduct, 0.5, 0.0182, 0.0226},
    {Family::kTransposedProduct, 0.5, 0.0208, 0.0219},
    {Family::kRowProduct, 0.4, 0.0095, 0.0330},
    {Family::kTransposedRowProduct, 0.4, 0.0290, 0.0390},
    {Family::kRowReduction, 1.0, 0.0370, 0.0520},
    {Family::kTranspose, 0.4, 0.33, 0.42},
};
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

const Cost* find_cost(std::string_view backend, Family family) {
  if (backend != "llvm" && backend != "onednn") return nullptr;
  const std::span<const Cost> costs = backend == "llvm" ? std::span<const Cost>(kLlvm) : kOneDnn;
  const auto it = std::ranges::find(costs, family, &Cost::family);
  return it == costs.end() ? nullptr : &*it;
}

double microseconds_of(const Cost& cost, double units, double bytes) {
  return cost.microseconds + units * (bytes > kFarBytes ? cost.far : cost.nanoseconds) / 1000;
}

ProductSize product_size(const Graph& graph, const Node& node, int axis) {
  const Shape &a = graph.type(node.inputs[0]).shape, &b = graph.type(node.inputs[1]).shape;
  const Shape& result = node.types[0].shape;
  const int64_t columns = result.rank() > 0 ? result[result.rank() - 1] : 1;
  ProductSize size{.depth = b[axis], .columns = columns, .transposed = axis == b.rank() - 1};
  if (a.elements() != size.depth && columns > 0) size.rows = result.elements() / columns;
  return size;
}

}  // namespace

double product_microseconds(std::string_view backend, const ProductSize& size) {
  const auto number = [](int64_t n) { return static_cast<double>(n); };
  // Vectors of 16 lanes work on the last dimension: a narrower one costs as much as 16.
  const double columns = number((size.columns + 15) / 16 * 16);
  const double right = number(size.batch * size.depth) * columns;
  const double bytes = 4 * number(size.batch) *
                       (number(size.rows * size.depth) + number(size.depth * size.columns) +
                        number(size.rows * size.columns));
  const bool by_rows = size.rows == 1;
  const Family family =
      by_rows ? (size.transposed ? Family::kTransposedRowProduct : Family::kRowProduct)
              : (size.transposed ? Family::kTransposedProduct : Family::kProduct);
  const Cost* cost = find_cost(backend, family);
  SINTER_CHECK(cost != nullptr, std::string(backend));
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

std::optional<double> estimate_microseconds(std::string_view backend, const Graph& graph,
                                            int32_t index) {
  if (backend != "llvm" && backend != "onednn") return std::nullopt;
  const Node& node = graph.node(index);
  double bytes = 0;
  std::vector<ValueType> values = node.types;
  for (ValueId input : node.inputs) values.push_back(graph.type(input));
  for (const ValueType& type : values) {
    if (type.dtype != DType::kFloat32) return std::nullopt;
    bytes += static_cast<double>(type.bytes());
  }
  const bool native = backend == "llvm";
  if (node.is(KernelOp::kContract)) {
    const Contract c = Contract::of(graph, node);
    if (c.rhs.depth.size() != 1) return std::nullopt;
    return product_microseconds(backend, product_size(graph, node, c.rhs.depth[0]));
  }
  if (node.is(KernelOp::kReduce)) {
    const Shape& shape = graph.type(node.inputs[0]).shape;
    const auto& axes = node.attributes.get_ints("axes");
    if (axes.size() != 1 || axes[0] != shape.rank() - 1) return std::nullopt;
    const auto elements = static_cast<double>(shape.elements());
    return native ? loop_microseconds(bytes, elements)
                  : microseconds_of(*find_cost(backend, Family::kRowReduction), elements, bytes);
  }
  if (node.is(KernelOp::kTranspose)) {
    const auto elements = static_cast<double>(node.types[0].shape.elements());
    return native ? transpose_microseconds(bytes)
                  : microseconds_of(*find_cost(backend, Family::kTranspose), elements, bytes);
  }
  return std::nullopt;
}

int worthwhile_pieces(double microseconds, int64_t most) {
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
