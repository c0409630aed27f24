// Schemas and shape rules of the kernel ops (their table stands in the header).
#include "core/kernel_ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "core/contract.h"
#include "core/counted.h"
#include "core/error.h"
#include "core/graph.h"
#include "core/number.h"
#include "core/op_record.h"
#include "core/reduce.h"
#include "core/sizes.h"

namespace sinter {
namespace {

using Types = std::vector<ValueType>;
using In = std::span<const ValueType>;
using A = AttributeType;

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw ShapeError(fmt::format(format, std::forward<Args>(args)...));
}

int64_t symbolic_dims(const Shape& shape) { return std::count(shape.begin(), shape.end(), kBatch); }

// A shape that stands in an attribute; results are checked where nodes are added.
void check_dims(const Shape& shape) { check_type({DType::kBool, shape}); }

ValueType reduced(const ValueType& type, std::span<const int64_t> given, bool keepdims,
                  DType dtype) {
  const std::vector<int64_t> axes = checked_axes(type.shape, given);
  std::vector<int64_t> dims;
  for (int i = 0; i < type.shape.rank(); ++i) {
    if (std::ranges::find(axes, i) == axes.end())
      dims.push_back(type.shape[i]);
    else if (keepdims)
      dims.push_back(1);
  }
  return {dtype, Shape(std::move(dims))};
}

Types source_types(In, const Attributes& a) {
  return {{a.get<DType>("dtype"), a.get<Shape>("shape")}};
}

Types map_types(In in, const Attributes& a) {
  const ScalarExpr& body = a.get_expr("body");
  if (body.arguments.size() != in.size())
    fail("its body has {}, found {}", counted(body.arguments.size(), "argument"),
         counted(in.size(), "input"));
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i].shape != in[0].shape)
      fail("inputs must have one shape, found {} and {}", in[0].shape.to_string(),
           in[i].shape.to_string());
    if (in[i].dtype != body.arguments[i])
      fail("input {} is {}, its body expects {}", i, dtype_name(in[i].dtype),
           dtype_name(body.arguments[i]));
  }
  Types types;
  for (size_t r = 0; r < body.results.size(); ++r)
    types.push_back({body.result_dtype(r), in[0].shape});
  return types;
}

void refuse_storage(const ValueType& type) {
  if (is_for_storage(type.dtype)) fail("{}", storage_fault(type.dtype));
}

Types reduce_types(In in, const Attributes& a) {
  const std::string& kind = a.get_string("kind");
  refuse_storage(in[0]);
  if (!find_reduce_kind(kind)) fail("unknown kind of reduction '{}'", kind);
  return {reduced(in[0], a.get_ints("axes"), a.get_bool("keepdims"), in[0].dtype)};
}

Types arg_reduce_types(In in, const Attributes& a) {
  refuse_storage(in[0]);
  const std::string& kind = a.get_string("kind");
  if (kind != "argmax" && kind != "argmin") fail("unknown kind of reduction '{}'", kind);
  const int64_t size = in[0].shape[checked_axis(in[0].shape, a.get_int("axis"))];
  if (size > std::numeric_limits<int32_t>::max())
    fail("{} elements along the axis are more than int32 counts", size);
  if (size == 0) fail("{} of no elements: axis {} is empty", kind, a.get_int("axis"));
  const int64_t axes[] = {a.get_int("axis")};
  return {reduced(in[0], axes, a.get_bool("keepdims"), DType::kInt32)};
}

Types contract_types(In in, const Attributes& a) {
  for (const ValueType& type : in) {
    if (factor_dtype(type.dtype) != type.dtype) refuse_storage(type);
  }
  const bool rounds = in[0].dtype == DType::kBFloat16 && is_floating(in[1].dtype);
  if (in[0].dtype != in[1].dtype && !rounds) fail("operands must have one dtype");
  const auto lhs_batch = a.get_ints("lhs_batch"), rhs_batch = a.get_ints("rhs_batch");
  const auto lhs_contract = a.get_ints("lhs_contract"), rhs_contract = a.get_ints("rhs_contract");
  if (lhs_batch.size() != rhs_batch.size() || lhs_contract.size() != rhs_contract.size())
    fail("its lists of axes differ in length");
  const auto dims_match = [&](const std::vector<int64_t>& l, const std::vector<int64_t>& r) {
    for (size_t i = 0; i < l.size(); ++i) {
      const int64_t x = in[0].shape[checked_axis(in[0].shape, l[i])],
                    y = in[1].shape[checked_axis(in[1].shape, r[i])];
      if (x != y)
        fail("dimension {} of the left side is {}, but dimension {} of the right side is {}", l[i],
             dimension_text(x), r[i], dimension_text(y));
    }
  };
  dims_match(lhs_batch, rhs_batch);
  dims_match(lhs_contract, rhs_contract);
  const Contract c = Contract::of(in[0].shape, in[1].shape, a);
  std::vector<int64_t> dims = extents(in[0].shape, c.lhs.batch);
  for (const int64_t dim : extents(in[0].shape, c.lhs.free)) dims.push_back(dim);
  for (const int64_t dim : extents(in[1].shape, c.rhs.free)) dims.push_back(dim);
  return {{arithmetic_dtype(in[0].dtype), Shape(std::move(dims))}};
}

