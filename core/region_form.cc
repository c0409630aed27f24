// The checker of the rules in region_form.h.
#include "core/region_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "core/contract.h"
#include "core/error.h"
#include "core/reduce.h"
#include "core/text.h"
#include "core/view.h"

namespace sinter {
namespace {

struct Broken {
  std::string rule;
};

class RegionChecker {
 public:
  RegionChecker(const Node& fusion)
      : kind_(fusion.attributes.get_string("kind")), body_(fusion.attributes.get_graph("body")) {}

  /// Throws Broken.
  void run() {
    require(kind_ == "map" || kind_ == "reduce" || kind_ == "contract", "an unknown kind");
    for (const Node& node : body_.nodes()) {
      for (const ValueType& t : node.types) require(t.shape.is_static(), "a value of unknown size");
    }
    find_space();
    for (int32_t i = 0; i < body_.size(); ++i) check_node(i);
    require(kind_ != "map" || reduces_ == 0, "a reduce in a region of kind map");
    require(kind_ != "reduce" || reduces_ > 0, "no reduce in a region of kind reduce");
    std::set<ValueId> seen;
    for (const Graph::Output& o : body_.outputs()) {
      require(seen.insert(o.value).second, "a value that is an output twice");
      require(!is_input(unshaped(o.value)), "an output that is an input");
    }
    require(kind_ != "contract" || contracts_ == 1, "no contract in a region of kind contract");
    require(!seen.empty(), "no outputs");
  }

 private:
  void require(bool condition, std::string_view what) const {
    if (!condition) throw Broken{std::string(what)};
  }
  bool is_input(ValueId id) const { return body_.node(id).is(KernelOp::kInput); }
  // What a boundary reshape reads.
  ValueId unshaped(ValueId id) const {
    return body_.node(id).is(KernelOp::kReshape) ? body_.node(id).inputs[0] : id;
  }

  // What a view by strides reads.
  ValueId unviewed(ValueId id) const {
    return body_.node(id).is(KernelOp::kAsStrided) ? body_.node(id).inputs[0] : id;
  }

  // The largest extents of interior values and of the inputs they read as they are.
  void find_space() {
    for (const Node& node : body_.nodes()) {
      if (node.is(KernelOp::kInput)) continue;
      if (node.is(KernelOp::kContract)) return find_product_space(node);
      if (node.is(KernelOp::kReshape) && !is_input(node.inputs[0])) continue;
      if (node.is(KernelOp::kConcat)) continue;
      if (node.is(KernelOp::kAsStrided) && kind_ == "contract") continue;  // of any rank
      for (const ValueType& t : node.types) {
        if (space_.rank() == 0) space_ = Shape(std::vector<int64_t>(t.shape.rank(), 1));
        require(t.shape.rank() == space_.rank() && space_.rank() >= 2,
                "an interior value of another rank than the space");
        grow(t.shape);
      }
      for (ValueId id : node.inputs) {
        const Shape& s = body_.type(id).shape;
        if (!is_input(id) || moves_input(node) || s.rank() != space_.rank()) continue;
        grow(s);
      }
    }
  }

  // That of what follows the product, if anything does.
  void find_product_space(const Node& product) {
    const Contract c = Contract::of(body_, product);
    space_ = c.matrix(body_.type(product.inputs[0]).shape, body_.type(product.inputs[1]).shape);
    for (const Node& node : body_.nodes()) {
      if (!node.is(KernelOp::kMap) && !node.is(KernelOp::kBroadcast) &&
          !node.is(KernelOp::kReduce) && !node.is(KernelOp::kArgReduce))
        continue;
      if (node.types[0].shape.rank() == 2) return;
      require(c.rhs.free.size() == 1, "an interior value of another rank than the space");
      space_ = product.types[0].shape;
      return;
    }
  }

  void grow(const Shape& s) {
    for (int d = 0; d < s.rank(); ++d) space_[d] = std::max(space_[d], s[d]);
  }

