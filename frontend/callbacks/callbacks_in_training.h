// Which model callbacks have while fit() trains it.
#pragma once

#include <memory>
#include <vector>

#include "frontend/callbacks/callback.h"

namespace sinter {

/// Callbacks while fit() trains a model. One that is in two trainings at once, as when it is given
/// to a fit() in one of its own hooks, has the model of the inner one until that ends.
class CallbacksInTraining {
 public:
  /// `callbacks` must outlive this. `validated`: Callback::is_validated().
  CallbacksInTraining(const CallbackList& callbacks, const Model& model, bool validated);
  ~CallbacksInTraining();
  CallbacksInTraining(const CallbacksInTraining&) = delete;

 private:
  const CallbackList& callbacks_;
  struct Before {
    std::weak_ptr<ModelState> model;
    bool validated;
  };
  std::vector<Before> before_;
};

}  // namespace sinter
