// The hooks of training, and how fit() takes callbacks.
#pragma once

#include <functional>
#include <memory>
#include <type_traits>

#include "core/handle.h"
#include "frontend/history.h"

namespace sinter {

class Model;

/// Override what you need. Training calls, in this order: on_train_begin; for each epoch
/// on_epoch_begin, (on_train_batch_begin, on_train_batch_end)*, (on_test_begin, on_test_end) when
/// there is validation, on_epoch_end; on_train_end.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_train_begin(Logs& logs) { (void)logs; }
  virtual void on_train_end(Logs& logs) { (void)logs; }
  virtual void on_epoch_begin(int epoch, Logs& logs) { (void)epoch, (void)logs; }
  virtual void on_epoch_end(int epoch, Logs& logs) { (void)epoch, (void)logs; }
  virtual void on_train_batch_begin(int64_t batch, Logs& logs) { (void)batch, (void)logs; }
  virtual void on_train_batch_end(int64_t batch, Logs& logs) { (void)batch, (void)logs; }
  virtual void on_test_begin(Logs& logs) { (void)logs; }
  virtual void on_test_end(Logs& logs) { (void)logs; }
  /// True when on_train_batch_end needs the running means of loss and metrics.
  virtual bool wants_batch_logs() const { return false; }

  /// The model in training: set model().stop_training(true) to end it.
  Model& model() const { return *model_; }
  void set_model(Model* model) { model_ = model; }

 private:
  Model* model_ = nullptr;
};

/// A callback in the list of fit(): one of Sinter's, a shared pointer to your own, or std::ref of
/// it. Sinter's callbacks are handles: after training, the object you passed knows what happened.
class CallbackItem {
 public:
  template <typename T>
  requires std::is_base_of_v<Callback, T> CallbackItem(const T& callback)
      : callback_(std::make_shared<T>(callback)) {}  // NOLINT
  template <typename T>
  requires std::is_base_of_v<Callback, T> CallbackItem(std::shared_ptr<T> callback)
      : callback_(std::move(callback)) {}  // NOLINT
  template <typename T>
  requires std::is_base_of_v<Callback, T> CallbackItem(
      std::reference_wrapper<T> callback)  // NOLINT
      : callback_(std::shared_ptr<Callback>(std::shared_ptr<void>(), &callback.get())) {}

  Callback& operator*() const { return *callback_; }
  Callback* operator->() const { return callback_.operator->(); }

 private:
  Handle<Callback> callback_;
};

}  // namespace sinter
