// Parsing, matching and applying of rules.
#include "passes/rule.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>

#include "core/error.h"
#include "core/uniform.h"
#include "passes/region.h"

namespace sinter {
namespace {

constexpr size_t kMostOperands = 8;  // of an op in a pattern

class PatternParser {
 public:
  explicit PatternParser(std::string_view text) : text_(text) {}

  Pattern parse() {
    Pattern result = expression();
    require(at_ == text_.size());
    return result;
  }

 private:
  void require(bool condition) const {
    SINTER_CHECK(condition, "pattern '" + std::string(text_) + "' at " + std::to_string(at_));
  }
  bool take(std::string_view token) {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  std::string word() {
    take("");
    const size_t from = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_'))
      ++at_;
    require(at_ > from);
    return std::string(text_.substr(from, at_ - from));
  }

  Pattern expression() {
    take("");
    Pattern result;
    const char first = at_ < text_.size() ? text_[at_] : ' ';
    if (first == '-' || std::isdigit(static_cast<unsigned char>(first))) {
      result.kind = Pattern::Kind::kNumber;
      const auto [end, error] =
          std::from_chars(text_.data() + at_, text_.data() + text_.size(), result.number);
      require(error == std::errc());
      at_ = static_cast<size_t>(end - text_.data());
      return result;
    }
    std::string name = word();
    if (take(":")) {
      result.name = std::move(name);
      name = word();
    } else if (!text_.substr(at_).starts_with("(")) {
      result.name = std::move(name);
      return result;
    }
    result.kind = Pattern::Kind::kOp;
    result.op = std::move(name);
    require(take("("));
    if (take("...")) {
      result.any_operands = true;
      require(take(")"));
    } else if (!take(")")) {
      do result.operands.push_back(expression());
      while (take(","));
      require(take(")") && result.operands.size() <= kMostOperands);
    }
    result.used_once = take("!");
    return result;
  }

  std::string_view text_;
  size_t at_ = 0;
};

using Uses = std::vector<int32_t>;  // of each node, by live nodes, outputs and updates

Uses count_uses(const Graph& graph) {
  Uses uses(static_cast<size_t>(graph.size()), 0);
  const std::vector<bool> live = graph.live_nodes();
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (!live[static_cast<size_t>(i)]) continue;
    for (ValueId id : graph.node(i).inputs) ++uses[static_cast<size_t>(id.node)];
  }
  for (const Graph::Output& o : graph.outputs()) ++uses[static_cast<size_t>(o.value.node)];
  for (const Graph::Update& u : graph.updates()) ++uses[static_cast<size_t>(u.value.node)];
  return uses;
}

// Looks for a pattern by trying: what is still to be matched is a list of goals, and whatever
// decision (the order of two operands) comes before a goal that fails is taken back.
class Matcher {
 public:
  /// With `shared_too`, nodes that a pattern wants for itself may be read elsewhere.
  Matcher(const Graph& graph, const Uses& uses, bool shared_too)
      : graph_(graph), uses_(uses), shared_too_(shared_too) {}

  /// Calls `accept` for each way in which the pattern matches at node `index`, until it agrees;
  /// `match` holds that way's bindings then.
  template <typename Accept>
  bool find(const Pattern& pattern, int32_t index, Match& match, const Accept& accept) {
    const Goal goal{&pattern, {index, 0}, nullptr};
    return solve(&goal, match, accept);
  }

  /// The nodes that make way for the replacement, operands first.
  std::vector<int32_t> nodes() const {
    std::vector<int32_t> sorted = nodes_;
    std::ranges::sort(sorted);
    const auto repeated = std::ranges::unique(sorted);
    sorted.erase(repeated.begin(), repeated.end());
    return sorted;
  }

 private:
  struct Goal {
    const Pattern* pattern = nullptr;
    ValueId id;
    const Goal* next = nullptr;
  };

