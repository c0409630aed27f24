// The hooks of training, and how fit() takes callbacks.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <vector>

#include "core/handle.h"
#include "core/hidden.h"
#include "core/source_location.h"
#include "frontend/history.h"

namespace sinter {

class Model;
class CallbackItem;
class CallbackList;
struct ModelState;

/// Override what you need. Training calls, in this order: on_train_begin; for each epoch
/// on_epoch_begin, (on_train_batch_begin, on_train_batch_end)*, (on_test_begin, on_test_end) when
/// there is validation, on_epoch_end; on_train_end.
class Callback {
 public:
  Callback();
  /// Copies are of the settings: which model is trained, each knows for itself.
  Callback(const Callback&) : Callback() {}
  Callback& operator=(const Callback&) { return *this; }
  virtual ~Callback();
  virtual void on_train_begin(Logs& logs) { (void)logs; }
  virtual void on_train_end(Logs& logs) { (void)logs; }
  virtual void on_epoch_begin(int epoch, Logs& logs) { (void)epoch, (void)logs; }
  virtual void on_epoch_end(int epoch, Logs& logs) { (void)epoch, (void)logs; }
  virtual void on_train_batch_begin(int64_t batch, Logs& logs) { (void)batch, (void)logs; }
  virtual void on_train_batch_end(int64_t batch, Logs& logs) { (void)batch, (void)logs; }
  virtual void on_test_begin(Logs& logs) { (void)logs; }
  virtual void on_test_end(Logs& logs) { (void)logs; }
  /// Are the logs of on_train_batch_end filled, with the running means of loss and metrics? False
  /// saves the time to make them, where no callback of a training looks at them.
  virtual bool wants_batch_logs() const { return true; }

  /// The model in training: model().set_stop_training(true) ends it. After fit() still the model of
  /// that training. Raises Error before the first one, and when the model is gone: a callback does
  /// not keep it.
  Model model(SourceLocation where = SourceLocation::current()) const;
  void set_model(const Model& model);
  /// Whether fit() validates after one of its epochs, though perhaps not after each
  /// (validation_freq): the logs of the others have no val_loss. False before training.
  bool is_validated() const;

 private:
  friend class CallbackItem;
  friend class CallbacksInTraining;
  struct Attached;
  Handle<Attached> attached_;
};

/// Callbacks whose copies share their state say so: `using HandleOf = EarlyStopping;`. What derives
/// from one is none.
template <typename T>
concept CallbackHandle = std::is_base_of_v<Callback, T> && std::is_same_v<typename T::HandleOf, T>;

/// A callback in the list of fit(): one of Sinter's, a shared pointer to your own, std::ref of it,
/// or a temporary. Sinter's callbacks are handles: after training, the object you passed knows what
/// happened.
class CallbackItem {
 public:
  template <CallbackHandle T>
  CallbackItem(const T& callback) : callback_(std::make_shared<T>(callback)) {  // NOLINT
    callback_->attached_ = callback.attached_;
  }
  template <typename T>
  requires(std::is_base_of_v<Callback, T> && !CallbackHandle<T>) CallbackItem(T&& callback)
      : callback_(std::make_shared<T>(std::move(callback))) {}  // NOLINT
  /// Training would fill a copy: pass std::ref(callback) or a std::shared_ptr.
  template <typename T>
  requires(std::is_base_of_v<Callback, T> && !CallbackHandle<T>) CallbackItem(const T& callback)
  = delete;
  template <typename T>
  requires std::is_base_of_v<Callback, T> CallbackItem(std::shared_ptr<T> callback)
      : callback_(std::move(callback)) {}  // NOLINT
  /// std::ref(callback)
  template <typename Reference>
  requires(std::is_base_of_v<Callback, typename Reference::type>&& requires(const Reference& r) {
    static_cast<Callback&>(r.get());
  }) CallbackItem(Reference callback)  // NOLINT
      : callback_(std::shared_ptr<Callback>(std::shared_ptr<void>(), &callback.get())) {}

  Callback& operator*() const { return *callback_; }
  Callback* operator->() const { return callback_.operator->(); }

 private:
  Handle<Callback> callback_;
};

/// The callbacks of fit(): one, or a list.
class CallbackList {
 public:
  CallbackList();
  CallbackList(const CallbackList&);
  CallbackList(CallbackList&&) noexcept;
  CallbackList& operator=(const CallbackList&);
  CallbackList& operator=(CallbackList&&) noexcept;
  ~CallbackList();
  template <typename T>
  requires(std::is_convertible_v<T, CallbackItem>) CallbackList(T&& callback) {  // NOLINT
    push_back(std::forward<T>(callback));
  }
  CallbackList(std::initializer_list<CallbackItem> callbacks);
  CallbackList(std::vector<CallbackItem> callbacks);  // NOLINT
  void push_back(CallbackItem callback);
  const CallbackItem* begin() const;
  const CallbackItem* end() const;
  size_t size() const;
  bool empty() const;

 private:
  Hidden<std::vector<CallbackItem>> items_;
};

}  // namespace sinter
