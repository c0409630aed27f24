#include "frontend/cli/interrupt.h"

#include <iterator>

#include "frontend/model.h"

namespace sinter::cli {
namespace {

volatile std::sig_atomic_t signal_seen = 0;

extern "C" void note_signal(int) { signal_seen = 1; }

class StopWhenAsked final : public Callback {
 public:
  void on_train_batch_end(int64_t, Logs&) override {
    if (signal_seen != 0) model({}).set_stop_training(true);
  }
};

}  // namespace

Interrupt::Interrupt() {
  signal_seen = 0;
  struct sigaction action = {};
  action.sa_handler = note_signal;
  action.sa_flags =
      static_cast<int>(SA_RESETHAND | SA_RESTART);  // the second one has its usual effect
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_IGN) continue;
    if (kSignals[i] == SIGPIPE) {
      struct sigaction ignore = {};
      ignore.sa_handler = SIG_IGN;
      sigaction(SIGPIPE, &ignore, nullptr);
    } else {
      sigaction(kSignals[i], &action, nullptr);
    }
  }
}

Interrupt::~Interrupt() {
  for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

bool Interrupt::raised() const { return signal_seen != 0; }

std::shared_ptr<Callback> Interrupt::callback() const { return std::make_shared<StopWhenAsked>(); }

}  // namespace sinter::cli
