// Lists of tensors as arguments.
#include "frontend/data_argument.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"

namespace sinter {

Data::Data() = default;
Data::Data(const Data&) = default;
Data::Data(Data&&) noexcept = default;
Data& Data::operator=(const Data&) = default;
Data& Data::operator=(Data&&) noexcept = default;
Data::~Data() = default;
Data::Data(Tensor tensor) { tensors_.change().push_back(std::move(tensor)); }
Data::Data(std::vector<Tensor> tensors) { tensors_.change() = std::move(tensors); }
Data::Data(std::initializer_list<Tensor> tensors) { tensors_.change() = tensors; }
Data::Data(std::map<std::string, Tensor> tensors) {
  for (auto& [name, tensor] : tensors) {
    names_.change().push_back(name);
    tensors_.change().push_back(std::move(tensor));
  }
}
Data::Data(std::initializer_list<std::pair<const std::string, Tensor>> tensors) {
  for (const auto& [name, tensor] : tensors) {
    names_.change().push_back(name);
    tensors_.change().push_back(tensor);
  }
}

Data::Data(std::vector<std::string> names, std::vector<Tensor> tensors) {
  names_.change() = std::move(names);
  tensors_.change() = std::move(tensors);
}

const std::vector<Tensor>& Data::list() const { return *tensors_; }
const std::vector<std::string>& Data::names() const { return *names_; }
bool Data::empty() const { return tensors_->empty(); }

Data Data::with(std::vector<Tensor> tensors) const {
  Data result(std::move(tensors));
  result.names_ = names_;
  return result;
}

std::vector<Tensor> Data::in_order(const std::vector<std::string>& names, const char* kind,
                                   const std::string& what) const {
  if (names_->empty()) return *tensors_;
  for (const std::string& name : *names_) {
    if (std::ranges::find(names, name) == names.end()) raise_unknown_name(kind, name, names);
    if (std::ranges::count(*names_, name) > 1)
      throw Error(fmt::format("{} holds '{}' twice", what, name));
  }
  std::vector<Tensor> result;
  for (const std::string& name : names) {
    const auto at = std::ranges::find(*names_, name);
    if (at == names_->end()) throw Error(fmt::format("{} holds nothing for '{}'", what, name));
    result.push_back((*tensors_)[static_cast<size_t>(at - names_->begin())]);
  }
  return result;
}

}  // namespace sinter
