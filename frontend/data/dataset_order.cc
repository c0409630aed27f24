// What only chooses elements: shuffle, repeat, take, skip, concatenate, zip.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "core/error.h"
#include "core/line.h"
#include "core/philox.h"
#include "frontend/data/dataset_node.h"
#include "frontend/session.h"

namespace sinter {
namespace {

constexpr int64_t kInfinite = Dataset::kInfiniteCardinality,
                  kUnknown = Dataset::kUnknownCardinality;

void check_count(const char* call, int64_t count) {
  if (count < -1)
    throw Error(
        fmt::format("{}: the count must not be negative (-1 means all), found {}", call, count));
}

/// A node whose streams are made of one of the source, rows of rows or elements of elements.
template <typename Derived>
class ChoosingNode : public SourcedNode {
 public:
  using SourcedNode::SourcedNode;
  std::shared_ptr<const RowTable> table() const override { return source().table(); }
  bool is_repeatable() const override { return source().is_repeatable(); }
  std::unique_ptr<Stream<Row>> rows(const Round& round) const override {
    return static_cast<const Derived&>(*this).template stream<Row>(round);
  }
  std::unique_ptr<Stream<Element>> elements(const Round& round) const override {
    return static_cast<const Derived&>(*this).template stream<Element>(round);
  }
};

/// Numbers that depend on a seed, a pass and a place alone.
class Draws {
 public:
  Draws(int64_t seed, int64_t pass) : seed_(seed), pass_(pass) {}
  /// 0 to n - 1; 64 random bits make the bias of the remainder negligible.
  size_t below(size_t n) {
    if (left_ == 0) {
      bits_ = philox_block(seed_, pass_, kStream, block_++);
      left_ = 2;
    }
    --left_;
    return (uint64_t{bits_[2 * left_]} << 32 | bits_[2 * left_ + 1]) % n;
  }

 private:
  static constexpr int64_t kStream = 0x0da7a5e7;
  int64_t seed_, pass_;
  uint64_t block_ = 0;
  std::array<uint32_t, 4> bits_{};
  size_t left_ = 0;
};

template <typename Item>
class Shuffled : public Stream<Item> {
 public:
  Shuffled(std::unique_ptr<Stream<Item>> source, int64_t buffer_size, Draws draws)
      : source_(std::move(source)), size_(static_cast<size_t>(buffer_size)), draws_(draws) {}
  std::optional<Item> next() override {
    while (!ended_ && buffer_.size() < size_) {
      if (std::optional<Item> item = source_->next())
        buffer_.push_back(*std::move(item));
      else
        ended_ = true;
    }
    if (buffer_.empty()) return std::nullopt;
    Item& drawn = buffer_[draws_.below(buffer_.size())];
    std::optional<Item> result(std::move(drawn));
    // The next one, which comes before the next draw, has its place.
    if (&drawn != &buffer_.back()) drawn = std::move(buffer_.back());
    buffer_.pop_back();
    return result;
  }

 private:
  std::unique_ptr<Stream<Item>> source_;
  size_t size_;
  Draws draws_;
  bool ended_ = false;
  std::vector<Item> buffer_;
};

class ShuffleNode : public ChoosingNode<ShuffleNode> {
 public:
  ShuffleNode(NodePtr source, int64_t buffer_size, const ShuffleOptions& options)
      : ChoosingNode(std::move(source)),
        buffer_size_(buffer_size),
        seed_(options.seed ? *options.seed : static_cast<int64_t>(next_random_key())),
        reshuffle_(options.reshuffle_each_iteration) {
    if (buffer_size < 1)
      throw Error(
          fmt::format("shuffle: the buffer must hold at least 1 element, found {}", buffer_size));
  }
  void begin(Walk& walk) const override {
    if (!walk.has(this)) walk.count(this, passes_.fetch_add(1));
    SourcedNode::begin(walk);
  }
  template <typename Item>
  std::unique_ptr<Stream<Item>> stream(const Round& round) const {
    const auto pass = static_cast<uint64_t>(round.walk->passes(this)) + round.repetition * 0x51ED27;
    return std::make_unique<Shuffled<Item>>(
        open<Item>(source(), round), buffer_size_,
        Draws(seed_, reshuffle_ ? static_cast<int64_t>(pass) : 0));
  }

