#include "frontend/verify/search_numbers.h"

#include <algorithm>
#include <cmath>

#include "frontend/verify/random_values.h"

namespace sinter::verification {
namespace {

// Near what it is, and not zero: slots of optimizers begin with zeros, which hide what is done with
// them. They stay positive.
Tensor near(Random& random, const Tensor& t, double scale) {
  Tensor result = t.clone();
  if (!is_floating(t.dtype()) || t.shape().rank() == 0) return result;
  for (int64_t i = 0; i < t.elements(); ++i)
    result.set(i, scale * (t.at(i) * random.uniform(0.5, 1.5) + random.uniform(0, 0.05)));
  return result;
}

Tensor input_of(Random& random, const ValueType& type, int attempt) {
  static constexpr int kStylesInTurn[] = {0, 3, 2, 4, 1, 2};
  Tensor t = random_tensor(random, type, kStylesInTurn[attempt % 6]);
  if (is_floating(type.dtype) || type.dtype == DType::kBool || attempt % 3 == 2) return t;
  for (int64_t i = 0; i < t.elements(); ++i)  // classes and words
    t.set(i, static_cast<double>(random.below(3)));
  return t;
}

}  // namespace

double judged_share(const Expectation& e) {
  int64_t good = 0, all = 0;
  const auto look = [&](ValueId id) {
    for (const Bounded& b : e.at(id).elements) {
      ++all;
      good += std::isfinite(b.value) && b.radius <= 1e-3 * (1 + std::fabs(b.value)) ? 1 : 0;
    }
  };
  for (const Graph::Output& o : e.lowered.outputs()) look(o.value);
  for (const Graph::Update& u : e.lowered.updates()) look(u.value);
  return all == 0 ? 1 : static_cast<double>(good) / static_cast<double>(all);
}

Numbers search_numbers(const Case& c, const Configuration& configuration, uint64_t seed, int sets,
                       int tries) {
  constexpr double kEnough = 0.5;  // of the results
  // Of the variables; 0: as they are. Large ones saturate and are clipped, small ones vanish.
  static constexpr double kScales[] = {0, 1, 0, 1, 8, 1, 0.02};
  Random random(seed);
  Numbers numbers;
  Branches taken, best_taken;
  Case best;
  for (int attempt = 0; attempt < tries && static_cast<int>(numbers.cases.size()) < sets;
       ++attempt) {
    Case next;
    next.graph = c.graph;
    next.batch = c.batch;
    for (const int32_t i : c.graph.inputs()) {
      const ValueType& type = c.graph.type({i, 0});
      next.inputs.push_back(
          input_of(random, {type.dtype, type.shape.specialized(c.batch)}, attempt));
    }
    const double scale = kScales[attempt % 7];
    for (const Tensor& v : c.variables)
      next.variables.push_back(scale == 0 ? v.clone() : near(random, v, scale));
    Branches here;
    const Expectation e = expectation_of(next, configuration, &here);
    if (attempt == 0) numbers.branches = count_branches(e.lowered);
    const double share = judged_share(e);
    if (attempt == 0 || share > numbers.judged) {
      best = next;
      best_taken = here;
      numbers.judged = share;
    }
    Branches all = taken;
    all.add(here);
    // The first set, the first with other variables, and those that lead somewhere new.
    if (share < kEnough || (attempt > 1 && all.taken() == taken.taken())) continue;
    taken = all;
    numbers.cases.push_back(std::move(next));
    if (taken.taken() == numbers.branches && attempt > 0) break;
  }
  if (numbers.cases.empty()) {
    numbers.cases.push_back(std::move(best));
    taken = best_taken;
  }
  numbers.branches_taken = taken.taken();
  return numbers;
}

}  // namespace sinter::verification
