#include "frontend/verify/case_file.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "core/error.h"
#include "core/text.h"
#include "ops/ops.h"

namespace sinter::verification {
namespace {

std::string numbers(const Tensor& t) {
  std::string text;
  dispatch_dtype(t.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (const T v : t.data<T>()) {
      if constexpr (is_floating_type<T>)
        text += std::isnan(static_cast<double>(v))
                    ? " nan"
                    : fmt::format(
                          " {}", static_cast<std::conditional_t<sizeof(T) == 8, double, float>>(v));
      else
        text += fmt::format(" {}", static_cast<int64_t>(v));
    }
  });
  return text;
}

Tensor parse_numbers(const ValueType& type, const std::string& text) {
  Tensor t(type.dtype, type.shape);
  std::stringstream stream(text);
  dispatch_dtype(type.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (T& v : t.data<T>()) {
      std::string word;
      if (!(stream >> word)) throw Error("too few numbers for " + type.to_string());
      if constexpr (std::is_same_v<T, double>)
        v = std::stod(word);
      else if constexpr (is_floating_type<T>)
        v = static_cast<T>(std::strtof(word.c_str(), nullptr));
      else
        v = static_cast<T>(std::stoll(word));
    }
  });
  return t;
}

}  // namespace

std::string to_text(const Case& c, const Configuration& configuration, const std::string& remark) {
  std::string text;
  std::stringstream lines(remark);
  for (std::string line; std::getline(lines, line);) text += "// " + line + "\n";
  text += "// run: " + configuration.to_string() + "\n";
  if (has_symbolic_batch(c.graph)) text += fmt::format("// batch: {}\n", c.batch);
  const auto values = [&](const std::vector<int32_t>& nodes, const std::vector<Tensor>& tensors) {
    for (size_t i = 0; i < nodes.size(); ++i)
      text += fmt::format("// value {}:{}\n", c.graph.node(nodes[i]).name, numbers(tensors[i]));
  };
  values(c.graph.inputs(), c.inputs);
  values(c.graph.variables(), c.variables);
  return text +
         sinter::to_text(c.graph, {.origins = false, .max_constant_elements = int64_t{1} << 40});
}

CaseFile parse_case(const std::string& text) {
  register_ops();
  CaseFile file;
  std::map<std::string, std::string> values;
  std::stringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto after = [&](const std::string& start) { return line.substr(start.size()); };
    if (line.starts_with("// run: ")) file.runs.push_back(Configuration::parse(after("// run: ")));
    if (line.starts_with("// batch: ")) file.c.batch = std::stoll(after("// batch: "));
    if (line.starts_with("// value ")) {
      const size_t colon = line.find(':');
      if (colon == line.npos) throw Error("no ':' in: " + line);
      values[line.substr(9, colon - 9)] = line.substr(colon + 1);
    }
  }
  file.c.graph = parse_graph(text);
  const auto tensors = [&](const std::vector<int32_t>& nodes) {
    std::vector<Tensor> result;
    for (const int32_t node : nodes) {
      ValueType type = file.c.graph.type({node, 0});
      type.shape = type.shape.specialized(file.c.batch);
      const auto it = values.find(file.c.graph.node(node).name);
      if (it == values.end()) throw Error("no value of " + file.c.graph.node(node).name);
      result.push_back(parse_numbers(type, it->second));
    }
    return result;
  };
  file.c.inputs = tensors(file.c.graph.inputs());
  file.c.variables = tensors(file.c.graph.variables());
  if (file.runs.empty()) file.runs.emplace_back();
  return file;
}

CaseFile read_case(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) throw Error("cannot read " + path);
  std::stringstream text;
  text << stream.rdbuf();
  return parse_case(text.str());
}

}  // namespace sinter::verification
