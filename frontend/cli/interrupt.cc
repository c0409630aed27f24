#include "frontend/cli/interrupt.h"

#include "frontend/model.h"

namespace sinter::cli {
namespace {

volatile std::sig_atomic_t signal_seen = 0;

extern "C" void note_signal(int) { signal_seen = 1; }

class StopWhenAsked final : public Callback {
 public:
  void on_train_batch_end(int64_t, Logs&) override {
    if (signal_seen != 0) model().set_stop_training(true);
  }
};

}  // namespace

Interrupt::Interrupt() {
  signal_seen = 0;
  struct sigaction action = {};
  action.sa_handler = note_signal;
  action.sa_flags =
      static_cast<int>(SA_RESETHAND | SA_RESTART);  // the second one has its usual effect
  sigaction(SIGINT, &action, &before_int_);
  sigaction(SIGTERM, &action, &before_term_);
}

Interrupt::~Interrupt() {
  sigaction(SIGINT, &before_int_, nullptr);
  sigaction(SIGTERM, &before_term_, nullptr);
}

bool Interrupt::raised() const { return signal_seen != 0; }

std::shared_ptr<Callback> Interrupt::callback() const { return std::make_shared<StopWhenAsked>(); }

}  // namespace sinter::cli
