#include "frontend/data/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/error.h"
#include "core/file_io.h"

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

struct GzipReader::State {
  static constexpr size_t kPiece = size_t{1} << 16;

  explicit State(const std::string& file) : path(file), reader(FileReader::open(file)) {
    constexpr int kGzip = 15 + 16;  // the largest window
    if (reader == nullptr) throw FileError("cannot read '" + path + "': it is no file");
    size = reader->left();
    if (::inflateInit2(&stream, kGzip) != Z_OK)
      throw FileError("cannot read '" + path + "': zlib finds no memory");
  }
  ~State() { ::inflateEnd(&stream); }

  /// Is there more to unpack? Reads the next piece of the file when the last one is used up.
  bool refill() {
    if (stream.avail_in > 0) return true;
    const size_t count = std::min(kPiece, reader->left());
    if (count == 0) return false;
    reader->read(packed.data(), count);
    stream.next_in = packed.data();
    stream.avail_in = static_cast<uInt>(count);
    return true;
  }

  std::string path;
  std::unique_ptr<FileReader> reader;
  size_t size = 0;
  z_stream stream{};
  bool is_between = false;  // a member of the file has ended
  std::vector<Bytef> packed = std::vector<Bytef>(kPiece), unpacked = std::vector<Bytef>(kPiece);
};

GzipReader::GzipReader(const std::string& path) : state_(std::make_unique<State>(path)) {}
GzipReader::~GzipReader() = default;

int64_t GzipReader::consumed() const {
  return static_cast<int64_t>(state_->size - state_->reader->left() - state_->stream.avail_in);
}

std::string_view GzipReader::next() {
  State& s = *state_;
  s.stream.next_out = s.unpacked.data();
  s.stream.avail_out = static_cast<uInt>(s.unpacked.size());
  while (s.stream.avail_out == s.unpacked.size()) {
    if (!s.refill()) {
      if (s.is_between) return {};
      throw FileError("cannot read '" + s.path + "': the file ends too early");
    }
    if (s.is_between) {
      // Another member, or zeros that fill a block.
      if (*s.stream.next_in == 0) {
        ++s.stream.next_in;
        --s.stream.avail_in;
        continue;
      }
      if (::inflateReset(&s.stream) != Z_OK) break;
      s.is_between = false;
    }
    const int status = ::inflate(&s.stream, Z_NO_FLUSH);
    s.is_between = status == Z_STREAM_END;
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      throw FileError("cannot read '" + s.path + "': it is a damaged gzip file");
  }
  return {reinterpret_cast<const char*>(s.unpacked.data()), s.unpacked.size() - s.stream.avail_out};
}

}  // namespace sinter::datasets