  template <typename Accept>
  bool solve(const Goal* goal, Match& match, const Accept& accept) {
    if (goal == nullptr) return accept();
    const Pattern& pattern = *goal->pattern;
    const size_t saved = match.bindings.size();
    bool solved = false;
    switch (pattern.kind) {
      case Pattern::Kind::kValue:
        solved = match.bind(pattern.name, goal->id) && solve(goal->next, match, accept);
        break;
      case Pattern::Kind::kNumber: {
        const std::optional<double> number = uniform_value(graph_, goal->id);
        solved = number &&
                 std::bit_cast<int64_t>(*number) == std::bit_cast<int64_t>(pattern.number) &&
                 solve(goal->next, match, accept);
        break;
      }
      case Pattern::Kind::kOp: solved = solve_op(*goal, match, accept); break;
    }
    if (!solved) match.bindings.resize(saved);
    return solved;
  }

  template <typename Accept>
  bool solve_op(const Goal& goal, Match& match, const Accept& accept) {
    const Pattern& pattern = *goal.pattern;
    const int32_t index = goal.id.node;
    const Node& node = graph_.node(index);
    if (goal.id.result != 0 || !node.is(pattern.op)) return false;
    if (pattern.used_once && !shared_too_ && uses_[static_cast<size_t>(index)] != 1) return false;
    if (!pattern.name.empty() && !match.bind(pattern.name, goal.id)) return false;
    nodes_.push_back(index);
    const bool either = node.op->commutative && node.inputs[0] != node.inputs[1];
    if (pattern.any_operands ? solve(goal.next, match, accept)
                             : solve_operands(goal, false, match, accept) ||
                                   (either && solve_operands(goal, true, match, accept)))
      return true;
    nodes_.pop_back();
    return false;
  }

  template <typename Accept>
  bool solve_operands(const Goal& goal, bool swapped, Match& match, const Accept& accept) {
    const std::vector<Pattern>& operands = goal.pattern->operands;
    const std::vector<ValueId>& inputs = graph_.node(goal.id).inputs;
    if (operands.size() != inputs.size()) return false;
    std::array<Goal, kMostOperands> goals;
    const Goal* next = goal.next;
    for (size_t k = operands.size(); k-- > 0;) {
      goals[k] = {&operands[k], inputs[swapped ? inputs.size() - 1 - k : k], next};
      next = &goals[k];
    }
    return solve(next, match, accept);
  }

  const Graph& graph_;
  const Uses& uses_;
  bool shared_too_;
  std::vector<int32_t> nodes_;
};

// The replacement text as nodes; numbers take the type of the root.
Symbol build_text(const Pattern& pattern, const Match& match) {
  const ValueType& type = match.source().type(match.root);
  switch (pattern.kind) {
    case Pattern::Kind::kValue: return match[pattern.name];
    case Pattern::Kind::kNumber: {
      const Symbol value = match.graph().constant(Tensor::full(type.dtype, {}, pattern.number));
      if (type.shape.rank() == 0) return value;
      return match.graph().add1("broadcast", {value},
                                {{"shape", type.shape}, {"dims", std::vector<int64_t>{}}});
    }
    case Pattern::Kind::kOp: break;
  }
  std::vector<Symbol> operands;
  for (const Pattern& p : pattern.operands) operands.push_back(build_text(p, match));
  return match.graph().add1(pattern.op, operands);
}

// A rule that may fire at a node, and the nodes that make way.
struct Found {
  const RuleSet::Parsed* rule;
  Match match;
  std::vector<int32_t> nodes;
};

// Looks at one graph for nodes where a rule may fire.
class Finder {
 public:
  Finder(const Graph& graph, const RuleSet& rules, const PassContext& context)
      : graph_(graph), rules_(rules), context_(context), uses_(count_uses(graph)) {}

