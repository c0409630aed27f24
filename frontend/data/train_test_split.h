// Rows divided into a side to train on and one to test on, as sklearn.model_selection has it.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "core/source_location.h"
#include "core/tensor.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// How many rows a side gets: a share of all (0.25), or so many (100).
class SplitSize {
 public:
  template <RealArgument T>
  SplitSize(T size)  // NOLINT
      : size_(static_cast<double>(size)), is_share_(std::is_floating_point_v<T>) {}
  double size() const { return size_; }
  bool is_share() const { return is_share_; }

 private:
  double size_;
  bool is_share_;
};

struct TrainTestSplitOptions {
  /// Without both: a quarter for testing. Without one of them: what the other leaves. A share of
  /// rows for testing is rounded up, one for training down.
  std::optional<SplitSize> test_size = std::nullopt;
  std::optional<SplitSize> train_size = std::nullopt;
  /// Else the first rows are for training and those behind them for testing.
  bool shuffle = true;
  /// The order depends on it alone. Default: on set_random_seed() and on how many random things
  /// were made before.
  std::optional<int64_t> seed = std::nullopt;
  /// Classes [n], [n, 1] or one-hot [n, classes], of which both sides get the same shares, as near
  /// as whole rows allow.
  std::optional<Tensor> stratify = std::nullopt;
};

/// auto [x_train, x_test, y_train, y_test] = train_test_split(x, y);
struct TrainTestSplit {
  Tensor x_train, x_test, y_train, y_test;
};

/// Copies of the rows, but for shuffle = false, which shares memory. Raises ShapeError for
/// different numbers of rows, Error for a side without rows, sides that take more rows than there
/// are, and, with stratify, for a class of one row, for sides with fewer rows than classes, and
/// without shuffle.
TrainTestSplit train_test_split(const Tensor& x, const Tensor& y,
                                TrainTestSplitOptions options = {},
                                SourceLocation where = SourceLocation::current());
/// Of any number of tensors: for each its rows for training and those for testing, one after the
/// other.
std::vector<Tensor> train_test_split(const std::vector<Tensor>& tensors,
                                     TrainTestSplitOptions options = {},
                                     SourceLocation where = SourceLocation::current());

}  // namespace sinter
