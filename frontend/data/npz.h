// NumPy's .npz files: several arrays by name, as numpy.savez and numpy.savez_compressed write them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/source_location.h"
#include "core/tensor.h"
#include "frontend/data_argument.h"

namespace sinter {

struct LoadNpzOptions {
  /// Only these; others may be damaged or no arrays. Default: all.
  std::vector<std::string> names = {};
  /// How many times as large as the file all arrays may be, once they take more than 256 MiB: what
  /// is compressed a thousand times may be a bomb.
  double most_expansion = 200;
};

/// Arrays by their names ("arr_0" where numpy.savez got none), of the dtypes that load_npy() gives.
/// Raises FileError, which names file and array, for a damaged file and one that holds something
/// else; NameError for an array that is not there.
std::map<std::string, Tensor> load_npz(const std::string& path, LoadNpzOptions options = {},
                                       SourceLocation where = SourceLocation::current());

struct SaveNpzOptions {
  bool compressed = false;  // as numpy.savez_compressed
};

/// Writes arrays by their names, `save_npz("a.npz", {{"x", x}, {"y", y}})`, or as arr_0, arr_1 ...,
/// `save_npz("a.npz", {x, y})`; atomically, see core/file_io.h; the same bytes for the same arrays.
/// numpy.load reads them. Raises Error for names that are empty, twice there or no UTF-8,
/// FileError.
void save_npz(const std::string& path, const Data& arrays, SaveNpzOptions options = {},
              SourceLocation where = SourceLocation::current());

}  // namespace sinter
