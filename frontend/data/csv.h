// Comma separated values, for spreadsheets and pandas.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/source_location.h"
#include "core/tensor.h"

namespace sinter {

struct CSVOptions {
  char separator = ',';
  /// Is the first line one of names, which is left out? Default: when it holds names and no finite
  /// number in `columns`. Names that are numbers (years) have to be told: .header = true.
  std::optional<bool> header = std::nullopt;
  /// Only these, counted from 0, in this order; others may hold text. Default: all. A text in
  /// another column of the first line, above a number, is a name or a gap: FileError, unless
  /// .header says which.
  std::vector<int64_t> columns = {};
  std::optional<DType> dtype = std::nullopt;  // float32 or float64; default: floatx()
};

/// Numbers as [rows, columns]. Fields may stand in quotes and between blanks; nan, NA and nothing
/// are NaN, inf and -inf infinities. Empty lines are left out. Raises FileError, with line and
/// column, for a field that is no number, for rows of different lengths and for a file without a
/// row of numbers, and Error for another dtype.
Tensor load_csv(const std::string& path, CSVOptions options = {},
                SourceLocation where = SourceLocation::current());

/// Writes a tensor of rank 1 or 2, a line a row, without a header: floats with as many digits as
/// tell them apart, NaN and infinities as nan, inf and -inf. Atomically, see core/file_io.h. Raises
/// ShapeError for other ranks and FileError.
void save_csv(const std::string& path, const Tensor& tensor,
              SourceLocation where = SourceLocation::current());

}  // namespace sinter