  static bool moves_input(const Node& node) {
    return node.is(KernelOp::kReshape) || node.is(KernelOp::kAsStrided);
  }

  int last() const { return space_.rank() - 1; }
  // Along each dimension all of the space, or one for all. Rows of a product are one dimension.
  bool lies_within(const Shape& s) const {
    if (s.rank() != space_.rank()) return false;
    bool all_rows = true, no_rows = true;
    for (int d = 0; d < s.rank(); ++d) {
      if (s[d] != space_[d] && s[d] != 1) return false;
      all_rows = all_rows && (d == last() || s[d] == space_[d]);
      no_rows = no_rows && (d == last() || s[d] == 1);
    }
    return kind_ != "contract" || all_rows || no_rows;
  }
  bool full(const Shape& s) const { return s == space_; }
  bool row(const Shape& s) const {
    Shape rows = space_;
    rows[last()] = 1;
    return s == rows;
  }

  bool of_last_alone(const Node& reduce) const {
    return Reduce::of(reduce).axes == std::vector<int64_t>{last()};
  }
  // Is the value the result of a reduction that only outputs may read?
  bool ends_region(ValueId id) const {
    const Node& node = body_.node(id);
    return node.is(KernelOp::kReduce) && !of_last_alone(node);
  }

  void check_node(int32_t index) {
    const Node& node = body_.node(index);
    if (node.is(KernelOp::kInput)) return;
    if (node.is(KernelOp::kReshape)) return check_reshape(index);
    if (node.is(KernelOp::kAsStrided)) return check_view(index);
    if (node.is(KernelOp::kConcat)) return check_concat(index);
    if (node.is(KernelOp::kContract)) {
      require(kind_ == "contract" && contracts_++ == 0, "a contract that is not the root");
      for (size_t side = 0; side < 2; ++side)
        require(body_.inputs().size() > side &&
                    unviewed(node.inputs[side]) == ValueId{body_.inputs()[side], 0},
                "a contract that does not read inputs 0 and 1");
      require(is_floating(node.types[0].dtype), "a contract of integers");
      dtype_ = node.types[0].dtype;
      return;
    }
    require(kind_ != "contract" || contracts_ == 1, "an interior node before the contract");
    for (ValueId id : node.inputs) {
      require(!ends_region(id), "a reduction over rows that is read inside");
      const bool raw = is_input(id) && !node.is(KernelOp::kRandom);
      const Shape& s = body_.type(id).shape;
      require(!raw || lies_within(s), "an input of no canonical shape");
    }
    const Shape& to = node.types[0].shape;
    if (node.is(KernelOp::kMap)) {
      require(full(to) || row(to), "a map that is not full or row");
    } else if (node.is(KernelOp::kBroadcast)) {
      std::vector<int64_t> all(static_cast<size_t>(space_.rank()));
      std::iota(all.begin(), all.end(), 0);
      require(node.attributes.get_ints("dims") == all, "broadcast dims");
      require(lies_within(body_.type(node.inputs[0]).shape) && (full(to) || row(to)),
              "a broadcast of another form");
    } else if (node.is(KernelOp::kReduce) || node.is(KernelOp::kArgReduce)) {
      check_reduce(node);
    } else if (node.is(KernelOp::kIota) || node.is(KernelOp::kRandom)) {
      require(full(to), "a generator that is not full");
      require(node.is(KernelOp::kIota) || kind_ != "contract",
              "random numbers in a region of kind contract");
      require(kind_ != "contract" || last() == 1 || axis_of(node.attributes) == last(),
              "rows of several dimensions that are numbered");
    } else {
      require(false, "op '" + node.op->name + "'");
    }
  }

