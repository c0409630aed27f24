// Functions of the user on each element or file: map and from_files, in several threads, and
// filter.
#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <new>

#include "core/error.h"
#include "core/fork.h"
#include "core/line.h"
#include "frontend/data/dataset_node.h"
#include "frontend/data/helper_thread.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

/// A function and the line that gave it.
template <typename Result>
struct Given {
  Callable<Result(const Element&)> function;
  SourceLocation where;
  const char* call;  // "map"

  Result operator()(const Element& element, int64_t index) const {
    try {
      return function(element);
    } catch (...) {
      rethrow_from_function(fmt::format("{}: element {}", named_with_line(call, where), index));
    }
  }
};

class Mapped : public Stream<Element> {
 public:
  Mapped(std::shared_ptr<const Given<Element>> given, std::unique_ptr<Stream<Element>> source)
      : given_(std::move(given)), source_(std::move(source)) {}
  std::optional<Element> next() override {
    const std::optional<Element> element = source_->next();
    if (!element) return std::nullopt;
    return (*given_)(*element, index_++);
  }

 private:
  std::shared_ptr<const Given<Element>> given_;
  std::unique_ptr<Stream<Element>> source_;
  int64_t index_ = 0;
};

/// The caller takes elements of the source, in order, and puts them into tasks; threads do tasks;
/// the caller takes results in order. So the source is one thread's, and what comes out is the same
/// for any number of threads.
class MappedInThreads final : public Stream<Element> {
 public:
  MappedInThreads(std::shared_ptr<const Given<Element>> given,
                  std::unique_ptr<Stream<Element>> source, int calls)
      : given_(std::move(given)), source_(std::move(source)), calls_(static_cast<size_t>(calls)) {}

  ~MappedInThreads() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    signals_.wake().notify_all();
    threads_.join();
  }

  std::optional<Element> next() override {
    // Twice as many as threads: none waits while the caller uses what it got.
    while (!ended_ && tasks_.size() < 2 * calls_) add_task();
    if (tasks_.empty()) return std::nullopt;
    while (!refused_ && threads_.size() < calls_) refused_ = !threads_.start([this] { work(); });
    std::unique_lock lock(mutex_);
    Task& first = *tasks_.front();
    while (first.state != Task::kDone) {
      if (threads_.size() == 0) {
        do_task(first, lock);
        break;
      }
      signals_.done().wait(lock);
    }
    const std::unique_ptr<Task> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    if (task->error != nullptr) std::rethrow_exception(task->error);
    return std::move(task->element);
  }

 private:
  struct Task {
    Element element;  // what goes in, then what came out
    int64_t index = 0;
    enum { kWaiting, kRunning, kDone } state = kWaiting;
    std::exception_ptr error = nullptr;
  };

  void add_task() {
    auto task = std::make_unique<Task>();
    try {
      std::optional<Element> element = source_->next();
      ended_ = !element;
      if (ended_) return;
      task->element = *std::move(element);
      task->index = index_++;
    } catch (...) {
      // Comes when its turn has come.
      task->error = std::current_exception();
      task->state = Task::kDone;
    }
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    signals_.wake().notify_one();
  }

  void do_task(Task& task, std::unique_lock<std::mutex>& lock) {
    task.state = Task::kRunning;
    const Element input = task.element;  // stays in the task, for the child of a fork
    const int64_t index = task.index;
    lock.unlock();
    Element output;
    std::exception_ptr error = nullptr;
    try {
      output = (*given_)(input, index);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    task.element = std::move(output);
    task.error = error;
    task.state = Task::kDone;
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      Task* waiting = nullptr;
      for (const auto& task : tasks_) {
        if (task->state == Task::kWaiting) {
          waiting = task.get();
          break;
        }
      }
      if (waiting == nullptr) {
        signals_.wake().wait(lock);
        continue;
      }
      do_task(*waiting, lock);
      signals_.done().notify_one();
    }
  }

  class Fork final : public AtFork {
   public:
    explicit Fork(MappedInThreads& stream) : stream_(stream) {}
    bool try_hold() override { return whole_ = stream_.mutex_.try_lock(); }
    void let_go() override { stream_.mutex_.unlock(); }
    // The child starts threads of its own, which begin anew what those of the parent were at.
    void renew() override {
      if (!whole_) new (&stream_.mutex_) std::mutex;
      stream_.threads_.forget();
      stream_.signals_.renew();
      for (const auto& task : stream_.tasks_) {
        if (task->state == Task::kRunning) task->state = Task::kWaiting;
      }
    }

   private:
    MappedInThreads& stream_;
    bool whole_ = false;
    SeenByForks seen_{*this};
  };

  std::shared_ptr<const Given<Element>> given_;
  std::unique_ptr<Stream<Element>> source_;
  size_t calls_;
  int64_t index_ = 0;
  bool ended_ = false, refused_ = false, stopping_ = false;
  std::mutex mutex_;  // over tasks_ and stopping_
  std::deque<std::unique_ptr<Task>> tasks_;
  Signals signals_;
  HelperThreads threads_;
  Fork fork_{*this};
};

