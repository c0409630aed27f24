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

namespace sinter {

/// How a value stands in the space of R rows and C columns.
enum class Level : uint8_t { kFull, kRow, kColumn, kScalar };

/// An operand of a member, once reshapes and a broadcast between them are looked through.
struct Reading {
  ValueId source;  // the state for a random generator, nothing for iota
  Level level = Level::kFull;
  int64_t rows = 0;        // the R that this reading asks for; 0: any
  int32_t generator = -1;  // the iota or random node that is made anew inside the region
};

enum class Role : uint8_t { kMap, kRowReduce, kColumnReduce, kFullReduce };

/// A node that may become part of a region.
struct Member {
  Role role = Role::kMap;
  int64_t elements = 0;   // of its iteration space
  int64_t rows = 0;       // 0: any
  bool terminal = false;  // its result cannot be read inside the region
  std::vector<Reading> readings;
};
/// nullopt for what cannot: other ops, reductions over middle axes, indices of the largest over
/// anything but the last, empty values.
std::optional<Member> as_member(const Graph& graph, int32_t node);

struct Region {
  std::string kind;
  Graph body;
  std::vector<ValueId> inputs;   // values of the surrounding graph, as the body's inputs
  std::vector<ValueId> results;  // the same for its outputs
};

class RegionBuilder {
 public:
  RegionBuilder(const Graph& graph, int64_t rows, int64_t columns)
      : graph_(graph), rows_(rows), columns_(columns), body_("region") {}
  RegionBuilder(const RegionBuilder&) = delete;

  /// Starts a region of kind "contract" with its root.
  void add_contract(int32_t node);
  /// Adds the next member. A lifted one computes one value a row.
  void add(int32_t node, const Member& member, bool lifted);
  /// The finished region, its maps composed where nothing stands between them.
  /// Outputs get the types in `shapes`, those of the results in the graph when it is empty.
  Region finish(std::span<const ValueId> results, std::span<const Shape> shapes = {});

 private:
  Shape shape(Level level) const;
  Symbol raw_input(ValueId source);
  Symbol operand(const Reading& reading, bool lifted);
  Symbol generated(const Reading& reading);

  const Graph& graph_;
  int64_t rows_, columns_;
  Graph body_;
  std::string kind_ = "map";
  std::vector<ValueId> inputs_;
  std::map<ValueId, Symbol> raw_;     // inputs
  std::map<ValueId, Symbol> values_;  // results of members
  std::map<std::pair<ValueId, Level>, Symbol> shaped_;
  std::map<std::pair<ValueId, Level>, Symbol> spread_;
  std::map<int32_t, Symbol> generators_;
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
