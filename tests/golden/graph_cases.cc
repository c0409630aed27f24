// A line-based reader: a case starts at a line that starts with `case`, its graphs are separated by
// `=>`.
#include "tests/golden/graph_cases.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace sinter::golden {
namespace {

[[noreturn]] void fail(const GraphFile& file, int line, const std::string& what) {
  throw std::runtime_error(fmt::format("{}:{}: {}", file.path, line, what));
}

std::string quoted(const std::string& text, size_t& at) {
  const size_t from = text.find('"', at), to = text.find('"', from + 1);
  if (from == std::string::npos || to == std::string::npos) return "";
  at = to + 1;
  return text.substr(from + 1, to - from - 1);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream names(text);
  for (std::string name; std::getline(names, name, ',');) result.push_back(name);
  return result;
}

GraphCase parse_header(const GraphFile& file, const std::string& header, int line) {
  GraphCase result;
  result.header = header;
  result.line = line;
  size_t at = 0;
  result.name = quoted(header, at);
  const size_t colon = header.rfind(": ");
  if (result.name.empty() || colon == std::string::npos)
    fail(file, line, "case \"name\" ...: kind");
  std::string options = header.substr(at, colon - at);
  const std::string kind = header.substr(colon + 2);
  if (kind == "becomes")
    result.kind = GraphCase::Kind::kBecomes;
  else if (kind == "unchanged")
    result.kind = GraphCase::Kind::kUnchanged;
  else if (kind.starts_with("same as ")) {
    result.kind = GraphCase::Kind::kSameAs;
    size_t k = 0;
    result.other = quoted(kind, k);
  } else
    fail(file, line, "unknown kind " + kind);
  for (size_t k; (k = options.find("remark ")) != std::string::npos;) {
    size_t end = k;
    result.remarks.push_back(quoted(options, end));
    options.erase(k, end - k);
  }
  std::istringstream words(options);
  for (std::string word; words >> word;) {
    const std::string value = word.substr(word.find('=') + 1);
    if (word.starts_with("claims=")) {
      result.claims = split(value);
    } else if (word.starts_with("first=")) {
      result.first = split(value);
    } else if (word.starts_with("mixed_precision=")) {
      result.mixed_precision = value;
    } else if (word == "emulated") {
      result.emulated = true;
    } else if (word.starts_with("batch="))
      result.batch = std::stoll(value);
    else if (word.starts_with("budget="))
      result.budget = std::stoll(value);
    else if (word == "values=any")
      result.any_values = true;
    else if (word.starts_with("tolerance="))
      result.tolerance = std::stod(value);
    else
      fail(file, line, "unknown option " + word);
  }
  return result;
}

}  // namespace

GraphFile read_graph_file(const std::string& path) {
  GraphFile file{path, "", {}};
  std::ifstream stream(path);
  int number = 0;
  bool after = false;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (line.starts_with("case ")) {
      file.cases.push_back(parse_header(file, line, number));
      after = false;
    } else if (file.cases.empty()) {
      file.comment += line + "\n";
    } else if (line == "=>") {
      after = true;
    } else {
      (after ? file.cases.back().after : file.cases.back().before) += line + "\n";
    }
  }
  return file;
}

void write_graph_file(const GraphFile& file) {
  const auto trimmed = [](std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text + "\n";
  };
  std::string text = trimmed(file.comment);
  for (const GraphCase& c : file.cases) {
    text += "\n" + c.header + "\n" + trimmed(c.before);
    if (c.kind == GraphCase::Kind::kBecomes) text += "=>\n" + trimmed(c.after);
  }
  std::ofstream(file.path) << text;
}

}  // namespace sinter::golden
