// Lines in force, a list in each thread: temporaries of one statement end in another order than
// they were entered, and those of a coroutine perhaps in another thread, which must not touch the
// list. There they say that they have ended, and the thread of the list takes them out; a thread
// that ends says so to those that it leaves behind. Who says so last deletes the entry.
#include "core/op_line.h"

#include <atomic>
#include <string_view>

namespace sinter {

struct OpLine::Entry {
  enum State : unsigned char { kInForce, kLineEnded, kThreadEnded };

  SourceLocation where;
  Entry* before = nullptr;
  const void* thread = nullptr;
  std::atomic<State> state = kInForce;

  /// The last one of the thread.
  static constinit thread_local Entry* last;

  static bool has_ended(const Entry& entry) {
    return entry.state.load(std::memory_order_acquire) == kLineEnded;
  }
  static void remove(Entry*& link) {
    Entry* entry = link;
    link = entry->before;
    delete entry;
  }
  static void at_end(Entry& entry, State ended) {
    if (entry.state.exchange(ended, std::memory_order_acq_rel) != kInForce) delete &entry;
  }
};

constinit thread_local OpLine::Entry* OpLine::Entry::last = nullptr;

namespace {

// A pointer to an op becomes a call of the op there: std::function, std::invoke, Callable.
bool is_of_caller_of_anything(std::string_view file) {
  return file.starts_with("/usr/include/") || file.starts_with("/usr/local/include/") ||
         file.find("/include/c++/") != std::string_view::npos || file.ends_with("core/callable.h");
}

}  // namespace

void OpLine::begin() const {
  struct AtThreadEnd {
    ~AtThreadEnd() {
      while (Entry* entry = Entry::last) {
        Entry::last = entry->before;
        Entry::at_end(*entry, Entry::kThreadEnded);
      }
    }
  };
  static thread_local const AtThreadEnd at_thread_end;
  (void)at_thread_end;
  Entry*& last = Entry::last;
  while (last != nullptr && Entry::has_ended(*last)) Entry::remove(last);
  last = entry_ = new Entry{.where = where_, .before = last, .thread = &last};
}

void OpLine::leave() const {
  // A thread that began later may have the list of that one in the place of another's that ended.
  if (entry_->thread != &Entry::last ||
      entry_->state.load(std::memory_order_acquire) == Entry::kThreadEnded) {
    Entry::at_end(*entry_, Entry::kLineEnded);
    return;
  }
  Entry** link = &Entry::last;
  while (*link != entry_) link = &(*link)->before;
  Entry::remove(*link);
}

SourceLocation OpLine::innermost() {
  for (Entry** link = &Entry::last; *link != nullptr;) {
    if (Entry::has_ended(**link)) {
      Entry::remove(*link);
    } else if (!is_of_caller_of_anything((*link)->where.file_name())) {
      return (*link)->where;
    } else {
      link = &(*link)->before;
    }
  }
  return {};
}

}  // namespace sinter
