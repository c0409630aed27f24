// Values that are read where they lie: slices, heads, channels, masks, windows and broadcasts, the
// work and the products on them, and variables that change while views of them are read.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "tests/fuzz/maker.h"

namespace sinter::fuzz {
namespace {

using Ints = std::vector<int64_t>;

Ints shuffled(Random& random, int64_t count) {
  Ints perm(static_cast<size_t>(count));
  std::iota(perm.begin(), perm.end(), int64_t{0});
  for (int64_t i = count; i-- > 1;)
    std::swap(perm[static_cast<size_t>(i)], perm[static_cast<size_t>(random.below(i + 1))]);
  return perm;
}

Symbol checked(const Maker& m, Symbol x) {
  if (!m.fits(x.shape()) || x.rank() > m.max_rank) throw DoesNotFit();
  return x;
}

Symbol unary(Maker& m, Symbol x) {
  return m.op(m.random.pick<const char*>({"tanh", "sigmoid", "relu", "square", "exponential",
                                          "negative", "abs", "gelu", "swish"}),
              x);
}

// One to `most` moves.
Symbol moved(Maker& m, Symbol x, int64_t most = 3) {
  for (int64_t n = 1 + m.random.below(most); n > 0; --n)
    x = m.op(m.random.pick<const char*>({"reshape", "transpose", "transpose", "slice", "slice",
                                         "broadcast", "as_strided"}),
             x);
  return x;
}

// A value of this type, up to `moves` away from one that lies in memory.
Symbol moved_like(Maker& m, DType dtype, const Shape& shape, int64_t moves) {
  Random& random = m.random;
  if (moves <= 0 || shape.rank() == 0 || random.chance(0.1))
    return random.chance(0.5) ? m.source(dtype, shape) : m.like(dtype, shape);
  Ints dims = shape.dims();
  const auto axis = static_cast<size_t>(random.below(shape.rank()));
  switch (random.below(6)) {
    case 0:
    case 1: {
      if (!shape.is_static() && !m.batch_anywhere) break;
      const Ints perm = shuffled(random, shape.rank());
      for (size_t d = 0; d < perm.size(); ++d)
        dims[static_cast<size_t>(perm[d])] = shape[static_cast<int>(d)];
      return m.keep(transpose(moved_like(m, dtype, Shape(dims), moves - 1), perm));
    }
    case 2: {
      if (dims[axis] == kBatch) break;
      const int64_t size = dims[axis], step = random.pick({1, 1, 1, 2, 3});
      const int64_t begin = random.pick<int64_t>({0, 1, size, 2 * size, 3}),
                    end = begin + (size == 0 ? 0 : (size - 1) * step + 1);
      dims[axis] = end + random.pick<int64_t>({0, 0, 1, size, 5});
      if (!m.fits(Shape(dims))) break;
      return m.keep(slice(moved_like(m, dtype, Shape(dims), moves - 1), static_cast<int>(axis),
                          begin, end, step));
    }
    case 3: {
      Ints kept;
      for (int64_t d = 0; d < shape.rank(); ++d) {
        if (d != static_cast<int64_t>(axis)) kept.push_back(d);
      }
      if (random.chance(0.5)) {
        dims[axis] = 1;
        kept = shuffled(random, shape.rank());
        std::ranges::sort(kept);
      } else {
        dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
      }
      return m.keep(m.graph.add1("broadcast", {moved_like(m, dtype, Shape(dims), moves - 1)},
                                 {{"shape", shape}, {"dims", kept}}));
    }
    case 4: {
      if (!shape.is_static() || axis + 1 == dims.size()) break;
      dims[axis] *= dims[axis + 1];
      dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
      return m.keep(reshape(moved_like(m, dtype, Shape(dims), moves - 1), shape));
    }
    default: {  // windows
      if (!shape.is_static()) break;
      Ints strides(dims.size());
      int64_t last = 0, behind = 1;
      for (size_t d = dims.size(); d-- > 0;) {
        strides[d] = random.pick<int64_t>({1, 1, behind, behind, 2, 0});
        last += std::max<int64_t>(dims[d] - 1, 0) * strides[d];
        behind = std::max<int64_t>(1, behind * dims[d]);
      }
      const int64_t offset = random.pick({0, 0, 1, 5});
      const Shape flat{last + 1 + offset + random.below(2)};
      if (!m.fits(flat)) break;
      return m.keep(m.graph.add1("as_strided", {moved_like(m, dtype, flat, moves - 1)},
                                 {{"shape", shape}, {"strides", strides}, {"offset", offset}}));
    }
  }
  return m.like(dtype, shape);
}

int64_t small(Maker& m) { return m.random.pick({1, 2, 2, 3, 4, 4, 5, 7, 8, 16}); }
// A size of the graph, or a small one.
int64_t size_of(Maker& m) {
  const int64_t d = m.random_dim();
  return d == kBatch || m.random.chance(0.5) ? small(m) : d;
}

DType floating(Maker& m) {
  return is_floating(m.dtypes[0]) ? arithmetic_dtype(m.dtypes[0]) : DType::kFloat32;
}

// What may follow a product or stand after anything else.
Symbol followed(Maker& m, Symbol h, std::span<const Symbol> residuals) {
  Random& random = m.random;
  for (int64_t n = random.below(5); n > 0; --n) {
    switch (random.below(12)) {
      case 0:
      case 1: h = m.keep(h + m.operand_for(h.dtype(), h.shape())); break;
      case 2: h = m.keep(h * m.operand_for(h.dtype(), h.shape())); break;
      case 3: h = unary(m, h); break;
      case 4:
        if (h.rank() > 0) h = m.keep(random.chance(0.7) ? softmax(h) : log_softmax(h));
        break;
      case 5:
        if (h.rank() > 0) m.keep(sum(h, m.random_axes(h.rank()), random.chance(0.3)));
        break;
      case 6: m.keep(random.chance(0.5) ? sum(h) : mean(square(h))); break;
      case 7: {  // columns
        Ints rows;
        for (int64_t d = 0; d + 1 < h.rank(); ++d) rows.push_back(d);
        if (!rows.empty()) m.keep(sum(h, rows));
        break;
      }
      case 8: {  // an accuracy
        if (h.rank() == 0 || m.extent(h.shape().dim(-1)) == 0) break;
        const Symbol labels = m.like(h.dtype(), h.shape());
        m.keep(sum(cast(equal(argmax(h), argmax(labels)), DType::kFloat32)));
        break;
      }
      case 9: {
        const Symbol on = m.operand_for(DType::kBool, h.shape());
        h = m.keep(sinter::select(broadcast_to(on, h.shape()), h, random.pick({0.0, -1e9, 1.0})));
        break;
      }
      case 10: {
        const Symbol other = residuals.empty()              ? h
                             : random.pick(Ints{0, 1}) == 0 ? residuals.front()
                                                            : residuals.back();
        if (other.dtype() == h.dtype() && broadcast_shapes(other.shape(), h.shape()) == h.shape())
          h = m.keep(random.chance(0.5) ? h + other : h * other);
        break;
      }
      default: h = checked(m, moved(m, h, 2));
    }
  }
  return h;
}

// Batch axes, rows, terms and columns of any order, each side by some moves from memory.
void moved_product(Maker& m) {
  Random& random = m.random;
  const DType dtype = floating(m);
  Ints batch, rows, terms = {size_of(m)}, columns;
  for (int64_t n = random.pick({0, 0, 1, 1, 1, 2}); n > 0; --n) batch.push_back(small(m));
  for (int64_t n = random.pick({1, 1, 1, 1, 0, 2}); n > 0; --n) rows.push_back(size_of(m));
  for (int64_t n = random.pick({1, 1, 1, 1, 0, 2}); n > 0; --n) columns.push_back(size_of(m));
  if (random.chance(0.15)) terms.push_back(small(m));
  const auto operand = [&](const Ints& free, Ints& batch_at, Ints& terms_at) {
    Ints dims = batch;
    dims.insert(dims.end(), free.begin(), free.end());
    dims.insert(dims.end(), terms.begin(), terms.end());
    const auto rank = static_cast<int64_t>(dims.size());
    Ints perm = random.chance(0.5) ? shuffled(random, rank) : Ints(dims.size());
    if (perm == Ints(dims.size())) std::iota(perm.begin(), perm.end(), int64_t{0});
    Ints shape(dims.size());
    for (size_t d = 0; d < dims.size(); ++d) shape[static_cast<size_t>(perm[d])] = dims[d];
    batch_at.assign(perm.begin(), perm.begin() + static_cast<std::ptrdiff_t>(batch.size()));
    terms_at.assign(perm.end() - static_cast<std::ptrdiff_t>(terms.size()), perm.end());
    if (!m.fits(Shape(shape))) throw DoesNotFit();
    return moved_like(m, dtype, Shape(shape), random.below(4));
  };
  Ints lhs_batch, rhs_batch, lhs_terms, rhs_terms;
  const Symbol x = operand(rows, lhs_batch, lhs_terms);
  const bool same = rows == columns && random.chance(0.4);
  const Symbol y = same ? x : operand(columns, rhs_batch, rhs_terms);
  if (same) rhs_batch = lhs_batch, rhs_terms = lhs_terms;
  const Symbol h = m.keep(checked(m, m.graph.add1("contract", {x, y},
                                                  {{"lhs_batch", lhs_batch},
                                                   {"rhs_batch", rhs_batch},
                                                   {"lhs_contract", lhs_terms},
                                                   {"rhs_contract", rhs_terms}})));
  const Symbol both[] = {x, y};
  followed(m, h, both);
}

// The gates of a recurrent cell, cut from one product.
void gates(Maker& m) {
  Random& random = m.random;
  const Symbol x = m.of_rank({}, 2, true);
  const int64_t terms = x.shape()[x.rank() - 1], count = 2 + random.below(3), units = small(m);
  if (terms == kBatch || x.rank() > 3) throw DoesNotFit();
  const DType dtype = arithmetic_dtype(x.dtype());
  Symbol h = m.keep(checked(m, dense(cast(x, dtype), m.source(dtype, {terms, count * units}))));
  if (random.chance(0.7)) h = m.keep(h + m.like(dtype, {count * units}));
  Ints dims = h.shape().dims();
  const bool splits = h.shape().is_static() && random.chance(0.3);
  const bool last = random.chance(0.3);  // gates behind the units
  int axis = h.rank() - 1;
  if (splits) {
    dims.back() = last ? units : count;
    dims.push_back(last ? count : units);
    h = m.keep(reshape(h, Shape(dims)));
    axis += last ? 1 : 0;
  }
  Symbol state;
  for (int64_t g = 0; g < count; ++g) {
    const int64_t wide = splits ? 1 : units;
    Symbol gate = slice(h, axis, g * wide, (g + 1) * wide);
    if (splits && random.chance(0.7)) gate = squeeze(gate, axis);
    gate = random.chance(0.5) ? sigmoid(gate) : tanh(gate);
    state = !state.valid() || state.shape() != gate.shape() ? gate
            : random.chance(0.5)                            ? state * gate
                                                            : state + gate;
  }
  followed(m, m.keep(state), {});
}

// Attention of several heads, from one projection or three.
void heads(Maker& m) {
  Random& random = m.random;
  const DType dtype = floating(m);
  const int64_t batch = random.pick({1, 2, 3}), rows = size_of(m),
                count = random.pick({1, 2, 3, 4}), width = random.pick({1, 2, 4, 5, 8});
  const auto split = [&](Symbol of) {
    return m.keep(
        transpose(reshape(of, Shape{batch, rows, count, width}), std::vector<int64_t>{0, 2, 1, 3}));
  };
  std::vector<Symbol> parts;
  if (random.chance(0.6)) {
    const Shape shape{batch, rows, 3 * count * width};
    if (!m.fits(shape)) throw DoesNotFit();
    Symbol all = m.source(dtype, shape);
    if (random.chance(0.5)) all = m.keep(all + m.like(dtype, {3 * count * width}));
    for (int64_t i = 0; i < 3; ++i)
      parts.push_back(split(slice(all, 2, i * count * width, (i + 1) * count * width)));
  } else {
    const Shape shape{batch, rows, count * width};
    if (!m.fits(shape)) throw DoesNotFit();
    for (int i = 0; i < 3; ++i) parts.push_back(split(m.like(dtype, shape)));
  }
  Symbol scores = m.keep(checked(m, matmul(parts[0], parts[1], false, true)));
  if (random.chance(0.7)) scores = m.keep(scores * 0.25);
  if (random.chance(0.6)) {
    const Shape masks = random.pick(std::vector<Shape>{
        Shape{batch, 1, 1, rows}, Shape{1, 1, rows, rows}, Shape{batch, 1, rows, rows},
        Shape{1, count, 1, rows}, Shape{batch, 1, rows, 1}});
    if (random.chance(0.5))
      scores = m.keep(scores + m.like(dtype, masks));
    else
      scores = m.keep(
          sinter::select(broadcast_to(m.like(DType::kBool, masks), scores.shape()), scores, -1e9));
  }
  const Symbol weights = m.keep(softmax(scores));
  const Symbol mixed = matmul(weights, parts[2]);
  const Symbol merged = m.keep(reshape(transpose(mixed, std::vector<int64_t>{0, 2, 1, 3}),
                                       Shape{batch, rows, count * width}));
  const int64_t units = random.chance(0.5) ? count * width : small(m);
  const Symbol out = m.keep(checked(m, dense(merged, m.source(dtype, {count * width, units}))));
  followed(m, out, {});
}

// Channels in the middle: biases, scales and statistics over all the other axes.
void channels(Maker& m) {
  Random& random = m.random;
  const Symbol x = m.of_rank({}, 3, true);
  const auto axis = static_cast<int>(1 + random.below(x.rank() - 2));
  const int64_t count = x.shape()[axis];
  if (count == kBatch) throw DoesNotFit();
  Ints others, along(static_cast<size_t>(x.rank()), 1);
  for (int64_t d = 0; d < x.rank(); ++d) {
    if (d != axis) others.push_back(d);
  }
  along[static_cast<size_t>(axis)] = count;
  const auto spread = [&](Symbol v) {
    return random.chance(0.5)
               ? reshape(v, Shape(along))
               : m.graph.add1("broadcast", {v}, {{"shape", x.shape()}, {"dims", Ints{axis}}});
  };
  const DType dtype = arithmetic_dtype(x.dtype());
  Symbol y = cast(x, dtype);
  if (random.chance(0.6)) {
    const Symbol spread_out = variance(y, others, true) + 1e-2;
    y = m.keep((y - mean(y, others, true)) * rsqrt(spread_out));
  }
  if (random.chance(0.7)) y = m.keep(y * spread(m.like(dtype, {count})));
  if (random.chance(0.7)) y = m.keep(y + spread(m.like(dtype, {count})));
  if (random.chance(0.5)) y = unary(m, y);
  if (random.chance(0.5)) m.keep(sum(y, others, random.chance(0.3)));
  followed(m, y, {});
}

// Masks and positions along middle axes, rows within rows.
void masks(Maker& m) {
  Random& random = m.random;
  const Symbol x = m.of_rank({}, 2, true);
  Ints dims = x.shape().dims();
  for (int64_t& d : dims) {
    if (random.chance(0.5)) d = 1;
  }
  Symbol y = x;
  if (random.chance(0.5)) {
    const auto axis = static_cast<int>(random.below(x.rank()));
    const Symbol place = iota(m.graph, x.shape(), axis, DType::kInt32);
    y = m.keep(sinter::select(less(place, random.pick({1, 2, 5})), y, random.pick({0.0, -1e9})));
  }
  if (random.chance(0.7)) {
    const Symbol on = m.like(DType::kBool, Shape(dims));
    y = m.keep(sinter::select(broadcast_to(on, y.shape()), y, 0.0));
  }
  Ints axes;
  for (int64_t d = x.rank(); d-- > 0;) {  // the last, the last two, ...
    axes.insert(axes.begin(), d);
    if (random.chance(0.5)) {
      const Symbol s = random.chance(0.6) ? sum(y, axes, true) : reduce_max(y, axes, true);
      y = m.keep(random.chance(0.5) ? y - s : y + tanh(s));
    }
  }
  followed(m, y, {});
}

// Something elementwise or a reduction on moved values.
void moved_work(Maker& m) {
  Random& random = m.random;
  const Symbol x = moved(m, m.any(), 5);
  switch (random.below(5)) {
    case 0: m.op("reduce", x); break;
    case 1: m.op("arg_reduce", x); break;
    case 2: m.op("contract", x); break;
    default: {
      const DType dtype = x.dtype();
      if (dtype == DType::kBool) {
        m.op("logical_not", x);
        break;
      }
      const Symbol other = moved_like(m, dtype, x.shape(), 3);
      const Symbol y = m.keep(random.chance(0.5) ? x + other : maximum(x, other));
      if (is_floating(y.dtype())) followed(m, y, std::span(&other, 1));
    }
  }
}

}  // namespace

void Maker::views() {
  switch (random.pick({0, 0, 0, 1, 2, 3, 4, 5, 5})) {
    case 0: return moved_product(*this);
    case 1: return gates(*this);
    case 2: return heads(*this);
    case 3: return channels(*this);
    case 4: return masks(*this);
    default: return moved_work(*this);
  }
}

// A variable that gets a new value, of which views are read before and in the new value.
void Maker::update_what_is_viewed() {
  if (graph.variables().empty()) return;
  const int32_t variable = random.pick(graph.variables());
  const auto updated = [&](const Graph::Update& u) { return u.variable == variable; };
  if (std::ranges::any_of(graph.updates(), updated)) return;
  const Symbol w(&graph, {variable, 0});
  try {
    if (w.rank() == 0 || !w.shape().is_static()) return;
    const Symbol seen = moved(*this, w);
    const Symbol y = is_floating(w.dtype()) ? unary(*this, seen) : keep(cast(seen, w.dtype()));
    const auto axis = static_cast<int>(random.below(w.rank()));
    const int64_t size = w.shape()[axis];
    Symbol next = w;
    switch (random.below(4)) {
      case 0:  // turned
        if (size < 2) return;
        next = concat({slice(w, axis, 1, size), slice(w, axis, 0, 1)}, axis);
        break;
      case 1:
        if (!is_floating(w.dtype())) return;
        next = w * 0.5 + cast(mean(y), w.dtype());
        break;
      case 2: {
        Ints back(static_cast<size_t>(w.rank()));
        std::iota(back.begin(), back.end(), int64_t{0});
        std::ranges::reverse(back);
        const Symbol turned = transpose(w, back);
        next = turned.shape() == w.shape() ? turned : reshape(turned, w.shape());
        if (is_floating(w.dtype()) && random.chance(0.5)) next = next + w;
        break;
      }
      default: next = broadcast_to(slice(w, axis, size - 1, size), w.shape());
    }
    graph.add_update(variable, cast(next, w.dtype()).id());
  } catch (const DoesNotFit&) {
  } catch (const Error&) {
  }
}

}  // namespace sinter::fuzz
