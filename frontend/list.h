// Lists that users get: as std::vector, but brackets check, and negative numbers count from the
// end, as in Python.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/source_location.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// A number in brackets, with the line where it stands.
struct ListIndex {
  template <RealArgument T>
  requires(!std::is_floating_point_v<T>)
      ListIndex(T number, SourceLocation line = SourceLocation::current())  // NOLINT
      : index(static_cast<int64_t>(number)), where(line) {}
  int64_t index;
  SourceLocation where;
};

/// The place of an element, counted from 0. Raises Error when there is no such element.
size_t place_in_list(const ListIndex& index, size_t size);

/// `list[-1]` is the last element. Brackets, at(), front() and back() raise Error where there is no
/// such element.
template <typename T>
class List : public std::vector<T> {
  using Vector = std::vector<T>;

 public:
  using Vector::Vector;
  List() = default;
  List(Vector elements) : Vector(std::move(elements)) {}  // NOLINT

  const T& operator[](const ListIndex& i) const { return Vector::operator[](place(i)); }
  T& operator[](const ListIndex& i) { return Vector::operator[](place(i)); }
  const T& at(const ListIndex& i) const { return (*this)[i]; }
  T& at(const ListIndex& i) { return (*this)[i]; }
  const T& front(SourceLocation where = SourceLocation::current()) const {
    return (*this)[{0, where}];
  }
  T& front(SourceLocation where = SourceLocation::current()) { return (*this)[{0, where}]; }
  const T& back(SourceLocation where = SourceLocation::current()) const {
    return (*this)[{-1, where}];
  }
  T& back(SourceLocation where = SourceLocation::current()) { return (*this)[{-1, where}]; }

 private:
  size_t place(const ListIndex& i) const { return place_in_list(i, this->size()); }
};

}  // namespace sinter
