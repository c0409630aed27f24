// How to make the ops that move elements: attributes that fit.
#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "core/graph.h"
#include "core/kernel_ops.h"
#include "tests/fuzz/maker.h"

namespace sinter::fuzz {
namespace {

using Ints = std::vector<int64_t>;
using Symbols = std::vector<Symbol>;
using Given = std::optional<Symbol>;

Symbols make_reshape(Maker& m, Given given) { return {m.reshaped(m.of_rank(given, 0))}; }

Symbols make_transpose(Maker& m, Given given) {
  const Symbol x = m.of_rank(given, 2);
  Ints perm(static_cast<size_t>(x.rank()));
  std::iota(perm.begin(), perm.end(), int64_t{0});
  for (size_t i = perm.size(); i-- > 1;)
    std::swap(perm[i], perm[static_cast<size_t>(m.random.below(static_cast<int64_t>(i) + 1))]);
  return {m.graph.add1("transpose", {x}, {{"perm", perm}})};
}

Symbols make_broadcast(Maker& m, Given given) {
  const Symbol x = m.of_rank(given, 0);
  if (x.rank() >= m.max_rank) throw DoesNotFit();
  // Dimensions are put in anywhere, and ones grow.
  Ints shape, dims;
  for (int d = 0; d <= x.rank(); ++d) {
    if (m.random.chance(x.rank() < 2 ? 0.5 : 0.25)) {
      const int64_t dim = m.random_dim();
      shape.push_back(dim == kBatch && !m.batch_anywhere ? 2 : dim);
    }
    if (d == x.rank()) break;
    dims.push_back(static_cast<int64_t>(shape.size()));
    const int64_t grown = m.random_dim();
    shape.push_back(x.shape()[d] == 1 && m.random.chance(0.6) && grown != kBatch ? grown
                                                                                 : x.shape()[d]);
  }
  if (static_cast<int>(shape.size()) > m.max_rank || !m.fits(Shape(shape))) throw DoesNotFit();
  return {m.graph.add1("broadcast", {x}, {{"shape", Shape(shape)}, {"dims", dims}})};
}

Symbols make_slice(Maker& m, Given given) {
  const Symbol x = m.of_rank(given, 1);
  Ints begin, end, stride;
  for (int64_t d : x.shape()) {
    begin.push_back(0);
    end.push_back(kSliceEnd);
    stride.push_back(1);
    if (d == kBatch || m.random.chance(0.4)) continue;
    begin.back() = m.random.below(d + 1);
    if (m.random.chance(0.7)) begin.back() = std::min(begin.back(), d / 3);
    end.back() = begin.back() + m.random.below(d - begin.back() + 1);
    if (m.random.chance(0.8)) end.back() = std::max(end.back(), std::min(d, begin.back() + 1));
    if (m.random.chance(0.4)) end.back() = d;
    stride.back() = m.random.pick({1, 1, 1, 2, 3, 5, 7, 1000});
  }
  return {m.graph.add1("slice", {x}, {{"begin", begin}, {"end", end}, {"stride", stride}})};
}

Symbols make_pad(Maker& m, Given given) {
  const Symbol x = m.of_rank(given, 1);
  Ints low, high;
  for (int64_t d : x.shape()) {
    const bool may = d != kBatch && m.random.chance(0.5);
    low.push_back(may ? m.random.pick({0, 0, 1, 1, 2, 9}) : 0);
    high.push_back(may ? m.random.pick({0, 0, 1, 1, 2, 16}) : 0);
  }
  const double value = is_floating(x.dtype())      ? m.random.chance(0.5) ? 0.0 : m.number()
                            : x.dtype() == DType::kBool ? static_cast<double>(m.random.below(2))
                                                   : m.random.pick({0.0, 1.0, 2.0, 200.0, 255.0});
  return {m.graph.add1("pad", {x}, {{"low", low}, {"high", high}, {"value", value}})};
}

Symbols make_concat(Maker& m, Given given) {
  const Symbol x = m.of_rank(given, 1);
  const auto axis = static_cast<int>(m.random.below(x.rank()));
  if (x.shape()[axis] == kBatch) throw DoesNotFit();
  Symbols parts = {x};
  for (int64_t more = m.random.below(m.random.chance(0.1) ? 20 : 3); more > 0; --more) {
    Ints dims = x.shape().dims();
    if (m.random.chance(0.5)) {
      const int64_t d = m.random_dim();
      dims[static_cast<size_t>(axis)] = d == kBatch ? 1 : d;
    }
    Symbol other =
        m.random.chance(0.2) && Shape(dims) == x.shape() ? x : m.like(x.dtype(), Shape(dims));
    parts.insert(parts.begin() + m.random.below(static_cast<int64_t>(parts.size()) + 1), other);
  }
  return {m.graph.add1("concat", parts, {{"axis", static_cast<int64_t>(axis)}})};
}

Symbols make_iota(Maker& m, Given) {
  const Shape shape = m.random_shape(1);
  const DType dtype = m.random.chance(0.6) ? m.random.pick({DType::kInt32, DType::kFloat32})
                                           : kAllDTypes[m.random.below(std::size(kAllDTypes))];
  return {iota(m.graph, shape, static_cast<int>(m.random.below(shape.rank())), dtype)};
}

// Any strides that stay inside: windows that overlap, diagonals, one element many times.
Symbols make_as_strided(Maker& m, Given given) {
  const Symbol x = m.of_rank(given, 0);
  if (!x.shape().is_static()) throw DoesNotFit();
  const int64_t total = m.elements(x.shape());
  const int rank = static_cast<int>(m.random.pick({2, 2, 2, 3, 3, 1, 4, 0, 5}));
  Ints shape, strides;
  for (int d = 0; d < rank; ++d) {
    const int64_t dim = m.random.chance(0.3) ? m.random.pick({1, 2, 3, 4, 8}) : m.random_dim();
    shape.push_back(dim == kBatch ? 3 : dim);
  }
  if (!m.fits(Shape(shape))) throw DoesNotFit();
  if (total == 0 && Shape(shape).elements() != 0) shape.push_back(0);
  // From the last dimension on, each beside what is behind it, mostly.
  strides.resize(shape.size());
  int64_t last = 0, behind = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    int64_t stride = m.random.pick<int64_t>({behind, behind, behind, 1, 1, 2, 0, behind + 1, 7});
    const int64_t steps = std::max<int64_t>(shape[d] - 1, 0);
    if (steps > 0 && total > 0) stride = std::min(stride, (total - 1 - last) / steps);
    last += steps * stride;
    strides[d] = stride;
    behind = std::max<int64_t>(behind, stride * shape[d]);
  }
  if (m.random.chance(0.3)) {
    const auto from = m.random.below(static_cast<int64_t>(shape.size()) + 1);
    std::rotate(shape.begin(), shape.begin() + from, shape.end());
    std::rotate(strides.begin(), strides.begin() + from, strides.end());
  }
  const int64_t room = std::max<int64_t>(total - last, 1);
  const int64_t offset = m.random.chance(0.4) ? 0 : m.random.below(room);
  return {m.graph.add1("as_strided", {x},
                       {{"shape", Shape(shape)}, {"strides", strides}, {"offset", offset}})};
}

}  // namespace

const std::map<std::string, OpMaker, std::less<>>& move_makers() {
  static const std::map<std::string, OpMaker, std::less<>> makers = {
      {"reshape", make_reshape},       {"transpose", make_transpose},
      {"broadcast", make_broadcast},   {"slice", make_slice},
      {"as_strided", make_as_strided}, {"pad", make_pad},
      {"concat", make_concat},         {"iota", make_iota},
  };
  return makers;
}

}  // namespace sinter::fuzz
