// Building fused regions: how members read their operands, and bodies in the form of
// core/region_form.h.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/graph.h"
#include "core/rewriter.h"
#include "core/view.h"
#include "passes/space.h"

namespace sinter {

/// How a member reads a value.
enum class Reads : uint8_t {
  kElements,  // element by element, in order
  kRows,      // one value a row
  kView,      // in any other way: all of it is there before the region runs
};

/// An operand of a member, once what only says where to read is looked through.
struct Reading {
  ValueId source;  // the state for a random generator, nothing for iota
  Reads reads = Reads::kElements;
  View view;               // of the source, over the elements of the member; merged. Of iota: the
                           // index itself
  int64_t row = 0;         // kRows: elements of a row
  int32_t generator = -1;  // the iota or random node that is made anew inside the region
};

enum class Role : uint8_t {
  kMap,
  kRowReduce,  // of rows that are short enough to go on with the result inside the region
  kReduce,     // its result cannot be read inside the region
};

/// A node that may become part of a region.
struct Member {
  Role role = Role::kMap;
  Space space;
  View result = {};  // of a reduction: over its elements, with stride 0 where it reduces; merged
  std::vector<Reading> readings = {};
};
/// nullopt for what cannot: other ops, indices of the largest over anything but rows, empty values.
std::optional<Member> as_member(const Graph& graph, int32_t node);

struct Region {
  std::string kind;
  Graph body;
  std::vector<ValueId> inputs;   // values of the surrounding graph, as the body's inputs
  std::vector<ValueId> results;  // the same for its outputs
};

class RegionBuilder {
 public:
  /// A region over these dimensions, two at least. Its members must fit them.
  RegionBuilder(const Graph& graph, std::vector<int64_t> dims)
      : graph_(graph), dims_(std::move(dims)), body_("region") {}
  RegionBuilder(const RegionBuilder&) = delete;

  /// Starts a region of kind "contract" with its root.
  void add_contract(int32_t node);
  /// Adds the next member. A lifted one computes one value a row.
  void add(int32_t node, const Member& member, bool lifted);
  /// Adds a concat of members, `parts` before the reshapes that its operands are.
  void add_concat(int32_t node, std::span<const ValueId> parts);
  /// The finished region, its maps composed where nothing stands between them.
  /// Outputs get the types in `shapes`, those of the results in the graph when it is empty.
  Region finish(std::span<const ValueId> results, std::span<const Shape> shapes = {});

 private:
  Shape shape(bool lifted) const;
  View over_dims(const View& view, bool lifted) const;
  Symbol raw_input(ValueId source);
  Symbol outer(const Reading& reading, bool lifted);
  Symbol operand(const Reading& reading, bool lifted);
  Symbol generated(const Reading& reading);

  const Graph& graph_;
  std::vector<int64_t> dims_;
  Graph body_;
  std::string kind_ = "map";
  std::vector<ValueId> inputs_;
  std::map<ValueId, Symbol> raw_;     // inputs
  std::map<ValueId, Symbol> values_;  // results of members
  std::map<std::pair<ValueId, std::vector<int64_t>>, Symbol> outer_;
  std::map<std::pair<ValueId, bool>, Symbol> spread_;
  std::map<std::pair<int32_t, int64_t>, Symbol> generators_;
};

/// Merges maps of one shape into maps with several results, wherever no other op stands on a way
/// between them.
Graph compose_maps(const Graph& body);

/// Adds the region to the target of `rewriter`, as a `map` when it is no more than that, and maps
/// its results.
void emit_region(Rewriter& rewriter, const Region& region, std::shared_ptr<const Origin> origin);

/// The origin of what was made from several nodes: layer names joined with '+', file and line of
/// the first.
std::shared_ptr<const Origin> joined_origin(const Graph& graph, std::span<const int32_t> nodes);

}  // namespace sinter
