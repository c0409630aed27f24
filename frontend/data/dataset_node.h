// How a Dataset runs: nodes, which are settings, and streams, which are an iteration over them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "frontend/data/dataset.h"

namespace sinter {

/// Items one after the other.
template <typename Item>
class Stream {
 public:
  virtual ~Stream() = default;
  /// Nothing at the end, and then always nothing.
  virtual std::optional<Item> next() = 0;
};

/// The number of a row in a RowTable. Datasets that only choose rows of tensors pass these, and
/// batch() gathers them at once: no element is made of each.
using Row = int64_t;

/// Tensors of equally many rows, with the parts of an element that they belong to.
struct RowTable {
  Element element;
  std::vector<Tensor> tensors;
  Element row(Row at) const;
};

/// What stays the same in one walk through a dataset: how often each shuffle of it was walked
/// through before. Counted when the walk begins, in the thread that begins it, so that what threads
/// make ahead of need counts for nothing.
class Walk {
 public:
  void count(const void* node, int64_t passes) { passes_.emplace(node, passes); }
  bool has(const void* node) const { return passes_.contains(node); }
  int64_t passes(const void* node) const { return passes_.at(node); }

 private:
  std::map<const void*, int64_t> passes_;
};

/// A walk, and within it which one of the repetitions.
struct Round {
  std::shared_ptr<const Walk> walk;
  uint64_t repetition = 0;
  Round of(uint64_t count) const { return {walk, repetition * 0x9E3779B97F4A7C15 + count}; }
};

class DatasetNode {
 public:
  virtual ~DatasetNode() = default;
  /// Called once in each walk, before any stream is made; passes it on to the sources.
  virtual void begin(Walk& walk) const { (void)walk; }
  virtual int64_t cardinality() const = 0;
  /// Does each stream of a round give the same? Not where a function of the user makes elements, or
  /// a file that may change.
  virtual bool is_repeatable() const { return false; }
  /// Where elements are rows of tensors: those, and rows() makes streams. Null: elements() does.
  virtual std::shared_ptr<const RowTable> table() const { return nullptr; }
  virtual std::unique_ptr<Stream<Row>> rows(const Round& round) const;
  virtual std::unique_ptr<Stream<Element>> elements(const Round& round) const;
};

using NodePtr = std::shared_ptr<const DatasetNode>;

/// Elements of any node.
std::unique_ptr<Stream<Element>> element_stream(const DatasetNode& node, const Round& round);
template <typename Item>
std::unique_ptr<Stream<Item>> open(const DatasetNode& node, const Round& round) {
  if constexpr (std::is_same_v<Item, Row>)
    return node.rows(round);
  else
    return element_stream(node, round);
}

/// A node over another one.
class SourcedNode : public DatasetNode {
 public:
  explicit SourcedNode(NodePtr source) : source_(std::move(source)) {}
  void begin(Walk& walk) const override { source_->begin(walk); }
  int64_t cardinality() const override { return source_->cardinality(); }

 protected:
  const DatasetNode& source() const { return *source_; }
  const NodePtr& shared_source() const { return source_; }

 private:
  NodePtr source_;
};

/// Within a catch block: what a function of the user threw, as Dataset::map says. `what` is "map:
/// element 7".
[[noreturn]] void rethrow_from_function(const std::string& what);

}  // namespace sinter
