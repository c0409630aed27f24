// Losses at the edges against Keras's numbers, value and gradient: zeros, ones, tiny, huge and
// infinite predictions, rows of zeros. Where Keras has NaN and mathematics does not, or where it
// takes labels for a distribution that they are not, mathematics counts.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "frontend/losses.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "tests/keras/case_files.h"

namespace sinter::keras_test {
namespace {

using Json = nlohmann::json;
using Row = std::vector<double>;

double number(const Json& value) {
  return value.is_string() ? std::stod(value.get<std::string>()) : value.get<double>();
}
Row numbers_of(const Json& list) {
  Row row;
  for (const Json& v : list) row.push_back(number(v));
  return row;
}

struct Entry {
  std::string class_name;
  Config config;
  bool from_logits;
  double smoothing, delta;
  std::vector<Row> targets, predictions, found;
};

std::vector<Entry> load_entries() {
  std::vector<Entry> entries;
  for (const Json& json : Json::parse(read_text(SINTER_TEST_DATA "/keras/loss_edges.json"))) {
    Entry e{json.at("class"), {}, false, 0, 1, {}, {}, {}};
    for (const auto& [key, value] : json.at("config").items()) {
      if (value.is_boolean()) {
        e.config.set(key, value.get<bool>());
      } else {
        e.config.set(key, value.get<double>());
      }
    }
    e.from_logits = e.config.get_bool("from_logits", false);
    e.smoothing = e.config.get_float("label_smoothing", 0);
    e.delta = e.config.get_float("delta", 1);
    for (const Json& row : json.at("targets")) e.targets.push_back(numbers_of(row));
    for (const Json& row : json.at("predictions")) e.predictions.push_back(numbers_of(row));
    for (const Json& row : json.at("found")) e.found.push_back(numbers_of(row));
    entries.push_back(std::move(e));
  }
  return entries;
}

bool close(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b)) ||
         std::fabs(a - b) <= 2e-5 * std::fabs(b) + 2e-6;
}

// What mathematics says: the value and the gradient by each prediction.
std::optional<Row> mathematics(const Entry& e, const Row& target, const Row& p) {
  Row t = target;
  double total = 0;
  for (double& v : t) {
    v = v * (1 - e.smoothing) + e.smoothing / 3;
    total += v;
  }
  if (e.class_name.ends_with("CategoricalCrossentropy") && e.from_logits) {
    // sum t (log sum exp z - z), where 0 times infinity is 0: no class that does not occur counts.
    const double largest = std::max({p[0], p[1], p[2]});
    // Of several classes that are certain, or impossible, there is no limit.
    if (std::isinf(largest) && (largest < 0 || std::ranges::count(p, largest) > 1))
      return std::nullopt;
    Row below, softmax;
    for (double z : p) below.push_back(z == largest ? 0 : z - largest);
    double sum = 0, value = 0;
    for (double z : below) sum += std::exp(z);
    for (size_t i = 0; i < 3; ++i) {
      softmax.push_back(std::exp(below[i]) / sum);
      if (t[i] != 0) value += t[i] * (std::log(sum) - below[i]);
    }
    return Row{value, softmax[0] * total - t[0], softmax[1] * total - t[1],
               softmax[2] * total - t[2]};
  }
  if (e.class_name == "BinaryCrossentropy" && e.from_logits) {
    // |z| times the share of the other answer, and log(1 + e^-|z|).
    Row r = {0};
    for (size_t i = 0; i < 3; ++i) {
      const double size = std::fabs(p[i]), other = p[i] > 0 ? 1 - t[i] : t[i];
      r[0] += ((other == 0 ? 0 : size * other) + std::log1p(std::exp(-size))) / 3;
      r.push_back((1 / (1 + std::exp(-p[i])) - t[i]) / 3);
    }
    return r;
  }
  if (e.class_name == "CategoricalHinge") {
    const auto share = [](double part, double score) { return part == 0 ? 0 : part * score; };
    double right = 0, wrong = -HUGE_VAL, ties = 0;
    for (size_t i = 0; i < 3; ++i) {
      right += share(t[i], p[i]);
      wrong = std::max(wrong, share(1 - t[i], p[i]));
    }
    for (size_t i = 0; i < 3; ++i) ties += share(1 - t[i], p[i]) == wrong;
    if (std::isnan(wrong - right)) return std::nullopt;
    Row r = {std::max(wrong - right + 1, 0.0)};
    for (size_t i = 0; i < 3; ++i) {
      const double slope = share(1 - t[i], p[i]) == wrong ? (1 - t[i]) / ties : 0;
      r.push_back(r[0] > 0 ? slope - t[i] : 0);
    }
    return r;
  }
  if (e.class_name == "CategoricalCrossentropy" && p[0] + p[1] + p[2] < 1e-38)
    return Row{-total * std::log(1e-7), 0, 0, 0};  // each class has probability 0
  // The gradient is of the order of 1 / |p|. (In Keras squares overflow.)
  if (e.class_name == "CosineSimilarity" && std::fabs(p[0]) > 1e29) {
    const double sizes = std::hypot(p[0], p[1], p[2]) * std::hypot(t[0], t[1], t[2]);
    const double product = t[0] * p[0] + t[1] * p[1] + t[2] * p[2];
    return Row{sizes == 0 ? 0 : -product / sizes, 0, 0, 0};
  }
  if (e.class_name == "LogCosh") {
    Row r = {0};
    for (size_t i = 0; i < 3; ++i) {
      const double d = p[i] - target[i], a = std::fabs(d);
      r[0] += (a + std::log1p(std::expm1(-2 * a) / 2)) / 3;
      r.push_back(std::tanh(d) / 3);
    }
    return r;
  }
  if (e.class_name == "Huber") {
    Row r = {0};
    for (size_t i = 0; i < 3; ++i) {
      const double d = p[i] - target[i], a = std::fabs(d);
      r[0] += (a <= e.delta ? a * a / 2 : e.delta * a - e.delta * e.delta / 2) / 3;
      r.push_back(std::clamp(d, -e.delta, e.delta) / 3);
    }
    return r;
  }
  return std::nullopt;
}

