// Elements that a thread makes ahead of need: prefetch.
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
    SeenByForks seen_{*this};
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
  bool is_repeatable() const override { return source().is_repeatable(); }
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

Dataset Dataset::prefetch(WholeNumber buffer_size, SourceLocation where) const {
  return at_line(where,
                 [&] { return Dataset(std::make_shared<PrefetchNode>(shared(), buffer_size)); });
}

}  // namespace sinter
