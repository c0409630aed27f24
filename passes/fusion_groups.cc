#include "passes/fusion_groups.h"

#include <algorithm>

#include "core/prologue.h"
#include "passes/moves.h"

namespace sinter {
namespace {

constexpr size_t kMostStreams = 28;        // inputs and results of a region
constexpr size_t kMostInstructions = 600;  // of its maps together

using Members = std::vector<std::optional<Member>>;
using ReadLists = std::vector<std::vector<ValueId>>;

// The index of the largest joins what surrounds it (an accuracy its loss) where rows are short: all
// of it may then be the epilogue of a product.
Members find_members(const Graph& graph, int64_t whole_row_columns) {
  Members members;
  for (int32_t i = 0; i < graph.size(); ++i) {
    std::optional<Member>& member = members.emplace_back(as_member(graph, i));
    if (member && graph.node(i).is(KernelOp::kArgReduce) && member->space.row > whole_row_columns)
      member.reset();
  }
  return members;
}

ReadLists find_reads(const Graph& graph, const Members& members) {
  ReadLists all;
  for (int32_t i = 0; i < graph.size(); ++i) {
    const std::optional<Member>& member = members[static_cast<size_t>(i)];
    if (!member) {
      std::vector<ValueId>& own = all.emplace_back(graph.node(i).inputs);
      if (graph.node(i).is(KernelOp::kConcat)) {
        for (ValueId& part : own) part = before_reshapes(graph, part);
      }
      continue;
    }
    std::vector<ValueId>& own = all.emplace_back();
    for (const Reading& r : member->readings) {
      if (r.source.valid()) own.push_back(r.source);
    }
  }
  return all;
}

std::vector<bool> find_live(const Graph& graph, const ReadLists& reads) {
  std::vector<bool> live(reads.size(), false);
  for (const Graph::Output& o : graph.outputs()) live[static_cast<size_t>(o.value.node)] = true;
  for (const Graph::Update& u : graph.updates()) live[static_cast<size_t>(u.value.node)] = true;
  for (int32_t i = graph.size(); i-- > 0;) {
    const Node& node = graph.node(i);
    if (node.is(KernelOp::kInput) || node.is(KernelOp::kVariable))
      live[static_cast<size_t>(i)] = true;
    if (!live[static_cast<size_t>(i)]) continue;
    for (ValueId id : reads[static_cast<size_t>(i)]) live[static_cast<size_t>(id.node)] = true;
  }
  return live;
}

std::vector<std::vector<int32_t>> dependency_lists(const ReadLists& reads) {
  std::vector<std::vector<int32_t>> result;
  for (const std::vector<ValueId>& own : reads) {
    result.emplace_back();
    for (ValueId id : own) result.back().push_back(id.node);
  }
  return result;
}

}  // namespace

FusionGroups::FusionGroups(const Graph& graph, int64_t whole_row_columns)
    : members_(find_members(graph, whole_row_columns)),
      reads_(find_reads(graph, members_)),
      live_(find_live(graph, reads_)),
      prologue_(prologue_nodes(graph)),
      lifted_(members_.size(), false),
      updated_(members_.size(), false),
      readers_(graph, reads_, live_),
      partition_(dependency_lists(reads_)) {
  for (const Graph::Update& u : graph.updates()) updated_[static_cast<size_t>(u.variable)] = true;
  order_updates(partition_, graph, readers_);
  for (int32_t i = 0; i < graph.size(); ++i) add_group(graph, i);
}

// A node as a group of its own.
void FusionGroups::add_group(const Graph& graph, int32_t i) {
  Group& s = groups_.emplace_back();
  if (!is_member(i)) return;
  const Node& node = graph.node(i);
  s.space = member(i).space;
  if (node.is(KernelOp::kMap))
    s.instructions = node.attributes.get_expr("body").instructions.size();
  for (const Reading& r : member(i).readings) {
    if (!r.source.valid()) continue;
    const std::optional<Member>& from = members_[static_cast<size_t>(r.source.node)];
    const bool ends_region = from && from->role == Role::kReduce;
    s.inputs.push_back({r.source, r.generator < 0 && (ends_region || r.reads == Reads::kView)});
  }
  std::ranges::sort(s.inputs);
  const auto repeated = std::ranges::unique(s.inputs);
  s.inputs.erase(repeated.begin(), repeated.end());
  for (int32_t k = 0; k < static_cast<int32_t>(node.types.size()); ++k) {
    if (is_read_outside({i, k}, i)) s.results.push_back({i, k});
  }
}

bool FusionGroups::is_read_outside(ValueId id, int32_t a, int32_t b) const {
  return readers_.is_kept(id) || std::ranges::any_of(readers_.of(id), [&](int32_t reader) {
           const int32_t group = find(reader);
           return group != a && group != b;
         });
}

// How many values a region of two groups would read and give, counted up to what is too many:
// most pairs that are tried are not joined, so nothing is put together for them.
bool FusionGroups::has_few_streams(int32_t a, int32_t b) const {
  const std::vector<Stream>&of_a = group_of(a).inputs, &of_b = group_of(b).inputs;
  size_t streams = 0, i = 0, j = 0;
  while (i < of_a.size() || j < of_b.size()) {
    const ValueId next = j == of_b.size() || (i < of_a.size() && of_a[i].source < of_b[j].source)
                             ? of_a[i].source
                             : of_b[j].source;
    while (i < of_a.size() && of_a[i].source == next) ++i;
    while (j < of_b.size() && of_b[j].source == next) ++j;
    const int32_t from = find(next.node);
    if (from != a && from != b && ++streams > kMostStreams) return false;
  }
  for (const int32_t group : {a, b}) {
    for (ValueId id : group_of(group).results) {
      if (is_read_outside(id, a, b) && ++streams > kMostStreams) return false;
    }
  }
  return true;
}

// The one region of two groups, if it is of sensible size and nothing in it has to wait for all
// rows.
std::optional<FusionGroups::Group> FusionGroups::fitted(int32_t a, int32_t b) const {
  if (group_of(a).instructions + group_of(b).instructions > kMostInstructions ||
      !has_few_streams(a, b))
    return std::nullopt;
  Group s;
  s.instructions = group_of(a).instructions + group_of(b).instructions;
  for (const auto& [from, other] : {std::pair(a, b), std::pair(b, a)}) {
    for (const Stream& in : group_of(from).inputs) {
      if (find(in.source.node) != other)
        s.inputs.push_back(in);
      else if (in.waits)
        return std::nullopt;
    }
    for (ValueId id : group_of(from).results) {
      if (is_read_outside(id, a, b)) s.results.push_back(id);
    }
  }
  std::ranges::sort(s.inputs);
  const auto repeated = std::ranges::unique(s.inputs);
  s.inputs.erase(repeated.begin(), repeated.end());
  return s;
}

bool FusionGroups::join(int32_t a, int32_t b) { return merge(a, b, meet(space(a), space(b))); }

bool FusionGroups::lift(int32_t a, int32_t b, int64_t row) {
  if (space(a).row != 0) return false;
  for (int32_t m : partition_.members(a)) {
    const Member& it = member(m);
    const bool is_total = std::ranges::all_of(it.result.strides, [](int64_t s) { return s == 0; });
    if (it.role != Role::kMap && !(it.role == Role::kReduce && is_total)) return false;
    if (std::ranges::any_of(it.readings, [](const Reading& r) { return r.generator >= 0; }))
      return false;
  }
  const std::vector<int32_t> lifted = partition_.members(a);
  if (!merge(b, a, meet(space(b), rows_of(space(a), row)))) return false;
  for (int32_t m : lifted) lifted_[static_cast<size_t>(m)] = true;
  return true;
}

bool FusionGroups::take_concat(const Graph& graph, int32_t group, int32_t concat) {
  // Every part is written to its own rows of the result: long ones, or all in one.
  const Node& node = graph.node(concat);
  const Shape& part = graph.type(node.inputs[0]).shape;
  int64_t row = 1;
  for (int d = axis_of(node.attributes); d < part.rank(); ++d) row *= part[d];
  const int64_t elements = space(group).elements;
  if (row < kShortestRow && row != elements) return false;
  const std::optional<Space> both =
      meet(space(group), row == elements ? Space{elements} : Space{elements, {row}});
  if (!both || !partition_.merge(group, concat)) return false;
  groups_[static_cast<size_t>(group)].space = *both;
  return true;
}

bool FusionGroups::merge(int32_t a, int32_t b, std::optional<Space> space) {
  if (!space || is_prologue(partition_.members(a)[0]) != is_prologue(partition_.members(b)[0]))
    return false;
  std::optional<Group> s = fitted(a, b);
  if (!s || !partition_.merge(a, b)) return false;
  s->space = std::move(*space);
  s->merged_at = ++clock_;
  groups_[static_cast<size_t>(a)] = std::move(*s);
  groups_[static_cast<size_t>(b)] = {};
  return true;
}

}  // namespace sinter
