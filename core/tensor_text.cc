// Tensors as text, by the rules of numpy.array2string: precision 8, threshold 1000, 3 items at each
// edge, lines of 75 characters.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/tensor.h"

namespace sinter {
namespace {

constexpr int64_t kThreshold = 1000, kEdge = 3;
constexpr size_t kLine = 75;
constexpr int kPrecision = 8;

// The flat indices of the elements that are shown, and how an axis is walked: 0, 1, 2, a gap, the
// last three.
struct Shown {
  explicit Shown(const Tensor& t) : shape(t.shape()), summary(t.elements() > kThreshold) {}
  bool cuts(int axis) const { return summary && shape[axis] > 2 * kEdge; }
  std::vector<int64_t> along(int axis) const {
    std::vector<int64_t> result;
    for (int64_t i = 0; i < shape[axis]; ++i) {
      if (cuts(axis) && i == kEdge) i = shape[axis] - kEdge;
      result.push_back(i);
    }
    return result;
  }
  void collect(int axis, int64_t base, std::vector<int64_t>& indices) const {
    if (axis == shape.rank()) {
      indices.push_back(base);
      return;
    }
    for (const int64_t i : along(axis)) collect(axis + 1, base * shape[axis] + i, indices);
  }

  Shape shape;
  bool summary;
};

// The shortest text that reads back as the same number of its type, with `precision` digits at most
// behind the point, which is always there.
template <typename T>
std::string digits(T value, std::chars_format format, int precision) {
  char buffer[512];
  const auto text = [&](std::to_chars_result r) { return std::string(buffer, r.ptr); };
  std::string result = text(std::to_chars(buffer, std::end(buffer), value, format));
  const auto split = [](const std::string& s) { return std::min(s.find('e'), s.size()); };
  size_t point = std::min(result.find('.'), split(result));
  if (split(result) - point > static_cast<size_t>(precision) + 1) {
    result = text(std::to_chars(buffer, std::end(buffer), value, format, precision));
    size_t end = split(result);
    while (result[end - 1] == '0') result.erase(--end, 1);
    point = result.find('.');
  }
  if (result.find('.') == std::string::npos) result.insert(point, ".");
  return result;
}

template <typename T>
std::vector<std::string> float_words(const std::vector<T>& values) {
  double largest = 0, smallest = INFINITY;
  bool special = false, negative_infinity = false;
  for (const T v : values) {
    if (!std::isfinite(v)) {
      special = true;
      negative_infinity = negative_infinity || v < 0;
    } else if (v != 0) {
      largest = std::max(largest, std::abs(static_cast<double>(v)));
      smallest = std::min(smallest, std::abs(static_cast<double>(v)));
    }
  }
  const bool exponents =
      largest > 0 && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000);
  const auto format = exponents ? std::chars_format::scientific : std::chars_format::fixed;
  std::vector<std::string> words;
  size_t left = 0, right = 0, fraction = 0, exponent = 0;  // widths before and behind the point
  for (const T v : values) {
    words.push_back(std::isfinite(v) ? digits(v, format, kPrecision)
                    : std::isnan(v)  ? "nan"
                    : v < 0          ? "-inf"
                                     : "inf");
    if (!std::isfinite(v)) continue;
    const std::string& word = words.back();
    const size_t point = word.find('.'), end = std::min(word.find('e'), word.size());
    left = std::max(left, point);
    fraction = std::max(fraction, end - point - 1);
    exponent = std::max(exponent, word.size() - end);
  }
  for (size_t i = 0; i < words.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    std::string& word = words[i];
    const size_t point = word.find('.'), end = std::min(word.find('e'), word.size());
    const std::string pad(fraction - (end - point - 1), exponents ? '0' : ' ');
    if (exponents) word.insert(end + 2, exponent - (word.size() - end), '0');
    word.insert(end, pad);
    right = std::max(right, word.size() - point - 1);
  }
  if (special) {
    const size_t widest = negative_infinity ? 4 : 3;
    if (widest > right + 1) left = std::max(left, widest - right - 1);
  }
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t end = std::isfinite(values[i]) ? words[i].size() - words[i].find('.') - 1 : 0;
    const size_t width = left + 1 + right - (std::isfinite(values[i]) ? right - end : 0);
    words[i].insert(0, width > words[i].size() ? width - words[i].size() : 0, ' ');
  }
  return words;
}

std::vector<std::string> words_of(const Tensor& tensor, const std::vector<int64_t>& indices) {
  if (is_floating(tensor.dtype())) {
    std::vector<double> wide;
    std::vector<float> narrow;
    for (const int64_t i : indices) {
      wide.push_back(tensor.at(i));
      narrow.push_back(static_cast<float>(wide.back()));
    }
    return tensor.dtype() == DType::kFloat64 ? float_words(wide) : float_words(narrow);
  }
  std::vector<std::string> words;
  size_t width = 0;
  for (const int64_t i : indices) {
    words.push_back(tensor.dtype() == DType::kBool ? tensor.at(i) != 0 ? "True" : "False"
                                                   : tensor.number(i).to_string());
    width = std::max(width, words.back().size());
  }
  if (tensor.dtype() == DType::kBool && tensor.shape().rank() > 0) width = 5;
  for (std::string& word : words) word.insert(0, width - word.size(), ' ');
  return words;
}

class Writer {
 public:
  Writer(const Shown& shown, std::vector<std::string> words)
      : shown_(shown), words_(std::move(words)) {}

  /// `indent` stands before all lines but the first, which its bracket begins.
  std::string axis(int axis, const std::string& indent, size_t width) {
    const int left = shown_.shape.rank() - axis;
    if (left == 0) return words_[next_++];
    const std::vector<int64_t> items = shown_.along(axis);
    std::string text, line = indent;
    for (size_t i = 0; i < items.size(); ++i) {
      const bool last = i + 1 == items.size();
      const bool gap = shown_.cuts(axis) && i == static_cast<size_t>(kEdge);
      if (left > 1) {
        const std::string end(static_cast<size_t>(left - 1), '\n');
        if (gap) text += indent + "..." + end;
        text += indent + this->axis(axis + 1, indent + ' ', width - 1) + (last ? "" : end);
        continue;
      }
      if (gap) {
        extend(text, line, "...", width - 1, indent);
        line += ' ';
      }
      extend(text, line, words_[next_++], width - 1, indent);
      line += last ? "" : " ";
    }
    if (left == 1) text += line;
    return "[" + text.substr(std::min(indent.size(), text.size())) + "]";
  }

 private:
  static void extend(std::string& text, std::string& line, const std::string& word, size_t width,
                     const std::string& indent) {
    if (line.size() + word.size() > width && line.size() > indent.size()) {
      text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
      line = indent;
    }
    line += word;
  }

  const Shown& shown_;
  std::vector<std::string> words_;
  size_t next_ = 0;
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  if (tensor.elements() == 0) return out << "[]";
  const Shown shown(tensor);
  std::vector<int64_t> indices;
  shown.collect(0, 0, indices);
  std::vector<std::string> words = words_of(tensor, indices);
  if (tensor.shape().rank() == 0) {
    // A number alone is no column: "1.0".
    std::string word = words[0].substr(words[0].find_first_not_of(' '));
    return out << word << (word.ends_with('.') ? "0" : "");
  }
  return out << Writer(shown, std::move(words)).axis(0, " ", kLine);
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.to_string(); }

std::ostream& operator<<(std::ostream& out, DType dtype) { return out << dtype_name(dtype); }

}  // namespace sinter
