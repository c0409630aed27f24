// Writes .npy.
#include <fmt/format.h>

#include "core/file_io.h"
#include "core/line.h"
#include "frontend/data/npy.h"
#include "frontend/data/npy_format.h"

namespace sinter {

std::string npy_prefix(const Tensor& tensor) {
  std::string shape;
  for (const int64_t dim : tensor.shape()) shape += fmt::format("{}, ", dim);
  if (tensor.shape().rank() == 1) shape.pop_back();  // (3,)
  if (tensor.shape().rank() > 1) shape.resize(shape.size() - 2);
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                   record_of(tensor.dtype()).numpy, shape);
  const size_t prefix = kNpyMagic.size() + 4;
  header.resize((prefix + header.size() + 1 + 63) / 64 * 64 - prefix - 1, ' ');
  header += '\n';
  std::string result(kNpyMagic);
  const char version_and_length[] = {1, 0, static_cast<char>(header.size() & 255),
                                     static_cast<char>(header.size() >> 8)};
  result.append(version_and_length, sizeof version_and_length);
  return result + header;
}

void save_npy(const std::string& path, const Tensor& given, SourceLocation where) {
  at_line(where, [&] {
    const Tensor tensor = given.cast(numpy_dtype(given.dtype()));
    AtomicFile file(path);
    file.write(npy_prefix(tensor));
    file.write(tensor.raw(), static_cast<size_t>(tensor.bytes()));
    file.commit();
  });
}

}  // namespace sinter
