// Growing a graph: single ops, groups of ops as models have them, patterns of rewrite rules; then
// gradients, outputs and updates.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/graph.h"
#include "core/kernel_ops.h"
#include "ops/gradients.h"
#include "passes/pass.h"
#include "passes/rule_tables.h"
#include "tests/fuzz/maker.h"

namespace sinter::fuzz {
namespace {

const std::vector<std::string>& op_names(int arity) {  // 0: not elementwise
  static const std::map<int, std::vector<std::string>> names = [] {
    register_ops();
    std::map<int, std::vector<std::string>> by_arity;
    for (const std::string& name : Registry::global().names()) {
      const OpRecord& op = Registry::global().get(name);
      if (can_make(op)) by_arity[op.is_elementwise() ? op.min_inputs : 0].push_back(name);
    }
    for (auto& [n, list] : by_arity) std::ranges::sort(list);
    return by_arity;
  }();
  return names.at(arity);
}

}  // namespace

void Maker::grow() {
  for (int64_t n = 2 + random.below(2); n > 0; --n) source(random.pick(dtypes), random_shape(1));
  for (int64_t n = 2 + random.below(sizes.steps - 1); n > 0; --n) {
    try {
      step();
    } catch (const DoesNotFit&) {
    } catch (const Error&) {
      // A user's mistake, which the graph refused: shapes that do not fit.
    }
  }
}

void Maker::step() {
  if (random.chance(0.1)) {
    keep(composition());
    return;
  }
  if (random.chance(sizes.views)) return views();
  if (random.chance(sizes.windows)) return windows();
  const double p = random.uniform(0, 1);
  if (p < 0.16)
    op(random.pick(op_names(1)), any());
  else if (p < 0.28)
    op(random.pick(op_names(2)), any());
  else if (p < 0.31)
    op(random.pick(op_names(3)));
  else if (p < 0.44)
    op(random.pick<const char*>({"reshape", "reshape", "transpose", "slice", "concat", "broadcast",
                                 "reduce", "reduce", "pad", "as_strided", "random"}),
       any());
  else if (p < 0.50)
    op(random.chance(0.5) ? "contract" : "dense");
  else if (p < 0.60)
    op(random.pick(op_names(0)), any());
  else if (p < 0.83)
    motif();
  else if (p < 0.88)
    twin();
  else if (p < 0.95)
    instantiate_rule();
  else
    promoted();
}

// A node once more: as it is, with its operands in another order, or with the attributes of another
// one of its op.
void Maker::twin() {
  const Node n = graph.node(any().id());
  if (n.op->kind == KernelKind::kSource) throw DoesNotFit();
  std::vector<Symbol> inputs;
  for (ValueId id : n.inputs) inputs.emplace_back(&graph, id);
  Attributes attributes = n.attributes;
  if (inputs.size() > 1 && inputs[0].type() == inputs[1].type() && random.chance(0.6)) {
    std::swap(inputs[0], inputs[1]);
  } else if (random.chance(0.5)) {
    for (const Node& other : graph.nodes()) {
      if (other.op == n.op && random.chance(0.3)) attributes = other.attributes;
    }
  }
  if (n.is(KernelOp::kArgReduce)) {  // of nothing raises
    const Shape& shape = inputs[0].shape();
    const int axis = axis_of(attributes);
    if (axis >= shape.rank() || extent(shape[axis]) == 0) throw DoesNotFit();
  }
  const std::vector<Symbol> made = graph.add(n.op->name, inputs, attributes);
  if (!fits(made[0].shape())) throw DoesNotFit();
  keep(made[0]);
}

// Ops as users write them, on operands of several dtypes and on numbers.
void Maker::promoted() {
  using Binary = Symbol (*)(Operand, Operand);
  const Binary f = random.pick<Binary>({add, subtract, multiply, divide, maximum, minimum, power,
                                        less, equal, greater_equal, not_equal});
  const Symbol x = sizes.floats_only ? any_float() : any();
  const double n =
      random.chance(0.8) ? number() : random.pick({255.0, 256.0, -1.0, 1.5, 3e9, 1e-7});
  Symbol y;
  switch (random.below(4)) {
    case 0: y = f(x, n); break;
    case 1: y = f(n, x); break;
    case 2: {
      const Symbol other = sizes.floats_only ? any_float() : any();
      if (!broadcast_shapes(x.shape(), other.shape())) throw DoesNotFit();
      y = f(x, other);
      break;
    }
    default:
      y = random.chance(0.5) ? sinter::select(cast(any_of(DType::kBool), DType::kBool), x, n)
                             : clip(x, std::min(n, 0.5), std::max(n, 0.5));
  }
  if (!fits(y.shape())) throw DoesNotFit();
  keep(y);
}

// Over rows, over columns, over everything, over some axes.
void Maker::some_sum(Symbol x) {
  std::vector<int64_t> axes = random_axes(x.rank());
  const double p = random.uniform(0, 1);
  if (x.rank() > 0 && p < 0.35) {
    axes.clear();
    for (int64_t d = 0; d + 1 < x.rank(); ++d) axes.push_back(d);
  } else if (p < 0.55) {
    axes.clear();
  }
  keep(sum(x, axes, random.chance(0.3)));
}

// What passes look for and fuse.
void Maker::motif() {
  switch (random.pick({0, 0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 7, 7, 8})) {
    case 0: {  // a residual block, its rows joined for the product
      const Symbol x = any_float();
      if (x.rank() < 2 || x.shape()[x.rank() - 1] == kBatch) throw DoesNotFit();
      const int64_t c = x.shape()[x.rank() - 1];
      const bool joins = x.shape().is_static() && random.chance(0.7);
      Symbol h = x;
      if (joins)
        h = keep(reshape(h, Shape{c == 0 ? 0 : elements(x.shape()) / std::max<int64_t>(c, 1), c}));
      h = keep(matmul(reshape(h, h.shape()), source(h.dtype(), Shape{c, c})));
      if (random.chance(0.6)) h = keep(h + like(h.dtype(), Shape{c}));
      if (random.chance(0.6)) h = op(random.pick(op_names(1)), h);
      if (joins) h = keep(reshape(h, x.shape()));
      h = keep(cast(h, x.dtype()) + x);
      for (int64_t n = random.below(3); n > 0; --n) some_sum(random.chance(0.5) ? x : h);
      break;
    }
    case 1: {  // layer normalization
      const Symbol x = any_float();
      if (x.rank() < 1) throw DoesNotFit();
      const Symbol centred = keep(x - mean(x, {-1}, true));
      keep(centred * rsqrt(mean(square(centred), {-1}, true) + 1e-2) *
           operand_for(centred.dtype(), x.shape()));
      break;
    }
    case 2: {  // attention
      const Symbol x = any_float();
      if (x.rank() < 2) throw DoesNotFit();
      const Symbol scores = keep(matmul(x, like(x.dtype(), x.shape()), false, true));
      if (!fits(scores.shape())) throw DoesNotFit();
      keep(matmul(softmax(scores * 0.3),
                  cast(like(x.dtype(), x.shape()), arithmetic_dtype(x.dtype()))));
      break;
    }
    case 3: {  // a product, and all that may follow it
      Symbol h = op(random.chance(0.5) ? "contract" : "dense");
      for (int64_t n = 1 + random.below(5); n > 0; --n) {
        switch (random.below(6)) {
          case 0: h = op(random.pick(op_names(1)), h); break;
          case 1: h = op(random.pick(op_names(2)), h); break;
          case 2: h = op("reshape", h); break;
          case 3: op("reduce", h); break;
          case 4: h = op(random.chance(0.5) ? "softmax" : "transpose", h); break;
          default: h = keep(h + operand_for(h.dtype(), h.shape()));
        }
      }
      break;
    }
    case 4: {  // a sum spread back
      const Symbol x = any_float();
      if (x.rank() < 1) throw DoesNotFit();
      const auto axes = random_axes(x.rank());
      keep(x * operand_for(x.dtype(), x.shape()) + sum(x, axes, true));
      break;
    }
    case 5: {  // a metric
      const Symbol x = cast(any_float(), DType::kFloat32);
      if (x.rank() < 1 || extent(x.shape().dim(-1)) == 0) throw DoesNotFit();
      keep(sum(cast(equal(argmax(x), argmax(like(DType::kFloat32, x.shape()))), DType::kFloat32)));
      break;
    }
    case 6: {  // pieces moved about and put together
      const Symbol x = any();
      if (x.rank() < 1) throw DoesNotFit();
      const Symbol piece = op("slice", x);
      const Symbol parts[] = {random.chance(0.5) ? op("slice", piece) : piece, x};
      keep(concat(parts, static_cast<int>(random.below(x.rank()))));
      break;
    }
    case 7: {  // sums of an operand and of a result of a product
      const Symbol x = any_float();
      if (x.rank() < 1) throw DoesNotFit();
      const Symbol h = keep(product(x));
      Symbol t = keep(random.chance(0.4) ? source(h.dtype(), h.shape())
                                         : operand_for(h.dtype(), h.shape())),
             u = h;
      if (h.shape().is_static() && random.chance(0.5)) {
        u = reshaped(h);
        if (random.chance(0.5)) t = keep(operand_for(u.dtype(), u.shape()));
      }
      if (!broadcast_shapes(u.shape(), t.shape())) throw DoesNotFit();
      const Symbol y = keep(random.chance(0.5) ? u * t : u + t);
      for (int64_t n = 1 + random.below(3); n > 0; --n) some_sum(random.pick({t, t, u, y, h}));
      break;
    }
    default: {  // a chain of elementwise ops with one value in several places
      const Symbol x = any();
      for (int64_t n = 3 + random.below(4); n > 0; --n) {
        if (random.chance(0.6))
          op(random.pick(op_names(1)), any());
        else
          elementwise(Registry::global().get(random.pick(op_names(2))), {any(), x});
      }
    }
  }
}

void Maker::instantiate_rule() {
  const auto elementwise = elementwise_rules(), moves = move_rules();
  const std::span<const Rule> rules = random.chance(0.5) ? elementwise : moves;
  const Rule& rule = rules[static_cast<size_t>(random.below(static_cast<int64_t>(rules.size())))];
  std::map<std::string, Symbol> bound;
  const Symbol x = any();
  instantiate(parse_pattern(rule.pattern), bound, x.dtype(), x.shape());
}

Symbol Maker::instantiate(const Pattern& pattern, std::map<std::string, Symbol>& bound, DType dtype,
                          const Shape& shape) {
  if (pattern.kind == Pattern::Kind::kNumber) {
    const double value = dtype == DType::kBool ? std::fabs(pattern.number) : pattern.number;
    if (dtype == DType::kUint8 && value < 0) throw DoesNotFit();
    return constant_number(dtype, value, shape);
  }
  if (pattern.kind == Pattern::Kind::kValue) {
    const auto known = bound.find(pattern.name);
    if (known != bound.end()) return known->second;
    if (pattern.name == "c") return bound[pattern.name] = constant_number(dtype, number(), shape);
    return bound[pattern.name] = like(dtype, shape);
  }
  if (pattern.op == "constant") return constant_number(dtype, number(), shape);
  const OpRecord& record = Registry::global().get(pattern.op);
  std::vector<Symbol> operands;
  if (record.is_elementwise()) {
    const bool logic = pattern.op.starts_with("logical");
    for (size_t i = 0; i < pattern.operands.size(); ++i) {
      const bool condition = logic || (pattern.op == "select" && i == 0);
      Symbol s =
          pattern.op == "select" && i == 0 && pattern.operands[0].name == "c"
              ? like(DType::kBool, shape)
              : instantiate(pattern.operands[i], bound, condition ? DType::kBool : dtype, shape);
      operands.push_back(s);
    }
    return elementwise(record, operands);
  }
  if (pattern.operands.empty()) return op(pattern.op);
  return op(pattern.op, instantiate(pattern.operands[0], bound, dtype, shape));
}

void Maker::add_gradients() {
  std::vector<Symbol> wrt, floating;
  for (const Symbol& s : pool) {
    if (!is_floating(s.dtype()) || elements(s.shape()) == 0) continue;
    const Node& n = graph.node(s.id());
    const bool source = n.is(KernelOp::kInput) || n.is(KernelOp::kVariable);
    const bool twice = std::ranges::any_of(wrt, [&](const Symbol& w) { return w.id() == s.id(); });
    if (!twice && (source || random.chance(0.05))) wrt.push_back(s);
    if (!source) floating.push_back(s);
  }
  while (wrt.size() > 4) wrt.erase(wrt.begin() + random.below(static_cast<int64_t>(wrt.size())));
  if (wrt.empty() || floating.empty()) return;
  Symbol loss;
  for (int i = 0; i < 2; ++i) {
    const Symbol y = random.chance(0.5) ? floating.back() : random.pick(floating);
    const Symbol part = cast(mean(random.chance(0.5) ? y : square(y)), DType::kFloat32);
    loss = loss.valid() ? loss + part : part;
  }
  std::vector<Symbol> first;
  try {
    first = random.chance(0.7) ? gradients(loss, wrt) : gradients(floating.back(), wrt);
    for (const Symbol& d : first) keep(d);
    if (random.chance(0.35) && graph.size() < 250) {
      Symbol again;
      for (const Symbol& d : first) {
        const Symbol part = cast(sum(d * d), DType::kFloat32);
        again = again.valid() ? again + part : part;
      }
      for (const Symbol& d : gradients(again, wrt)) keep(d);
    }
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("has no gradient") == std::string_view::npos) throw;
  }
  // Steps of descent.
  for (size_t i = 0; i < first.size(); ++i) {
    if (!graph.node(wrt[i].id()).is(KernelOp::kVariable) || !random.chance(0.7)) continue;
    graph.add_update(wrt[i].id().node, cast(wrt[i] - first[i] * 0.1, wrt[i].dtype()).id());
  }
}

