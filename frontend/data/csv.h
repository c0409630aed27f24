// Comma separated values, for spreadsheets and pandas.
#pragma once

#include <string>

#include "core/source_location.h"
#include "core/tensor.h"

namespace sinter {

/// Writes a tensor of rank 1 or 2, a line a row, without a header: floats with as many digits as
/// tell them apart, NaN and infinities as nan, inf and -inf. Atomically, see core/file_io.h. Raises
/// ShapeError for other ranks and FileError.
void save_csv(const std::string& path, const Tensor& tensor,
              SourceLocation where = SourceLocation::current());

}  // namespace sinter
