#include "frontend/data/confusion_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/counted.h"
#include "core/error.h"
#include "core/line.h"
#include "frontend/data/classes.h"
#include "frontend/data/confusion_counts.h"

namespace sinter {
namespace {

constexpr int64_t kMostClasses = 1 << 15;  // 8 GiB of counts

void check_classes(const std::string& name, const std::vector<int64_t>& classes, int64_t count) {
  for (size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] >= 0 && classes[i] < count) continue;
    throw Error(fmt::format("{} holds {} (row {}), which is not a class of 0 to {}", name,
                            classes[i], i, count - 1));
  }
}

std::vector<double> weights_of(const std::string& call, const Tensor& weights, size_t rows) {
  if (weights.shape().rank() == 0 || static_cast<size_t>(weights.elements()) != rows ||
      static_cast<size_t>(weights.shape()[0]) != rows) {
    throw ShapeError(fmt::format("{}: sample_weight must be [{}] or [{},1], found {}", call, rows,
                                 rows, weights.shape().to_string()));
  }
  std::vector<double> result;
  for (int64_t i = 0; i < weights.elements(); ++i) result.push_back(weights.at(i));
  return result;
}

void normalize_in(std::span<double> counts, size_t n, const std::string& by) {
  std::vector<double> sums(n);
  const auto sum_of = [&](size_t row, size_t column) -> double& {
    return sums[by == "true" ? row : by == "pred" ? column : 0];
  };
  for (size_t i = 0; i < counts.size(); ++i) sum_of(i / n, i % n) += counts[i];
  for (size_t i = 0; i < counts.size(); ++i) {
    const double sum = sum_of(i / n, i % n);
    counts[i] = sum == 0 ? 0 : counts[i] / sum;
  }
}

}  // namespace

Tensor confusion_matrix(const Tensor& y_true, const Tensor& y_pred, ConfusionMatrixOptions options,
                        SourceLocation where) {
  return at_line(where,
                 [&] { return confusion_counts("confusion_matrix", y_true, y_pred, options); });
}

Tensor confusion_counts(const std::string& call, const Tensor& y_true, const Tensor& y_pred,
                        const ConfusionMatrixOptions& options) {
  const std::vector<std::string> ways = {"", "all", "pred", "true"};
  if (std::ranges::find(ways, options.normalize) == ways.end())
    raise_unknown_name("normalize", options.normalize, ways);
  const std::vector<int64_t> truths = classes_of(y_true, call + ": y_true"),
                             found = classes_of(y_pred, call + ": y_pred");
  if (truths.size() != found.size())
    throw ShapeError(fmt::format("{}: y_true has {}, y_pred {}", call,
                                 counted(truths.size(), "row"), found.size()));
  int64_t n = 0;
  for (const auto* classes : {&truths, &found}) {
    for (const int64_t c : *classes) n = std::max(n, c + 1);
  }
  // Rows of values say how many classes there are.
  for (const Tensor* given : {&y_true, &y_pred}) {
    if (given->shape().rank() == 2 && given->shape()[1] > 1) n = std::max(n, given->shape()[1]);
  }
  n = options.num_classes.value_or(n);
  if (n < 0 || n > kMostClasses)
    throw Error(fmt::format("{}: {} classes are not 0 to {}", call, n, kMostClasses));
  check_classes(call + ": y_true", truths, n);
  check_classes(call + ": y_pred", found, n);
  const auto place = [&](size_t i) { return static_cast<size_t>(truths[i] * n + found[i]); };
  if (!options.sample_weight && options.normalize.empty()) {
    Tensor counts(DType::kInt64, {n, n});
    for (size_t i = 0; i < truths.size(); ++i) ++counts.data<int64_t>({})[place(i)];
    return counts;
  }
  const std::vector<double> weights = options.sample_weight
                                          ? weights_of(call, *options.sample_weight, truths.size())
                                          : std::vector<double>(truths.size(), 1);
  Tensor counts(DType::kFloat64, {n, n});
  for (size_t i = 0; i < truths.size(); ++i) counts.data<double>({})[place(i)] += weights[i];
  if (!options.normalize.empty())
    normalize_in(counts.data<double>({}), static_cast<size_t>(n), options.normalize);
  return counts;
}

}  // namespace sinter