Types reshape_types(In in, const Attributes& a) {
  const Shape& shape = a.get<Shape>("shape");
  check_dims(shape);
  if (symbolic_dims(shape) != symbolic_dims(in[0].shape) ||
      shape.static_elements() != in[0].shape.static_elements()) {
    fail("cannot reshape {} to {}: the numbers of elements differ", in[0].shape.to_string(),
         shape.to_string());
  }
  return {{in[0].dtype, shape}};
}

Types transpose_types(In in, const Attributes& a) {
  const std::vector<int64_t>& perm = a.get_ints("perm");
  if (static_cast<int>(checked_axes(in[0].shape, perm).size()) != in[0].shape.rank())
    fail("perm must name each of the {} dimensions once", in[0].shape.rank());
  std::vector<int64_t> dims;
  for (int64_t p : perm) dims.push_back(in[0].shape[static_cast<int>(p)]);
  return {{in[0].dtype, Shape(std::move(dims))}};
}

Types broadcast_types(In in, const Attributes& a) {
  const Shape& shape = a.get<Shape>("shape");
  check_dims(shape);
  const std::vector<int64_t>& dims = a.get_ints("dims");
  if (static_cast<int>(dims.size()) != in[0].shape.rank())
    fail("dims must have one entry a dimension of {}", in[0].shape.to_string());
  int64_t last = -1;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] <= last || dims[i] >= shape.rank())
      fail("dims must increase and lie within the rank of {}", shape.to_string());
    last = dims[i];
    const int64_t from = in[0].shape[static_cast<int>(i)];
    if (from != 1 && from != shape[static_cast<int>(dims[i])])
      fail("cannot broadcast {} to {}", in[0].shape.to_string(), shape.to_string());
  }
  return {{in[0].dtype, shape}};
}

Types slice_types(In in, const Attributes& a) {
  const auto &begin = a.get_ints("begin"), &end = a.get_ints("end"), &stride = a.get_ints("stride");
  const Shape& shape = in[0].shape;
  const auto rank = static_cast<size_t>(shape.rank());
  if (begin.size() != rank || end.size() != rank || stride.size() != rank)
    fail("begin, end and stride need one entry a dimension of {}", shape.to_string());
  std::vector<int64_t> dims;
  for (int i = 0; i < shape.rank(); ++i) {
    const auto k = static_cast<size_t>(i);
    if (shape[i] == kBatch) {
      if (begin[k] != 0 || end[k] != kSliceEnd || stride[k] != 1)
        fail("the symbolic batch dimension can only be taken whole");
      dims.push_back(kBatch);
      continue;
    }
    const int64_t last = end[k] == kSliceEnd ? shape[i] : end[k];
    if (begin[k] < 0 || begin[k] > last || last > shape[i] || stride[k] < 1) {
      fail("slice {}:{}:{} does not lie in dimension {} of {}", begin[k], last, stride[k], i,
           shape.to_string());
    }
    dims.push_back(last == begin[k] ? 0
                                    : (last - begin[k] - 1) / stride[k] +
                                          1);  // cannot overflow, whatever the stride
  }
  return {{in[0].dtype, Shape(std::move(dims))}};
}

