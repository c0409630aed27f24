// Elements that are made once: kept in memory, or in a file.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "core/counted.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/line.h"
#include "frontend/data/dataset_node.h"
#include "frontend/data/element_file.h"

namespace sinter {
namespace {

/// A node whose source is walked through in the same way until that came to an end, once: else the
/// elements would depend on how far a thread got that makes them ahead of need.
class OnceNode : public SourcedNode {
 public:
  using SourcedNode::SourcedNode;
  void begin(Walk&) const override {
    const std::lock_guard lock(mutex_);
    if (walk_ != nullptr) return;
    auto walk = std::make_shared<Walk>();
    SourcedNode::begin(*walk);
    walk_ = std::move(walk);
  }

 protected:
  ForkMutex& mutex() const { return mutex_; }
  Round only_round() const { return {walk_}; }

 private:
  mutable ForkMutex mutex_;
  mutable std::shared_ptr<const Walk> walk_;
};

class CacheNode : public OnceNode {
 public:
  using OnceNode::OnceNode;
  std::shared_ptr<const RowTable> table() const override { return source().table(); }
  std::unique_ptr<Stream<Row>> rows(const Round&) const override { return stream(rows_); }
  std::unique_ptr<Stream<Element>> elements(const Round&) const override {
    return stream(elements_);
  }

 private:
  template <typename Item>
  using Kept = std::shared_ptr<const std::vector<Item>>;

  template <typename Item>
  class Reading : public Stream<Item> {
   public:
    explicit Reading(Kept<Item> kept) : kept_(std::move(kept)) {}
    std::optional<Item> next() override {
      if (at_ == kept_->size()) return std::nullopt;
      return (*kept_)[at_++];
    }

   private:
    Kept<Item> kept_;
    size_t at_ = 0;
  };

  template <typename Item>
  class Writing : public Stream<Item> {
   public:
    Writing(std::unique_ptr<Stream<Item>> source, ForkMutex& mutex, Kept<Item>& kept)
        : source_(std::move(source)), mutex_(mutex), kept_(kept) {}
    std::optional<Item> next() override {
      std::optional<Item> item = source_->next();
      if (item) {
        seen_.push_back(*item);
      } else if (!ended_) {
        ended_ = true;
        const std::lock_guard lock(mutex_);
        if (kept_ == nullptr) kept_ = std::make_shared<std::vector<Item>>(std::move(seen_));
      }
      return item;
    }

   private:
    std::unique_ptr<Stream<Item>> source_;
    ForkMutex& mutex_;
    Kept<Item>& kept_;  // of the node, which whoever walks holds
    bool ended_ = false;
    std::vector<Item> seen_;
  };

  template <typename Item>
  std::unique_ptr<Stream<Item>> stream(Kept<Item>& kept) const {
    const std::lock_guard lock(mutex());
    if (kept != nullptr) return std::make_unique<Reading<Item>>(kept);
    return std::make_unique<Writing<Item>>(open<Item>(source(), only_round()), mutex(), kept);
  }

  mutable Kept<Row> rows_;
  mutable Kept<Element> elements_;
};

/// "float32[28,28,1], int32[]".
std::string types_of(const Element& element) {
  std::string result;
  for (const Tensor& t : element.tensors())
    result += (result.empty() ? "" : ", ") + t.type().to_string();
  return result;
}

bool is_alike(const Element& a, const Element& b) {
  const std::vector<Tensor> first = a.tensors(), second = b.tensors();
  bool alike = a.size() == b.size() && first.size() == second.size();
  for (size_t i = 0; alike && i < first.size(); ++i) alike = first[i].type() == second[i].type();
  return alike;
}

class FileCacheNode : public OnceNode {
 public:
  FileCacheNode(NodePtr source, std::string path, CacheOptions options, SourceLocation where)
      : OnceNode(std::move(source)),
        path_(std::move(path)),
        options_(std::move(options)),
        where_(where) {}
  std::unique_ptr<Stream<Element>> elements(const Round&) const override {
    return at_line(where_, [&]() -> std::unique_ptr<Stream<Element>> {
      if (::access(path_.c_str(), F_OK) == 0) return reading();
      return std::make_unique<Writing>(element_stream(source(), only_round()),
                                       std::make_unique<ElementWriter>(path_, options_.key),
                                       where_);
    });
  }

 private:
  struct Reading : Stream<Element> {
    Reading(std::unique_ptr<ElementReader> file, SourceLocation line)
        : reader(std::move(file)), where(line) {}
    std::optional<Element> next() override {
      return at_line(where, [&] { return reader->next(); });
    }
    std::unique_ptr<ElementReader> reader;
    SourceLocation where;
  };

  class Writing : public Stream<Element> {
   public:
    Writing(std::unique_ptr<Stream<Element>> source, std::unique_ptr<ElementWriter> file,
            SourceLocation where)
        : source_(std::move(source)), file_(std::move(file)), where_(where) {}
    std::optional<Element> next() override {
      std::optional<Element> element;
      try {
        element = source_->next();
      } catch (...) {
        file_ = nullptr;  // it would lack this element
        throw;
      }
      at_line(where_, [&] {
        if (file_ == nullptr) return;
        if (element) {
          file_->add(*element);
        } else {
          file_->commit();
          file_ = nullptr;
        }
      });
      return element;
    }

   private:
    std::unique_ptr<Stream<Element>> source_;
    std::unique_ptr<ElementWriter> file_;
    SourceLocation where_;
  };

  std::unique_ptr<Stream<Element>> reading() const {
    auto reader = std::make_unique<ElementReader>(path_);
    if (!is_checked_.load()) {
      check(*reader);
      is_checked_ = true;
    }
    return std::make_unique<Reading>(std::move(reader), where_);
  }

  void check(const ElementReader& reader) const {
    const auto stale = [&](const std::string& why) {
      throw FileError(
          fmt::format("the cache '{}' is stale: {}; removing it makes a new one", path_, why));
    };
    if (reader.key() != options_.key)
      stale(fmt::format("its key is '{}', not '{}'", reader.key(), options_.key));
    const int64_t count = cardinality();
    if (count >= 0 && count != reader.count())
      stale(fmt::format("it holds {}, the dataset {}", counted(reader.count(), "element"), count));
    if (!options_.check_first || reader.count() == 0) return;
    const std::optional<Element> kept = ElementReader(path_).next(),
                                 made = element_stream(source(), only_round())->next();
    if (!made)
      stale(fmt::format("it holds {}, the dataset none", counted(reader.count(), "element")));
    if (!is_alike(*kept, *made))
      stale(fmt::format("its elements are ({}), those of the dataset ({})", types_of(*kept),
                        types_of(*made)));
  }

  std::string path_;
  CacheOptions options_;
  SourceLocation where_;
  mutable std::atomic<bool> is_checked_{false};
};

}  // namespace

Dataset Dataset::cache() const { return Dataset(std::make_shared<CacheNode>(shared())); }

Dataset Dataset::cache(const std::string& path, CacheOptions options, SourceLocation where) const {
  return at_line(where, [&] {
    if (path.empty()) throw Error("cache: the path is empty; cache() keeps elements in memory");
    return Dataset(std::make_shared<FileCacheNode>(shared(), path, std::move(options), where));
  });
}

}  // namespace sinter
