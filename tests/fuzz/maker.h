// The state of a random graph while it grows: a pool of values, and how new ones come about.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string_view>

#include "core/op_record.h"
#include "ops/ops.h"
#include "passes/rule.h"
#include "tests/fuzz/random_case.h"

namespace sinter::fuzz {

/// Raised where a random choice does not fit: that step is given up.
struct DoesNotFit {};

class Maker {
 public:
  Maker(uint64_t seed, const Sizes& sizes, Case& out);

  void grow();
  void finish();

  Random random;
  Graph& graph;
  const Sizes sizes;

  // --- values
  /// A value of the pool, a late one more likely than an early one.
  Symbol any();
  /// The same of a floating dtype (cast where needed); of exactly this dtype.
  Symbol any_float();
  Symbol any_of(DType dtype);
  Symbol keep(Symbol s);
  /// A new input, variable or constant.
  Symbol source(DType dtype, Shape shape);
  /// A value of this type, from the pool by reshapes, slices and broadcasts, or new.
  Symbol like(DType dtype, const Shape& shape);
  /// A value that broadcasts to `shape` by NumPy's rule.
  Symbol operand_for(DType dtype, const Shape& shape);
  Symbol constant_number(DType dtype, double value, const Shape& shape);

  // --- shapes; the symbolic dimension counts as the batch
  int64_t extent(int64_t dim) const { return dim == kBatch ? batch : dim; }
  int64_t elements(const Shape& shape) const;
  /// Also without the symbolic dimension: sums over a batch of no rows have elements.
  bool fits(const Shape& shape) const;
  Shape random_shape(int min_rank = 0) { return random_shape(min_rank, max_rank); }
  Shape random_shape(int min_rank, int most);
  int64_t random_dim() { return random.pick(dims); }
  std::vector<int64_t> random_axes(int rank);
  double number();

  // --- ops
  /// `name` of random operands, `x` the first of them where given and where it fits. Results go to
  /// the pool; the first of them is returned. Raises DoesNotFit.
  Symbol op(const std::string& name, std::optional<Symbol> x = std::nullopt);
  Symbol elementwise(const OpRecord& record, std::vector<Symbol> operands);
  Symbol product(Symbol x);
  Symbol reshaped(Symbol x);
  /// Ops together, as users and layers write them (compositions.cc).
  Symbol composition();
  /// Values that are read where they lie, and what reads them (views.cc). Results go to the pool.
  void views();
  /// Convolutions and what models have around them (windows.cc). Results go to the pool.
  void windows();
  /// A value of some rank at least, `x` where that is one; floating where asked for.
  Symbol of_rank(std::optional<Symbol> x, int min_rank, bool floating = false);

  // --- what kind of graph it is
  std::vector<int64_t> dims;
  int max_rank = 5;             // far more in some, of dimensions that are mostly 1
  int64_t batch = 1;            // the rows that the symbolic dimension will have
  bool batch_anywhere = false;  // else in front, as models have it
  bool wild = false;            // with constants of any size
  std::vector<DType> dtypes;    // main one first
  std::vector<Symbol> pool;
  Symbol state;  // of random numbers; made when first needed

 private:
  void step();
  void motif();
  void some_sum(Symbol x);
  void promoted();
  void twin();
  void instantiate_rule();
  Symbol instantiate(const Pattern& pattern, std::map<std::string, Symbol>& bound, DType dtype,
                     const Shape& shape);
  void add_gradients();
  void exchange_variables();
  void update_what_is_viewed();
  void add_outputs();

  Case& out_;
  int names_ = 0;
};

using OpMaker = std::function<std::vector<Symbol>(Maker&, std::optional<Symbol> x)>;
/// How to make ops that are not elementwise, by name.
const std::map<std::string, OpMaker, std::less<>>& op_makers();
/// The part of it that moves elements (move_makers.cc).
const std::map<std::string, OpMaker, std::less<>>& move_makers();
/// The part of it that slides windows (windows.cc).
const std::map<std::string, OpMaker, std::less<>>& window_makers();

}  // namespace sinter::fuzz
