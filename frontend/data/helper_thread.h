// Threads that make elements ahead of need.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace sinter {

/// Threads of one iteration. They end before it does; a child of a fork has none of them.
class HelperThreads {
 public:
  HelperThreads() = default;
  HelperThreads(const HelperThreads&) = delete;
  /// All must have been told to end.
  ~HelperThreads() { join(); }

  /// Starts one more. False, and a warning once, where the system starts no more threads.
  bool start(std::function<void()> body);
  size_t size() const { return threads_.size(); }
  void join();
  /// In the child of a fork: they do not exist here.
  void forget();

 private:
  std::vector<std::thread> threads_;
};

/// To the threads that there is work, and from them that some is done.
class Signals {
 public:
  std::condition_variable& wake() { return *wake_; }
  std::condition_variable& done() { return *done_; }
  /// In the child of a fork: these know of threads that wait, for which even the end of them would.
  void renew() {
    (void)wake_.release();
    (void)done_.release();
    wake_ = std::make_unique<std::condition_variable>();
    done_ = std::make_unique<std::condition_variable>();
  }

 private:
  std::unique_ptr<std::condition_variable> wake_ = std::make_unique<std::condition_variable>();
  std::unique_ptr<std::condition_variable> done_ = std::make_unique<std::condition_variable>();
};

}  // namespace sinter