  void check_view(int32_t index) {
    const Node& node = body_.node(index);
    require(is_input(node.inputs[0]), "a view of what is no input");
    const bool is_operand_alone =
        kind_ == "contract" && std::ranges::all_of(body_.nodes(), [&](const Node& user) {
          return user.is(KernelOp::kContract) ||
                 std::ranges::find(user.inputs, ValueId{index, 0}) == user.inputs.end();
        });
    if (is_operand_alone) return;
    const Shape& shape = node.types[0].shape;
    require(lies_within(shape), "a view of no canonical shape");
    if (kind_ != "contract") return;
    const std::vector<int64_t>& strides = node.attributes.get_ints("strides");
    const View rows =
        View{{shape.begin(), shape.end() - 1}, {strides.begin(), strides.end() - 1}, 0}.merged();
    require(strides.back() <= 1 && rows.extents.size() <= 1 &&
                (shape[last()] != 1 || rows.extents.empty() || rows.strides[0] <= 1),
            "a view that does not walk rows");
  }

  void check_reshape(int32_t index) {
    const Node& node = body_.node(index);
    const Node& from = body_.node(node.inputs[0]);
    if (from.is(KernelOp::kInput) || from.is(KernelOp::kContract)) {
      const Shape& s = node.types[0].shape;
      const bool is_output =
          std::any_of(body_.outputs().begin(), body_.outputs().end(),
                      [&](const Graph::Output& o) { return o.value.node == index; });
      if (is_output && from.is(KernelOp::kContract)) return;
      require(full(s) || (from.is(KernelOp::kInput) && lies_within(s)),
              "a reshape to no canonical shape");
      return;
    }
    require(!from.is(KernelOp::kReshape), "a reshape of a reshape");
    for (const Node& user : body_.nodes()) {
      for (ValueId id : user.inputs)
        require(id.node != index || user.is(KernelOp::kConcat), "a reshape inside");
    }
  }

  void check_concat(int32_t index) {
    require(kind_ != "contract", "a concat in a region of kind contract");
    for (const ValueId part : body_.node(index).inputs) {
      const ValueId value = unshaped(part);
      require(!is_input(value) && !ends_region(value) && full(body_.type(value).shape),
              "a concat of what is not full");
    }
    for (const Node& user : body_.nodes()) {
      for (ValueId id : user.inputs) require(id.node != index, "a concat that is read inside");
    }
  }

  void check_reduce(const Node& node) {
    ++reduces_;
    const Reduce reduce = Reduce::of(node);
    require(reduce.keepdims, "a reduce without keepdims");
    const std::vector<int64_t>& axes = reduce.axes;
    const Shape& from = body_.type(node.inputs[0]).shape;
    const bool over_last = std::ranges::find(axes, int64_t{last()}) != axes.end();
    require(full(from) || (row(from) && !over_last), "a reduce of another form");
    require(!node.is(KernelOp::kArgReduce) || over_last, "an arg_reduce of another form");
    if (kind_ != "contract" || of_last_alone(node)) return;
    require(static_cast<int>(axes.size()) == (over_last ? last() + 1 : last()),
            "a reduce over some of the rows");
    require(reduce.kind == ReduceKind::kSum, "a reduce over the rows of a product");
    require(over_last || !full(from) || node.types[0].dtype == dtype_,
            "column sums of another dtype than the product's");
  }

  std::string kind_;
  const Graph& body_;
  Shape space_;
  DType dtype_ = DType::kFloat32;  // of the contract
  int contracts_ = 0;
  int reduces_ = 0;
};

}  // namespace

bool is_product_region(const Node& node) {
  return node.is(KernelOp::kFusion) && node.attributes.get_string("kind") == "contract";
}

bool is_contraction(const Node& node) {
  return node.is(KernelOp::kContract) || is_product_region(node);
}

std::string why_no_region(const Graph& graph, int32_t node) {
  try {
    RegionChecker(graph.node(node)).run();
  } catch (const Broken& broken) {
    return broken.rule;
  }
  return "";
}

void check_regions(const Graph& graph) {
  for (int32_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (!node.is(KernelOp::kFusion)) continue;
    if (const std::string rule = why_no_region(graph, i); !rule.empty())
      throw InternalError(fmt::format("fused region of kind {}: {}\n{}",
                                      node.attributes.get_string("kind"), rule,
                                      to_text(node.attributes.get_graph("body"))));
  }
}

}  // namespace sinter
