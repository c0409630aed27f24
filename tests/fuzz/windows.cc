// Convolutions, pools and their derivatives, and layers of them with what models have around them.
#include <algorithm>
#include <map>
#include <numeric>

#include "core/error.h"
#include "core/graph.h"
#include "tests/fuzz/maker.h"

namespace sinter::fuzz {
namespace {

using Ints = std::vector<int64_t>;
using Symbols = std::vector<Symbol>;
using Given = std::optional<Symbol>;

// Windows over the spatial extents of a value, and how many there are.
struct Sliding {
  Ints spatial, size, strides, dilations, low, high, counts;
  bool usual = false;  // of three elements in steps of one: what Winograd's algorithm takes

  int64_t taps() const {
    return std::accumulate(size.begin(), size.end(), int64_t{1}, std::multiplies<>());
  }
  Attributes attributes() const { return {{"strides", strides}, {"low", low}, {"high", high}}; }
};

Shape shape_of(int64_t batch, const Ints& spatial, const Ints& rest) {
  Ints dims = {batch};
  dims.insert(dims.end(), spatial.begin(), spatial.end());
  dims.insert(dims.end(), rest.begin(), rest.end());
  return Shape(std::move(dims));
}

bool is_image(const Symbol& x) {
  return x.rank() >= 3 && x.rank() <= 5 && is_floating(x.dtype()) &&
         std::none_of(x.shape().begin() + 1, x.shape().end(),
                      [](int64_t extent) { return extent == kBatch; });
}

int64_t channel_count(Maker& m) { return m.random.pick({1, 1, 2, 3, 4, 5, 6, 8, 8, 16, 17}); }

// [batch, spatial.., channels]
Symbol image(Maker& m, Given given) {
  for (int tries = 0; tries < 4; ++tries) {
    const Symbol x = given && tries == 0 ? *given : m.any();
    if (is_image(x)) return x;
  }
  const DType dtype = is_floating(m.dtypes[0]) ? m.dtypes[0] : DType::kFloat32;
  for (int tries = 0; tries < 10; ++tries) {
    Ints spatial(static_cast<size_t>(m.random.pick({1, 2, 2, 2, 3})));
    for (int64_t& extent : spatial) {
      extent = m.random.pick({1, 2, 3, 4, 4, 5, 6, 7, 8, 9});
      const int64_t one = m.random_dim();
      if (one != kBatch && m.random.chance(0.25)) extent = one;
    }
    const int64_t batch =
        m.dims[0] == kBatch && m.random.chance(0.7) ? kBatch : m.random.pick({1, 1, 2, 3, 5});
    const Shape shape = shape_of(batch, spatial, {channel_count(m)});
    if (m.fits(shape)) return m.random.chance(0.6) ? m.source(dtype, shape) : m.like(dtype, shape);
  }
  throw DoesNotFit();
}

// Windows that fit. Those of pools hold one element at least.
Sliding sliding(Maker& m, const Symbol& x, bool is_pool) {
  Random& random = m.random;
  Sliding s;
  s.spatial.assign(x.shape().begin() + 1, x.shape().end() - 1);
  const double kind = random.uniform(0, 1);
  s.usual = !is_pool && random.chance(0.4);
  for (const int64_t extent : s.spatial) {
    int64_t size = random.pick({1, 2, 2, 3, 3, 3, 4, 5, 7});
    if (random.chance(0.1)) size = std::max<int64_t>(extent, 1);
    if (kind < 0.15) size = 1;
    if (s.usual) size = 3;
    const bool apart = !is_pool && !s.usual && random.chance(0.2);
    const int64_t dilation = apart ? random.pick({2, 3}) : 1;
    const int64_t stride = apart     ? 1
                           : is_pool ? random.pick<int64_t>({size, size, 1, 2, 3})
                           : s.usual || random.chance(0.65) ? 1
                                                            : random.pick({2, 2, 3, 5});
    int64_t window = (size - 1) * dilation + 1, low = 0, high = 0;
    if (kind > 0.55) {  // "same"
      const int64_t all =
          std::max<int64_t>(((extent + stride - 1) / stride - 1) * stride + window - extent, 0);
      low = all / 2;
      high = all - low;
    } else if (kind > 0.4) {
      low = random.below(window + (is_pool ? 0 : 2));
      high = random.below(window + (is_pool ? 0 : 2));
    }
    if (is_pool && (low >= size || high >= size)) throw DoesNotFit();
    if (extent + low + high < window) throw DoesNotFit();
    s.size.push_back(size);
    s.strides.push_back(stride);
    s.dilations.push_back(dilation);
    s.low.push_back(low);
    s.high.push_back(high);
    s.counts.push_back((extent + low + high - window) / stride + 1);
  }
  // The view of all windows is what the reference has in memory.
  const Shape windows = shape_of(x.shape()[0], s.counts, {s.taps(), x.shape().dim(-1)});
  if (m.elements(windows) > 30 * m.sizes.elements) throw DoesNotFit();
  return s;
}

struct Convolved {
  Symbol x;
  Sliding windows;
  int64_t groups, filters;

