// Matmul kernels run alone: graphs of one node in every form with every epilogue, pieces in any
// order, results against the double reference.
#pragma once

#include <string>
#include <vector>

#include "core/graph.h"
#include "core/tensor.h"

namespace sinter::testing_support {

enum class Form { kForward, kWeightGradient, kInputGradient };  // x.W, x^T.dy, dy.W^T
enum class Epilogue {
  kNone,
  kBiasRelu,
  kMaskAndSums,
  kRowsAndScalar,
  kHeavy,
  // Of rows with up to 16 columns, of which the epilogue has all at once:
  kSoftmax,
  kCrossEntropy,  // probabilities, weighted losses and their total, the gradient and its sums
  kRowBounds,     // largest and smallest, other dtypes, a total of all elements
  kIndices,       // where the largest and smallest are, numbered columns and rows, counts
};

struct Case {
  Form form = Form::kForward;
  int64_t rows = 1, depth = 1, columns = 1;
  Epilogue epilogue = Epilogue::kNone;
  DType dtype = DType::kFloat32;
  bool frozen = false;  // the right side is a variable
  bool rounds = false;  // bfloat16: the right side is float32

  std::string to_string() const;
};

inline constexpr Epilogue kAllEpilogues[] = {Epilogue::kNone, Epilogue::kBiasRelu,
                                             Epilogue::kMaskAndSums, Epilogue::kRowsAndScalar,
                                             Epilogue::kHeavy};
inline constexpr Epilogue kWholeRowEpilogues[] = {Epilogue::kSoftmax, Epilogue::kCrossEntropy,
                                                  Epilogue::kRowBounds};
inline constexpr Form kForms[] = {Form::kForward, Form::kWeightGradient, Form::kInputGradient};

/// A graph with one node, the contract or its fusion.
Graph graph_of(const Case& c);
Tensor random_tensor(ValueType type, unsigned seed);

struct Run {
  std::vector<Tensor> inputs;  // of the node
  std::vector<Tensor> results;
};
/// Runs the only kernel of `g`, the pieces of each phase in an order drawn from `order`; on random
/// inputs unless some are given.
Run run_kernel(const Graph& g, unsigned order, const std::vector<Tensor>& given = {});

/// `wide` is the same graph in float64. The bound is that of float32 sums of `depth` terms.
void expect_as_reference(const Graph& g, const Graph& wide, double depth, const std::string& what);
void check(const Case& c);

}  // namespace sinter::testing_support