// Of a symbolic batch, each sample is viewed in itself.
Types as_strided_types(In in, const Attributes& a) {
  const Shape &shape = a.get<Shape>("shape"), &from = in[0].shape;
  const std::vector<int64_t>& strides = a.get_ints("strides");
  check_dims(shape);
  if (strides.size() != static_cast<size_t>(shape.rank()))
    fail("strides need one entry a dimension of {}", shape.to_string());
  int64_t last = a.get_int("offset"), count = from.static_elements();
  const bool of_samples = symbolic_dims(shape) + symbolic_dims(from) != 0;
  bool inside = last >= 0;
  if (of_samples)
    inside = inside && symbolic_dims(shape) == 1 && symbolic_dims(from) == 1 &&
             shape[0] == kBatch && from[0] == kBatch && strides[0] == count;
  for (int d = of_samples ? 1 : 0; inside && d < shape.rank(); ++d) {
    const int64_t stride = strides[static_cast<size_t>(d)];
    inside = stride >= 0;
    if (inside && shape[d] > 1) last = checked_sum(last, checked_product(shape[d] - 1, stride));
  }
  if (!inside || (shape.static_elements() != 0 && last >= count))
    fail("a view with strides [{}] from element {} on does not lie in {}", fmt::join(strides, ","),
         a.get_int("offset"), from.to_string());
  return {{in[0].dtype, shape}};
}

Types pad_types(In in, const Attributes& a) {
  const auto &low = a.get_ints("low"), &high = a.get_ints("high");
  Shape shape = in[0].shape;
  const auto rank = static_cast<size_t>(shape.rank());
  if (low.size() != rank || high.size() != rank)
    fail("low and high need one entry a dimension of {}", shape.to_string());
  for (int i = 0; i < shape.rank(); ++i) {
    const int64_t l = low[static_cast<size_t>(i)], h = high[static_cast<size_t>(i)];
    if (l < 0 || h < 0) fail("padding must be non-negative");
    if (shape[i] == kBatch && (l != 0 || h != 0))
      fail("the symbolic batch dimension cannot be padded");
    if (shape[i] != kBatch) shape[i] = checked_sum(shape[i], checked_sum(l, h));
  }
  require_element(in[0].dtype, a.get_float("value"));
  return {{in[0].dtype, shape}};
}

Types concat_types(In in, const Attributes& a) {
  ValueType result = in[0];
  const int axis = checked_axis(result.shape, a.get_int("axis"));
  if (result.shape[axis] == kBatch) fail("the symbolic batch dimension cannot be concatenated");
  for (size_t i = 1; i < in.size(); ++i) {
    if (in[i].dtype != result.dtype || in[i].shape.rank() != result.shape.rank())
      fail("inputs must have one dtype and rank");
    for (int d = 0; d < result.shape.rank(); ++d) {
      if (d != axis && in[i].shape[d] != result.shape[d])
        fail("dimension {} of input {} is {}, that of input 0 is {}", d, i,
             dimension_text(in[i].shape[d]), dimension_text(result.shape[d]));
    }
    if (in[i].shape[axis] == kBatch) fail("the symbolic batch dimension cannot be concatenated");
    result.shape[axis] = checked_sum(result.shape[axis], in[i].shape[axis]);
  }
  return {result};
}

Types iota_types(In, const Attributes& a) {
  const Shape& shape = a.get<Shape>("shape");
  const DType dtype = a.get<DType>("dtype");
  const int64_t size = shape[checked_axis(shape, a.get_int("axis"))];
  if (dtype == DType::kBool) fail("an index is not a bool");
  if (size > 0 && !element_of(dtype, size - 1))
    fail("{} has no element {}", dtype_name(dtype), size - 1);
  return {{dtype, shape}};
}

void check_indices(const ValueType& type) {
  if (type.dtype != DType::kInt32 && type.dtype != DType::kInt64)
    fail("indices must be int32 or int64, found {}", dtype_name(type.dtype));
}

// How many dimensions `shape`, that of x or of updates, and indices begin with in common.
int checked_batch_dims(const Attributes& a, int64_t axis, const Shape& shape,
                       const Shape& indices) {
  const int64_t count = a.get_int("batch_dims");
  const int64_t most = std::min<int64_t>({axis, shape.rank(), indices.rank()});
  if (count < 0 || count > most)
    fail("batch_dims must be between 0 and {}, which axis and the rank of indices allow, found {}",
         most, count);
  for (int i = 0; i < count; ++i) {
    if (shape[i] != indices[i])
      fail("both must begin with the same dimensions, the first {} (batch_dims)", count);
  }
  return static_cast<int>(count);
}

