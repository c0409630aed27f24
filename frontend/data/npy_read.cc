// .npy: a magic, a version, a Python dict literal that gives type, order and shape, then the
// values.

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/data/npy.h"
#include "frontend/data/npy_format.h"
#include "frontend/origin.h"

namespace sinter {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as little-endian");

constexpr size_t kMaxRank = 64;  // NumPy's own limit

struct NpyHeader {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

/// Parses {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }: the keys in any order, each
/// once.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  NpyHeader parse() {
    NpyHeader header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !descr) {
        descr = true;
        header.descr = type_text();
      } else if (key == "fortran_order" && !order) {
        order = true;
        header.fortran_order = boolean();
      } else if (key == "shape" && !shape) {
        shape = true;
        header.shape = tuple();
      } else {
        fail("unexpected key");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("text after the closing brace");
    if (!descr || !order || !shape) fail("'descr', 'fortran_order' and 'shape' are all needed");
    return header;
  }

 private:
  [[noreturn]] void fail(std::string_view why) const {
    throw FileError(
        fmt::format("'{}' has a damaged npy header at position {}: {}", name_, at_, why));
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t'))
      ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("'{}' expected", c));
  }
  std::string quoted() {
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"'))
      fail("quoted text expected");
    const size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) fail("quoted text does not end");
    std::string result(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return result;
  }
  std::string type_text() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[') {
      throw FileError(
          fmt::format("'{}' holds records with fields; save one plain array instead", name_));
    }
    return quoted();
  }
  bool word(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }
  bool boolean() {
    skip_space();
    if (word("True")) return true;
    if (!word("False")) fail("True or False expected");
    return false;
  }
  int64_t integer() {
    skip_space();
    const size_t begin = at_;
    int64_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, int64_t{10}, &value) ||
          __builtin_add_overflow(value, int64_t{text_[at_] - '0'}, &value)) {
        fail("dimension too large");
      }
    }
    if (at_ == begin) fail("dimension expected");
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote 3L
    return value;
  }
  std::vector<int64_t> tuple() {
    std::vector<int64_t> result;
    expect('(');
    while (!accept(')')) {
      if (result.size() == kMaxRank) fail("too many dimensions");
      result.push_back(integer());
      if (accept(',')) continue;
      if (result.size() == 1) fail("a tuple of one needs a comma");
      expect(')');
      break;
    }
    return result;
  }

  std::string_view text_;
  const std::string& name_;
  size_t at_ = 0;
};

uint32_t little_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

/// Elements of `shape`, where also the product of the dimensions around a zero must stay in range,
/// since strides are made of it.
int64_t checked_elements(const std::vector<int64_t>& shape, int64_t element_bytes,
                         const std::string& name) {
  int64_t product = element_bytes;
  bool empty = false;
  for (const int64_t dim : shape) {
    empty |= dim == 0;
    if (__builtin_mul_overflow(product, std::max<int64_t>(dim, 1), &product)) {
      throw FileError(
          fmt::format("'{}' claims the impossible shape {}", name, Shape(shape).to_string()));
    }
  }
  return empty ? 0 : product / element_bytes;
}

/// The position in C order of each element that comes in Fortran order, one after the other.
class FortranOrder {
 public:
  explicit FortranOrder(const Shape& shape)
      : shape_(shape), strides_(shape.strides()), index_(static_cast<size_t>(shape.rank())) {}
  int64_t next() {
    const int64_t result = position_;
    for (int axis = 0; axis < shape_.rank(); ++axis) {
      const auto a = static_cast<size_t>(axis);
      position_ += strides_[a];
      if (++index_[a] < shape_[axis]) break;
      position_ -= strides_[a] * shape_[axis];
      index_[a] = 0;
    }
    return result;
  }

 private:
  const Shape& shape_;
  std::vector<int64_t> strides_, index_;
  int64_t position_ = 0;
};

/// Fills `result` from packed values of type Stored; `convert` makes an element of the tensor's
/// type.
template <typename To, typename Stored, typename Convert>
void fill(Tensor& result, const char* from, bool swap, bool fortran, Convert convert) {
  const std::span<To> to = result.data<To>();
  FortranOrder order(result.shape());
  for (size_t i = 0; i < to.size(); ++i) {
    char bytes[sizeof(Stored)];
    std::memcpy(bytes, from + i * sizeof(Stored), sizeof(Stored));
    if (swap) std::reverse(bytes, bytes + sizeof(Stored));
    Stored value;
    std::memcpy(&value, bytes, sizeof(Stored));
    to[fortran ? static_cast<size_t>(order.next()) : i] = convert(value);
  }
}

/// How a stored type becomes one of ours.
struct Conversion {
  std::string_view code;  // kind and size of NumPy's type string
  DType dtype;
  int64_t bytes;
  void (*fill)(Tensor&, const char*, bool swap, bool fortran, const std::string& name);
};

