// Names of element types.
#include "core/dtype.h"

#include "core/error.h"
#include "core/line.h"

namespace sinter {

DType parse_dtype(std::string_view name, SourceLocation where) {
  return at_line(where, [&]() -> DType {
    std::vector<std::string> known;
    for (DType dtype : kAllDTypes) {
      if (dtype_name(dtype) == name) return dtype;
      known.emplace_back(dtype_name(dtype));
    }
    raise_unknown_name("dtype", name, known);
  });
}

}  // namespace sinter