Types gather_types(In in, const Attributes& a) {
  check_indices(in[1]);
  const int axis = checked_axis(in[0].shape, a.get_int("axis"));
  const int batch_dims = checked_batch_dims(a, axis, in[0].shape, in[1].shape);
  if (in[0].shape[axis] == kBatch) fail("the symbolic batch dimension cannot be gathered from");
  if (in[0].shape[axis] == 0) fail("the dimension to gather from is empty");
  std::vector<int64_t> dims(in[0].shape.begin(), in[0].shape.begin() + axis);
  dims.insert(dims.end(), in[1].shape.begin() + batch_dims, in[1].shape.end());
  dims.insert(dims.end(), in[0].shape.begin() + axis + 1, in[0].shape.end());
  return {{in[0].dtype, Shape(std::move(dims))}};
}

Types scatter_add_types(In in, const Attributes& a) {
  refuse_storage(in[1]);
  check_indices(in[0]);
  const int batch_dims =
      checked_batch_dims(a, std::max<int64_t>(a.get_int("axis"), 0), in[1].shape, in[0].shape);
  const int index_rank = in[0].shape.rank() - batch_dims;
  const int rank = in[1].shape.rank() - index_rank + 1;
  if (a.get_int("axis") < 0 || a.get_int("axis") >= rank || a.get_int("size") < 1)
    fail("axis {} or size {} do not fit updates {}", a.get_int("axis"), a.get_int("size"),
         in[1].shape.to_string());
  const auto axis = static_cast<int>(a.get_int("axis"));
  for (int i = 0; i < index_rank; ++i) {
    if (in[1].shape[axis + i] != in[0].shape[batch_dims + i])
      fail("updates {} do not fit indices {}", in[1].shape.to_string(), in[0].shape.to_string());
  }
  std::vector<int64_t> dims(in[1].shape.begin(), in[1].shape.begin() + axis);
  dims.push_back(a.get_int("size"));
  dims.insert(dims.end(), in[1].shape.begin() + axis + index_rank, in[1].shape.end());
  return {{in[1].dtype, Shape(std::move(dims))}};
}

Types random_types(In in, const Attributes& a) {
  if (in[0] != ValueType{DType::kInt64, Shape{2}})
    fail("its state must be int64[2] = {{seed, step}}");
  const std::string& distribution = a.get_string("distribution");
  const DType dtype = a.get<DType>("dtype");
  const bool known =
      distribution == "uniform"
          ? arithmetic_dtype(dtype) == dtype && is_floating(dtype)
          : (distribution == "bits" || distribution == "bits16") && dtype == DType::kInt32;
  if (!known) {
    fail("distribution is 'uniform' (floating), 'bits' or 'bits16' (int32), found '{}' with {}",
         distribution, dtype_name(dtype));
  }
  return {{dtype, a.get<Shape>("shape")}};
}

Types size_types(In in, const Attributes& a) {
  const DType dtype = a.get<DType>("dtype");
  if (dtype == DType::kBool) fail("a size is no bool");
  checked_axis(in[0].shape, a.get_int("axis"));
  return {{dtype, Shape{}}};
}

Types fusion_types(In in, const Attributes& a) {
  const Graph& body = a.get_graph("body");
  if (body.inputs().size() != in.size())
    fail("its body has {}, found {}", counted(body.inputs().size(), "input"), in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    const ValueType& expected = body.type({body.inputs()[i], 0});
    if (expected != in[i])
      fail("input {} is {}, its body expects {}", i, in[i].to_string(), expected.to_string());
  }
  if (!body.variables().empty() || !body.updates().empty()) fail("a fused region has no variables");
  for (const Node& node : body.nodes()) {
    const KernelKind kind = node.op->kind;
    if (!node.is(KernelOp::kInput) &&
        (kind == KernelKind::kSource || kind == KernelKind::kComposite ||
         kind == KernelKind::kFusion))
      fail("a fused region holds inputs and kernel ops, found '{}'", node.op->name);
  }
  if (body.outputs().empty()) fail("a fused region has an output");
  Types types;
  for (const Graph::Output& o : body.outputs()) types.push_back(body.type(o.value));
  return types;
}

}  // namespace

