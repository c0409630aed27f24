// Reads and checks the body of a contract fusion (its form is described in
// core/region_form.h).
#include "runtime/llvm/matmul/region.h"

#include <algorithm>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "core/op_record.h"
#include "core/region_form.h"
#include "core/target.h"
#include "core/view.h"

namespace sinter::codegen {
namespace {

// A bare contract as a region of its own, so that everything after this file sees regions only.
std::shared_ptr<const Graph> region_of_contract(const Graph& graph, const Node& node) {
  auto body = std::make_shared<Graph>("contract");
  const Symbol lhs = body->input("lhs", graph.type(node.inputs[0]));
  const Symbol rhs = body->input("rhs", graph.type(node.inputs[1]));
  body->add_output("product", body->add1("contract", {lhs, rhs}, node.attributes).id());
  return body;
}

std::shared_ptr<const Graph> body_of(const Graph& graph, const Node& node) {
  return node.is(KernelOp::kContract) ? region_of_contract(graph, node)
                                      : node.attributes.get<std::shared_ptr<const Graph>>("body");
}

bool reduces_columns(const Graph& body, const Node& reduce) {
  return reduced_dims(body, reduce).back();
}
bool reduces_over_rows(const Graph& body, const Node& reduce) {
  return reduced_dims(body, reduce).front();
}

// Is the value one a row, where a row has several columns?
bool is_row_value(const Graph& body, ValueId id, int64_t columns) {
  const Shape& shape = body.type(id).shape;
  return shape.rank() >= 2 && shape[shape.rank() - 1] == 1 && columns > 1;
}

// Does the node reduce rows, number their columns, or sum up what is no column?
bool needs_whole_rows(const Graph& body, const Node& node, int64_t columns) {
  if (node.is(KernelOp::kArgReduce) || node.is(KernelOp::kIota)) return true;
  return node.is(KernelOp::kReduce) &&
         (reduces_columns(body, node) || is_row_value(body, node.inputs[0], columns));
}

// What the form of regions allows, but this backend does not.
std::string check_body(const Graph& body, const Cpu& cpu) {
  int64_t columns = 0;
  DType dtype = DType::kFloat32;
  for (const Node& node : body.nodes()) {
    if (node.is(KernelOp::kContract)) {
      dtype = node.types[0].dtype;
      if (!is_floating(dtype)) return "a matmul of integers";
      if (body.type(node.inputs[0]).dtype != dtype && !cpu.multiplies_bfloat16)
        return "a matmul of bfloat16";
      if (body.type(node.inputs[1]).dtype == DType::kFloat64 && dtype != DType::kFloat64)
        return "a matmul of bfloat16 by float64";
      if (!node.types[0].shape.is_static()) return "a matmul of unknown size";
      columns = matmul_problem(body, node).columns;
    } else if (node.is(KernelOp::kReduce) || node.is(KernelOp::kArgReduce) ||
               node.is(KernelOp::kIota)) {
      const bool whole_rows = needs_whole_rows(body, node, columns);
      if (whole_rows && columns > kWholeRowColumns)
        return "a matmul region with long rows can only sum columns";
    }
  }
  for (const Graph::Output& output : body.outputs()) {
    const Node& node = body.node(output.value);
    const ValueId value = node.is(KernelOp::kReshape) ? node.inputs[0] : output.value;
    if (!body.node(value).is(KernelOp::kContract) && is_row_value(body, value, columns) &&
        columns > kWholeRowColumns)
      return "a matmul region with long rows gives out no values of rows";
  }
  return "";
}

}  // namespace

std::string MatmulRegion::why_not(const Graph& graph, int32_t node, const Cpu& cpu) {
  if (graph.node(node).is(KernelOp::kFusion)) {
    if (std::string rule = why_no_region(graph, node); !rule.empty()) return rule;
  }
  return check_body(*body_of(graph, graph.node(node)), cpu);
}

MatmulRegion MatmulRegion::of_node(const Graph& graph, int32_t node) {
  MatmulRegion region;
  region.body = body_of(graph, graph.node(node));
  const Graph& body = *region.body;
  int64_t columns = 0;
  for (int32_t i = 0; i < body.size(); ++i) {
    const Node& inner = body.node(i);
    if (inner.is(KernelOp::kContract)) {
      region.product = {i, 0};
      const MatmulProblem problem = region.problem();
      region.rows = problem.batch * problem.rows;
      region.columns = columns = problem.columns;
    } else if (inner.is(KernelOp::kMap)) {
      const int64_t cost = inner.attributes.get_expr("body").flops();
      region.epilogue_cost +=
          is_row_value(body, {i, 0}, columns) ? (cost + columns - 1) / columns : cost;
    }
  }
  for (const Node& inner : body.nodes())
    region.whole_rows = region.whole_rows || needs_whole_rows(body, inner, columns);
  for (const Graph::Output& output : body.outputs()) {
    const ValueId value = region.unshaped(output.value);
    const Node& made_by = body.node(value);
    Result result{value, Form::kElements, body.type(value).dtype};
    if (made_by.is(KernelOp::kReduce) && reduces_over_rows(body, made_by)) {
      result.value = made_by.inputs[0];
      result.form = needs_whole_rows(body, made_by, columns) ? Form::kTotal : Form::kColumnSums;
    } else {
      region.whole_rows =
          region.whole_rows || (value != region.product && is_row_value(body, value, columns));
    }
    region.results.push_back(result);
  }
  return region;
}

MatmulProblem MatmulRegion::problem() const { return matmul_problem(*body, body->node(product)); }

int64_t MatmulRegion::sum_count() const {
  return std::count_if(results.begin(), results.end(), [](const Result& r) { return r.is_sum(); });
}

std::vector<size_t> MatmulRegion::whole_operands() const {
  const ValueType& type = body->type(product);
  std::vector<size_t> operands;
  for (size_t i = 0; i < body->inputs().size(); ++i) {
    const ValueType& input = body->type({body->inputs()[i], 0});
    const auto index = static_cast<int32_t>(i);
    if (index != lhs && index != rhs && input.dtype == type.dtype &&
        input.shape.elements() == type.shape.elements())
      operands.push_back(i);
  }
  return operands;
}

ValueId MatmulRegion::unshaped(ValueId id) const { return before_reshapes(*body, id); }

ValueId MatmulRegion::input_of(ValueId id) const {
  while (body->node(id).is(KernelOp::kReshape) || body->node(id).is(KernelOp::kAsStrided))
    id = body->node(id).inputs[0];
  return id;
}

EpilogueStrides MatmulRegion::strides_of(ValueId id) const {
  const Node& node = body->node(id);
  const Shape& shape = body->type(id).shape;
  SINTER_CHECK(shape.rank() >= 2, shape.to_string());
  View view = View::dense(shape);
  if (node.is(KernelOp::kAsStrided))
    view = *view_through(*body, node, View::dense(body->type(node.inputs[0]).shape));
  const bool has_columns = view.extents.back() != 1;
  EpilogueStrides strides{0, has_columns ? view.strides.back() : 0, view.offset};
  view.extents.pop_back();
  view.strides.pop_back();
  const View of_rows = view.merged();
  SINTER_CHECK(
      of_rows.extents.empty() || (of_rows.extents.size() == 1 && of_rows.extents[0] == rows),
      shape.to_string());
  if (!of_rows.extents.empty()) strides.rows = of_rows.strides[0];
  return strides;
}

// Each element of a whole operand is read where the result is written, before it is written. The
// factors are read throughout.
bool MatmulRegion::can_alias(size_t result, size_t input) const {
  const auto index = static_cast<int32_t>(input);
  if (index == lhs || index == rhs || results[result].is_sum()) return false;
  const ValueType& type = body->type({body->inputs()[input], 0});
  const int64_t elements = body->type(product).shape.elements();
  if (type.dtype != results[result].dtype || type.shape.elements() != elements ||
      body->type(results[result].value).shape.elements() != elements)
    return false;
  // A second use of the input under another shape, or as another view, would be read elsewhere;
  // whole values have one shape only.
  for (const Node& node : body->nodes()) {
    const bool reads = std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId v) {
      return input_of(v).node == body->inputs()[input];
    });
    if (reads && (node.is(KernelOp::kBroadcast) || node.is(KernelOp::kAsStrided))) return false;
  }
  return true;
}

std::vector<std::pair<int, int>> MatmulRegion::aliases() const {
  std::vector<std::pair<int, int>> pairs;
  for (size_t result = 0; result < results.size(); ++result) {
    for (size_t input = 0; input < body->inputs().size(); ++input) {
      if (can_alias(result, input))
        pairs.emplace_back(static_cast<int>(result), static_cast<int>(input));
    }
  }
  return pairs;
}

}  // namespace sinter::codegen
