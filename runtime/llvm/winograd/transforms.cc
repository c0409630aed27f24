#include "runtime/llvm/winograd/transforms.h"

#include <cmath>

namespace sinter::codegen {
namespace {

// Points of about 1 in both directions keep rounding errors small (Barabasz et al., "Error analysis
// and improving the accuracy of Winograd convolution for deep neural networks", 2020, section 5);
// powers of these are exact.
std::vector<double> points_of(int64_t tile) {
  if (tile == 2) return {1.0};
  return {0.625, 1.5};
}

// The polynomial in squares that is zero at all points but the one of index `without`.
std::vector<double> zeros_at(const std::vector<double>& points, size_t without) {
  std::vector<double> polynomial = {1};
  for (size_t k = 0; k < points.size(); ++k) {
    if (k == without) continue;
    std::vector<double> product(polynomial.size() + 1, 0);
    for (size_t i = 0; i < polynomial.size(); ++i) {
      product[i + 1] += polynomial[i];
      product[i] -= points[k] * points[k] * polynomial[i];
    }
    polynomial = product;
  }
  return polynomial;
}

double value_at(const std::vector<double>& polynomial, double square) {
  double value = 0, power = 1;
  for (const double factor : polynomial) {
    value += factor * power;
    power *= square;
  }
  return value;
}

}  // namespace

WinogradTransforms::WinogradTransforms(MatmulIr& ir, int64_t tile)
    : ir_(ir), tile_(static_cast<size_t>(tile)) {
  const std::vector<double> points = points_of(tile);
  polynomial_ = zeros_at(points, points.size());
  for (size_t k = 0; k < points.size(); ++k) {
    Pair pair{points[k], points[k] * points[k], 0, zeros_at(points, k)};
    pair.scale = 1 / (2 * pair.square * value_at(pair.polynomial, pair.square));
    pairs_.push_back(std::move(pair));
  }
}

Value WinogradTransforms::times(Value x, double factor) const {
  return ir_.b.CreateFMul(x, ir_.e.number(ir_.dtype, factor, ir_.lanes));
}

Value WinogradTransforms::plus(Value sum, double factor, Value x) const {
  return ir_.e.fma(x, ir_.e.number(ir_.dtype, factor, ir_.lanes), sum);
}

Value WinogradTransforms::every_second(const std::vector<double>& polynomial, const Values& d,
                                       size_t first) const {
  size_t k = polynomial.size() - 1;
  Value result = d[first + 2 * k];
  while (k-- > 0) result = plus(result, polynomial[k], d[first + 2 * k]);
  return result;
}

void WinogradTransforms::push_pair(Values& places, Value even, Value odd) const {
  places.push_back(sum(even, odd));
  places.push_back(difference(even, odd));
}

Values WinogradTransforms::elements(const Values& d) const {
  Values places = {every_second(polynomial_, d, 0)};
  for (const Pair& p : pairs_) {
    Value even = every_second(p.polynomial, d, 2), odd = every_second(p.polynomial, d, 1);
    places.push_back(plus(even, p.point, odd));
    places.push_back(plus(even, -p.point, odd));
  }
  places.push_back(every_second(polynomial_, d, 1));
  return places;
}

Values WinogradTransforms::taps(const Values& g) const {
  Values places = {times(g[0], 1 / polynomial_[0])};
  for (const Pair& p : pairs_)
    push_pair(places, times(plus(g[0], p.square, g[2]), p.scale), times(g[1], p.scale * p.point));
  places.push_back(g[2]);
  return places;
}

Values WinogradTransforms::results(const Values& m) const {
  std::vector<Values> sums(2);  // even and odd, of each pair
  for (size_t k = 0; k < pairs_.size(); ++k) {
    sums[0].push_back(even(m, k));
    sums[1].push_back(odd(m, k));
  }
  Value first = m[0];
  for (Value s : sums[0]) first = sum(s, first);
  Values y = {first};
  for (size_t i = 1; i < tile_; ++i) {
    Value result = i + 1 == tile_ ? m.back() : nullptr;
    for (size_t k = 0; k < pairs_.size(); ++k) {
      const double power = std::pow(pairs_[k].point, static_cast<double>(i));
      result =
          result == nullptr ? times(sums[i % 2][k], power) : plus(result, power, sums[i % 2][k]);
    }
    y.push_back(result);
  }
  return y;
}

Values WinogradTransforms::cotangents(const Values& y) const {
  Values places = {y[0]};
  for (const Pair& p : pairs_) {
    Value even = y[0], odd = times(y[1], p.point);
    for (size_t i = 2; i < tile_; ++i) {
      Value& part = i % 2 == 0 ? even : odd;
      part = plus(part, std::pow(p.point, static_cast<double>(i)), y[i]);
    }
    push_pair(places, even, odd);
  }
  places.push_back(y.back());
  return places;
}

Values WinogradTransforms::to_taps(const Values& m) const {
  Value first = times(m[0], 1 / polynomial_[0]), second = nullptr, third = m.back();
  for (size_t k = 0; k < pairs_.size(); ++k) {
    const Pair& p = pairs_[k];
    Value scaled = times(even(m, k), p.scale);
    first = sum(first, scaled);
    third = plus(third, p.square, scaled);
    const double factor = p.scale * p.point;
    second = second == nullptr ? times(odd(m, k), factor) : plus(second, factor, odd(m, k));
  }
  return {first, second, third};
}

void in_both_directions(MatmulIr& ir, int64_t from, int64_t to,
                        const std::function<Values(const Values&)>& transform,
                        const std::function<Value(int64_t i, Value j)>& load,
                        const std::function<void(Value i, const Values&)>& use) {
  Value stack = ir.on_stack(to * from);
  const auto place = [&](Value base, int64_t i) { return ir.at(base, i * ir.lanes); };
  ir.loop(ir.index(0), ir.index(from), 1, [&](Value j) {
    Values column;
    for (int64_t i = 0; i < from; ++i) column.push_back(load(i, j));
    const Values transformed = transform(column);
    Value base = ir.at(stack, ir.mul(j, ir.lanes));
    for (int64_t i = 0; i < to; ++i)
      ir.store(transformed[static_cast<size_t>(i)], place(base, i * from));
  });
  ir.loop(ir.index(0), ir.index(to), 1, [&](Value i) {
    Value base = ir.at(stack, ir.mul(i, from * ir.lanes));
    Values row;
    for (int64_t j = 0; j < from; ++j) row.push_back(ir.load(place(base, j)));
    use(i, transform(row));
  });
}

}  // namespace sinter::codegen