 private:
  int64_t buffer_size_, seed_;
  bool reshuffle_;
  mutable std::atomic<int64_t> passes_{0};
};

class RepeatNode : public ChoosingNode<RepeatNode> {
 public:
  RepeatNode(NodePtr source, int64_t count) : ChoosingNode(std::move(source)), count_(count) {
    check_count("repeat", count);
  }
  int64_t cardinality() const override {
    const int64_t one = source().cardinality();
    if (one == 0 || count_ == 0) return 0;
    if (count_ < 0) return kInfinite;
    if (one < 0) return one;
    int64_t all = 0;
    return __builtin_mul_overflow(one, count_, &all) ? INT64_MAX : all;
  }
  template <typename Item>
  std::unique_ptr<Stream<Item>> stream(const Round& round) const {
    return std::make_unique<Repeated<Item>>(*this, round);
  }

 private:
  template <typename Item>
  class Repeated : public Stream<Item> {
   public:
    Repeated(const RepeatNode& node, Round round)
        : source_(node.shared_source()), count_(node.count_), round_(std::move(round)) {}
    std::optional<Item> next() override {
      while (!ended_) {
        if (stream_ == nullptr) {
          if (count_ >= 0 && repetition_ == count_) break;
          stream_ = open<Item>(*source_, round_.of(static_cast<uint64_t>(repetition_++)));
          any_ = false;
        }
        if (std::optional<Item> item = stream_->next()) {
          any_ = true;
          return item;
        }
        stream_ = nullptr;
        if (!any_ && count_ < 0) break;
      }
      ended_ = true;
      return std::nullopt;
    }

   private:
    NodePtr source_;
    int64_t count_, repetition_ = 0;
    Round round_;
    std::unique_ptr<Stream<Item>> stream_;
    bool any_ = false, ended_ = false;
  };

  int64_t count_;
};

/// Leaves out the first `skipped` elements and gives at most `taken` of the rest; negative: all.
class PartNode : public ChoosingNode<PartNode> {
 public:
  PartNode(NodePtr source, int64_t skipped, int64_t taken)
      : ChoosingNode(std::move(source)), skipped_(skipped), taken_(taken) {}
  int64_t cardinality() const override {
    const int64_t all = source().cardinality();
    if (skipped_ < 0 || taken_ == 0) return 0;
    if (all == kInfinite && taken_ >= 0) return taken_;
    if (all < 0) return all;
    const int64_t left = std::max<int64_t>(all - skipped_, 0);
    return taken_ < 0 ? left : std::min(left, taken_);
  }
  template <typename Item>
  std::unique_ptr<Stream<Item>> stream(const Round& round) const {
    return std::make_unique<Part<Item>>(open<Item>(source(), round), skipped_, taken_);
  }

 private:
  template <typename Item>
  class Part : public Stream<Item> {
   public:
    Part(std::unique_ptr<Stream<Item>> source, int64_t skipped, int64_t taken)
        : source_(std::move(source)), skipped_(skipped), taken_(taken) {}
    std::optional<Item> next() override {
      if (taken_ == 0 || skipped_ < 0) return std::nullopt;
      for (; skipped_ > 0; --skipped_) {
        if (!source_->next()) return std::nullopt;
      }
      if (taken_ > 0) --taken_;
      return source_->next();
    }

   private:
    std::unique_ptr<Stream<Item>> source_;
    int64_t skipped_, taken_;
  };