  Shape kernel() const {
    Ints dims = windows.size;
    dims.push_back(x.shape().dim(-1) / groups);
    dims.push_back(filters);
    return Shape(std::move(dims));
  }
  Shape result() const { return shape_of(x.shape()[0], windows.counts, {filters}); }
  Attributes attributes() const {
    Attributes a = windows.attributes();
    a.set("dilations", windows.dilations);
    a.set("groups", groups);
    return a;
  }
};

Convolved convolved(Maker& m, Given given) {
  Random& random = m.random;
  Convolved c{image(m, given), {}, 1, 1};
  c.x = cast(c.x, arithmetic_dtype(c.x.dtype()));
  c.windows = sliding(m, c.x, false);
  const int64_t channels = c.x.shape().dim(-1);
  if (channels == 0) throw DoesNotFit();
  if (random.chance(c.windows.usual ? 0.1 : 0.4)) {
    Ints divisors;
    for (int64_t g = 1; g <= channels; ++g) {
      if (channels % g == 0) divisors.push_back(g);
    }
    c.groups = random.chance(0.5) ? channels : random.pick(divisors);
  }
  c.filters = c.groups == 1        ? (random.chance(0.4) ? channels : channel_count(m))
              : random.chance(0.5) ? c.groups
                                   : c.groups * random.pick({2, 3, 4});
  if (!m.fits(c.result()) || m.elements(c.kernel()) > 8 * m.sizes.elements) throw DoesNotFit();
  return c;
}

Symbols make_convolution(Maker& m, Given given) {
  const Convolved c = convolved(m, given);
  return {m.graph.add1("convolution", {c.x, m.like(c.x.dtype(), c.kernel())}, c.attributes())};
}

Symbols make_input_gradient(Maker& m, Given given) {
  const Convolved c = convolved(m, given);
  Attributes a = c.attributes();
  a.set("spatial", c.windows.spatial);
  return {m.graph.add1("convolution_input_gradient",
                       {m.like(c.x.dtype(), c.result()), m.like(c.x.dtype(), c.kernel())}, a)};
}

Symbols make_kernel_gradient(Maker& m, Given given) {
  const Convolved c = convolved(m, given);
  Attributes a = c.attributes();
  a.set("size", c.windows.size);
  return {m.graph.add1("convolution_kernel_gradient", {c.x, m.like(c.x.dtype(), c.result())}, a)};
}

struct Pooled {
  Symbol x;
  Sliding windows;

