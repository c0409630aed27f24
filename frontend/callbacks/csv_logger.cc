// Logs as comma-separated values.
#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "frontend/callbacks/callbacks.h"
#include "frontend/origin.h"

namespace sinter {

namespace {

// As Python's csv module writes fields: in quotes where they would not be read as they are.
std::string field(const std::string& text, char separator) {
  const std::string special = std::string("\"\r\n") + separator;
  if (text.find_first_of(special) == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string field(double value) { return std::isnan(value) ? "nan" : fmt::format("{}", value); }

}  // namespace

struct CSVLogger::State {
  std::string path, title;  // "CSVLogger (train.cc:23)"
  CSVLoggerOptions options;
  std::FILE* file = nullptr;
  std::vector<std::string> keys;
  bool header = true;

  void open(bool append) {
    close();
    file = std::fopen(path.c_str(), append ? "a" : "w");
    if (file == nullptr)
      throw FileError(fmt::format("{}: cannot write '{}': {}", title, path, std::strerror(errno)));
  }
  void close() {
    if (file != nullptr) std::fclose(file);
    file = nullptr;
  }
  ~State() { close(); }
};

CSVLogger::CSVLogger(std::string path, CSVLoggerOptions options, SourceLocation where)
    : state_(std::make_shared<State>()) {
  state_->path = std::move(path);
  state_->options = options;
  state_->title = named_with_line("CSVLogger", where);
}

void CSVLogger::on_train_begin(Logs&) {
  State& s = *state_;
  std::error_code error;
  const auto size = std::filesystem::file_size(s.path, error);
  s.header = !(s.options.append && !error && size > 0);
  s.open(s.options.append);
  s.keys.clear();
}

void CSVLogger::on_epoch_end(int epoch, Logs& logs) {
  State& s = *state_;
  if (s.file == nullptr) s.open(true);  // a training within this one has closed it
  const char comma = s.options.separator;
  if (s.keys.empty()) {
    bool validated = false;
    for (const auto& [key, value] : logs) {
      s.keys.push_back(key);
      validated |= key.starts_with("val_");
    }
    if (!validated) {  // validation may come in a later epoch
      const std::vector<std::string> plain = s.keys;
      for (const std::string& key : plain) s.keys.push_back("val_" + key);
    }
    if (s.header) {
      std::string line = "epoch";
      for (const std::string& key : s.keys) line += comma + field(key, comma);
      fmt::print(s.file, "{}\n", line);
    }
  }
  std::string line = std::to_string(epoch);
  for (const std::string& key : s.keys) {
    const auto it = logs.find(key);
    line += comma + (it == logs.end() ? std::string("NA") : field(it->second));
  }
  fmt::print(s.file, "{}\n", line);
  if (std::fflush(s.file) != 0)
    throw FileError(
        fmt::format("{}: cannot write '{}': {}", s.title, s.path, std::strerror(errno)));
}

void CSVLogger::on_train_end(Logs&) { state_->close(); }

}  // namespace sinter