  int64_t skipped_, taken_;
};

class ConcatenateNode : public SourcedNode {
 public:
  ConcatenateNode(NodePtr first, NodePtr second)
      : SourcedNode(std::move(first)), second_(std::move(second)) {}
  void begin(Walk& walk) const override {
    SourcedNode::begin(walk);
    second_->begin(walk);
  }
  int64_t cardinality() const override {
    const int64_t a = source().cardinality(), b = second_->cardinality();
    if (a == kInfinite || b == kInfinite) return kInfinite;
    int64_t all = 0;
    return a < 0 || b < 0 || __builtin_add_overflow(a, b, &all) ? kUnknown : all;
  }
  bool is_repeatable() const override {
    return source().is_repeatable() && second_->is_repeatable();
  }
  std::unique_ptr<Stream<Element>> elements(const Round& round) const override {
    struct Both : Stream<Element> {
      std::optional<Element> next() override {
        if (first) {
          if (std::optional<Element> element = first->next()) return element;
          first = nullptr;
          second = element_stream(*then, round);
        }
        return second->next();
      }
      std::unique_ptr<Stream<Element>> first, second;
      NodePtr then;
      Round round;
    };
    auto both = std::make_unique<Both>();
    both->first = element_stream(source(), round);
    both->then = second_;
    both->round = round;
    return both;
  }

 private:
  NodePtr second_;
};

class ZipNode : public DatasetNode {
 public:
  explicit ZipNode(const std::vector<Dataset>& datasets) {
    if (datasets.size() < 2 || datasets.size() > 3)
      throw Error(fmt::format("zip: elements have two or three parts, given {} dataset{}",
                              datasets.size(), datasets.size() == 1 ? "" : "s"));
    for (const Dataset& dataset : datasets) sources_.push_back(dataset.shared());
  }
  void begin(Walk& walk) const override {
    for (const NodePtr& source : sources_) source->begin(walk);
  }
  int64_t cardinality() const override {
    int64_t least = kInfinite;
    for (const NodePtr& source : sources_) {
      const int64_t count = source->cardinality();
      if (count == kUnknown) return kUnknown;
      if (count >= 0) least = least < 0 ? count : std::min(least, count);
    }
    return least;
  }
  bool is_repeatable() const override {
    return std::ranges::all_of(sources_, [](const NodePtr& s) { return s->is_repeatable(); });
  }
  std::unique_ptr<Stream<Element>> elements(const Round& round) const override {
    struct Zipped : Stream<Element> {
      std::optional<Element> next() override {
        std::vector<Data> parts(3);
        for (size_t i = 0; i < streams.size(); ++i) {
          const std::optional<Element> element = streams[i]->next();
          if (!element) {
            streams.clear();
            break;
          }
          parts[i] = element->size() == 1 ? element->part(0) : Data(element->tensors());
        }
        if (streams.empty()) return std::nullopt;
        return Element(std::move(parts[0]), std::move(parts[1]), std::move(parts[2]));
      }
      std::vector<std::unique_ptr<Stream<Element>>> streams;
    };
    auto zipped = std::make_unique<Zipped>();
    for (const NodePtr& source : sources_)
      zipped->streams.push_back(element_stream(*source, round));
    return zipped;
  }

 private:
  std::vector<NodePtr> sources_;
};

}  // namespace

Dataset Dataset::shuffle(WholeNumber buffer_size, ShuffleOptions options,
                         SourceLocation where) const {
  return at_line(where, [&] {
    return Dataset(std::make_shared<ShuffleNode>(shared(), buffer_size, options));
  });
}

Dataset Dataset::repeat(WholeNumber count, SourceLocation where) const {
  return at_line(where, [&] { return Dataset(std::make_shared<RepeatNode>(shared(), count)); });
}

Dataset Dataset::take(WholeNumber count, SourceLocation where) const {
  return at_line(where, [&] {
    check_count("take", count);
    return Dataset(std::make_shared<PartNode>(shared(), 0, count));
  });
}

Dataset Dataset::skip(WholeNumber count, SourceLocation where) const {
  return at_line(where, [&] {
    check_count("skip", count);
    return Dataset(std::make_shared<PartNode>(shared(), count, -1));
  });
}

Dataset Dataset::concatenate(const Dataset& other) const {
  return Dataset(std::make_shared<ConcatenateNode>(shared(), other.shared()));
}

Dataset Dataset::zip(const std::vector<Dataset>& datasets, SourceLocation where) {
  return at_line(where, [&] { return Dataset(std::make_shared<ZipNode>(datasets)); });
}

}  // namespace sinter
