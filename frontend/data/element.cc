#include "frontend/data/element.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/line.h"

namespace sinter {

Element::Element() = default;
Element::Element(const Element&) = default;
Element::Element(Element&&) noexcept = default;
Element& Element::operator=(const Element&) = default;
Element& Element::operator=(Element&&) noexcept = default;
Element::~Element() = default;

Element::Element(Tensor x) { parts_.change().emplace_back(std::move(x)); }

Element::Element(Data x, Data y, Data sample_weight) {
  const size_t size = !sample_weight.empty() ? 3 : !y.empty() ? 2 : 1;
  std::vector<Data>& parts = parts_.change();
  parts.reserve(size);
  parts.push_back(std::move(x));
  if (size > 1) parts.push_back(std::move(y));
  if (size > 2) parts.push_back(std::move(sample_weight));
}

Tensor Element::only(size_t part, SourceLocation where) const {
  const std::vector<Tensor>& tensors = this->part(part).list();
  if (tensors.size() != 1) {
    constexpr const char* kNames[] = {"x", "y", "sample_weight"};
    const std::string text =
        tensors.empty()
            ? fmt::format("the element has no {}", kNames[part])
            : fmt::format("{} of the element holds {} tensors: part({}).list() has them",
                          kNames[part], tensors.size(), part);
    throw Error(with_line(where, text));
  }
  return tensors.front();
}

size_t Element::size() const { return parts_->size(); }

const Data& Element::part(size_t i) const {
  static const Data* const none = new Data;
  return i < size() ? (*parts_)[i] : *none;
}

std::vector<Tensor> Element::tensors() const {
  std::vector<Tensor> result;
  for (const Data& part : *parts_)
    result.insert(result.end(), part.list().begin(), part.list().end());
  return result;
}

Element Element::with(std::vector<Tensor> tensors) const {
  Element result;
  std::vector<Data>& parts = result.parts_.change();
  parts.reserve(size());
  auto next = tensors.begin();
  for (const Data& part : *parts_) {
    const auto end = next + static_cast<std::ptrdiff_t>(part.list().size());
    parts.push_back(
        part.with({std::make_move_iterator(next), std::make_move_iterator(end)}));
    next = end;
  }
  return result;
}

}  // namespace sinter
