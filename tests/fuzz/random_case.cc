// Data for random graphs, and ways to run them.
#include "tests/fuzz/random_case.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "core/error.h"
#include "frontend/verify/search_numbers.h"
#include "passes/pass.h"
#include "tests/fuzz/maker.h"

namespace sinter::fuzz {

namespace {

void fill(Case& c, uint64_t seed, int style) {
  Random random(seed);
  c.inputs.clear();
  c.variables.clear();
  const auto make = [&](int32_t node) {
    ValueType type = c.graph.type({node, 0});
    type.shape = type.shape.specialized(c.batch);
    // Now and then one tensor in another way than the rest.
    const int its = random.chance(0.15) && style != 5 ? static_cast<int>(random.below(4)) : style;
    Tensor t = random_tensor(random, type, its);
    if (c.graph.node(node).name == "state") {
      t.data<int64_t>()[0] = random.below(int64_t{1} << 40);
      t.data<int64_t>()[1] = random.below(100);
    }
    return t;
  };
  for (const int32_t i : c.graph.inputs()) c.inputs.push_back(make(i));
  for (const int32_t i : c.graph.variables()) c.variables.push_back(make(i));
}

}  // namespace

Sizes sizes_of(uint64_t seed, Sizes sizes) {
  if (seed % 40 == 0) sizes.elements = 40000, sizes.steps = 8;
  if (seed % 200 == 1) sizes.elements = 300000, sizes.steps = 6;
  if (seed % 50 == 7) sizes.steps = 90;
  return sizes;
}

RandomCase random_case(uint64_t seed, const Sizes& sizes) {
  RandomCase result;
  Case& c = result.c;
  try {
    Maker maker(seed * 0x9E3779B97F4A7C15u + 1, sizes, c);
    maker.grow();
    maker.finish();
  } catch (const std::exception& error) {
    result.fault = error.what();
  }
  Random random(seed ^ 0x5DEECE66Du);
  const int wanted = random.pick({0, 0, 0, 1, 1, 2, 3, 3, 4, 5});
  if (!result.fault.empty()) {
    fill(c, seed, 0);
    return result;
  }
  fill(c, seed, wanted);
  // Where hardly anything is left to compare, other data may do better; one case in eight stays as
  // extreme as it is.
  if (seed % 8 == 7) return result;
  try {
    double best = judged_share(expectation_of(c));
    for (int style = 0; style < 4 && best < 0.7; ++style) {
      Case other = c;
      fill(other, seed + 1 + static_cast<uint64_t>(style), style);
      const double share = judged_share(expectation_of(other));
      if (share <= best) continue;
      best = share;
      c = std::move(other);
    }
  } catch (const std::exception&) {
    // Whoever runs the case will find the same.
  }
  return result;
}

Configuration random_configuration(uint64_t seed, const std::vector<std::string>& backends) {
  Random random(seed * 0xD1342543DE82EF95u + 7);
  Configuration k;
  k.backend = random.pick(backends);
  k.pipeline = random.chance(0.6) ? "training" : "inference";
  if (random.chance(0.12)) k.mixed_precision = "bfloat16";
  std::vector<std::string> optional;
  for (const Pass& p : all_passes()) {
    if (!p.required) optional.push_back(p.name);
  }
  if (random.chance(0.4)) {
    if (k.backend != "passes" && random.chance(0.25))
      k.disabled = {"all"};
    else
      k.disabled = {random.pick(optional)};
  } else if (k.backend == "passes" && random.chance(0.3)) {
    k.disabled = kRoundingPasses;  // the same bits
  }
  k.threads = {1, 2, 3, 8};
  const double route = random.uniform(0, 1);
  if (route < 0.15)
    k.route = "text";
  else if (route < 0.25 && k.backend != "passes")
    k.route = "file";
  // oneDNN's own convolutions multiply in float32, whatever the mixed precision.
  k.strict = k.backend == "passes" || !k.mixed_precision.empty() || random.chance(0.6);
  if (random.chance(0.2)) k.budget = random.pick<double>({0, 0.1, 0.5});
  return k;
}

size_t variable_index(const Case& c, std::string_view name) {
  const std::vector<int32_t>& all = c.graph.variables();
  const auto is_it = [&](int32_t node) { return c.graph.node(node).name == name; };
  const auto found = std::ranges::find_if(all, is_it);
  if (found == all.end()) raise_internal("a variable", std::string(name));
  return static_cast<size_t>(found - all.begin());
}

int64_t campaign_number(const char* variable, int64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atoll(text);
}

}  // namespace sinter::fuzz
