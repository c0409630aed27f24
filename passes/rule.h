// Rewrite rules as data: what to look for, what to put there, when, and what that may change in the
// numbers.
//
// A pattern is an expression over ops: `subtract(x, negative(y))`.
//   x, y            any value; one name stands for one value
//   1, -0.5         a constant that holds this number in every element (by bits: 0 is not -0)
//   n:transpose(x)  names a node, so that condition and replacement can read its attributes
//   dense(...)      whatever the operands
//   dense(...)!     its results are read by nothing but this pattern
// Operands of add, multiply, logical_and, logical_or and equal match in either order, at any depth:
// of all ways to match, the first for which the rule has no reason against it counts.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/rewriter.h"
#include "passes/pass.h"

namespace sinter {

/// What a rule may do to the numbers.
enum class Numerics : uint8_t {
  kExact,         // the same bits
  kReassociates,  // the same mathematics, rounded at other places
  kApproximate,   // within a few units in the last place
};

/// What a pattern has found: values and nodes of the graph before, by name. The replacement is
/// built in the graph after, which there is once something was found.
class Match {
 public:
  explicit Match(const Graph& source) : source_(&source) {}
  const Graph& source() const { return *source_; }
  ValueId id(std::string_view name) const;
  const ValueType& type(std::string_view name) const { return source_->type(id(name)); }
  const Node& node(std::string_view name) const { return source_->node(id(name)); }
  const Attributes& attributes(std::string_view name) const { return node(name).attributes; }
  /// The value as it stands in the graph after.
  Symbol operator[](std::string_view name) const { return rewriter_->map(id(name)); }
  Symbol value(ValueId old) const { return rewriter_->map(old); }
  Graph& graph() const { return rewriter_->target(); }

  void build_in(Rewriter& rewriter) { rewriter_ = &rewriter; }

  bool bind(std::string_view name, ValueId id);  // the name lives in the pattern
  std::vector<std::pair<std::string_view, ValueId>> bindings;
  ValueId root;

 private:
  const Graph* source_;
  Rewriter* rewriter_ = nullptr;
};

struct Rule {
  std::string name;
  std::string pattern;
  /// A pattern-like text over the names, or a function (which gets the empty text beside it).
  std::string replacement;
  Numerics numerics = Numerics::kExact;
  /// "" when the rule may fire, otherwise why not.
  std::function<std::string(const Match&)> why_not = nullptr;
  std::function<Symbol(const Match&)> build = nullptr;
  /// Does the user want to know why it did not fire?
  bool remarks = false;
};

/// A parsed pattern or replacement.
struct Pattern {
  enum class Kind : uint8_t { kValue, kNumber, kOp } kind = Kind::kValue;
  std::string name;  // of the value, or of the node when it has one
  std::string op;
  double number = 0;
  bool any_operands = false;
  bool used_once = false;
  std::vector<Pattern> operands;
};
Pattern parse_pattern(std::string_view text);

/// Rules made ready to be looked for: parsed, by the op at their root. They must outlive the set.
class RuleSet {
 public:
  struct Parsed {
    const Rule* rule;
    Pattern pattern;
    std::optional<Pattern> replacement;
  };
  explicit RuleSet(std::span<const Rule> rules);
  const std::vector<Parsed>& at(const std::string& op) const;

 private:
  std::unordered_map<std::string, std::vector<Parsed>> by_op_;
};

/// Applies the rules, at each node the first that fits, until none fires.
Graph apply_rules(const Graph& graph, const RuleSet& rules, const PassContext& context);

}  // namespace sinter