  Shape result() const { return shape_of(x.shape()[0], windows.counts, {x.shape().dim(-1)}); }
  Attributes attributes() const {
    Attributes a = windows.attributes();
    a.set("size", windows.size);
    return a;
  }
};

Pooled pooled(Maker& m, Given given) {
  Pooled p{image(m, given), {}};
  p.x = cast(p.x, arithmetic_dtype(p.x.dtype()));
  p.windows = sliding(m, p.x, true);
  return p;
}

Symbols make_pool(Maker& m, Given given, const char* name) {
  const Pooled p = pooled(m, given);
  return {m.graph.add1(name, {p.x}, p.attributes())};
}

// Of maxima, mostly, but nothing asks for that.
Symbols make_max_pool_derivative(Maker& m, Given given, const char* name) {
  const Pooled p = pooled(m, given);
  const Symbol maxima = m.random.chance(0.8) ? m.graph.add1("max_pool", {p.x}, p.attributes())
                                             : m.like(p.x.dtype(), p.result());
  const Shape shape = std::string_view(name) == "max_pool_tangent" ? p.x.shape() : p.result();
  return {m.graph.add1(name, {p.x, maxima, m.like(p.x.dtype(), shape)}, p.attributes())};
}

Symbols make_average_pool_gradient(Maker& m, Given given) {
  const Pooled p = pooled(m, given);
  Attributes a = p.attributes();
  a.set("spatial", p.windows.spatial);
  return {m.graph.add1("average_pool_gradient", {m.like(p.x.dtype(), p.result())}, a)};
}

Ints channels_moved(const Symbol& x, bool to_front) {
  Ints perm(static_cast<size_t>(x.rank()));
  std::iota(perm.begin(), perm.end(), int64_t{0});
  if (to_front)
    std::rotate(perm.begin() + 1, perm.end() - 1, perm.end());
  else
    std::rotate(perm.begin() + 1, perm.begin() + 2, perm.end());
  return perm;
}

Symbol batch_norm(Maker& m, Symbol x) {
  const ValueType of_channels{x.dtype(), Shape{x.shape().dim(-1)}};
  const auto vector = [&] { return m.source(of_channels.dtype, of_channels.shape); };
  const Attributes attributes = {{"epsilon", 1e-2}, {"axis", int64_t{x.rank() - 1}}};
  if (m.random.chance(0.6))
    return m.graph.add1("batch_norm_inference",
                        {x, vector(), vector(), vector(), square(vector()) + 0.25}, attributes);
  return m.graph.add("batch_norm_training", std::array{x, vector(), vector()}, attributes)[0];
}

}  // namespace

// One or two convolutions, and before and behind them what models have there.
void Maker::windows() {
  Symbol x = image(*this, {});
  x = cast(x, arithmetic_dtype(x.dtype()));
  for (int64_t layers = 1 + random.below(2); layers > 0; --layers) {
    if (random.chance(0.15)) x = keep(batch_norm(*this, x));
    if (random.chance(0.1)) x = op(random.pick<const char*>({"relu", "tanh", "sigmoid"}), x);
    const bool moves = random.chance(0.15) && x.rank() >= 3;
    if (moves && is_image(transpose(x, channels_moved(x, false))))
      x = keep(transpose(x, channels_moved(x, false)));
    Symbol y = random.chance(0.15) ? op("convolution_input_gradient", x) : op("convolution", x);
    if (random.chance(0.6)) y = keep(y + like(y.dtype(), Shape{y.shape().dim(-1)}));
    if (random.chance(0.3)) y = keep(batch_norm(*this, y));
    if (random.chance(0.3) && y.shape() == x.shape()) y = keep(y + x);
    if (random.chance(0.5))
      y = op(random.pick<const char*>({"relu", "relu", "gelu", "swish", "elu"}), y);
    if (moves) y = keep(transpose(y, channels_moved(y, true)));
    if (random.chance(0.3) && y.shape() == x.shape()) y = keep(y + x);
    if (random.chance(0.3)) y = op(random.chance(0.6) ? "max_pool" : "average_pool", y);
    if (random.chance(0.15)) y = op("pad", y);
    x = y;
  }
  switch (random.below(4)) {
    case 0: {
      Ints spatial;
      for (int64_t d = 1; d + 1 < x.rank(); ++d) spatial.push_back(d);
      x = keep(random.chance(0.5) ? mean(x, spatial) : reduce_max(x, spatial));
      break;
    }
    case 1: {
      int64_t rest = 1;
      for (int d = 1; d < x.rank(); ++d) rest *= x.shape()[d];
      x = keep(reshape(x, Shape{x.shape()[0], rest}));
      op("dense", x);
      break;
    }
    case 2: op("reduce", x); break;
    default: break;
  }
}

const std::map<std::string, OpMaker, std::less<>>& window_makers() {
  static const std::map<std::string, OpMaker, std::less<>> makers = {
      {"convolution", make_convolution},
      {"convolution_input_gradient", make_input_gradient},
      {"convolution_kernel_gradient", make_kernel_gradient},
      {"max_pool", [](Maker& m, Given x) { return make_pool(m, x, "max_pool"); }},
      {"max_pool_gradient",
       [](Maker& m, Given x) { return make_max_pool_derivative(m, x, "max_pool_gradient"); }},
      {"max_pool_tangent",
       [](Maker& m, Given x) { return make_max_pool_derivative(m, x, "max_pool_tangent"); }},
      {"average_pool", [](Maker& m, Given x) { return make_pool(m, x, "average_pool"); }},
      {"average_pool_gradient", make_average_pool_gradient},
  };
  return makers;
}

}  // namespace sinter::fuzz
