#include "frontend/data/train_test_split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/counted.h"
#include "core/error.h"
#include "core/line.h"
#include "frontend/data/classes.h"
#include "frontend/data/rows.h"
#include "frontend/session.h"
#include "frontend/training/prepared_data.h"

namespace sinter {
namespace {

struct Sides {
  int64_t train = 0, test = 0;
};

int64_t rows_of(const char* name, const SplitSize& size, int64_t n, bool up) {
  const bool fits = size.is_share() ? size.size() > 0 && size.size() < 1
                                    : size.size() >= 1 && size.size() < static_cast<double>(n);
  if (!fits) {
    throw Error(fmt::format(
        "train_test_split: {} must be a share between 0 and 1 or a count of 1 to {} of {}, found "
        "{}",
        name, n - 1, counted(n, "row"), size.size()));
  }
  if (!size.is_share()) return static_cast<int64_t>(size.size());
  const double rows = size.size() * static_cast<double>(n);
  return static_cast<int64_t>(up ? std::ceil(rows) : std::floor(rows));
}

Sides sides_of(const TrainTestSplitOptions& o, int64_t n) {
  Sides sides;
  if (o.test_size) sides.test = rows_of("test_size", *o.test_size, n, true);
  if (o.train_size) sides.train = rows_of("train_size", *o.train_size, n, false);
  if (!o.test_size && !o.train_size) sides.test = rows_of("test_size", 0.25, n, true);
  if (!o.train_size) sides.train = n - sides.test;
  if (!o.test_size && o.train_size) sides.test = n - sides.train;
  if (sides.train < 1 || sides.test < 1 || sides.train > n - sides.test) {
    throw Error(fmt::format(
        "train_test_split: of {} {} are asked for training and {} for testing; each side takes at "
        "least one, and both together no more than there are",
        counted(n, "row"), sides.train, sides.test));
  }
  return sides;
}

// `wanted` things taken from groups of these sizes: from each its share, rounded down, and of those
// left one each from the groups whose shares lost most (of equal ones the first).
std::vector<int64_t> shares(const std::vector<int64_t>& sizes, int64_t wanted) {
  const auto all = static_cast<double>(std::accumulate(sizes.begin(), sizes.end(), int64_t{0}));
  std::vector<int64_t> taken;
  std::vector<double> lost;
  int64_t left = wanted;
  for (const int64_t size : sizes) {
    const double share =
        all == 0 ? 0 : static_cast<double>(size) * static_cast<double>(wanted) / all;
    taken.push_back(static_cast<int64_t>(share));
    lost.push_back(share - std::floor(share));
    left -= taken.back();
  }
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return lost[a] > lost[b]; });
  for (size_t i = 0; left > 0; i = (i + 1) % order.size()) {
    if (taken[order[i]] == sizes[order[i]]) continue;
    ++taken[order[i]];
    --left;
  }
  return taken;
}

/// Numbers of rows for each side.
struct Rows {
  std::vector<int64_t> train, test;
};

Rows stratified(const Tensor& labels, const Sides& sides, int64_t n, int64_t seed) {
  const std::vector<int64_t> classes = classes_of(labels, "train_test_split: stratify");
  if (static_cast<int64_t>(classes.size()) != n)
    throw ShapeError(fmt::format("train_test_split: {}, but stratify is {}", counted(n, "row"),
                                 labels.shape().to_string()));
  std::map<int64_t, std::vector<int64_t>> by_class;
  for (const int64_t row : permutation(n, seed, 0))
    by_class[classes[static_cast<size_t>(row)]].push_back(row);
  std::vector<int64_t> sizes;
  for (const auto& [label, members] : by_class) {
    if (members.size() < 2)
      throw Error(fmt::format(
          "train_test_split: class {} of stratify has one row, which cannot be on both sides",
          label));
    sizes.push_back(static_cast<int64_t>(members.size()));
  }
  for (const int64_t side : {sides.train, sides.test}) {
    if (side < std::ssize(sizes))
      throw Error(fmt::format("train_test_split: {} {} too few for the {} of stratify",
                              counted(side, "row"), side == 1 ? "is" : "are",
                              counted(sizes.size(), "class")));
  }
  const std::vector<int64_t> train = shares(sizes, sides.train);
  std::vector<int64_t> rest = sizes;
  for (size_t i = 0; i < rest.size(); ++i) rest[i] -= train[i];
  const std::vector<int64_t> test = shares(rest, sides.test);
  Rows grouped;
  size_t at = 0;
  for (const auto& [label, members] : by_class) {
    const auto middle = members.begin() + train[at];
    grouped.train.insert(grouped.train.end(), members.begin(), middle);
    grouped.test.insert(grouped.test.end(), middle, middle + test[at]);
    ++at;
  }
  // The classes among each other in any order.
  const auto mixed = [&](const std::vector<int64_t>& from, int64_t pass) {
    std::vector<int64_t> result;
    for (const int64_t i : permutation(std::ssize(from), seed, pass))
      result.push_back(from[static_cast<size_t>(i)]);
    return result;
  };
  return {mixed(grouped.train, 1), mixed(grouped.test, 2)};
}

}  // namespace

std::vector<Tensor> train_test_split(const std::vector<Tensor>& tensors,
                                     TrainTestSplitOptions options, SourceLocation where) {
  return at_line(where, [&] {
    if (tensors.empty()) throw Error("train_test_split: there is no tensor");
    for (const Tensor& t : tensors) {
      if (t.shape().rank() == 0) throw ShapeError("train_test_split: a scalar has no rows");
      if (t.shape()[0] != tensors[0].shape()[0])
        throw ShapeError(fmt::format("train_test_split: tensors of {} and {}, {} and {}",
                                     tensors[0].shape()[0], counted(t.shape()[0], "row"),
                                     tensors[0].type().to_string(), t.type().to_string()));
    }
    const int64_t n = tensors[0].shape()[0];
    const Sides sides = sides_of(options, n);
    std::vector<Tensor> result;
    if (!options.shuffle) {
      if (options.stratify) throw Error("train_test_split: stratify needs shuffle");
      for (const Tensor& t : tensors) {
        result.push_back(t.rows(0, sides.train, {}));
        result.push_back(t.rows(sides.train, sides.train + sides.test, {}));
      }
      return result;
    }
    const int64_t seed = options.seed ? *options.seed : static_cast<int64_t>(next_random_key());
    Rows rows;
    if (options.stratify) {
      rows = stratified(*options.stratify, sides, n, seed);
    } else {
      const std::vector<int64_t> order = permutation(n, seed, 0);
      rows.train.assign(order.begin(), order.begin() + sides.train);
      rows.test.assign(order.begin() + sides.train, order.begin() + sides.train + sides.test);
    }
    for (const Tensor& t : tensors) {
      result.push_back(rows_at(t, rows.train));
      result.push_back(rows_at(t, rows.test));
    }
    return result;
  });
}

TrainTestSplit train_test_split(const Tensor& x, const Tensor& y, TrainTestSplitOptions options,
                                SourceLocation where) {
  const std::vector<Tensor> sides =
      train_test_split(std::vector<Tensor>{x, y}, std::move(options), where);
  return {sides[0], sides[1], sides[2], sides[3]};
}

}  // namespace sinter
