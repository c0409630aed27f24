#include "tests/fuzz/maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"

namespace sinter::fuzz {

Maker::Maker(uint64_t seed, const Sizes& sizes_in, Case& out)
    : random(seed), graph(out.graph), sizes(sizes_in), out_(out) {
  register_ops();
  graph.set_origin(std::make_shared<const Origin>(Origin{"fuzz", "fuzz.cc", 1}));
  // A few sizes a graph, so that values meet others of their shape. Zero and one among them, primes
  // and powers of two on and beside the widths of vectors and tiles.
  const std::vector<int64_t> small = {2, 3, 4, 5, 6, 7, 8, 9, 11, 13},
                             wide = {14, 15, 16, 17, 20, 24, 31, 32, 33, 48, 63, 64, 65};
  for (int i = 0; i < 3; ++i) dims.push_back(random.pick(small));
  if (random.chance(0.6)) dims.push_back(random.pick(wide));
  if (sizes.elements > 2000)
    dims.push_back(random.pick({63, 64, 65, 97, 127, 128, 129, 192, 256, 257, 511, 512}));
  // Long enough for deep products, and for wide ones.
  if (sizes.elements > 2000 && random.chance(0.5))
    dims.push_back(random.pick({1000, 1024, 1100, 2047, 2049, 4100, 8191}));
  if (random.chance(0.4)) dims.push_back(1);
  if (random.chance(0.06)) dims.push_back(0);
  if (random.chance(0.06)) {
    dims = {1, 1, 1, 2, 1, 2, 3};
    max_rank = 24;
  }
  if (random.chance(0.15)) {
    batch = random.pick({0, 1, 1, 2, 2, 3, 3, 5, 5, 16, 17, 33});
    batch_anywhere = random.chance(0.4);
    dims[0] = kBatch;
  }
  wild = random.chance(0.15);
  out_.batch = batch;
  const double kind = random.uniform(0, 1);
  if (sizes.floats_only)
    dtypes =
        kind < 0.7 ? std::vector{DType::kFloat32} : std::vector{DType::kFloat64, DType::kFloat32};
  else if (kind < 0.6)
    dtypes = {DType::kFloat32};
  else if (kind < 0.7)
    dtypes = {DType::kFloat64};
  else if (kind < 0.78)
    dtypes = {random.chance(0.8) ? DType::kBFloat16 : DType::kFloat16, DType::kFloat32};
  else if (kind < 0.86)
    dtypes = {DType::kInt32, DType::kInt64, DType::kUint8,
              DType::kInt8,  DType::kBool,  DType::kFloat32};
  else
    dtypes.assign(std::begin(kAllDTypes), std::end(kAllDTypes));
}

int64_t Maker::elements(const Shape& shape) const {
  int64_t n = 1;
  for (int64_t d : shape) n *= extent(d);
  return n;
}

bool Maker::fits(const Shape& shape) const {
  int64_t n = 1;
  for (int64_t d : shape) n *= d == kBatch ? std::max<int64_t>(batch, 1) : d;
  return n <= sizes.elements;
}

Shape Maker::random_shape(int min_rank, int most) {
  for (int tries = 0; tries < 20; ++tries) {
    int rank = static_cast<int>(random.pick({2, 2, 2, 3, 3, 1, 1, 4, 0, 5}));
    if (max_rank > 5 && random.chance(0.7)) rank = static_cast<int>(6 + random.below(14));
    rank = std::clamp(rank, min_rank, std::max(min_rank, most));
    std::vector<int64_t> result;
    for (int d = 0; d < rank; ++d) {
      int64_t dim = random.chance(0.1) ? 1 : random_dim();
      if (dim == kBatch && d > 0 && !batch_anywhere) dim = 3;
      result.push_back(dim);
    }
    if (fits(Shape(result))) return Shape(result);
  }
  return Shape(std::vector<int64_t>(static_cast<size_t>(min_rank), 2));
}

std::vector<int64_t> Maker::random_axes(int rank) {
  std::vector<int64_t> axes;
  if (rank == 0) return axes;
  const double p = random.pick({0.3, 0.5, 1.0});
  for (int64_t d = 0; d < rank; ++d) {
    if (random.chance(p)) axes.push_back(d);
  }
  if (axes.empty()) axes.push_back(random.below(rank));
  return axes;
}

double Maker::number() {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (wild && random.chance(0.3))
    return random.pick({1e-8, 1e8, 1e-30, 1e30, -1e30, 1e-42, 16777217.0, 100.0, -7.0, 1.0 / 3,
                        65536.0, 88.0, kInfinity, -kInfinity});
  return random.pick({0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 3.0, 0.1, -2.0, 0.25, -0.0, 4.0, 6.0, 1e-3});
}

Symbol Maker::keep(Symbol s) {
  pool.push_back(s);
  return s;
}

Symbol Maker::any() {
  const auto n = static_cast<int64_t>(pool.size());
  const double p = random.uniform(0, 1);
  if (p < 0.4) return pool.back();
  if (p < 0.75) return pool[static_cast<size_t>(n - 1 - random.below(std::min<int64_t>(n, 5)))];
  return random.pick(pool);
}

Symbol Maker::any_float() {
  const Symbol x = any();
  return is_floating(x.dtype()) ? x : cast(x, DType::kFloat32);
}

Symbol Maker::any_of(DType dtype) {
  for (int tries = 0; tries < 6; ++tries) {
    const Symbol x = any();
    if (x.dtype() == dtype) return x;
  }
  return random.chance(0.5) ? cast(any(), dtype) : source(dtype, random_shape());
}

Symbol Maker::of_rank(std::optional<Symbol> x, int min_rank, bool floating) {
  for (int tries = 0; tries < 6; ++tries) {
    const Symbol s = x && tries == 0 ? *x : floating ? any_float() : any();
    if (s.rank() < min_rank) continue;
    return floating && !is_floating(s.dtype()) ? cast(s, DType::kFloat32) : s;
  }
  const DType dtype = floating && !is_floating(dtypes[0]) ? DType::kFloat32 : dtypes[0];
  return source(dtype, random_shape(min_rank));
}

Symbol Maker::source(DType dtype, Shape shape) {
  const ValueType type{dtype, std::move(shape)};
  // Weights may be larger than values, but not by their square.
  if (elements(type.shape) > std::max<int64_t>(8192, 8 * sizes.elements)) throw DoesNotFit();
  const double p = random.uniform(0, 1);
  if (p < 0.12 && type.shape.is_static() && elements(type.shape) <= 64)
    return keep(graph.constant(
        random_tensor(random, type, static_cast<int>(random.below(wild ? kStyles : 4)))));
  const std::string name =
      fmt::format("{}{}", p < 0.5 && type.shape.is_static() ? "w" : "x", names_++);
  return keep(name[0] == 'w' ? graph.variable(name, type) : graph.input(name, type));
}

Symbol Maker::constant_number(DType dtype, double value, const Shape& shape) {
  return broadcast_to(graph.constant(Tensor::full(dtype, {}, value)), shape);
}

// A value of the pool is brought to the shape where one step does it.
Symbol Maker::like(DType dtype, const Shape& shape) {
  for (int tries = 0; tries < 8 && !pool.empty(); ++tries) {
    Symbol x = any();
    if (x.dtype() != dtype) {
      if (tries < 5) continue;
      x = cast(x, dtype);
    }
    if (x.shape() == shape) return x;
    if (x.shape().is_static() && shape.is_static() && elements(x.shape()) == elements(shape) &&
        random.chance(0.7))
      return keep(reshape(x, shape));
    if (x.rank() == shape.rank() && x.rank() > 1 && random.chance(0.5)) {
      std::vector<int64_t> perm(static_cast<size_t>(x.rank()));
      std::iota(perm.begin(), perm.end(), int64_t{0});
      std::rotate(perm.begin(), perm.begin() + 1 + random.below(x.rank() - 1), perm.end());
      const Symbol t = transpose(x, perm);
      if (t.shape() == shape) return keep(t);
    }
    if (broadcast_shapes(x.shape(), shape) == shape) return keep(broadcast_to(x, shape));
  }
  return source(dtype, shape);
}

Symbol Maker::operand_for(DType dtype, const Shape& shape) {
  for (int tries = 0; tries < 8; ++tries) {
    const Symbol x = any();
    if (x.dtype() == dtype && broadcast_shapes(x.shape(), shape) == shape) return x;
  }
  std::vector<int64_t> part = shape.dims();
  if (random.chance(0.6)) {  // a bias, a scale of rows, one number
    const auto drop = static_cast<std::ptrdiff_t>(
        part.empty() ? 0 : random.below(static_cast<int64_t>(part.size()) + 1));
    part.erase(part.begin(), part.begin() + drop);
    for (int64_t& d : part) {
      if (random.chance(0.3)) d = 1;
    }
  }
  return like(dtype, Shape(part));
}

Symbol Maker::reshaped(Symbol x) {
  // Dimensions are joined and split; the symbolic one stays as it is.
  std::vector<int64_t> d = x.shape().dims();
  const size_t first = !d.empty() && d[0] == kBatch ? 1 : 0;
  for (int changes = 0; changes < 3; ++changes) {
    const auto n = static_cast<int64_t>(d.size() - first);
    switch (random.below(4)) {
      case 0:
        if (d.size() < static_cast<size_t>(max_rank))
          d.insert(d.begin() + static_cast<std::ptrdiff_t>(first) + random.below(n + 1), 1);
        break;
      case 1: {
        if (n < 2) break;
        const size_t at = first + static_cast<size_t>(random.below(n - 1));
        if (d[at] == kBatch || d[at + 1] == kBatch) break;
        d[at] *= d[at + 1];
        d.erase(d.begin() + static_cast<std::ptrdiff_t>(at) + 1);
        break;
      }
      case 2: {
        if (n < 1 || d.size() >= static_cast<size_t>(max_rank)) break;
        const size_t at = first + static_cast<size_t>(random.below(n));
        std::vector<int64_t> factors;
        for (int64_t f = 2; f < d[at]; ++f) {
          if (d[at] % f == 0) factors.push_back(f);
        }
        if (factors.empty()) break;
        const int64_t f = random.pick(factors);
        d[at] /= f;
        d.insert(d.begin() + static_cast<std::ptrdiff_t>(at) + random.below(2), f);
        break;
      }
      default: {
        const auto one = std::find(d.begin() + static_cast<std::ptrdiff_t>(first), d.end(), 1);
        if (one != d.end()) d.erase(one);
        break;
      }
    }
  }
  return keep(reshape(x, Shape(d)));
}

// --- ops

namespace {

bool is_legal(const OpRecord& record, std::span<const DType> dtypes, const Attributes& attributes) {
  try {
    ScalarBuilder builder({dtypes.begin(), dtypes.end()});
    const std::vector<Scalar> arguments = builder.arguments();
    const Scalar y = record.body(arguments, attributes);
    if (y.is_number()) return true;
    const std::array<Scalar, 1> results = {y};
    return scalar_expr_fault(builder.finish(results)).empty();
  } catch (const std::exception&) {
    return false;
  }
}

Attributes random_attributes(Maker& m, const OpRecord& record) {
  Attributes attributes;
  for (const AttributeSpec& spec : record.attributes) {
    switch (spec.type) {
      case AttributeType::kFloat:
        if (!spec.default_value || m.random.chance(0.6))
          attributes.set(spec.name,
                         m.random.chance(0.3) ? m.number() : m.random.uniform(-1.5, 1.5));
        break;
      case AttributeType::kBool: attributes.set(spec.name, m.random.chance(0.5)); break;
      case AttributeType::kDType:
        attributes.set(spec.name, m.sizes.floats_only || m.random.chance(0.5)
                                      ? m.random.pick(m.dtypes)
                                      : kAllDTypes[m.random.below(std::size(kAllDTypes))]);
        break;
      default:
        if (!spec.default_value) throw DoesNotFit();
    }
  }
  return attributes;
}

}  // namespace

// The operands that are given come first; the others are found to fit.
Symbol Maker::elementwise(const OpRecord& record, std::vector<Symbol> operands) {
  const Attributes attributes = random_attributes(*this, record);
  const auto arity = static_cast<size_t>(record.min_inputs);
  const bool logic = record.name.starts_with("logical") || record.name == "select";
  if (sizes.floats_only && !logic) {
    for (Symbol& s : operands) s = is_floating(s.dtype()) ? s : cast(s, DType::kFloat32);
  }
  Symbol x = operands.empty() ? any() : operands[0];
  if (sizes.floats_only && !logic && !is_floating(x.dtype())) x = cast(x, DType::kFloat32);
  // The dtypes the scalar body takes: one for all operands, or a condition before them.
  const DType d = x.dtype();
  std::vector<std::vector<DType>> typings;
  for (const DType of : {d, arithmetic_dtype(d), DType::kFloat32, DType::kBool}) {
    typings.emplace_back(arity, of);
    typings.emplace_back(arity, of);
    typings.back()[0] = DType::kBool;
  }
  const auto typing = std::ranges::find_if(
      typings, [&](const std::vector<DType>& t) { return is_legal(record, t, attributes); });
  if (typing == typings.end()) throw DoesNotFit();
  std::vector<Symbol> inputs;
  Shape shape = x.shape();
  for (const Symbol& s : operands) {
    if (const auto joined = broadcast_shapes(shape, s.shape()))
      shape = *joined;
    else
      throw DoesNotFit();
  }
  if (!fits(shape)) throw DoesNotFit();
  for (size_t i = 0; i < arity; ++i) {
    Symbol s = i < operands.size() ? operands[i] : i == 0 ? x : operand_for((*typing)[i], shape);
    s = broadcast_to(cast(s, (*typing)[i]), shape);
    inputs.push_back(s);
  }
  return keep(graph.add1(record.name, inputs, attributes));
}

Symbol Maker::op(const std::string& name, std::optional<Symbol> x) {
  const OpRecord& record = Registry::global().get(name);
  if (record.is_elementwise())
    return elementwise(record, x ? std::vector<Symbol>{*x} : std::vector<Symbol>{});
  const auto it = op_makers().find(name);
  if (it == op_makers().end()) throw DoesNotFit();
  const std::vector<Symbol> made = it->second(*this, x);
  if (made.empty()) throw DoesNotFit();
  for (const Symbol& s : made) {
    if (!fits(s.shape())) throw DoesNotFit();
  }
  for (size_t i = made.size(); i-- > 0;) keep(made[i]);
  return made[0];
}

bool can_make(const OpRecord& op) { return op.is_elementwise() || op_makers().contains(op.name); }

}  // namespace sinter::fuzz