void Maker::add_outputs() {
  // Most of what nothing reads, so that little is dead; late values, early ones, sources as they
  // stand, and some value twice.
  const auto uses = graph.use_counts();
  std::vector<Symbol> chosen = {pool.back()};
  const double share = random.pick({0.2, 0.6, 0.9});
  const size_t most = sizes.steps > 40 ? 60 : 8;
  for (size_t i = pool.size(); i-- > 0 && chosen.size() < most;) {
    const ValueId id = pool[i].id();
    const bool unused = uses[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)] == 0;
    if (unused && random.chance(share)) chosen.push_back(pool[i]);
  }
  for (int64_t more = random.below(3); more > 0; --more)
    chosen.push_back(random.chance(0.5) ? any() : random.pick(pool));
  for (size_t i = 0; i < chosen.size(); ++i)
    graph.add_output(fmt::format("y{}", i), chosen[i].id());
  // New values of variables: another variable, what is an output, anything.
  for (const int32_t v : graph.variables()) {
    const auto updated = [&](const Graph::Update& u) { return u.variable == v; };
    if (std::ranges::any_of(graph.updates(), updated) || !random.chance(0.35)) continue;
    std::vector<Symbol> fitting;
    for (const Symbol& s : pool) {
      if (s.type() == graph.type({v, 0})) fitting.push_back(s);
    }
    if (fitting.empty()) continue;
    graph.add_update(v, (random.chance(0.6) ? fitting.back() : random.pick(fitting)).id());
  }
}

// Variables that become each other.
void Maker::exchange_variables() {
  if (graph.variables().empty()) return;
  const int32_t first = random.pick(graph.variables());
  const auto updated = [&](const Graph::Update& u) { return u.variable == first; };
  if (std::ranges::any_of(graph.updates(), updated)) return;
  Symbol last(&graph, {first, 0});
  for (int64_t more = 1 + random.below(2); more > 0; --more) {
    const Symbol next = keep(graph.variable(fmt::format("w{}", names_++), last.type()));
    const bool turns = is_floating(next.dtype()) && random.chance(0.3);
    const Symbol value = turns ? keep(cast(negative(next), next.dtype())) : next;
    graph.add_update(last.id().node, value.id());
    last = next;
  }
  graph.add_update(last.id().node, {first, 0});
}

void Maker::finish() {
  if (random.chance(0.45)) add_gradients();
  if (random.chance(0.08)) exchange_variables();
  if (random.chance(0.15)) update_what_is_viewed();
  add_outputs();
}

}  // namespace sinter::fuzz
