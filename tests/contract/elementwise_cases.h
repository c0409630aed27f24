// Every elementwise op of the registry on one or two floating operands, its graph with derivatives,
// and what is promised of them: what the tests over all exponents and over all floats share.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/attribute_value.h"
#include "core/graph.h"
#include "core/op_record.h"
#include "core/scalar_expr.h"
#include "tests/contract/elementwise_bounds.h"

namespace sinter::contract {

struct Case {
  std::string op;
  Attributes attributes;
  int operands = 1;
  std::string name() const;
};

/// Ops on one or two floating operands that give their dtype, with the attributes of their samples.
const std::vector<Case>& all_cases();

/// The body on floating operands, or nothing for ops that take others.
std::optional<ScalarExpr> body_of(const OpRecord& op, const Attributes& attributes, DType dtype);

/// Operands x0, x1 of `count` elements; outputs y and, of ops that have derivatives, the first and
/// the second by each operand, in turn.
Graph graph_of(const Case& c, DType dtype, int64_t count);

/// Not asked: powers of negative bases by their exponent, of -0, and to what is subnormal; labels
/// outside [0, 1]; second derivatives of quotients that are subnormal, which have their digits.
bool is_asked(const Case& c, std::span<const double> point, size_t wrt, int order);

/// How far `got` in float32 is from `want`, as a multiple of its bound: at most 1 where it is
/// right.
double excess_of(double got, double want, const Bound& bound);

}  // namespace sinter::contract