void register_kernel_ops(Registry& registry) {
  const auto add = [&](KernelOp op, const char* name, KernelKind kind, int min, int max,
                       std::vector<AttributeSpec> attributes, ShapeRule shape) {
    registry.add({.name = name,
                  .kind = kind,
                  .kernel_op = op,
                  .min_inputs = min,
                  .max_inputs = max,
                  .attributes = std::move(attributes),
                  .shape = std::move(shape)});
  };
  const AttributeSpec dtype{"dtype", A::kDType}, shape{"shape", A::kShape};
  const AttributeSpec axis = axis_spec("axis", A::kInt), axes = axis_spec("axes", A::kInts);
  const AttributeSpec batch_dims{"batch_dims", A::kInt, int64_t{0}};
  const AttributeSpec kind{"kind", A::kString}, keepdims{"keepdims", A::kBool, false};
  add(KernelOp::kInput, "input", KernelKind::kSource, 0, 0, {dtype, shape}, source_types);
  add(KernelOp::kVariable, "variable", KernelKind::kSource, 0, 0, {dtype, shape}, source_types);
  add(KernelOp::kConstant, "constant", KernelKind::kSource, 0, 0, {{"value", A::kTensor}},
      [](In, const Attributes& a) { return Types{a.get<Tensor>("value").type()}; });
  add(KernelOp::kMap, "map", KernelKind::kMap, 1, kAnyNumber, {{"body", A::kExpr}}, map_types);
  add(KernelOp::kReduce, "reduce", KernelKind::kReduce, 1, 1, {kind, axes, keepdims}, reduce_types);
  add(KernelOp::kArgReduce, "arg_reduce", KernelKind::kReduce, 1, 1, {kind, axis, keepdims},
      arg_reduce_types);
  const AttributeValue none = std::vector<int64_t>{};
  add(KernelOp::kContract, "contract", KernelKind::kContract, 2, 2,
      {{"lhs_batch", A::kInts, none, AxisOf::kFirst},
       {"rhs_batch", A::kInts, none, AxisOf::kSecond},
       axis_spec("lhs_contract", A::kInts),
       axis_spec("rhs_contract", A::kInts, AxisOf::kSecond)},
      contract_types);
  add(KernelOp::kReshape, "reshape", KernelKind::kMove, 1, 1, {shape}, reshape_types);
  add(KernelOp::kTranspose, "transpose", KernelKind::kMove, 1, 1, {axis_spec("perm", A::kInts)},
      transpose_types);
  add(KernelOp::kBroadcast, "broadcast", KernelKind::kMove, 1, 1, {shape, {"dims", A::kInts}},
      broadcast_types);
  add(KernelOp::kSlice, "slice", KernelKind::kMove, 1, 1,
      {{"begin", A::kInts}, {"end", A::kInts}, {"stride", A::kInts}}, slice_types);
  add(KernelOp::kAsStrided, "as_strided", KernelKind::kMove, 1, 1,
      {shape, {"strides", A::kInts}, {"offset", A::kInt, int64_t{0}}}, as_strided_types);
  add(KernelOp::kPad, "pad", KernelKind::kMove, 1, 1,
      {{"low", A::kInts}, {"high", A::kInts}, {"value", A::kFloat, 0.0}}, pad_types);
  add(KernelOp::kConcat, "concat", KernelKind::kMove, 1, kAnyNumber, {axis}, concat_types);
  add(KernelOp::kIota, "iota", KernelKind::kMove, 0, 0,
      {shape, axis_spec("axis", A::kInt, AxisOf::kShape), dtype}, iota_types);
  add(KernelOp::kGather, "gather", KernelKind::kGather, 2, 2, {axis, batch_dims}, gather_types);
  // Its axis is the result's.
  add(KernelOp::kScatterAdd, "scatter_add", KernelKind::kScatter, 2, 2,
      {{"axis", A::kInt}, {"size", A::kInt}, batch_dims}, scatter_add_types);
  add(KernelOp::kRandom, "random", KernelKind::kRandom, 1, 1,
      {shape,
       dtype,
       {"distribution", A::kString, std::string("uniform")},
       {"stream", A::kInt, int64_t{0}}},
      random_types);
  add(KernelOp::kSize, "size", KernelKind::kMove, 1, 1,
      {axis, {"dtype", A::kDType, DType::kFloat32}}, size_types);
  add(KernelOp::kFusion, "fusion", KernelKind::kFusion, 0, kAnyNumber, {kind, {"body", A::kGraph}},
      fusion_types);
}

int axis_of(const Attributes& attributes) { return static_cast<int>(attributes.get_int("axis")); }

std::vector<bool> reduced_dims(const Graph& graph, const Node& node) {
  return Reduce::of(node).reduced(graph.type(node.inputs[0]).shape.rank());
}

}  // namespace sinter
