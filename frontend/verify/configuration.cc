// Ways to run a graph, as text.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>

#include "core/error.h"
#include "frontend/verify/check.h"

namespace sinter::verification {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  std::stringstream stream{std::string(text)};
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

}  // namespace

std::string Configuration::to_string() const {
  std::string text = fmt::format("backend={} pipeline={}", backend, pipeline);
  if (!mixed_precision.empty()) text += " mixed_precision=" + mixed_precision;
  if (!disabled.empty()) text += fmt::format(" disabled={}", fmt::join(disabled, ","));
  if (!strict) text += " precision=default";
  if (passes >= 0) text += fmt::format(" passes={}", passes);
  if (rules >= 0) text += fmt::format(" rules={}", rules);
  text += fmt::format(" threads={}", fmt::join(threads, ","));
  if (values_apart) text += " values=apart";
  if (budget >= 0) text += fmt::format(" budget={}", budget);
  if (route != "direct") text += " route=" + route;
  if (!cpu.empty()) text += " cpu=" + cpu;
  return text;
}

Configuration Configuration::parse(std::string_view text) {
  Configuration k;
  std::stringstream stream{std::string(text)};
  for (std::string word; stream >> word;) {
    const size_t at = word.find('=');
    const std::string name = word.substr(0, at), value = at == word.npos ? "" : word.substr(at + 1);
    if (name == "backend")
      k.backend = value;
    else if (name == "pipeline")
      k.pipeline = value;
    else if (name == "mixed_precision")
      k.mixed_precision = value;
    else if (name == "disabled")
      k.disabled = split(value);
    else if (name == "precision" && (value == "strict" || value == "default"))
      k.strict = value == "strict";
    else if (name == "passes")
      k.passes = std::stoi(value);
    else if (name == "rules")
      k.rules = std::stoi(value);
    else if (name == "values" && value == "apart")
      k.values_apart = true;
    else if (name == "budget")
      k.budget = std::stod(value);
    else if (name == "route")
      k.route = value;
    else if (name == "cpu")
      k.cpu = value;
    else if (name == "threads") {
      k.threads.clear();
      for (const std::string& n : split(value)) k.threads.push_back(std::stoi(n));
    } else {
      throw Error(fmt::format("'{}' is no option of a run", word));
    }
  }
  return k;
}

}  // namespace sinter::verification
