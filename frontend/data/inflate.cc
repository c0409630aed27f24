#include "frontend/data/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace sinter::datasets {

std::optional<std::string> inflate(std::string_view packed, size_t limit) {
  constexpr int kZlibOrGzip = 15 + 32;  // the largest window, and either header
  z_stream stream{};
  if (::inflateInit2(&stream, kZlibOrGzip) != Z_OK) return std::nullopt;
  const std::unique_ptr<z_stream, int (*)(z_stream*)> closer(&stream, ::inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(std::min<size_t>(packed.size(), UINT32_MAX));
  std::string result;
  std::vector<char> buffer(size_t{1} << 16);
  int status = Z_OK;
  while (status == Z_OK && result.size() <= limit) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = ::inflate(&stream, Z_NO_FLUSH);
    result.append(buffer.data(), buffer.size() - stream.avail_out);
  }
  if (status != Z_STREAM_END) return std::nullopt;
  return result;
}

}  // namespace sinter::datasets
