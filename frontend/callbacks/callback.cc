// The model of a callback.
#include "frontend/callbacks/callback.h"

#include <utility>

#include "core/error.h"
#include "core/line.h"
#include "frontend/callbacks/callbacks_in_training.h"
#include "frontend/model.h"

namespace sinter {

struct Callback::Attached {
  // Not a Model: what a model was compiled with may hold the callback.
  std::weak_ptr<ModelState> model;
  bool had_one = false;
  bool validated = false;
  int trainings = 0;  // that go on
};

Callback::Callback() : attached_(std::make_shared<Attached>()) {}
Callback::~Callback() = default;

Model Callback::model(SourceLocation where) const {
  if (std::shared_ptr<ModelState> state = attached_->model.lock()) return Model(std::move(state));
  throw Error(with_line(where, attached_->had_one
                                   ? "the model of this callback is gone: a callback knows it only "
                                     "as long as you keep it"
                                   : "this callback has no model yet: fit() gives it one"));
}

void Callback::set_model(const Model& model) {
  attached_->model = model.state();
  attached_->had_one = true;
}

bool Callback::is_validated() const { return attached_->validated; }

CallbacksInTraining::CallbacksInTraining(const CallbackList& callbacks, const Model& model,
                                         bool validated)
    : callbacks_(callbacks) {
  before_.reserve(callbacks.size());
  for (const CallbackItem& callback : callbacks) {
    Callback::Attached& attached = *callback->attached_;
    before_.push_back({attached.model, attached.validated});
    ++attached.trainings;
    attached.validated = validated;
    callback->set_model(model);
  }
}

CallbacksInTraining::~CallbacksInTraining() {
  for (size_t i = before_.size(); i-- > 0;) {
    Callback::Attached& attached = *callbacks_.begin()[i]->attached_;
    attached.validated = before_[i].validated;
    if (--attached.trainings > 0) attached.model = std::move(before_[i].model);
  }
}

}  // namespace sinter
