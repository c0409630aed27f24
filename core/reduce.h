// `reduce` and `arg_reduce` nodes, decoded: what is taken together, and along which axes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/attribute_value.h"

namespace sinter {

struct Node;

enum class ReduceKind : uint8_t { kSum, kProd, kMax, kMin };

/// "sum", "prod", "max", "min".
std::string_view reduce_kind_name(ReduceKind kind);
std::optional<ReduceKind> find_reduce_kind(std::string_view name);

struct Reduce {
  ReduceKind kind = ReduceKind::kSum;  // "argmax" is kMax, "argmin" is kMin
  std::vector<int64_t> axes;           // counted from the first
  bool keepdims = false;

  /// Of a node of either op.
  static Reduce of(const Node& node);
  /// Of the attributes of `reduce`; `axes` are as they stand there.
  static Reduce of(const Attributes& attributes);
  /// The attributes of such a `reduce`.
  Attributes attributes() const;
  /// For each axis of an operand of so many: is it reduced?
  std::vector<bool> reduced(int rank) const;
};

}  // namespace sinter
