#include "passes/partition.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>

#include "core/error.h"

namespace sinter {
namespace {

constexpr size_t kMostSteps = 4000;             // of a search that decides about a merge
constexpr size_t kMostTriedEnds = 32;           // ends of a path that are looked up in the tree
constexpr int64_t kSpacing = int64_t{1} << 32;  // of numbers along the list

size_t at(int32_t i) { return static_cast<size_t>(i); }

}  // namespace

Partition::Partition(std::vector<std::vector<int32_t>> dependencies)
    : needs_(std::move(dependencies)), users_(needs_.size()), visited_(needs_.size(), 0) {
  const auto count = static_cast<int32_t>(needs_.size());
  for (int32_t i = 0; i < count; ++i) {
    group_.push_back(i);
    members_.push_back({i});
    for (int32_t d : needs_[at(i)]) users_[at(d)].push_back(i);
  }
  // One more for both ends of the list.
  previous_.assign(needs_.size() + 1, count);
  next_.assign(needs_.size() + 1, count);
  place_.assign(needs_.size() + 1, 0);
  const std::vector<int32_t> sorted = order();
  for (int32_t g : sorted) {
    const int32_t last = previous_[at(count)];
    previous_[at(g)] = last;
    next_[at(last)] = g;
    next_[at(g)] = count;
    previous_[at(count)] = g;
  }
  number_all();
  number_trees();
}

void Partition::number_all() {
  const auto end = static_cast<int32_t>(needs_.size());
  int64_t place = 0;
  for (int32_t g = next_[at(end)]; g != end; g = next_[at(g)]) place_[at(g)] = place += kSpacing;
}

// Depth first, users with small numbers first: a node's way to the loss and back comes before the
// gradient that reads it, so that what follows it is below it.
void Partition::number_trees() {
  number_.assign(needs_.size(), -1);
  last_.assign(needs_.size(), -1);
  int32_t count = 0;
  std::vector<std::pair<int32_t, size_t>> stack;  // node, its next user
  for (size_t root = 0; root < needs_.size(); ++root) {
    if (number_[root] >= 0) continue;
    number_[root] = count++;
    stack.emplace_back(static_cast<int32_t>(root), 0);
    while (!stack.empty()) {
      auto& [node, user] = stack.back();
      if (user == users_[at(node)].size()) {
        last_[at(node)] = count - 1;
        stack.pop_back();
        continue;
      }
      const int32_t next = users_[at(node)][user++];
      if (number_[at(next)] >= 0) continue;
      number_[at(next)] = count++;
      stack.emplace_back(next, 0);
    }
  }
}

// Does the tree know a path from `low` to `high` around an edge between them? Paths stay when
// groups are merged, so it need not be made anew.
bool Partition::tree_path(int32_t low, int32_t high) const {
  size_t tried = 0;
  for (int32_t m : members(low)) {
    for (int32_t user : users_[at(m)]) {
      const int32_t g = find(user);
      if (g == low || g == high) continue;
      if (++tried > kMostTriedEnds) return false;
      size_t ends = 0;
      for (int32_t end : members(high)) {
        if (++ends > kMostTriedEnds) break;
        if (number_[at(user)] <= number_[at(end)] && number_[at(end)] <= last_[at(user)])
          return true;
      }
    }
  }
  return false;
}

template <typename Visit>
void Partition::each_neighbour(int32_t group, bool forward, const Visit& visit) const {
  for (int32_t m : members(group)) {
    for (int32_t other : forward ? users_[at(m)] : needs_[at(m)]) {
      const int32_t g = find(other);
      if (g != group) visit(g);
    }
  }
}

// One more group of a search between `low` and `high`: its neighbours in between are found.
Partition::Answer Partition::advance(Search& s, bool forward, int32_t low, int32_t high,
                                     bool direct, size_t& steps) {
  const int32_t from = forward ? low : high, to = forward ? high : low;
  const uint32_t mine = 2 * visit_ + (forward ? 0 : 1), others = 2 * visit_ + (forward ? 1 : 0);
  const int32_t group = s.next == 0 ? from : s.found[s.next - 1];
  ++s.next;
  Answer answer = Answer::kNoPath;
  each_neighbour(group, forward, [&](int32_t g) {
    ++steps;
    if (g == to) {
      if (group != from || direct) answer = Answer::kPath;
      return;
    }
    const int64_t place = place_[at(g)];
    if (place <= place_[at(low)] || place >= place_[at(high)]) return;
    if (visited_[at(g)] == mine) return;
    if (visited_[at(g)] == others) answer = Answer::kPath;
    visited_[at(g)] = mine;
    s.found.push_back(g);
  });
  return answer;
}

// Is there a path from `low` to `high`, other than an edge unless `direct`? Without one, forward_
// has all that `low` leads to before `high`, or backward_ all that `high` needs after `low`.
Partition::Answer Partition::search(int32_t low, int32_t high, bool direct, size_t most) {
  if (++visit_ == std::numeric_limits<uint32_t>::max() / 2) {
    std::ranges::fill(visited_, 0);
    visit_ = 1;
  }
  forward_.found.clear();
  backward_.found.clear();
  forward_.next = backward_.next = 0;
  size_t forward_steps = 0, backward_steps = 0;
  while (forward_.next <= forward_.found.size() && backward_.next <= backward_.found.size()) {
    const bool forward = forward_steps <= backward_steps;
    const Answer answer = advance(forward ? forward_ : backward_, forward, low, high, direct,
                                  forward ? forward_steps : backward_steps);
    if (answer == Answer::kPath) return answer;
    if (forward_steps + backward_steps > most) return Answer::kLong;
  }
  return Answer::kNoPath;
}

bool Partition::would_cycle(int32_t a, int32_t b) {
  const int32_t low = place_[at(a)] < place_[at(b)] ? a : b, high = low == a ? b : a;
  return tree_path(low, high) || search(low, high, false, kMostSteps) != Answer::kNoPath;
}

void Partition::unlink(int32_t group) {
  next_[at(previous_[at(group)])] = next_[at(group)];
  previous_[at(next_[at(group)])] = previous_[at(group)];
}

// Moves groups, in the order in which they stand, right after or before another one.
void Partition::move_beside(std::vector<int32_t> groups, int32_t group, bool after) {
  if (groups.empty()) return;
  std::ranges::sort(groups, {}, [&](int32_t g) { return place_[at(g)]; });
  for (int32_t g : groups) unlink(g);
  const auto end = static_cast<int32_t>(needs_.size());
  const int32_t left = after ? group : previous_[at(group)], right = next_[at(left)];
  const int64_t low = left == end ? 0 : place_[at(left)];
  const auto count = static_cast<int64_t>(groups.size());
  const int64_t high = right == end ? low + (count + 1) * kSpacing : place_[at(right)];
  const int64_t step = (high - low) / (count + 1);
  int32_t last = left;
  int64_t place = low;
  for (int32_t g : groups) {
    place_[at(g)] = place += step;
    previous_[at(g)] = last;
    next_[at(last)] = g;
    last = g;
  }
  next_[at(last)] = right;
  previous_[at(right)] = last;
  if (step == 0) number_all();
}

void Partition::add_order(int32_t earlier, int32_t later) {
  const int32_t a = find(earlier), b = find(later);
  if (a == b) return;
  if (place_[at(a)] > place_[at(b)]) {
    if (search(b, a, true, std::numeric_limits<size_t>::max()) != Answer::kNoPath) return;
    if (forward_.next > forward_.found.size()) {
      std::vector<int32_t> moved = forward_.found;
      moved.push_back(b);
      move_beside(std::move(moved), a, true);
    } else {
      std::vector<int32_t> moved = backward_.found;
      moved.push_back(a);
      move_beside(std::move(moved), b, false);
    }
  }
  needs_[at(later)].push_back(earlier);
  users_[at(earlier)].push_back(later);
}

bool Partition::merge(int32_t a, int32_t b) {
  SINTER_CHECK(a != b);
  if (would_cycle(a, b)) return false;
  // The search has found what stands between them.
  const int32_t low = place_[at(a)] < place_[at(b)] ? a : b, high = low == a ? b : a;
  // At the place of one, with what stood between on the right side of both.
  const bool at_high = forward_.next > forward_.found.size();
  move_beside(at_high ? forward_.found : backward_.found, at_high ? high : low, at_high);
  const int32_t kept = at_high ? high : low;
  unlink(at_high ? low : high);
  if (kept != a) {
    place_[at(a)] = place_[at(b)];
    previous_[at(a)] = previous_[at(b)];
    next_[at(a)] = next_[at(b)];
    next_[at(previous_[at(a)])] = a;
    previous_[at(next_[at(a)])] = a;
  }
  std::vector<int32_t>& into = members_[at(a)];
  std::vector<int32_t>& from = members_[at(b)];
  for (int32_t m : from) group_[at(m)] = a;
  const auto middle = static_cast<std::ptrdiff_t>(into.size());
  into.insert(into.end(), from.begin(), from.end());
  std::inplace_merge(into.begin(), into.begin() + middle, into.end());
  from = {};
  return true;
}

std::vector<int32_t> Partition::order() const {
  std::vector<int32_t> missing(needs_.size(), 0);
  size_t groups = 0;
  using Entry = std::pair<int32_t, int32_t>;  // last member, group
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
  const auto push = [&](int32_t g) { ready.push({members(g).back(), g}); };
  for (size_t i = 0; i < needs_.size(); ++i) {
    const auto g = static_cast<int32_t>(i);
    if (members(g).empty()) continue;
    ++groups;
    each_neighbour(g, false, [&](int32_t) { ++missing[i]; });
    if (missing[i] == 0) push(g);
  }
  std::vector<int32_t> result;
  while (!ready.empty()) {
    const int32_t g = ready.top().second;
    ready.pop();
    result.push_back(g);
    each_neighbour(g, true, [&](int32_t user) {
      if (--missing[at(user)] == 0) push(user);
    });
  }
  SINTER_CHECK(result.size() == groups, "groups that need each other");
  return result;
}

}  // namespace sinter
