// One element of a Dataset: x, (x, y) or (x, y, sample_weight), as fit() takes them. Each part is
// one tensor, or several in order or by name.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/hidden.h"
#include "core/source_location.h"
#include "core/tensor.h"
#include "frontend/data_argument.h"

namespace sinter {

/// `Element{x, y}`; with several inputs `Element{{a, b}, y}`. Where each part is one tensor,
/// `auto [x, y] = element` takes it apart.
class Element {
 public:
  Element();
  Element(const Element&);
  Element(Element&&) noexcept;
  Element& operator=(const Element&);
  Element& operator=(Element&&) noexcept;
  ~Element();
  Element(Tensor x);                                      // NOLINT
  Element(Data x, Data y = {}, Data sample_weight = {});  // NOLINT
  template <typename X, typename Y>
  requires(std::is_convertible_v<X, Data>&& std::is_convertible_v<Y, Data>)
      Element(std::pair<X, Y> parts)  // NOLINT
      : Element(Data(std::move(parts.first)), Data(std::move(parts.second))) {}
  template <typename... Parts>
  requires(sizeof...(Parts) >= 1 && sizeof...(Parts) <= 3 &&
           (std::is_convertible_v<Parts, Data> && ...))
      Element(std::tuple<Parts...> parts)  // NOLINT
      : Element(std::apply(
            [](auto&&... part) { return Element(Data(std::forward<decltype(part)>(part))...); },
            std::move(parts))) {}

  /// The one tensor of a part. Raises Error when there is none or several.
  Tensor x(SourceLocation where = SourceLocation::current()) const { return only(0, where); }
  Tensor y(SourceLocation where = SourceLocation::current()) const { return only(1, where); }
  Tensor sample_weight(SourceLocation where = SourceLocation::current()) const {
    return only(2, where);
  }
  /// 1 for x, 2 for (x, y), 3 for (x, y, sample_weight).
  size_t size() const;
  /// All tensors of part `i`; none beyond size().
  const Data& part(size_t i) const;
  /// The tensors of all parts, one after the other.
  std::vector<Tensor> tensors() const;
  /// These tensors, as many as tensors() has, in the places that this element's have.
  Element with(std::vector<Tensor> tensors) const;

  template <size_t i>
  Tensor get() const {
    return only(i, {});
  }

 private:
  Tensor only(size_t part, SourceLocation where) const;

  Hidden<std::vector<Data>> parts_;
};

}  // namespace sinter
/// @cond
template <>
struct std::tuple_size<sinter::Element> : std::integral_constant<std::size_t, 2> {};
template <std::size_t i>
struct std::tuple_element<i, sinter::Element> {
  using type = sinter::Tensor;
};
/// @endcond
