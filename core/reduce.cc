#include "core/reduce.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "core/graph.h"

namespace sinter {
namespace {

constexpr std::string_view kNames[] = {"sum", "prod", "max", "min"};

ReduceKind parse_kind(std::string_view name) {
  const std::optional<ReduceKind> kind = find_reduce_kind(name);
  SINTER_CHECK(kind.has_value(), "a kind of reduction: " + std::string(name));
  return *kind;
}

}  // namespace

std::string_view reduce_kind_name(ReduceKind kind) { return kNames[static_cast<size_t>(kind)]; }

std::optional<ReduceKind> find_reduce_kind(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<ReduceKind>(found - kNames);
}

Reduce Reduce::of(const Attributes& attributes) {
  return {parse_kind(attributes.get_string("kind")), attributes.get_ints("axes"),
          attributes.get_bool("keepdims")};
}

Reduce Reduce::of(const Node& node) {
  const Attributes& a = node.attributes;
  if (!node.is(KernelOp::kArgReduce)) return of(a);
  constexpr size_t kPrefix = std::string_view("arg").size();
  const std::string_view kind = a.get_string("kind");
  return {parse_kind(kind.substr(kPrefix)), {a.get_int("axis")}, a.get_bool("keepdims")};
}

Attributes Reduce::attributes() const {
  return {{"kind", std::string(reduce_kind_name(kind))}, {"axes", axes}, {"keepdims", keepdims}};
}

std::vector<bool> Reduce::reduced(int rank) const {
  std::vector<bool> result(static_cast<size_t>(rank), false);
  for (const int64_t axis : axes) result[static_cast<size_t>(axis)] = true;
  return result;
}

}  // namespace sinter
