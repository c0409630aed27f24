#include "frontend/data/helper_thread.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "core/warning.h"

namespace sinter {

bool HelperThreads::start(std::function<void()> body) {
  try {
    threads_.emplace_back(std::move(body));
    return true;
  } catch (const std::system_error& error) {
    warn_once("dataset threads", fmt::format("no thread can be started ({}); datasets use {}",
                                             error.code().message(), threads_.size()));
    return false;
  }
}

void HelperThreads::join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void HelperThreads::forget() {
  // Neither joined nor detached: both would look for the thread.
  static auto* const gone = new std::vector<std::thread>;
  for (std::thread& thread : threads_) gone->push_back(std::move(thread));
  threads_.clear();
}

}  // namespace sinter