template <typename To, typename Stored>
constexpr Conversion plain(std::string_view code) {
  return {code, dtype_of<To>, sizeof(Stored),
          [](Tensor& result, const char* from, bool swap, bool fortran, const std::string& name) {
            fill<To, Stored>(result, from, swap, fortran, [&name](Stored value) {
              if constexpr (std::is_same_v<Stored, uint64_t>) {
                if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
                  throw FileError(fmt::format("'{}' holds {}, too large for int64", name, value));
                }
              }
              return static_cast<To>(value);
            });
          }};
}

constexpr Conversion kConversions[] = {
    plain<float, float>("f4"),
    plain<double, double>("f8"),
    plain<float16, float16>("f2"),
    plain<int32_t, int32_t>("i4"),
    plain<int64_t, int64_t>("i8"),
    plain<uint8_t, uint8_t>("u1"),
    plain<bool, uint8_t>("b1"),
    plain<int8_t, int8_t>("i1"),
    plain<int32_t, int16_t>("i2"),
    plain<int32_t, uint16_t>("u2"),
    plain<int64_t, uint32_t>("u4"),
    plain<int64_t, uint64_t>("u8"),
};

const Conversion& find_conversion(const std::string& descr, bool& swap, const std::string& name) {
  if (!descr.empty() && std::string_view("<>|=").find(descr[0]) != std::string_view::npos) {
    swap = descr[0] == '>';
    for (const Conversion& conversion : kConversions) {
      if (descr.substr(1) == conversion.code) return conversion;
    }
  }
  throw FileError(
      fmt::format("'{}' holds NumPy type '{}'; supported are bool, float16/32/64, int8 to int64 "
                  "and uint8 to uint64",
                  name, descr));
}

class Bytes final : public ByteSource {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  size_t left() const override { return bytes_.size(); }
  void read(void* data, size_t count) override {
    if (count > 0) std::memcpy(data, bytes_.data(), count);
    bytes_.remove_prefix(count);
  }

 private:
  std::string_view bytes_;
};

class File final : public ByteSource {
 public:
  explicit File(FileReader& reader) : reader_(reader) {}
  size_t left() const override { return reader_.left(); }
  void read(void* data, size_t count) override { reader_.read(data, count); }

 private:
  FileReader& reader_;
};

}  // namespace

Tensor parse_npy(ByteSource& source, const std::string& name) {
  if (source.left() < kNpyMagic.size() || source.text(kNpyMagic.size()) != kNpyMagic)
    throw FileError(fmt::format("'{}' is no .npy file", name));
  const auto ends_within = [&](size_t wanted) {
    if (source.left() < wanted)
      throw FileError(fmt::format("'{}' ends within the npy header", name));
  };
  ends_within(2);
  const std::string numbers = source.text(2);
  const int version = static_cast<uint8_t>(numbers[0]);
  if (version < 1 || version > 3 || numbers[1] != 0) {
    throw FileError(fmt::format("'{}' has npy version {}.{}; supported are 1.0, 2.0 and 3.0", name,
                                version, static_cast<uint8_t>(numbers[1])));
  }
  const size_t length_bytes = version == 1 ? 2 : 4;
  ends_within(length_bytes);
  const size_t length = little_endian(source.text(length_bytes));
  ends_within(length);
  const NpyHeader header = HeaderParser(source.text(length), name).parse();

  bool swap = false;
  const Conversion& conversion = find_conversion(header.descr, swap, name);
  // 8 bytes an element, whatever the stored size, since the tensor may be wider than the file.
  const int64_t elements = checked_elements(header.shape, 8, name);
  const Shape shape(header.shape);
  const size_t count = source.left();
  if (static_cast<uint64_t>(elements) * static_cast<uint64_t>(conversion.bytes) != count) {
    throw FileError(fmt::format("'{}' holds {} bytes of values, but shape {} of '{}' takes {}",
                                name, count, shape.to_string(), header.descr,
                                elements * conversion.bytes));
  }
  Tensor result(conversion.dtype, shape);
  const bool same_layout = !swap && !header.fortran_order && conversion.dtype != DType::kBool &&
                           record_of(conversion.dtype).numpy.substr(1) == conversion.code;
  if (same_layout) {
    source.read(result.raw(), count);
  } else {
    const std::string values = source.text(count);
    conversion.fill(result, values.data(), swap, header.fortran_order, name);
  }
  return result;
}

Tensor parse_npy(std::string_view bytes, const std::string& name, SourceLocation where) {
  return at_line(where, [&] {
    Bytes source(bytes);
    return parse_npy(source, name);
  });
}

Tensor load_npy(const std::string& path, SourceLocation where) {
  return at_line(where, [&]() -> Tensor {
    if (const std::unique_ptr<FileReader> reader = FileReader::open(path)) {
      File source(*reader);
      return parse_npy(source, path);
    }
    return parse_npy(read_file(path, kNpyMagic), path, {});  // a pipe
  });
}

}  // namespace sinter
