// Data arguments of fit(), evaluate() and predict(): one tensor, or one for each input or output,
// in their order or by their names.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/hidden.h"
#include "core/tensor.h"

namespace sinter {

class Data {
 public:
  Data();
  Data(const Data&);
  Data(Data&&) noexcept;
  Data& operator=(const Data&);
  Data& operator=(Data&&) noexcept;
  ~Data();
  Data(Tensor tensor);                // NOLINT
  Data(std::vector<Tensor> tensors);  // NOLINT
  Data(std::initializer_list<Tensor> tensors);
  /// `{{"image", x}, {"age", a}}`: by the names of inputs or outputs.
  Data(std::initializer_list<std::pair<const std::string, Tensor>> tensors);
  Data(std::map<std::string, Tensor> tensors);  // NOLINT
  /// As they were given; those with names in the order of these.
  const std::vector<Tensor>& list() const;
  bool empty() const;
  /// Tensors with as many names, in their order.
  Data(std::vector<std::string> names, std::vector<Tensor> tensors);
  /// The names of list(), or none.
  const std::vector<std::string>& names() const;
  /// These tensors, as many, in order or by the names that this one's have.
  Data with(std::vector<Tensor> tensors) const;
  /// In the order of `names`, where they were given by name; otherwise list(). Raises NameError for
  /// a name that is no `kind` ("input"), and Error, which starts with `what` ("fit: x"), for one
  /// that has no tensor or two.
  std::vector<Tensor> in_order(const std::vector<std::string>& names, const char* kind,
                               const std::string& what) const;

 private:
  Hidden<std::vector<Tensor>> tensors_;
  Hidden<std::vector<std::string>> names_;  // of each, or none
};

}  // namespace sinter
