// Names of element types.
#include "core/dtype.h"

#include "core/error.h"
#include "core/line.h"

namespace sinter {

std::string_view dtype_name(DType dtype) {
  switch (dtype) {
    case DType::kFloat32: return "float32";
    case DType::kFloat64: return "float64";
    case DType::kInt32: return "int32";
    case DType::kInt64: return "int64";
    case DType::kBool: return "bool";
    case DType::kUint8: return "uint8";
    case DType::kBFloat16: return "bfloat16";
  }
  raise_internal("a known dtype", "");
}

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
