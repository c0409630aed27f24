// When elements are made: once (cache), ahead of need (prefetch).
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <new>
#include <optional>

#include "core/error.h"
#include "core/fork.h"
#include "core/line.h"
#include "frontend/data/dataset_node.h"
#include "frontend/data/helper_thread.h"

namespace sinter {
namespace {

class CacheNode : public SourcedNode {
 public:
  using SourcedNode::SourcedNode;
  std::shared_ptr<const RowTable> table() const override { return source().table(); }
  // What stands before is walked through once, or, when that came to no end, in the same way again:
  // else the elements would depend on how far a thread got that makes them ahead of need.
  void begin(Walk&) const override {
    const std::lock_guard lock(mutex_);
    if (walk_ != nullptr) return;
    auto walk = std::make_shared<Walk>();
    SourcedNode::begin(*walk);
    walk_ = std::move(walk);
  }
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
    const std::lock_guard lock(mutex_);
    if (kept != nullptr) return std::make_unique<Reading<Item>>(kept);
    return std::make_unique<Writing<Item>>(open<Item>(source(), {walk_}), mutex_, kept);
  }

  mutable ForkMutex mutex_;
  mutable std::shared_ptr<const Walk> walk_;
  mutable Kept<Row> rows_;
  mutable Kept<Element> elements_;
};

class Ahead final : public Stream<Element> {
 public:
  Ahead(std::unique_ptr<Stream<Element>> source, int64_t buffer_size)
      : source_(std::move(source)), size_(static_cast<size_t>(buffer_size)) {}

  ~Ahead() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    signals_.wake().notify_all();
    thread_.join();
    if (broken_) (void)source_.release();  // in the middle of something, for ever
  }

  std::optional<Element> next() override {
    if (broken_)
      throw Error("prefetch: the fork came while another thread made an element; start anew");
    if (thread_.size() == 0 && !refused_) refused_ = !thread_.start([this] { work(); });
    if (refused_) return source_->next();
    std::unique_lock lock(mutex_);
    signals_.done().wait(lock, [this] { return !buffer_.empty(); });
    Made first = std::move(buffer_.front());
    if (first.element || first.error) buffer_.pop_front();  // the end stays
    lock.unlock();
    signals_.wake().notify_one();
    if (first.error != nullptr) std::rethrow_exception(first.error);
    return std::move(first.element);
  }

 private:
  struct Made {
    std::optional<Element> element;
    std::exception_ptr error = nullptr;
  };

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      signals_.wake().wait(lock,
                           [this] { return stopping_ || (!ended_ && buffer_.size() < size_); });
      if (stopping_) return;
      lock.unlock();
      {
        const std::lock_guard making(making_);
        Made made;
        try {
          made.element = source_->next();
        } catch (...) {
          made.error = std::current_exception();
        }
        lock.lock();  // before a fork can find the element gone from the source and nowhere else
        ended_ = !made.element && made.error == nullptr;
        buffer_.push_back(std::move(made));
      }
      signals_.done().notify_one();
    }
  }

  class Fork final : public AtFork {
   public:
    explicit Fork(Ahead& stream) : stream_(stream) {}
    bool try_hold() override {
      whole_ = false;
      if (!stream_.mutex_.try_lock()) return false;
      whole_ = stream_.making_.try_lock();
      if (!whole_) stream_.mutex_.unlock();
      return whole_;
    }
    void let_go() override {
      stream_.making_.unlock();
      stream_.mutex_.unlock();
    }
    void renew() override {
      if (!whole_) {
        new (&stream_.mutex_) std::mutex;
        new (&stream_.making_) std::mutex;
        stream_.broken_ = true;
      }
      stream_.thread_.forget();
      stream_.signals_.renew();
    }

   private:
    Ahead& stream_;
    bool whole_ = false;
  };

  std::unique_ptr<Stream<Element>> source_;
  size_t size_;
  bool refused_ = false, ended_ = false, stopping_ = false;
  bool broken_ = false;  // in the child of a fork that came while the thread made an element
  std::mutex mutex_;     // over buffer_, ended_ and stopping_
  std::mutex making_;    // over source_
  std::deque<Made> buffer_;
  Signals signals_;
  HelperThreads thread_;
  Fork fork_{*this};
};

class PrefetchNode : public SourcedNode {
 public:
  PrefetchNode(NodePtr source, int64_t buffer_size)
      : SourcedNode(std::move(source)), size_(buffer_size == Dataset::kAutotune ? 2 : buffer_size) {
    if (size_ < 0)
      throw Error(fmt::format("prefetch: the buffer's size must not be negative, found {}", size_));
  }
  // Rows are there already.
  std::shared_ptr<const RowTable> table() const override { return source().table(); }
  std::unique_ptr<Stream<Row>> rows(const Round& round) const override {
    return source().rows(round);
  }
  std::unique_ptr<Stream<Element>> elements(const Round& round) const override {
    auto from = source().elements(round);
    if (size_ == 0) return from;
    return std::make_unique<Ahead>(std::move(from), size_);
  }

 private:
  int64_t size_;
};

}  // namespace

Dataset Dataset::cache() const { return Dataset(std::make_shared<CacheNode>(shared())); }

Dataset Dataset::prefetch(WholeNumber buffer_size, SourceLocation where) const {
  return at_line(where,
                 [&] { return Dataset(std::make_shared<PrefetchNode>(shared(), buffer_size)); });
}

}  // namespace sinter
