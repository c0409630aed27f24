// NumPy's .npy files, the way data goes in and out of the tool and of Python.
#pragma once

#include <string>
#include <string_view>

#include "core/source_location.h"
#include "core/tensor.h"

namespace sinter {

/// Reads a .npy file of version 1, 2 or 3. float32, float64, int32, int64, bool and uint8 keep
/// their type; float16 becomes float32, int8, int16 and uint16 become int32, uint32 and uint64
/// become int64 (values that do not fit are refused). Fortran order and big-endian values are
/// converted. The values are copied: what happens to the file later does not change them. Anything
/// else, any damaged file, and one that is cut while it is read, raises FileError.
Tensor load_npy(const std::string& path, SourceLocation where = SourceLocation::current());

/// The same from bytes in memory; `name` is the file name that errors give.
Tensor parse_npy(std::string_view bytes, const std::string& name,
                 SourceLocation where = SourceLocation::current());

/// Writes version 1, C order, little-endian; atomically, see core/file_io.h.
void save_npy(const std::string& path, const Tensor& tensor,
              SourceLocation where = SourceLocation::current());

}  // namespace sinter
