#include "runtime/cost_model.h"

#include <span>
#include <vector>

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

struct Work {
  Family family;
  double units;
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
constexpr Cost kLlvm[] = {
    {Family::kProduct, 0.1, 0.0172, 0.0202},
    {Family::kTransposedProduct, 0.1, 0.0190, 0.0197},
    {Family::kRowProduct, 0.05, 0.0085, 0.0130},
    {Family::kTransposedRowProduct, 0.05, 0.0360, 0.0500},
    {Family::kRowReduction, 0.05, 0.0350, 0.0430},
    {Family::kTranspose, 0.05, 0.77, 4.7},
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

std::optional<Work> work_of(const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  if (node.is("contract")) {
    const Shape &a = graph.type(node.inputs[0]).shape, &b = graph.type(node.inputs[1]).shape;
    const auto& along = node.attributes.get_ints("rhs_contract");
    if (along.size() != 1) return std::nullopt;
    const int axis = b.normalize_axis(static_cast<int>(along[0]));
    // Vectors of 16 lanes work on the last dimension: a narrower one costs as much as 16.
    const Shape& result = node.types[0].shape;
    const int64_t columns = result.rank() > 0 ? result[result.rank() - 1] : 1;
    const double padded =
        columns == 0 ? 0
                     : static_cast<double>((columns + 15) / 16 * 16) / static_cast<double>(columns);
    const auto units =
        static_cast<double>(result.elements()) * padded * static_cast<double>(b[axis]);
    const bool transposed = axis == b.rank() - 1;
    if (a.elements() == b[axis])
      return Work{transposed ? Family::kTransposedRowProduct : Family::kRowProduct, 4 * units};
    return Work{transposed ? Family::kTransposedProduct : Family::kProduct, units};
  }
  if (node.is("reduce")) {
    const Shape& shape = graph.type(node.inputs[0]).shape;
    const auto& axes = node.attributes.get_ints("axes");
    if (axes.size() != 1 || shape.normalize_axis(static_cast<int>(axes[0])) != shape.rank() - 1)
      return std::nullopt;
    return Work{Family::kRowReduction, static_cast<double>(shape.elements())};
  }
  if (node.is("transpose"))
    return Work{Family::kTranspose, static_cast<double>(node.types[0].shape.elements())};
  return std::nullopt;
}

}  // namespace

std::optional<double> estimate_microseconds(std::string_view backend, const Graph& graph,
                                            int32_t index) {
  const Node& node = graph.node(index);
  double bytes = 0;
  std::vector<ValueType> values = node.types;
  for (ValueId input : node.inputs) values.push_back(graph.type(input));
  for (const ValueType& type : values) {
    if (type.dtype != DType::kFloat32) return std::nullopt;
    bytes += static_cast<double>(type.bytes());
  }
  const std::optional<Work> work = work_of(graph, index);
  if (!work) return std::nullopt;
  if (backend != "llvm" && backend != "onednn") return std::nullopt;
  const std::span<const Cost> costs = backend == "llvm" ? std::span<const Cost>(kLlvm) : kOneDnn;
  for (const Cost& cost : costs) {
    if (cost.family == work->family)
      return cost.microseconds +
             work->units * (bytes > kFarBytes ? cost.far : cost.nanoseconds) / 1000;
  }
  return std::nullopt;
}

}  // namespace sinter
