#include "runtime/llvm/winograd/transforms.h"

namespace sinter::codegen {
namespace {

// The transforms evaluate polynomials at 0, a, -a, b, -b and infinity. Points of about 1 in both
// directions keep rounding errors small (Barabasz et al., "Error analysis and improving the accuracy
// of Winograd convolution for deep neural networks", 2020, section 5); powers of these are exact.
constexpr double a = 0.625, b = 1.5;
constexpr double a2 = a * a, b2 = b * b, a3 = a2 * a, b3 = b2 * b;
// 1 / product of the differences to the other points.
constexpr double at_0 = 1 / (a2 * b2), at_a = 1 / (2 * a2 * (a2 - b2)), at_b = 1 / (2 * b2 * (b2 - a2));

Value times(MatmulIr& ir, Value x, double factor) {
  return ir.b.CreateFMul(x, ir.e.number(ir.dtype, factor, ir.lanes));
}
// sum + factor * x
Value plus(MatmulIr& ir, Value sum, double factor, Value x) {
  return ir.e.fma(x, ir.e.number(ir.dtype, factor, ir.lanes), sum);
}
Value sum(MatmulIr& ir, Value x, Value y) { return ir.b.CreateFAdd(x, y); }
Value difference(MatmulIr& ir, Value x, Value y) { return ir.b.CreateFSub(x, y); }

}  // namespace

std::array<Value, 6> transform_elements(MatmulIr& ir, const std::array<Value, 6>& d) {
  Value even_a = plus(ir, d[4], -b2, d[2]), odd_a = plus(ir, d[3], -b2, d[1]);
  Value even_b = plus(ir, d[4], -a2, d[2]), odd_b = plus(ir, d[3], -a2, d[1]);
  return {plus(ir, plus(ir, d[4], -(a2 + b2), d[2]), a2 * b2, d[0]),
          plus(ir, even_a, a, odd_a),
          plus(ir, even_a, -a, odd_a),
          plus(ir, even_b, b, odd_b),
          plus(ir, even_b, -b, odd_b),
          plus(ir, plus(ir, d[5], -(a2 + b2), d[3]), a2 * b2, d[1])};
}

std::array<Value, 6> transform_taps(MatmulIr& ir, const std::array<Value, 3>& g) {
  Value even_a = times(ir, plus(ir, g[0], a2, g[2]), at_a), odd_a = times(ir, g[1], at_a * a);
  Value even_b = times(ir, plus(ir, g[0], b2, g[2]), at_b), odd_b = times(ir, g[1], at_b * b);
  return {times(ir, g[0], at_0),     sum(ir, even_a, odd_a),        difference(ir, even_a, odd_a),
          sum(ir, even_b, odd_b),    difference(ir, even_b, odd_b), g[2]};
}

std::array<Value, 4> transform_back(MatmulIr& ir, const std::array<Value, 6>& m) {
  Value even_a = sum(ir, m[1], m[2]), odd_a = difference(ir, m[1], m[2]);
  Value even_b = sum(ir, m[3], m[4]), odd_b = difference(ir, m[3], m[4]);
  return {sum(ir, sum(ir, even_a, even_b), m[0]), plus(ir, times(ir, odd_a, a), b, odd_b),
          plus(ir, times(ir, even_a, a2), b2, even_b),
          plus(ir, plus(ir, m[5], a3, odd_a), b3, odd_b)};
}

std::array<Value, 6> transform_cotangents(MatmulIr& ir, const std::array<Value, 4>& y) {
  Value even_a = plus(ir, y[0], a2, y[2]), odd_a = plus(ir, times(ir, y[1], a), a3, y[3]);
  Value even_b = plus(ir, y[0], b2, y[2]), odd_b = plus(ir, times(ir, y[1], b), b3, y[3]);
  return {y[0],
          sum(ir, even_a, odd_a),
          difference(ir, even_a, odd_a),
          sum(ir, even_b, odd_b),
          difference(ir, even_b, odd_b),
          y[3]};
}

std::array<Value, 3> transform_to_taps(MatmulIr& ir, const std::array<Value, 6>& p) {
  Value even_a = times(ir, sum(ir, p[1], p[2]), at_a), even_b = times(ir, sum(ir, p[3], p[4]), at_b);
  Value odd_a = difference(ir, p[1], p[2]), odd_b = difference(ir, p[3], p[4]);
  return {plus(ir, sum(ir, even_a, even_b), at_0, p[0]),
          plus(ir, times(ir, odd_a, at_a * a), at_b * b, odd_b),
          plus(ir, plus(ir, p[5], a2, even_a), b2, even_b)};
}

}  // namespace sinter::codegen
