// Ctrl-C during training: the batch at hand is finished and what was learnt is kept; a second one
// ends the process at once.
#pragma once

#include <csignal>
#include <memory>

#include "frontend/callbacks/callback.h"

namespace sinter::cli {

class Interrupt {
 public:
  /// Catches SIGINT and SIGTERM as long as this lives. One at a time.
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool raised() const;
  /// Stops a training run after the batch in which the signal came.
  std::shared_ptr<Callback> callback() const;

 private:
  struct sigaction before_int_ = {}, before_term_ = {};
};

}  // namespace sinter::cli
