// Ctrl-C during training, and a terminal that goes away: the batch at hand is finished and what was
// learnt is kept; a second signal ends the process at once. A reader of the output that goes away
// (train | head -1) ends nothing.
#pragma once

#include <csignal>
#include <memory>

#include "frontend/callbacks/callback.h"

namespace sinter::cli {

class Interrupt {
 public:
  /// Catches SIGINT, SIGTERM and SIGHUP, unless they are ignored already (nohup, jobs in the
  /// background), and ignores SIGPIPE, as long as this lives. One at a time.
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool raised() const;
  /// Stops a training run after the batch in which the signal came.
  std::shared_ptr<Callback> callback() const;

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
  struct sigaction before_[4] = {};
};

}  // namespace sinter::cli
