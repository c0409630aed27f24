#include "frontend/data/inflate.h"

#include <libdeflate.h>
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

bool inflate_exactly(std::string_view packed, std::span<uint8_t> to) {
  struct Free {
    void operator()(libdeflate_decompressor* d) const { ::libdeflate_free_decompressor(d); }
  };
  static thread_local const std::unique_ptr<libdeflate_decompressor, Free> kept(
      ::libdeflate_alloc_decompressor());
  if (kept == nullptr) return false;
  size_t read = 0;  // where no place is given for how much was written, it must be all
  return ::libdeflate_zlib_decompress_ex(kept.get(), packed.data(), packed.size(), to.data(),
                                         to.size(), &read, nullptr) == LIBDEFLATE_SUCCESS &&
         read == packed.size();
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

namespace {

constexpr int kRaw = -15;  // the largest window, no header
// Counts of zlib are of 32 bits: larger ones go in pieces.
constexpr size_t kMostAtOnce = size_t{1} << 30;

}  // namespace

struct RawInflater::State {
  std::string_view packed;
  z_stream stream{};
  bool ended = false;

  /// Fills `count` bytes; fewer at the end or where something is wrong.
  size_t fill(Bytef* to, size_t count) {
    size_t done = 0;
    while (done < count && !ended) {
      if (stream.avail_in == 0) {
        const size_t piece = std::min(packed.size(), kMostAtOnce);
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
        stream.avail_in = static_cast<uInt>(piece);
        packed.remove_prefix(piece);
      }
      const auto wanted = static_cast<uInt>(std::min(count - done, kMostAtOnce));
      stream.next_out = to + done;
      stream.avail_out = wanted;
      const int status = ::inflate(&stream, Z_NO_FLUSH);
      done += wanted - stream.avail_out;
      ended = status == Z_STREAM_END;
      if (status != Z_OK && status != Z_STREAM_END) break;
    }
    return done;
  }
};

RawInflater::RawInflater(std::string_view packed) : state_(std::make_unique<State>()) {
  state_->packed = packed;
  if (::inflateInit2(&state_->stream, kRaw) != Z_OK) throw Error("zlib finds no memory");
}
RawInflater::~RawInflater() { ::inflateEnd(&state_->stream); }

bool RawInflater::read(void* to, size_t count) {
  return state_->fill(static_cast<Bytef*>(to), count) == count;
}

bool RawInflater::at_end() {
  Bytef more = 0;
  return state_->fill(&more, 1) == 0 && state_->ended && state_->stream.avail_in == 0 &&
         state_->packed.empty();
}

std::string raw_deflate(std::span<const std::string_view> pieces) {
  z_stream stream{};
  constexpr int kMemoryLevel = 8;  // zlib's default
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRaw, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK)
    throw Error("zlib finds no memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> closer(&stream, ::deflateEnd);
  std::string result;
  std::vector<Bytef> buffer(size_t{1} << 16);
  const auto run = [&](int flush) {
    do {
      stream.next_out = buffer.data();
      stream.avail_out = static_cast<uInt>(buffer.size());
      (void)::deflate(&stream, flush);
      result.append(reinterpret_cast<const char*>(buffer.data()), buffer.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  };
  for (std::string_view piece : pieces) {
    while (!piece.empty()) {
      const size_t count = std::min(piece.size(), kMostAtOnce);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
      stream.avail_in = static_cast<uInt>(count);
      piece.remove_prefix(count);
      run(Z_NO_FLUSH);
    }
  }
  run(Z_FINISH);
  return result;
}

uint32_t crc32_of(std::string_view bytes, uint32_t before) {
  return ::libdeflate_crc32(before, bytes.data(), bytes.size());
}

}  // namespace sinter::datasets
