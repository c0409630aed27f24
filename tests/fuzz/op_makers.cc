// How to make the ops that are not elementwise: operands and attributes that fit.
#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <optional>

#include "core/error.h"
#include "core/graph.h"
#include "core/kernel_ops.h"
#include "tests/fuzz/maker.h"

namespace sinter::fuzz {
namespace {

using Ints = std::vector<int64_t>;
using Symbols = std::vector<Symbol>;
using Given = std::optional<Symbol>;

// What bfloat16 is not for.
Symbol widened(Symbol x) { return cast(x, arithmetic_dtype(x.dtype())); }

Symbol random_state(Maker& m) {
  if (!m.state.valid()) m.state = m.graph.input("state", {DType::kInt64, Shape{2}});
  return m.state;
}

Symbols make_map(Maker& m, Given given) {
  const Symbol x = widened(m.of_rank(given, 0));
  Symbols inputs = {x};
  std::vector<DType> dtypes = {x.dtype()};
  for (int64_t more = m.random.below(3); more > 0; --more) {
    inputs.push_back(m.like(x.dtype(), x.shape()));
    dtypes.push_back(x.dtype());
  }
  ScalarBuilder builder(dtypes);
  std::vector<Scalar> values = builder.arguments();
  const bool floating = is_floating(x.dtype());
  if (x.dtype() == DType::kBool) return {m.op("logical_not", x)};
  const auto any = [&] { return m.random.pick(values); };
  for (int64_t steps = 2 + m.random.below(5); steps > 0; --steps) {
    const Scalar a = any(), b = any();
    switch (m.random.below(floating ? 12 : 6)) {
      case 0: values.push_back(a + b); break;
      case 1: values.push_back(a - b); break;
      case 2: values.push_back(a * b); break;
      case 3: values.push_back(max(a, b)); break;
      case 4: values.push_back(select(a < b, a, b)); break;
      case 5: values.push_back(select(equal(a, b), a, -b)); break;
      case 6: values.push_back(tanh(a)); break;
      case 7: values.push_back(a / (1.0 + b * b)); break;
      case 8: values.push_back(exp(-abs(a))); break;
      case 9: values.push_back(sqrt(abs(a))); break;
      case 10: values.push_back(a * m.random.uniform(-1, 1)); break;
      default: values.push_back(sin(a)); break;
    }
  }
  std::vector<Scalar> results = {values.back()};
  for (int64_t more = m.random.below(3); more > 0; --more) results.push_back(any());
  return m.graph.add("map", inputs,
                     {{"body", std::make_shared<const ScalarExpr>(builder.finish(results))}});
}

Symbols make_reduce(Maker& m, Given given) {
  const Symbol x = widened(m.of_rank(given, 1));
  const std::string kind = m.random.pick<const char*>({"sum", "sum", "sum", "max", "min", "prod"});
  if (x.dtype() == DType::kBool && kind != "sum") return {reduce_max(x)};
  return {m.graph.add1(
      "reduce", {x},
      {{"kind", kind}, {"axes", m.random_axes(x.rank())}, {"keepdims", m.random.chance(0.4)}})};
}

Symbols make_mean(Maker& m, Given given, bool variance_too) {
  const Symbol x = m.of_rank(given, 1, true);
  const Ints axes = m.random_axes(x.rank());
  const bool keep = m.random.chance(0.4);
  return {variance_too ? variance(x, axes, keep) : mean(x, axes, keep)};
}

Symbols make_norm(Maker& m, Given given, bool unit) {
  const Symbol x = m.of_rank(given, 1, true);
  const Ints axes = m.random_axes(x.rank());
  return {unit ? normalize(x, axes, m.random.pick({1e-7, 1e-7, 1e-3, 0.5}))
               : norm(x, axes, m.random.chance(0.4))};
}

Symbols make_arg_reduce(Maker& m, Given given) {
  const Symbol x = widened(m.of_rank(given, 1));
  const auto axis = static_cast<int>(m.random.below(x.rank()));
  if (m.extent(x.shape()[axis]) == 0) throw DoesNotFit();
  return {m.graph.add1("arg_reduce", {x},
                       {{"kind", std::string(m.random.chance(0.5) ? "argmax" : "argmin")},
                        {"axis", static_cast<int64_t>(axis)},
                        {"keepdims", m.random.chance(0.3)}})};
}

Symbols make_contract(Maker& m, Given given) {
  Symbol x = m.of_rank(given, 1, m.random.chance(0.8));
  if (x.dtype() == DType::kBool || x.dtype() == DType::kUint8) x = cast(x, DType::kInt32);
  return {m.product(x)};
}

Symbol indices(Maker& m, const Shape& shape) {
  return m.like(m.random.pick({DType::kInt32, DType::kInt64}), shape);
}

Symbols make_gather(Maker& m, Given given) {
  const Symbol x = m.of_rank(given, 1);
  const auto axis = static_cast<int>(m.random.below(x.rank()));
  if (x.shape()[axis] == kBatch || x.shape()[axis] == 0) throw DoesNotFit();
  const auto batch_dims = static_cast<int>(m.random.chance(0.5) ? 0 : m.random.below(axis + 1));
  Ints dims(x.shape().begin(), x.shape().begin() + batch_dims);
  const Shape read = m.random_shape(0, std::max(0, m.max_rank - x.rank() + 1));
  for (const int64_t d : read) {
    if (batch_dims == 0 || d != kBatch) dims.push_back(d);
  }
  return {gather(x, indices(m, Shape(dims)), axis, batch_dims)};
}

Symbols make_scatter_add(Maker& m, Given given) {
  const Symbol updates = widened(m.of_rank(given, 1));
  if (updates.dtype() == DType::kBool) throw DoesNotFit();
  const int64_t axis = m.random.below(updates.rank());
  const int64_t count = 1 + m.random.below(updates.rank() - axis);
  const int64_t batch_dims = m.random.chance(0.5) ? 0 : m.random.below(axis + 1);
  const Ints all = updates.shape().dims();
  Ints dims(all.begin(), all.begin() + batch_dims);
  dims.insert(dims.end(), all.begin() + axis, all.begin() + axis + count);
  return {m.graph.add1("scatter_add", {indices(m, Shape(dims)), updates},
                       {{"axis", axis},
                        {"size", m.random.pick<int64_t>({1, 2, 3, 7, 16})},
                        {"batch_dims", batch_dims}})};
}

Symbols make_random(Maker& m, Given) {
  const Shape shape = m.random_shape(0);
  const int64_t stream = m.random.below(3);
  const Symbol state = random_state(m);
  switch (m.random.below(4)) {
    case 0: return {random_bits16(state, shape, stream)};
    case 1:
      return {
          random_uniform(state, shape, stream, m.random.pick({DType::kFloat32, DType::kFloat64}))};
    default:
      return {m.graph.add1("random", {state},
                           {{"shape", shape},
                            {"dtype", DType::kInt32},
                            {"distribution", std::string("bits")},
                            {"stream", stream}})};
  }
}

Symbols make_size(Maker& m, Given given) {
  const Symbol x = m.of_rank(given, 1);
  return {m.graph.add1("size", {x},
                       {{"axis", m.random.below(x.rank())},
                        {"dtype", m.random.pick({DType::kFloat32, DType::kInt32, DType::kInt64,
                                                 DType::kFloat64})}})};
}

Symbols make_dense(Maker& m, Given given) {
  const Symbol x = m.of_rank(given, 1, true);
  const int64_t features = x.shape()[x.rank() - 1];
  if (features == kBatch) throw DoesNotFit();
  // As wide as x often, so that x can be added to it.
  int64_t units = m.random.chance(0.4) ? features : m.random_dim();
  if (units == kBatch) units = 3;
  Symbols in = {x, m.source(x.dtype(), Shape{features, units})};
  if (m.random.chance(0.7)) in.push_back(m.like(x.dtype(), Shape{units}));
  Attributes attributes;
  if (m.random.chance(0.3))
    attributes.set("activation",
                   OpCall{m.random.pick<const char*>(
                              {"relu", "tanh", "sigmoid", "gelu", "elu", "mish", "swish",
                               "softplus", "hard_sigmoid", "selu", "exponential", "log_sigmoid",
                               "softsign", "relu6", "leaky_relu", "celu", "squareplus"}),
                          nullptr});
  return {m.graph.add1("dense", in, attributes)};
}

Symbols make_maxout(Maker& m, Given given) {
  const Symbol x = widened(m.of_rank(given, 1, true));
  const int64_t last = x.shape()[x.rank() - 1];
  Ints pieces;
  for (int64_t p = 1; p <= last; ++p) {
    if (last % p == 0) pieces.push_back(p);
  }
  if (pieces.empty()) throw DoesNotFit();
  return {maxout(x, m.random.pick(pieces))};
}

Symbols make_softmax(Maker& m, Given given, bool log_too) {
  const Symbol x = m.of_rank(given, 1, true);
  const int axis = m.random.chance(0.7) ? x.rank() - 1 : static_cast<int>(m.random.below(x.rank()));
  return {log_too ? log_softmax(x, axis) : softmax(x, axis)};
}

Symbols make_loss(Maker& m, Given given, const char* name) {
  const Symbol z = m.of_rank(given, 1, true);
  Symbol t = m.like(z.dtype(), z.shape());
  Symbol y = z;
  const bool logits = m.random.chance(0.5);
  if (!logits) y = m.random.chance(0.5) ? softmax(z) : sigmoid(z);
  if (y.dtype() != t.dtype()) t = cast(t, y.dtype());
  if (m.random.chance(0.5)) t = softmax(t);
  Attributes attributes;
  if (std::string_view(name) != "softmax_cross_entropy") attributes.set("from_logits", logits);
  return {m.graph.add1(name, {t, y}, attributes)};
}

Symbols make_sparse_loss(Maker& m, Given given) {
  const Symbol z = m.of_rank(given, 1, true);
  Ints dims = z.shape().dims();
  dims.pop_back();
  const bool logits = m.random.chance(0.5);
  const Symbol y = logits ? z : softmax(z);
  return {m.graph.add1("sparse_categorical_crossentropy", {indices(m, Shape(dims)), y},
                       {{"from_logits", logits}})};
}

struct Channels {
  Symbol x;
  int64_t axis;
  ValueType type;
};

Channels channels(Maker& m, Given given) {
  const Symbol x = m.of_rank(given, 2, true);
  const int64_t axis = m.random.chance(0.7) ? x.rank() - 1 : m.random.below(x.rank());
  const int64_t dim = x.shape()[static_cast<int>(axis)];
  if (dim == kBatch) throw DoesNotFit();
  return {x, axis, {x.dtype(), Shape{dim}}};
}

Symbols make_batch_norm(Maker& m, Given given, const char* name, int vectors) {
  const Channels c = channels(m, given);
  Symbols in = {c.x};
  for (int i = 0; i < vectors; ++i) {
    Symbol v = m.like(c.type.dtype, c.type.shape);
    if (i == 3) v = square(v) + 0.25;  // a variance
    in.push_back(cast(v, c.type.dtype));
  }
  Attributes attributes = {{"epsilon", m.random.pick({1e-3, 1e-2, 0.1})}, {"axis", c.axis}};
  if (std::string_view(name) == "batch_norm") attributes.set("momentum", 0.9);
  return m.graph.add(name, in, attributes);
}

Symbols make_batch_norm_grad(Maker& m, Given given) {
  const Channels c = channels(m, given);
  const Symbol gamma = m.like(c.type.dtype, c.type.shape),
               mean = m.like(c.type.dtype, c.type.shape);
  const Symbol variance = cast(square(m.like(c.type.dtype, c.type.shape)) + 0.5, c.type.dtype);
  const Symbol dy = m.like(c.x.dtype(), c.x.shape());
  return m.graph.add("batch_norm_training_grad", std::array{c.x, gamma, mean, variance, dy},
                     {{"epsilon", 1e-2}, {"axis", c.axis}});
}

// Normalizes each sample: gamma and beta have the normalized dimensions, 1 elsewhere. The gradients
// take statistics of that sample, and a cotangent.
Symbols make_sample_norm(Maker& m, Given given, const char* name) {
  const Symbol x = m.of_rank(given, 2, true);
  const std::string_view op = name;
  const bool has_mean = op.starts_with("layer_norm"), is_gradient = op.ends_with("_grad");
  const int64_t last = x.rank() - 1;
  if (x.shape()[static_cast<int>(last)] == kBatch) throw DoesNotFit();
  Ints of_gamma(static_cast<size_t>(x.rank()), 1), of_statistics = x.shape().dims();
  of_gamma.back() = x.shape().dim(-1);
  of_statistics.back() = 1;
  const auto like = [&](const Ints& dims) { return m.like(x.dtype(), Shape(dims)); };
  const auto positive = [&](const Ints& dims) {
    return cast(square(like(dims)) + 0.25, x.dtype());
  };
  Symbols in = {x, like(of_gamma)};
  if (!is_gradient && has_mean) in.push_back(like(of_gamma));
  if (is_gradient) {
    if (has_mean) in.push_back(like(of_statistics));
    in.push_back(positive(of_statistics));
    in.push_back(m.like(x.dtype(), x.shape()));
  }
  return m.graph.add(name, in, {{"axes", Ints{last}}, {"epsilon", m.random.pick({1e-3, 0.1})}});
}

Symbols make_random_normal(Maker& m, Given) {
  return {m.graph.add1(
      "random_normal", {random_state(m)},
      {{"shape", m.random_shape(0)}, {"dtype", DType::kFloat32}, {"stream", m.random.below(3)}})};
}

Symbols make_dropout(Maker& m, Given given) {
  const Symbol x = m.of_rank(given, 1, true);
  Ints noise = x.shape().dims();
  for (int64_t& d : noise) {
    if (m.random.chance(0.15)) d = 1;
  }
  return {m.graph.add1("dropout", {x, random_state(m)},
                       {{"rate", m.random.pick({0.0, 0.5, 0.3, 0.004, 0.99, 0.99999, 1e-6})},
                        {"stream", m.random.pick<int64_t>({0, 1, 2, -1, int64_t{1} << 62})},
                        {"noise_shape", Shape(noise)}})};
}

}  // namespace

const std::map<std::string, OpMaker, std::less<>>& op_makers() {
  static const std::map<std::string, OpMaker, std::less<>> makers = [] {
    std::map<std::string, OpMaker, std::less<>> all = {
        {"map", make_map},
        {"reduce", make_reduce},
        {"mean", [](Maker& m, Given x) { return make_mean(m, x, false); }},
        {"variance", [](Maker& m, Given x) { return make_mean(m, x, true); }},
        {"norm", [](Maker& m, Given x) { return make_norm(m, x, false); }},
        {"normalize", [](Maker& m, Given x) { return make_norm(m, x, true); }},
        {"arg_reduce", make_arg_reduce},
        {"contract", make_contract},
        {"gather", make_gather},
        {"scatter_add", make_scatter_add},
        {"random", make_random},
        {"size", make_size},
        {"dense", make_dense},
        {"maxout", make_maxout},
        {"softmax", [](Maker& m, Given x) { return make_softmax(m, x, false); }},
        {"log_softmax", [](Maker& m, Given x) { return make_softmax(m, x, true); }},
        {"softmax_cross_entropy",
         [](Maker& m, Given x) { return make_loss(m, x, "softmax_cross_entropy"); }},
        {"categorical_crossentropy",
         [](Maker& m, Given x) { return make_loss(m, x, "categorical_crossentropy"); }},
        {"binary_crossentropy",
         [](Maker& m, Given x) { return make_loss(m, x, "binary_crossentropy"); }},
        {"sparse_categorical_crossentropy", make_sparse_loss},
        {"batch_norm", [](Maker& m, Given x) { return make_batch_norm(m, x, "batch_norm", 4); }},
        {"batch_norm_training",
         [](Maker& m, Given x) { return make_batch_norm(m, x, "batch_norm_training", 2); }},
        {"batch_norm_inference",
         [](Maker& m, Given x) { return make_batch_norm(m, x, "batch_norm_inference", 4); }},
        {"batch_norm_training_grad", make_batch_norm_grad},
        {"layer_norm", [](Maker& m, Given x) { return make_sample_norm(m, x, "layer_norm"); }},
        {"layer_norm_grad",
         [](Maker& m, Given x) { return make_sample_norm(m, x, "layer_norm_grad"); }},
        {"rms_norm", [](Maker& m, Given x) { return make_sample_norm(m, x, "rms_norm"); }},
        {"rms_norm_grad",
         [](Maker& m, Given x) { return make_sample_norm(m, x, "rms_norm_grad"); }},
        {"random_normal", make_random_normal},
        {"dropout", make_dropout},
    };
    all.insert(move_makers().begin(), move_makers().end());
    all.insert(window_makers().begin(), window_makers().end());
    return all;
  }();
  return makers;
}

}  // namespace sinter::fuzz
