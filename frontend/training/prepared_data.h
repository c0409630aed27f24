// The user's arrays, checked against the model and converted to what its graphs take; batches of
// their rows.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontend/data_argument.h"
#include "frontend/network.h"
#include "frontend/training/step_graph.h"

namespace sinter {

struct PreparedData {
  int64_t rows = 0;
  /// As they were given; batches of their rows are converted to `x_dtypes` and the types of labels
  /// and weights.
  std::vector<Tensor> x, y;
  std::vector<DType> x_dtypes;
  std::vector<std::optional<Tensor>> weights;  // of each output
  StepInputs inputs;
  /// "x holds NaN (row 2, element 1 of the row)": the first one in inputs or labels, or "".
  std::string nan;

  /// Rows begin..end-1, sharing memory.
  PreparedData slice(int64_t begin, int64_t end) const;
};

/// `call` ("fit") starts every message. Fills rows, x and x_dtypes; a missing or extra last
/// dimension of 1 is mended, as in Keras. Raises ShapeError or Error: counts, ranks, shapes, row
/// counts, no rows, and (unless predicting) weights that are NaN or classes out of range.
PreparedData prepare_inputs(const char* call, const Network& network, const Data& x,
                            bool check_values);
PreparedData prepare_data(const char* call, const Network& network,
                          const std::vector<OutputPlan>& plans, const Data& x, const Data& y,
                          const Data& sample_weight);

/// The first NaN in a tensor of floats, or -1.
int64_t first_nan(const Tensor& t);
/// Rows whose inputs or labels hold NaN.
std::vector<int64_t> rows_with_nan(const PreparedData& data);

/// "x holds inf (row 3, element 5 of the row)": the first infinity in inputs, labels or weights, or
/// "".
std::string first_infinity(const PreparedData& data);

/// "y holds -1 (row 3), but 'binary_crossentropy' at output 'dense' takes labels in 0..1": the
/// first label that is no probability where the loss compares them, or "".
std::string first_improbable(const PreparedData& data, const Network& network,
                             const std::vector<OutputPlan>& plans);

/// Sample weights, float64, from weights of classes: labels are integers, one-hot rows or
/// probabilities that are rounded; other classes get 1. Raises Error for a weight that is not
/// finite.
Tensor class_weights(const Tensor& y, const std::map<int, double>& class_weight);

/// A permutation of n rows that depends on seed and epoch alone.
std::vector<int64_t> permutation(int64_t n, int64_t seed, int64_t epoch);

/// Batches of `rows`, the last one with what is left; batch_size may be anything from 1 on.
inline int64_t batch_count(int64_t rows, int64_t batch_size) {
  return rows / batch_size + (rows % batch_size != 0 ? 1 : 0);
}

/// Gives pointers to the inputs of a step for one batch after the other; converts them batch by
/// batch, where they have another dtype.
class Batches {
 public:
  /// `order` may be empty: the rows as they stand, without a copy unless they are converted.
  Batches(const PreparedData& data, int64_t batch_size, const std::vector<int64_t>& order);
  int64_t count() const { return batch_count(rows_, batch_size_); }
  int64_t size(int64_t batch) const { return std::min(batch_size_, rows_ - batch * batch_size_); }
  /// Valid until the next call.
  const std::vector<const void*>& pointers(int64_t batch);

 private:
  void add_source(const Tensor& source, DType dtype);

  std::vector<Tensor> sources_;
  int64_t rows_, batch_size_;
  const std::vector<int64_t>& order_;
  std::vector<std::optional<Tensor>> buffers_;  // none where rows are used as they stand
  std::vector<const void*> pointers_;
};

}  // namespace sinter
