// Unpacks the image sets that pack_datasets.py made; the packing is described there.
#include "frontend/data/datasets.h"

#include <cstring>
#include <string_view>

#include "core/error.h"
#include "frontend/data/images.h"
#include "frontend/data/inflate.h"

extern "C" {
extern const unsigned char sinter_embedded_letters[], sinter_embedded_letters_end[];
extern const unsigned char sinter_embedded_digits[], sinter_embedded_digits_end[];
}

namespace sinter::datasets {
namespace {

Dataset unpack(const unsigned char* begin, const unsigned char* end, int64_t count, int64_t pixels,
               int64_t train, std::vector<std::string> class_names) {
  const size_t labels_at = 16, pixels_at = labels_at + static_cast<size_t>(count);
  const size_t size = pixels_at + static_cast<size_t>(count * pixels / 2);
  const std::string bytes =
      inflate({reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin)}, size)
          .value_or("");
  SINTER_CHECK(bytes.size() == size, "an embedded image set is damaged");
  uint32_t head[3];
  std::memcpy(head, bytes.data() + 4, sizeof head);
  SINTER_CHECK(
      bytes.starts_with("SDS1") && head[0] == count && head[1] == pixels && head[2] == train,
      "an embedded image set is not the one expected");

  Tensor x(DType::kFloat32, {count, pixels}), labels(DType::kInt32, {count});
  const std::span<float> values = x.data<float>();
  for (size_t i = 0; i < values.size(); i += 2) {
    const auto pair = static_cast<uint8_t>(bytes[pixels_at + i / 2]);
    values[i] = static_cast<float>(pair >> 4) / 15.0f;
    values[i + 1] = static_cast<float>(pair & 15) / 15.0f;
  }
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    labels.data<int32_t>()[i] = static_cast<uint8_t>(bytes[labels_at + i]);
  }
  return {make_split(x.rows(0, train), labels.rows(0, train), class_names),
          make_split(x.rows(train, count), labels.rows(train, count), class_names)};
}

}  // namespace

Dataset letters() {
  return unpack(sinter_embedded_letters, sinter_embedded_letters_end, 3310, 784, 2760,
                {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J"});
}

Dataset digits() {
  return unpack(sinter_embedded_digits, sinter_embedded_digits_end, 1797, 64, 1437, digit_names());
}

}  // namespace sinter::datasets