  std::optional<Found> find(int32_t index) const {
    for (const RuleSet::Parsed& parsed : rules_.at(graph_.node(index).op->name)) {
      Match match(graph_);
      match.root = {index, 0};
      const Rule& rule = *parsed.rule;
      std::string reason;  // against the first way to match it
      const auto may_fire = [&] {
        if (!rule.why_not) return true;
        const std::string against = rule.why_not(match);
        if (reason.empty()) reason = against;
        return against.empty();
      };
      Matcher matcher(graph_, uses_, false);
      if (matcher.find(parsed.pattern, index, match, may_fire)) {
        if (context_.may_fire && !context_.may_fire(rule.name, graph_.node(index))) continue;
        return Found{&parsed, std::move(match), matcher.nodes()};
      }
      if (rule.remarks) remark(parsed, index, reason);
    }
    return std::nullopt;
  }

 private:
  // Tells why a rule that matches does not fire.
  void remark(const RuleSet::Parsed& parsed, int32_t index, std::string reason) const {
    if (reason.empty()) {
      Match match(graph_);
      match.root = {index, 0};
      Matcher matcher(graph_, uses_, true);
      if (!matcher.find(parsed.pattern, index, match, [] { return true; })) return;
      reason = "a value in between is used elsewhere too";
    }
    add_remark(context_, parsed.rule->name, graph_.node(index), reason);
  }

  const Graph& graph_;
  const RuleSet& rules_;
  const PassContext& context_;
  Uses uses_;
};

void fire(Found& found, Rewriter& rewriter) {
  const Graph& graph = rewriter.source();
  Match& match = found.match;
  match.build_in(rewriter);
  const OriginScope scope(rewriter.target(), joined_origin(graph, found.nodes));
  const Rule& rule = *found.rule->rule;
  const Symbol result =
      found.rule->replacement ? build_text(*found.rule->replacement, match) : rule.build(match);
  SINTER_CHECK(result.type() == graph.type(match.root), "rule " + rule.name + " changed a type");
  rewriter.replace(match.root, result);
}

}  // namespace

ValueId Match::id(std::string_view name) const {
  const auto it = std::ranges::find(bindings, name, &std::pair<std::string_view, ValueId>::first);
  SINTER_CHECK(it != bindings.end(), "no value " + std::string(name) + " in the pattern");
  return it->second;
}

bool Match::bind(std::string_view name, ValueId id) {
  for (const auto& [known, value] : bindings) {
    if (known == name) return value == id;
  }
  bindings.emplace_back(name, id);
  return true;
}

Pattern parse_pattern(std::string_view text) { return PatternParser(text).parse(); }

RuleSet::RuleSet(std::span<const Rule> rules) {
  for (const Rule& rule : rules) {
    Parsed parsed{&rule, parse_pattern(rule.pattern), std::nullopt};
    if (!rule.build) parsed.replacement = parse_pattern(rule.replacement);
    std::vector<Parsed>& others = by_op_[parsed.pattern.op];
    others.push_back(std::move(parsed));
  }
}

const std::vector<RuleSet::Parsed>& RuleSet::at(const std::string& op) const {
  static const std::vector<Parsed> none;
  const auto it = by_op_.find(op);
  return it == by_op_.end() ? none : it->second;
}

Graph apply_rules(const Graph& graph, const RuleSet& rules, const PassContext& context) {
  Graph current = graph;
  constexpr int kMostRounds = 100;  // rules shrink the graph or bring it nearer to a normal form: a
                                    // guard against a cycle of them
  for (int round = 0;; ++round) {
    SINTER_CHECK(round < kMostRounds, "rules that undo each other");
    const Finder finder(current, rules, context);
    const std::vector<bool> live = current.live_nodes();
    // Most rounds find nothing: only what is found makes a new graph.
    int32_t first = 0;
    std::optional<Found> found;
    while (first < current.size() && !found) {
      if (live[static_cast<size_t>(first)]) found = finder.find(first);
      if (!found) ++first;
    }
    if (!found) return current;
    current = rewrite(current, [&](Rewriter& rewriter, int32_t index) {
      if (!live[static_cast<size_t>(index)]) return true;
      if (index < first) return false;
      if (index > first) found = finder.find(index);
      if (!found) return false;
      fire(*found, rewriter);
      return true;
    });
  }
}

}  // namespace sinter
