// simplify, the second half: identities of ops that move data, of reductions, and of products with
// them.
#include <algorithm>
#include <numeric>
#include <vector>

#include "core/contract.h"
#include "core/kernel_ops.h"
#include "core/reduce.h"
#include "passes/rule_tables.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

Symbol reshaped(const Match& m, Symbol x, const Shape& shape) {
  return x.shape() == shape ? x : m.graph().add1("reshape", {x}, {{"shape", shape}});
}
const Shape& shape_of_root(const Match& m) { return m.source().type(m.root).shape; }
Symbol as_reshape(const Match& m) { return reshaped(m, m["x"], shape_of_root(m)); }

std::string unless_shape_stays(const Match& m) {
  return m.type("x").shape == shape_of_root(m) ? "" : "the shape changes";
}

bool is_identity(const Ints& perm) {
  for (size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

const Ints& perm_of(const Match& m, std::string_view name) {
  return m.attributes(name).get_ints("perm");
}

// Only dimensions of extent 1 change places: no data moves.
std::string unless_ones_move(const Match& m) {
  const Shape& shape = m.type("x").shape;
  int64_t last = -1;
  for (int64_t p : perm_of(m, "t")) {
    if (shape[static_cast<int>(p)] == 1) continue;
    if (p < last) return "data moves";
    last = p;
  }
  return "";
}

// transpose(transpose(x, inner), outer): result dim i is inner[outer[i]] of x.
Symbol transpose_once(const Match& m) {
  const Ints &inner = perm_of(m, "inner"), &outer = perm_of(m, "outer");
  Ints perm;
  for (int64_t p : outer) perm.push_back(inner[static_cast<size_t>(p)]);
  return is_identity(perm) ? m["x"] : m.graph().add1("transpose", {m["x"]}, {{"perm", perm}});
}

Symbol broadcast_once(const Match& m) {
  const Ints &inner = m.attributes("inner").get_ints("dims"),
             &outer = m.attributes("outer").get_ints("dims");
  Ints dims;
  for (int64_t d : inner) dims.push_back(outer[static_cast<size_t>(d)]);
  return m.graph().add1("broadcast", {m["x"]}, {{"shape", shape_of_root(m)}, {"dims", dims}});
}

std::string unless_elements_stay(const Match& m) {
  const Shape &from = m.type("x").shape, &to = shape_of_root(m);
  if (!from.is_static() || !to.is_static()) {
    // The symbolic batch counts as some number other than 1.
    const bool same =
        std::count(from.begin(), from.end(), kBatch) == std::count(to.begin(), to.end(), kBatch) &&
        from.static_elements() == to.static_elements();
    return same ? "" : "it repeats values";
  }
  return from.elements() == to.elements() ? "" : "it repeats values";
}

// Element i of the result is element begin2 + stride2 * i of the inner slice, so begin1 + stride1 *
// (begin2 + stride2 * i) of x.
Symbol slice_once(const Match& m) {
  const Attributes &inner = m.attributes("inner"), &outer = m.attributes("outer");
  const Shape& to = shape_of_root(m);
  Ints begin, end, stride;
  for (int d = 0; d < to.rank(); ++d) {
    const auto k = static_cast<size_t>(d);
    if (to[d] == kBatch) {
      begin.push_back(0);
      end.push_back(kSliceEnd);
      stride.push_back(1);
      continue;
    }
    // Of no elements there is no first one that lies in x, and strides between elements that do not
    // exist may be of any size.
    const int64_t first = to[d] == 0 ? 0
                                     : inner.get_ints("begin")[k] +
                                           inner.get_ints("stride")[k] * outer.get_ints("begin")[k];
    stride.push_back(to[d] <= 1 ? 1 : inner.get_ints("stride")[k] * outer.get_ints("stride")[k]);
    begin.push_back(first);
    end.push_back(to[d] == 0 ? 0 : first + (to[d] - 1) * stride.back() + 1);
  }
  return m.graph().add1("slice", {m["x"]}, {{"begin", begin}, {"end", end}, {"stride", stride}});
}

// The only axis along which what `p` pads begins elsewhere than what `q` pads: right behind it.
// -1: there is none.
int axis_beside(const Match& m) {
  const Attributes &p = m.attributes("p"), &q = m.attributes("q");
  const Shape &x = m.type("x").shape, &y = m.type("y").shape;
  int axis = -1;
  for (int d = 0; d < x.rank(); ++d) {
    const auto k = static_cast<size_t>(d);
    const int64_t low = p.get_ints("low")[k], next = q.get_ints("low")[k];
    if (low == next && x[d] == y[d]) continue;
    if (axis >= 0 || x[d] == kBatch || y[d] == kBatch || next != low + x[d]) return -1;
    axis = d;
  }
  return axis;
}

std::string unless_beside(const Match& m) {
  if (m.attributes("p").get_float("value") != 0 || m.attributes("q").get_float("value") != 0)
    return "what is around them is not 0";
  return axis_beside(m) >= 0 ? "" : "they do not lie side by side";
}

// pad(x) + pad(y), which lie side by side among zeros, as the gradients of neighbouring slices do.
Symbol padded_together(const Match& m) {
  const int axis = axis_beside(m);
  const Symbol both =
      m.graph().add1("concat", {m["x"], m["y"]}, {{"axis", static_cast<int64_t>(axis)}});
  Ints high = m.attributes("p").get_ints("high");
  high[static_cast<size_t>(axis)] = m.attributes("q").get_ints("high")[static_cast<size_t>(axis)];
  return m.graph().add1("pad", {both},
                        {{"low", m.attributes("p").get_ints("low")}, {"high", high}});
}

// concat(concat(...), y) or concat(x, concat(...)), which nothing else reads.
std::string unless_concats_join(const Match& m) {
  constexpr size_t kMostParts = 512;
  if (axis_of(m.attributes("i")) != axis_of(m.attributes("c"))) return "they have two axes";
  return m.node("i").inputs.size() < kMostParts ? "" : "it has many parts already";
}

Symbol concat_once(const Match& m) {
  std::vector<Symbol> parts;
  for (const ValueId id : m.node("c").inputs) {
    if (&m.source().node(id) != &m.node("i")) {
      parts.push_back(m.value(id));
      continue;
    }
    for (const ValueId part : m.node("i").inputs) parts.push_back(m.value(part));
  }
  return m.graph().add1("concat", parts, m.attributes("c"));
}

std::string unless_ones_are_reduced(const Match& m) {
  const Shape& shape = m.type("x").shape;
  for (const int64_t a : Reduce::of(m.node("r")).axes) {
    if (shape[static_cast<int>(a)] != 1) return "it reduces more than one element";
  }
  return "";
}

std::string unless_reductions_join(const Match& m) {
  const Reduce inner = Reduce::of(m.node("inner")), outer = Reduce::of(m.node("outer"));
  if (inner.kind != outer.kind) return "two kinds of reduction";
  return inner.keepdims == outer.keepdims ? "" : "only one keeps dimensions";
}

Symbol reduce_once(const Match& m) {
  const Shape& shape = m.type("x").shape;
  const Reduce inner = Reduce::of(m.node("inner")), outer = Reduce::of(m.node("outer"));
  Ints axes = inner.axes;
  Ints left(static_cast<size_t>(shape.rank()));
  std::iota(left.begin(), left.end(), int64_t{0});
  if (!inner.keepdims) {
    std::erase_if(left,
                  [&](int64_t d) { return std::find(axes.begin(), axes.end(), d) != axes.end(); });
  }
  for (const int64_t a : outer.axes) {
    const int64_t axis = left[static_cast<size_t>(a)];
    if (std::find(axes.begin(), axes.end(), axis) == axes.end()) axes.push_back(axis);
  }
  std::sort(axes.begin(), axes.end());
  return m.graph().add1("reduce", {m["x"]}, Reduce{inner.kind, axes, inner.keepdims}.attributes());
}

Contract contract_of(const Match& m) { return Contract::of(m.source(), m.node("c")); }

// contract(transpose(x), y): the axes of the product refer to x itself, as long as the free ones
// keep their order.
std::string unless_free_axes_keep_order(const Match& m, Contract::Side Contract::*side) {
  const Ints& perm = perm_of(m, "t");
  const Contract c = contract_of(m);
  const Contract::Axes& free = (c.*side).free;
  const auto from = [&](int axis) { return perm[static_cast<size_t>(axis)]; };
  return std::ranges::is_sorted(free, {}, from) ? "" : "its free dimensions would change places";
}

Symbol contract_without_transpose(const Match& m, Contract::Side Contract::*side) {
  const Ints& perm = perm_of(m, "t");
  Contract c = contract_of(m);
  for (Contract::Axes* axes : {&(c.*side).batch, &(c.*side).depth}) {
    for (int& axis : *axes) axis = static_cast<int>(perm[static_cast<size_t>(axis)]);
  }
  return side == &Contract::lhs ? m.graph().add1("contract", {m["x"], m["y"]}, c.attributes())
                                : m.graph().add1("contract", {m["y"], m["x"]}, c.attributes());
}

// contract(x, broadcast(y)) where y is the same for all samples: rows of all samples by one matrix.
std::string unless_one_for_all_samples(const Match& m) {
  const Contract c = contract_of(m);
  const Ints& dims = m.attributes("b").get_ints("dims");
  const Shape &from = m.type("y").shape, &to = m.type("b").shape;
  std::vector<bool> is_sample(static_cast<size_t>(to.rank()), false);
  for (const int axis : c.rhs.batch) is_sample[static_cast<size_t>(axis)] = true;
  Contract::Axes kept;
  for (size_t i = 0; i < dims.size(); ++i) {
    const auto to_dim = static_cast<int>(dims[i]);
    if (is_sample[static_cast<size_t>(to_dim)]) {
      if (from[static_cast<int>(i)] != 1) return "it differs between samples";
    } else if (from[static_cast<int>(i)] == to[to_dim]) {
      kept.push_back(to_dim);
    }
  }
  if (c.rhs.batch.empty() || kept.size() + c.rhs.batch.size() != is_sample.size())
    return "it is spread in other ways";
  Contract::Axes rows = c.lhs.batch;
  rows.insert(rows.end(), c.lhs.free.begin(), c.lhs.free.end());
  return std::ranges::is_sorted(rows) ? "" : "samples do not come before rows";
}

Symbol product_of_all_samples(const Match& m) {
  Contract c = contract_of(m);
  const Ints& dims = m.attributes("b").get_ints("dims");
  const Shape &from = m.type("y").shape, &to = m.type("b").shape;
  std::vector<int> place(static_cast<size_t>(to.rank()), -1);  // of a dimension that is kept
  Ints kept;
  for (size_t i = 0; i < dims.size(); ++i) {
    const auto to_dim = static_cast<int>(dims[i]);
    if (std::ranges::find(c.rhs.batch, to_dim) != c.rhs.batch.end()) continue;
    place[static_cast<size_t>(to_dim)] = static_cast<int>(kept.size());
    kept.push_back(from[static_cast<int>(i)]);
  }
  c.lhs.batch.clear();
  c.rhs.batch.clear();
  for (int& axis : c.rhs.depth) axis = place[static_cast<size_t>(axis)];
  return m.graph().add1("contract", {m["x"], reshaped(m, m["y"], Shape(kept))}, c.attributes());
}

// transpose(contract(x, y)) of matrices is contract(y, x).
std::string unless_matrix_product(const Match& m) {
  const Contract c = contract_of(m);
  return c.lhs.batch.empty() && c.lhs.free.size() == 1 && c.rhs.free.size() == 1 &&
                 !is_identity(perm_of(m, "t"))
             ? ""
             : "not a product of two matrices";
}

Symbol swapped_product(const Match& m) {
  const Contract c = contract_of(m);
  return m.graph().add1("contract", {m["y"], m["x"]}, Contract{c.rhs, c.lhs}.attributes());
}

std::string unless_size_is_known(const Match& m) {
  return m.type("x").shape.dim(axis_of(m.attributes("s"))) == kBatch ? "the batch size is open"
                                                                     : "";
}

Symbol size_constant(const Match& m) {
  const int64_t n = m.type("x").shape.dim(axis_of(m.attributes("s")));
  return m.graph().constant(Tensor::full(m.attributes("s").get<DType>("dtype"), {}, n));
}

Symbol reshaped_constant(const Match& m) {
  return m.graph().constant(m.attributes("k").get<Tensor>("value").reshaped(shape_of_root(m)));
}

std::string unless_static(const Match& m) {
  return shape_of_root(m).is_static() ? "" : "the batch size is open";
}

}  // namespace

std::span<const Rule> move_rules() {
  const auto lhs_order = [](const Match& m) {
    return unless_free_axes_keep_order(m, &Contract::lhs);
  };
  const auto rhs_order = [](const Match& m) {
    return unless_free_axes_keep_order(m, &Contract::rhs);
  };
  const auto without_lhs = [](const Match& m) {
    return contract_without_transpose(m, &Contract::lhs);
  };
  const auto without_rhs = [](const Match& m) {
    return contract_without_transpose(m, &Contract::rhs);
  };
  // clang-format off
  static const std::vector<Rule> rules = {
      {"reshape_to_same",       "reshape(x)",                            "x", Numerics::kExact, unless_shape_stays},
      {"reshape_twice",         "reshape(reshape(x))",                   "", Numerics::kExact, nullptr, as_reshape},
      {"reshape_constant",      "reshape(k:constant())",                 "", Numerics::kExact, unless_static, reshaped_constant},
      {"transpose_of_ones",     "t:transpose(x)",                        "", Numerics::kExact, unless_ones_move, as_reshape},
      {"transpose_twice",       "outer:transpose(inner:transpose(x))",   "", Numerics::kExact, nullptr, transpose_once},
      {"transpose_of_product",  "t:transpose(c:contract(x, y)!)",        "", Numerics::kReassociates, unless_matrix_product, swapped_product},
      {"product_of_transpose",  "c:contract(t:transpose(x), y)",         "", Numerics::kExact, lhs_order, without_lhs},
      {"product_with_transpose", "c:contract(y, t:transpose(x))",        "", Numerics::kExact, rhs_order, without_rhs},
      {"product_of_all_samples", "c:contract(x, b:broadcast(y))",        "", Numerics::kReassociates, unless_one_for_all_samples, product_of_all_samples},
      {"broadcast_of_none",     "broadcast(x)",                          "", Numerics::kExact, unless_elements_stay, as_reshape},
      {"broadcast_twice",       "outer:broadcast(inner:broadcast(x))",   "", Numerics::kExact, nullptr, broadcast_once},
      {"slice_of_all",          "slice(x)",                              "x", Numerics::kExact, unless_shape_stays},
      {"slice_twice",           "outer:slice(inner:slice(x))",           "", Numerics::kExact, nullptr, slice_once},
      {"pad_by_none",           "pad(x)",                                "x", Numerics::kExact, unless_shape_stays},
      {"concat_of_one",         "concat(x)",                             "x"},
      {"concat_of_concat",      "c:concat(i:concat(...)!, y)",           "", Numerics::kExact, unless_concats_join, concat_once},
      {"concat_with_concat",    "c:concat(x, i:concat(...)!)",           "", Numerics::kExact, unless_concats_join, concat_once},
      {"pads_side_by_side",     "add(p:pad(x)!, q:pad(y)!)",             "", Numerics::kReassociates, unless_beside, padded_together},
      {"reduce_of_ones",        "r:reduce(x)",                           "", Numerics::kExact, unless_ones_are_reduced, as_reshape},
      {"reduce_twice",          "outer:reduce(inner:reduce(x)!)",        "", Numerics::kReassociates, unless_reductions_join, reduce_once},
      {"size_of_static",        "s:size(x)",                             "", Numerics::kExact, unless_size_is_known, size_constant},
  };
  // clang-format on
  return rules;
}

}  // namespace sinter