class MapNode : public SourcedNode {
 public:
  MapNode(NodePtr source, Given<Element> given, int calls)
      : SourcedNode(std::move(source)),
        given_(std::make_shared<const Given<Element>>(std::move(given))),
        calls_(calls) {
    if (calls < 1 && calls != Dataset::kAutotune)
      throw Error(
          fmt::format("{}: num_parallel_calls must be at least 1, found {}", given_->call, calls));
  }
  std::unique_ptr<Stream<Element>> elements(const Round& round) const override {
    auto from = element_stream(source(), round);
    const int calls = std::min(calls_ == Dataset::kAutotune ? threads() : calls_, kMaxThreads);
    if (calls == 1) return std::make_unique<Mapped>(given_, std::move(from));
    return std::make_unique<MappedInThreads>(given_, std::move(from), calls);
  }

 private:
  std::shared_ptr<const Given<Element>> given_;
  int calls_;
};

class FilterNode : public SourcedNode {
 public:
  FilterNode(NodePtr source, Given<bool> given)
      : SourcedNode(std::move(source)),
        given_(std::make_shared<const Given<bool>>(std::move(given))) {}
  int64_t cardinality() const override {
    const int64_t all = source().cardinality();
    return all > 0 ? Dataset::kUnknownCardinality : all;
  }
  std::unique_ptr<Stream<Element>> elements(const Round& round) const override {
    struct Filtered : Stream<Element> {
      std::optional<Element> next() override {
        while (std::optional<Element> element = source->next()) {
          if ((*given)(*element, index++)) return element;
        }
        return std::nullopt;
      }
      std::shared_ptr<const Given<bool>> given;
      std::unique_ptr<Stream<Element>> source;
      int64_t index = 0;
    };
    auto result = std::make_unique<Filtered>();
    result->given = given_;
    result->source = element_stream(source(), round);
    return result;
  }

 private:
  std::shared_ptr<const Given<bool>> given_;
};

}  // namespace

Dataset Dataset::mapped(detail::ElementFunction f, MapOptions options, SourceLocation where,
                        const char* call) const {
  return at_line(where, [&] {
    return Dataset(std::make_shared<MapNode>(shared(), Given<Element>{std::move(f), where, call},
                                             options.num_parallel_calls));
  });
}

Dataset Dataset::of_files(std::vector<std::string> paths, detail::FileFunction read,
                          FromFilesOptions options, SourceLocation where) {
  return at_line(where, [&] {
    // Numbers of files are small: a buffer for all shuffles evenly.
    const auto count = std::ssize(paths);
    Dataset numbers = range(count, {});
    if (options.shuffle && count > 0)
      numbers = numbers.shuffle(
          count,
          {.seed = options.seed, .reshuffle_each_iteration = options.reshuffle_each_iteration}, {});
    const auto element = [paths = std::move(paths), read = std::move(read)](const Element& number) {
      const std::string& path = paths[static_cast<size_t>(number.x({}).number(0, {}).as_integer())];
      try {
        return read(path);
      } catch (const Error& error) {
        if (std::string_view(error.what()).find(path) != std::string_view::npos) throw;
        rethrow_from_function(fmt::format("'{}'", path));
      } catch (...) {
        rethrow_from_function(fmt::format("'{}'", path));
      }
    };
    return numbers.mapped(element, {.num_parallel_calls = options.num_parallel_calls}, where,
                          "from_files");
  });
}

Dataset Dataset::filtered(detail::ElementPredicate f, SourceLocation where) const {
  return Dataset(
      std::make_shared<FilterNode>(shared(), Given<bool>{std::move(f), where, "filter"}));
}

}  // namespace sinter
