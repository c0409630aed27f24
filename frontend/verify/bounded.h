// Values with a bound on how far a right result may lie from them: a graph is run in double, and
// beside each element goes a radius that follows from the computation (running error analysis:
// Wilkinson 1963; Higham, "Accuracy and Stability of Numerical Algorithms", section 3.3).
//
// The radius grows with what rounding in the dtype of each operation can do, whatever the order of
// sums and products; discontinuities (comparisons, casts to integers, the index of a maximum) know
// when they hang on rounding. Radius 0 says that every right result is this very number: small
// multiples of 1/256 stay exact, so do NaN, infinities, integers. So an ill-conditioned graph gives
// no false alarm, and a wrong number has no excuse.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/graph.h"
#include "core/tensor.h"

namespace sinter::verification {

struct Bounded {
  double value = 0;     // of floats
  int64_t integer = 0;  // of integers and bools
  double radius = 0;    // infinite: any number, NaN included
};

struct BoundedTensor {
  ValueType type;
  std::vector<Bounded> elements;
};

/// `instruction` on operands of `operand_dtype` (of a select: of its branches).
Bounded bounded_instruction(const ScalarInstruction& instruction, DType operand_dtype,
                            const Bounded& a, const Bounded& b, const Bounded& c);

/// What rounding to `dtype` may do to a sum of `terms` terms, of which `magnitude` is the sum of
/// absolute values and at most `run` are added one after the other.
double sum_radius(DType dtype, int64_t terms, double magnitude, int64_t run);
/// Are numbers like this one closed under sums, so that none of them is ever rounded?
bool is_exact(double value);
/// `value` with a radius of `propagated` from the operands and `rounding` of this operation's own;
/// unknown where a float of `dtype` might overflow.
Bounded bounded_float(DType dtype, double value, double propagated, double rounding);
Bounded unknown();
bool is_unknown(const Bounded& b);
/// The smallest normal number: below it results may be flushed to zero.
double smallest_normal(DType dtype);
double unit_roundoff(DType dtype);

/// Which sides of its selects, maxima and minima a graph has taken on some numbers.
class Branches {
 public:
  struct Place {
    int32_t node = -1, instruction = -1;
    auto operator<=>(const Place&) const = default;
  };
  void take(Place place, bool side) { (side ? first_ : second_).insert(place); }
  void add(const Branches& other) {
    first_.insert(other.first_.begin(), other.first_.end());
    second_.insert(other.second_.begin(), other.second_.end());
  }
  /// Two for each place.
  size_t taken() const { return first_.size() + second_.size(); }

 private:
  std::set<Place> first_, second_;
};
/// How many there are in a lowered graph.
size_t count_branches(const Graph& lowered);

/// The results of all nodes of a lowered, static graph whose kernels are the closed set of
/// core/kernel_ops.h without fusions, as [node][result]. Where precision is not `strict`, products
/// of graphs with windows may be made by Winograd's algorithm.
std::vector<std::vector<BoundedTensor>> bounded_run(const Graph& lowered,
                                                    const std::vector<Tensor>& inputs,
                                                    const std::vector<Tensor>& variables,
                                                    bool strict = true,
                                                    Branches* branches = nullptr);

/// How many elements have been judged, and how sharply. Of a large value some thousands stand for
/// all: one sum that cancels would outvote hundreds of graphs.
struct JudgeCounts {
  int64_t elements = 0;
  int64_t unknown = 0;  // nothing could be said
  int64_t loose = 0;    // the radius is above a hundredth of the value
  double worst = 0;     // of all errors as shares of their radius, where that is not 0
};

/// "" when every element of `got` lies within its bound, otherwise the first one that does not.
std::string judge(const Tensor& got, const BoundedTensor& want, JudgeCounts* counts = nullptr);

}  // namespace sinter::verification
