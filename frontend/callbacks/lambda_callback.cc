// Callbacks made of functions, and lists of callbacks.
#include "frontend/callbacks/callbacks.h"

namespace sinter {

CallbackList::CallbackList() = default;
CallbackList::CallbackList(const CallbackList&) = default;
CallbackList::CallbackList(CallbackList&&) noexcept = default;
CallbackList& CallbackList::operator=(const CallbackList&) = default;
CallbackList& CallbackList::operator=(CallbackList&&) noexcept = default;
CallbackList::~CallbackList() = default;
CallbackList::CallbackList(std::initializer_list<CallbackItem> callbacks) {
  items_.change() = callbacks;
}
CallbackList::CallbackList(std::vector<CallbackItem> callbacks) {
  items_.change() = std::move(callbacks);
}
void CallbackList::push_back(CallbackItem callback) {
  items_.change().push_back(std::move(callback));
}
const CallbackItem* CallbackList::begin() const { return items_->data(); }
const CallbackItem* CallbackList::end() const { return items_->data() + items_->size(); }
size_t CallbackList::size() const { return items_->size(); }
bool CallbackList::empty() const { return items_->empty(); }

LambdaCallback::LambdaCallback(LambdaCallbackOptions functions) : f_(std::move(functions)) {}
void LambdaCallback::on_epoch_begin(int epoch, Logs& logs) {
  if (f_.on_epoch_begin) f_.on_epoch_begin(epoch, logs);
}
void LambdaCallback::on_epoch_end(int epoch, Logs& logs) {
  if (f_.on_epoch_end) f_.on_epoch_end(epoch, logs);
}
void LambdaCallback::on_train_begin(Logs& logs) {
  if (f_.on_train_begin) f_.on_train_begin(logs);
}
void LambdaCallback::on_train_end(Logs& logs) {
  if (f_.on_train_end) f_.on_train_end(logs);
}
void LambdaCallback::on_train_batch_begin(int64_t batch, Logs& logs) {
  if (f_.on_train_batch_begin) f_.on_train_batch_begin(batch, logs);
}
void LambdaCallback::on_train_batch_end(int64_t batch, Logs& logs) {
  if (f_.on_train_batch_end) f_.on_train_batch_end(batch, logs);
}
bool LambdaCallback::wants_batch_logs() const { return static_cast<bool>(f_.on_train_batch_end); }

}  // namespace sinter
