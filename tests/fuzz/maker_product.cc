// Products: batch, contracted and free axes of both sides, in any order.
#include <algorithm>

#include "core/graph.h"
#include "tests/fuzz/maker.h"

namespace sinter::fuzz {
namespace {

using Ints = std::vector<int64_t>;

}  // namespace

Symbol Maker::product(Symbol x) {
  // Batch axes (the first of them in front, mostly), contracted axes anywhere, free axes for the
  // rest; then the same axes of the other side in another order.
  Ints mine_batch, mine_contract;
  std::vector<bool> taken(static_cast<size_t>(x.rank()), false);
  if (x.rank() > 2 && random.chance(0.3)) {
    mine_batch.push_back(0);
    taken[0] = true;
    if (x.rank() > 3 && random.chance(0.4)) {
      mine_batch.push_back(1 + random.below(2));
      taken[static_cast<size_t>(mine_batch.back())] = true;
      if (random.chance(0.3)) std::swap(mine_batch[0], mine_batch[1]);
    }
  }
  const auto free_axis = [&] {
    Ints left;
    for (int d = 0; d < x.rank(); ++d) {
      if (!taken[static_cast<size_t>(d)]) left.push_back(d);
    }
    if (left.empty()) throw DoesNotFit();
    return random.chance(0.6) ? left.back() : random.pick(left);
  };
  int64_t contracted = 1;
  if (x.rank() > 6 && random.chance(0.5))  // else the results of high ranks would be too high
    contracted = 4 + random.below(x.rank() - 5);
  else if (x.rank() > 2 && random.chance(0.2))
    contracted = x.rank() > 3 && random.chance(0.4) ? 3 : 2;
  else if (random.chance(0.05))
    contracted = 0;
  for (int64_t i = 0; i < contracted; ++i) {
    mine_contract.push_back(free_axis());
    taken[static_cast<size_t>(mine_contract.back())] = true;
  }
  // What the other side's dimensions are: (role, index of the axis of x or a new size).
  struct Dim {
    int64_t size;
    int role;  // 0 batch, 1 contracted, 2 free
    size_t index;
  };
  std::vector<Dim> others;
  for (size_t i = 0; i < mine_batch.size(); ++i)
    others.push_back({x.shape()[static_cast<int>(mine_batch[i])], 0, i});
  for (size_t i = 0; i < mine_contract.size(); ++i)
    others.push_back({x.shape()[static_cast<int>(mine_contract[i])], 1, i});
  for (int64_t n = random.pick({1, 1, 1, 0, 2}); n > 0; --n) {
    const int64_t d = random_dim();
    others.push_back({d == kBatch ? 4 : d, 2, 0});
  }
  if (random.chance(0.5))
    std::rotate(others.begin(),
                others.begin() + random.below(static_cast<int64_t>(others.size()) + 1),
                others.end());
  Ints shape, theirs_batch(mine_batch.size()), theirs_contract(mine_contract.size());
  for (size_t d = 0; d < others.size(); ++d) {
    shape.push_back(others[d].size);
    if (others[d].role == 0) theirs_batch[others[d].index] = static_cast<int64_t>(d);
    if (others[d].role == 1) theirs_contract[others[d].index] = static_cast<int64_t>(d);
  }
  if (static_cast<int>(shape.size()) > max_rank || !fits(Shape(shape))) throw DoesNotFit();
  const Symbol y =
      random.chance(0.5) ? source(x.dtype(), Shape(shape)) : like(x.dtype(), Shape(shape));
  const auto ordered = [&](Symbol a, Symbol b, Ints ab, Ints bb, Ints ac, Ints bc) {
    return graph.add1(
        "contract", {a, b},
        {{"lhs_batch", ab}, {"rhs_batch", bb}, {"lhs_contract", ac}, {"rhs_contract", bc}});
  };
  const Symbol z = random.chance(0.75)
                       ? ordered(x, y, mine_batch, theirs_batch, mine_contract, theirs_contract)
                       : ordered(y, x, theirs_batch, mine_batch, theirs_contract, mine_contract);
  if (z.rank() > max_rank || !fits(z.shape())) throw DoesNotFit();
  return z;
}

}  // namespace sinter::fuzz
