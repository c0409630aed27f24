// Reachability between groups by depth-first search; order by a heap.
#include "passes/partition.h"

#include <algorithm>
#include <functional>
#include <queue>

#include "core/error.h"

namespace sinter {

Partition::Partition(std::vector<std::vector<int32_t>> dependencies)
    : needs_(std::move(dependencies)), users_(needs_.size()), visited_(needs_.size(), 0) {
  for (size_t i = 0; i < needs_.size(); ++i) {
    group_.push_back(static_cast<int32_t>(i));
    members_.push_back({static_cast<int32_t>(i)});
    for (int32_t d : needs_[i]) users_[static_cast<size_t>(d)].push_back(static_cast<int32_t>(i));
  }
}

int32_t Partition::find(int32_t node) const { return group_[static_cast<size_t>(node)]; }

void Partition::add_order(int32_t earlier, int32_t later) {
  const int32_t a = find(earlier), b = find(later);
  if (a == b || reaches_around(b, a)) return;
  for (int32_t m : members(b)) {
    for (int32_t user : users_[static_cast<size_t>(m)]) {
      if (find(user) == a) return;
    }
  }
  needs_[static_cast<size_t>(later)].push_back(earlier);
  users_[static_cast<size_t>(earlier)].push_back(later);
}

// Is there a path from a member of `from` to `to` whose first step leaves both?
bool Partition::reaches_around(int32_t from, int32_t to) {
  ++visit_;
  std::vector<int32_t> stack;
  const auto enter = [&](int32_t group) {
    uint32_t& mark = visited_[static_cast<size_t>(group)];
    if (mark == visit_) return;
    mark = visit_;
    stack.push_back(group);
  };
  for (int32_t m : members(from)) {
    for (int32_t user : users_[static_cast<size_t>(m)]) {
      const int32_t g = find(user);
      if (g != from && g != to) enter(g);
    }
  }
  while (!stack.empty()) {
    const int32_t group = stack.back();
    stack.pop_back();
    for (int32_t m : members(group)) {
      for (int32_t user : users_[static_cast<size_t>(m)]) {
        const int32_t g = find(user);
        if (g == to) return true;
        if (g != from) enter(g);
      }
    }
  }
  return false;
}

bool Partition::would_cycle(int32_t a, int32_t b) {
  return reaches_around(a, b) || reaches_around(b, a);
}

int32_t Partition::merge(int32_t a, int32_t b) {
  SINTER_CHECK(a != b);
  std::vector<int32_t>& into = members_[static_cast<size_t>(a)];
  for (int32_t m : members(b)) {
    group_[static_cast<size_t>(m)] = a;
    into.push_back(m);
  }
  members_[static_cast<size_t>(b)].clear();
  std::sort(into.begin(), into.end());
  return a;
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
    for (int32_t m : members(g)) {
      for (int32_t d : needs_[static_cast<size_t>(m)]) missing[i] += find(d) != g ? 1 : 0;
    }
    if (missing[i] == 0) push(g);
  }
  std::vector<int32_t> result;
  while (!ready.empty()) {
    const int32_t g = ready.top().second;
    ready.pop();
    result.push_back(g);
    for (int32_t m : members(g)) {
      for (int32_t user : users_[static_cast<size_t>(m)]) {
        const int32_t u = find(user);
        if (u != g && --missing[static_cast<size_t>(u)] == 0) push(u);
      }
    }
  }
  SINTER_CHECK(result.size() == groups, "groups that need each other");
  return result;
}

}  // namespace sinter
