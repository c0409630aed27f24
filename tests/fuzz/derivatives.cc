#include "tests/fuzz/derivatives.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "core/error.h"
#include "core/text.h"
#include "tests/fuzz/maker.h"

namespace sinter::fuzz {
namespace {

// A random composition in float64, and what of it is looked at.
struct Composition {
  Case c;
  std::vector<ValueId> values, wrt;
};

Composition compose(uint64_t seed, Random& random) {
  Composition made;
  Maker maker(seed * 0x9E3779B97F4A7C15u + 5, {120, 12, true}, made.c);
  maker.dtypes = {DType::kFloat64};
  maker.wild = false;
  maker.grow();
  std::vector<ValueId> values;
  for (const Symbol& s : maker.pool) {
    if (s.dtype() != DType::kFloat64) continue;
    const Node& n = made.c.graph.node(s.id());
    const bool source = n.is(KernelOp::kInput) || n.is(KernelOp::kVariable);
    if (!source)
      values.push_back(s.id());
    else if (std::ranges::find(made.wrt, s.id()) == made.wrt.end())
      made.wrt.push_back(s.id());
  }
  for (int i = 0; i < 3 && !values.empty(); ++i)
    made.values.push_back(i == 0 ? values.back() : random.pick(values));
  return made;
}

}  // namespace

std::string derivative_fault(uint64_t seed, DerivativeCounts& counts) {
  try {
    Random random(seed ^ 0xABCDEFu);
    Composition made = compose(seed, random);
    if (made.wrt.empty() || made.values.empty()) return "";
    const auto is_rough = [](const ValueType& t) {
      return is_floating(t.dtype) && t.dtype != DType::kFloat64;
    };
    if (std::ranges::any_of(made.c.graph.nodes(), [&](const Node& n) {
          return n.is("stop_gradient") || std::ranges::any_of(n.types, is_rough);
        }))
      return "";
    ++counts.graphs;
    const int64_t batch = made.c.batch;
    const size_t inputs = made.c.graph.inputs().size();
    DerivativeCheck check(std::move(made.c), made.values, made.wrt, random);
    const auto data = [&](std::span<const int32_t> nodes, int style) {
      std::vector<Tensor> result;
      for (const int32_t i : nodes) {
        ValueType type = check.graph().type({i, 0});
        type.shape = type.shape.specialized(batch);
        result.push_back(random_tensor(random, type, style));
        if (check.graph().node(i).name == "state") result.back().set(0, 7), result.back().set(1, 3);
      }
      return result;
    };
    for (const int style : {0, 2}) {
      check.set_data(data(std::span(check.graph().inputs()).first(inputs), style),
                     data(check.graph().variables(), style));
      if (const std::string what = check.fault(counts); !what.empty())
        return fmt::format("{}\n{}", what, to_text(check.graph()));
    }
    return "";
  } catch (const DoesNotFit&) {
    return "";
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("has no gradient") == std::string_view::npos) throw;
    return "";
  }
}

}  // namespace sinter::fuzz
