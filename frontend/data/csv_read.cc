// Reading numbers from comma separated values.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/file_io.h"
#include "core/shorten.h"
#include "frontend/data/csv.h"
#include "frontend/origin.h"
#include "frontend/session.h"

namespace sinter {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// `narrow`: to the nearest float32. By way of double it would be rounded twice.
std::optional<double> number_of(std::string_view text, bool narrow) {
  text = trimmed(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = trimmed(text.substr(1, text.size() - 2));
  if (text.empty() || text == "NA") return std::numeric_limits<double>::quiet_NaN();
  if (text.front() == '+' && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  if (float value = 0; narrow) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end == text.data() + text.size() && error == std::errc()) return value;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc()) return value;
  // Beyond double: infinity or 0, which the wider type still tells apart.
  long double wide = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), wide).ec == std::errc())
    return static_cast<double>(wide);
  return std::nullopt;
}

class CsvReader {
 public:
  CsvReader(const std::string& path, std::string_view text, const CSVOptions& options)
      : path_(path),
        rest_(text),
        separator_(options.separator),
        header_(options.header),
        wanted_(options.columns),
        narrow_(options.dtype == DType::kFloat32) {
    constexpr std::string_view kMark = "\xef\xbb\xbf";  // of UTF-8, as spreadsheets write it
    if (rest_.starts_with(kMark)) rest_.remove_prefix(kMark.size());
  }

  void read() {
    const std::string blank = separator_ == '\t' ? " " : " \t";
    while (!rest_.empty()) {
      ++line_;
      std::string_view line = rest_.substr(0, rest_.find('\n'));
      rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.find_first_not_of(blank) < line.size()) read_line(line);
    }
  }
  /// Raises FileError where there is no row of numbers.
  void check_rows() const {
    if (rows_ > 0) return;
    if (first_line_.empty())
      throw FileError(fmt::format("cannot load '{}': it is empty, there are no rows in it", path_));
    throw FileError(
        fmt::format("cannot load '{}': it has no rows below the line '{}', which was {}{}", path_,
                    shortened(first_line_),
                    guessed_header_ ? "taken for names" : "left out as .header = true says",
                    hint(first_line_)));
  }
  const std::vector<double>& values() const { return values_; }
  int64_t rows() const { return rows_; }
  int64_t columns() const {
    return wanted_.empty() ? columns_ : static_cast<int64_t>(wanted_.size());
  }

 private:
  void read_line(std::string_view line) {
    const bool first = columns_ < 0;
    const std::string_view whole = line;
    fields_.clear();
    for (bool more = true; more;) {
      const size_t at = field_end(line);
      fields_.push_back(line.substr(0, at));
      more = at < line.size();
      line.remove_prefix(std::min(at + 1, line.size()));
    }
    const auto count = static_cast<int64_t>(fields_.size());
    if (!wanted_.empty()) {
      check_first_line();
      choose(count);
    }
    const size_t before = values_.size();
    bool finite = false;
    std::string odd;  // the first field that is no number
    for (size_t i = 0; i < fields_.size(); ++i) {
      const std::optional<double> number = number_of(fields_[i], narrow_);
      finite = finite || (number && std::isfinite(*number));
      if (!number && odd.empty()) {
        odd = fmt::format("column {}: '{}' is no number",
                          wanted_.empty() ? static_cast<int64_t>(i) + 1 : wanted_[i] + 1,
                          shortened(fields_[i]));
      }
      values_.push_back(number.value_or(0));
    }
    // Names alone are a header; names beside numbers may be data that somebody mistyped.
    if (first && header_.value_or(!odd.empty() && !finite)) {
      values_.resize(before);
      guessed_header_ = !header_;
      first_line_ = whole;
      header_ = false;
      return;
    }
    if (!odd.empty())
      fail(odd + (first && !header_ ? "; .header = true leaves the line out" : "") + hint(whole));
    if (!first && count != columns_)
      fail(fmt::format("{} fields, the lines before have {}", count, columns_));
    columns_ = count;
    ++rows_;
  }

  // The line of numbers that was taken for a row may be one of names: years, of some columns.
  void check_first_line() {
    if (header_ || rows_ > 1) return;
    if (rows_ == 0) {
      first_row_ = line_;
      for (size_t i = 0; i < fields_.size(); ++i) {
        if (!number_of(fields_[i], narrow_)) texts_.push_back({i, fields_[i]});
      }
      return;
    }
    for (const auto& [column, text] : texts_) {
      const std::optional<double> number =
          column < fields_.size() ? number_of(fields_[column], narrow_) : std::nullopt;
      if (!number || !std::isfinite(*number)) continue;
      line_ = first_row_;
      fail(fmt::format(
          "column {}: '{}' may be a name or a number that is missing: .header = true leaves the "
          "line out, .header = false takes it for a row",
          column + 1, shortened(text)));
    }
  }

  void choose(int64_t count) {
    std::vector<std::string_view> chosen;
    for (const int64_t column : wanted_) {
      if (column < 0 || column >= count)
        fail(fmt::format("{} fields, .columns asks for number {} (the first is 0)", count, column));
      chosen.push_back(fields_[static_cast<size_t>(column)]);
    }
    fields_ = std::move(chosen);
  }

  // A line of one field that holds another separator.
  std::string hint(std::string_view line) const {
    if (line.find(separator_) != std::string_view::npos) return "";
    for (const char other : {';', '\t', ',', '|'}) {
      if (other != separator_ && line.find(other) != std::string_view::npos)
        return fmt::format("; do {} separate fields? .separator = '{}'",
                           other == '\t' ? "tabs" : fmt::format("'{}'", other),
                           other == '\t' ? "\\t" : std::string(1, other));
    }
    return "";
  }

  // Separators in quotes separate nothing.
  size_t field_end(std::string_view line) const {
    bool quoted = false;
    for (size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '"') quoted = !quoted;
      if (line[i] == separator_ && !quoted) return i;
    }
    return line.size();
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(fmt::format("cannot load '{}': line {}, {}", path_, line_, what));
  }

  const std::string& path_;
  std::string_view rest_;
  char separator_;
  std::optional<bool> header_;  // false: it was left out, or there is none
  const std::vector<int64_t>& wanted_;
  bool narrow_;
  bool guessed_header_ = false;
  std::string_view first_line_;  // when it was left out
  std::vector<std::string_view> fields_;
  std::vector<std::pair<size_t, std::string_view>> texts_;  // in the first row, by column
  int64_t first_row_ = 0;
  int64_t line_ = 0, rows_ = 0, columns_ = -1;  // fields of a line in the file
  std::vector<double> values_;
};

}  // namespace

Tensor load_csv(const std::string& path, CSVOptions options, SourceLocation where) {
  return at_line(where, [&] {
    const DType dtype = options.dtype.value_or(floatx());
    if (dtype != DType::kFloat32 && dtype != DType::kFloat64)
      throw Error(
          fmt::format("load_csv: numbers are read as float32 or float64, not as {}; cast "
                      "them",
                      dtype_name(dtype)));
    options.dtype = dtype;
    const auto file = MappedFile::snapshot(path);
    CsvReader reader(path, file->text(), options);
    reader.read();
    file->check_unchanged();
    reader.check_rows();
    return Tensor::from({reader.rows(), reader.columns()}, reader.values()).cast(dtype);
  });
}

}  // namespace sinter
