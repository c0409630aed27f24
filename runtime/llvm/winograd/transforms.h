// The transforms of Winograd's F(n x n, 3x3) in one direction, on vectors of channels: Lavin, Gray,
// "Fast algorithms for convolutional neural networks", 2016, sections 4.1 to 4.3. In two directions
// they are applied to all columns, then to all rows.
//
// They evaluate polynomials at 0, at pairs of points p and -p, and at infinity, which are the
// places in this order: n + 2 of them (Toom and Cook; Blahut, "Fast algorithms for signal
// processing", 2010, section 5.2). What follows for a pair is one even and one odd sum.
#pragma once

#include <functional>
#include <vector>

#include "runtime/llvm/matmul/ir.h"

namespace sinter::codegen {

class WinogradTransforms {
 public:
  /// For tiles of `tile` results in each direction, 2 or 4.
  WinogradTransforms(MatmulIr& ir, int64_t tile);

  /// tile + 2 elements of the image to as many places.
  Values elements(const Values& d) const;
  /// 3 taps of the kernel to the places.
  Values taps(const Values& g) const;
  /// Products of the places to the results.
  Values results(const Values& m) const;

  /// The adjoint of results(): cotangents of the results to the places.
  Values cotangents(const Values& y) const;
  /// The adjoint of taps(): places to the 3 taps.
  Values to_taps(const Values& m) const;

 private:
  struct Pair {
    double point, square, scale;     // scale: 1 / product of the differences to the other points
    std::vector<double> polynomial;  // in squares, zero at the other pairs; lowest power first
  };

  Value times(Value x, double factor) const;
  Value plus(Value sum, double factor, Value x) const;  // sum + factor * x
  Value sum(Value x, Value y) const { return ir_.b.CreateFAdd(x, y); }
  Value difference(Value x, Value y) const { return ir_.b.CreateFSub(x, y); }
  // The polynomial of every second element, from `first` on; its highest factor is 1.
  Value every_second(const std::vector<double>& polynomial, const Values& d, size_t first) const;
  // Puts a pair's two places behind `places`: even + odd and even - odd.
  void push_pair(Values& places, Value even, Value odd) const;
  // What a pair's two places add up to, and how they differ.
  Value even(const Values& m, size_t pair) const { return sum(m[1 + 2 * pair], m[2 + 2 * pair]); }
  Value odd(const Values& m, size_t pair) const {
    return difference(m[1 + 2 * pair], m[2 + 2 * pair]);
  }

  MatmulIr& ir_;
  size_t tile_;
  std::vector<Pair> pairs_;
  std::vector<double> polynomial_;  // in squares, zero at all pairs
};

/// `transform` of the columns of a matrix of from x from values, which gives `to`, then of the rows
/// of what that gives. `load` gives element (i, j), `use` takes a row. Both are loops, with the
/// matrix on the stack in between: unrolled, 36 values do not fit the registers either, and the
/// code takes LLVM five times as long.
void in_both_directions(MatmulIr& ir, int64_t from, int64_t to,
                        const std::function<Values(const Values&)>& transform,
                        const std::function<Value(int64_t i, Value j)>& load,
                        const std::function<void(Value i, const Values&)>& use);

}  // namespace sinter::codegen