TEST(KerasLosses, AtTheEdges) {
  register_ops();
  int by_mathematics = 0;
  for (const Entry& e : load_entries()) {
    const bool classes = e.class_name.starts_with("Sparse");
    Graph g("edge");
    const Symbol t = classes ? g.input("t", {DType::kInt32, Shape{1}})
                             : g.input("t", {DType::kFloat32, Shape{1, 3}});
    const Symbol p = g.input("p", {DType::kFloat32, Shape{1, 3}});
    const Symbol value = Loss::make(e.class_name, e.config)(t, p);
    g.add_output("value", value.id());
    g.add_output("gradient", gradients(value, std::vector<Symbol>{p})[0].id());
    for (const std::string& backend : backend_names()) {
      CompileOptions options;
      options.backend = backend;
      options.pipeline = "training";
      const std::unique_ptr<Executable> executable = compile(g, options);
      for (size_t k = 0; k < e.found.size(); ++k) {
        const Row &target = e.targets[k % e.targets.size()],
                  &prediction = e.predictions[k / e.targets.size()];
        const Tensor y = Tensor::from<double>(t.shape(), target).cast(t.dtype());
        const std::vector<Tensor> out = executable->run(std::vector<Tensor>{
            y, Tensor::from<double>(Shape{1, 3}, prediction).cast(DType::kFloat32)});
        const Row got = {out[0].at(0), out[1].at(0), out[1].at(1), out[1].at(2)};
        if (std::ranges::equal(got, e.found[k], close)) continue;
        Row shares = target;
        if (classes) {
          shares = {0, 0, 0};
          shares[static_cast<size_t>(target[0])] = 1;
        }
        const std::optional<Row> right = mathematics(e, shares, prediction);
        by_mathematics += right.has_value();
        bool all = right.has_value();
        for (size_t i = 0; all && i < got.size(); ++i)
          all = close(got[i], e.found[k][i]) || close(got[i], (*right)[i]);
        // Shares of a tiny row: gradients are differences of numbers of size 1 / sum.
        const double total = prediction[0] + prediction[1] + prediction[2];
        if (e.class_name == "CategoricalCrossentropy" && !e.from_logits && total > 1e-38 &&
            total < 1e-20) {
          all = close(got[0], e.found[k][0]);
          for (size_t i = 1; i < got.size(); ++i)
            all = all && std::fabs(got[i] - e.found[k][i]) <= 2e-6 / total;
        }
        EXPECT_TRUE(all) << e.class_name << " from_logits " << e.from_logits << " smoothing "
                         << e.smoothing << " of ("
                         << fmt::format("{}) for ({})", fmt::join(prediction, ", "),
                                        fmt::join(target, ", "))
                         << " on " << backend
                         << fmt::format(": ({}), Keras ({})", fmt::join(got, ", "),
                                        fmt::join(e.found[k], ", "));
      }
    }
  }
  EXPECT_GT(by_mathematics, 0);
}

// On TensorFlow Keras takes what a sigmoid was given for the logits of a softmax, and the other way
// round. The loss of the outputs is meant.
TEST(KerasLosses, ActivationsOfAnotherLossAreOutputsOnly) {
  register_ops();
  const Row z = {0.5, -1.25, 2}, target = {0, 1, 0};
  Row s, e;
  for (const double v : z) {
    s.push_back(1 / (1 + std::exp(-v)));
    e.push_back(std::exp(v));
  }
  double binary = 0;
  for (size_t i = 0; i < 3; ++i) {
    const double p = e[i] / (e[0] + e[1] + e[2]);
    binary -= std::log(target[i] > 0 ? p : 1 - p) / 3;
  }
  Graph g("activations");
  const Symbol t = g.input("t", {DType::kFloat32, Shape{1, 3}});
  const Symbol logits = g.input("z", {DType::kFloat32, Shape{1, 3}});
  const Symbol classes = g.input("c", {DType::kInt32, Shape{1}});
  g.add_output("categorical", Loss("categorical_crossentropy")(t, sigmoid(logits)).id());
  g.add_output("sparse", Loss("sparse_categorical_crossentropy")(classes, sigmoid(logits)).id());
  g.add_output("binary", Loss("binary_crossentropy")(t, softmax(logits)).id());
  const Tensor at = Tensor::from<double>(Shape{1, 3}, z).cast(DType::kFloat32);
  const Tensor wanted = Tensor::from<double>(Shape{1, 3}, target).cast(DType::kFloat32);
  const Tensor label = Tensor::from<int32_t>(Shape{1}, std::vector<int32_t>{1});
  for (const std::string& backend : backend_names()) {
    const std::vector<Tensor> out =
        compile(g, {.backend = backend})->run(std::vector<Tensor>{wanted, at, label});
    const double categorical = -std::log(s[1] / (s[0] + s[1] + s[2]));
    EXPECT_NEAR(out[0].at(0), categorical, 1e-6) << backend;
    EXPECT_NEAR(out[1].at(0), categorical, 1e-6) << backend;
    EXPECT_NEAR(out[2].at(0), binary, 1e-6) << backend;
  }
}

}  // namespace
}  // namespace sinter::keras_test
