// Parses by nlohmann's event interface straight into ConfigValue, prints by hand: both keep the
// order of keys.
#include "frontend/interop/json.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/error.h"
#include "core/shorten.h"

namespace sinter {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 2000;  // what reads the result may recurse

/// Builds the value from the events of the parser.
class Builder : public nlohmann::json_sax<json> {
 public:
  bool null() override { return put(ConfigValue()); }
  bool boolean(bool v) override { return put(v); }
  bool number_integer(number_integer_t v) override { return put(static_cast<int64_t>(v)); }
  bool number_unsigned(number_unsigned_t v) override {
    if (v <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return put(static_cast<int64_t>(v));
    return put(static_cast<double>(v));
  }
  bool number_float(number_float_t v, const string_t&) override { return put(v); }
  bool string(string_t& v) override { return put(unmasked(v)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(true); }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(false); }
  bool end_array() override { return close(); }
  bool key(string_t& v) override {
    open_.back().key = v;
    return true;
  }
  bool parse_error(size_t, const std::string&, const json::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ...".
    error_ = error.what();
    if (const size_t at = error_.find("] "); at != std::string::npos) error_.erase(0, at + 2);
    if (error_.starts_with("parse error at ")) error_.erase(0, 15);
    return false;
  }

  const std::string& error() const { return error_; }
  ConfigValue take() { return std::move(result_); }

 private:
  struct Open {
    bool object;
    std::string key;
    Config config;
    ConfigList list;
  };

  static ConfigValue unmasked(const std::string& v) {
    if (v == "\x01NaN") return std::numeric_limits<double>::quiet_NaN();
    if (v == "\x01Infinity") return std::numeric_limits<double>::infinity();
    if (v == "\x01-Infinity") return -std::numeric_limits<double>::infinity();
    return v;
  }
  bool put(ConfigValue value) {
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (open_.back().object) {
      open_.back().config.set(open_.back().key, std::move(value));
    } else {
      open_.back().list.push_back(std::move(value));
    }
    return true;
  }
  bool open(bool object) {
    if (open_.size() >= kMaxDepth) {
      error_ = fmt::format("it is nested more than {} levels deep", kMaxDepth);
      return false;
    }
    open_.push_back({object, "", {}, {}});
    return true;
  }
  bool close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    return put(done.object ? ConfigValue(std::move(done.config))
                           : ConfigValue(std::move(done.list)));
  }

  std::vector<Open> open_;
  ConfigValue result_;
  std::string error_;
};

/// Python writes NaN and infinities as bare words, which no JSON parser takes: they are passed
/// through it as marked strings.
std::string masked(std::string_view text) {
  std::string result;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\' && i + 1 < text.size()) {
      result += text[i++];
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted) {
      bool replaced = false;
      for (std::string_view word : {"NaN", "-Infinity", "Infinity"}) {
        if (text.substr(i).starts_with(word)) {
          result += fmt::format("\"\\u0001{}\"", word);
          i += word.size() - 1;
          replaced = true;
          break;
        }
      }
      if (replaced) continue;
    }
    result += text[i];
  }
  return result;
}

std::string number_text(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v < 0 ? "-Infinity" : "Infinity";
  std::string text = fmt::format("{}", v);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

class Printer {
 public:
  explicit Printer(int indent) : indent_(indent) {}

  std::string print(const ConfigValue& value) {
    append(value, 0);
    return std::move(text_);
  }

 private:
  void append(const ConfigValue& value, int depth) {
    if (depth >= static_cast<int>(kMaxDepth))
      throw Error(fmt::format("JSON of more than {} levels would not be read again", kMaxDepth));
    if (value.is_null())
      text_ += "null";
    else if (const bool* b = value.as<bool>())
      text_ += *b ? "true" : "false";
    else if (const int64_t* i = value.as<int64_t>())
      text_ += fmt::format("{}", *i);
    else if (const double* d = value.as<double>())
      text_ += number_text(*d);
    else if (const std::string* s = value.as<std::string>())
      append_string(*s);
    else if (const ConfigList* list = value.as<ConfigList>())
      append_list(*list, depth);
    else if (const Config* config = value.as<Config>())
      append_config(*config, depth);
    else
      append(without_objects(value), depth);
  }

  void append_string(const std::string& s) {
    text_ += json(s).dump(-1, ' ', false, json::error_handler_t::replace);
  }

  void append_list(const ConfigList& list, int depth) {
    text_ += '[';
    for (size_t i = 0; i < list.size(); ++i) {
      separate(i, depth + 1);
      append(list[i], depth + 1);
    }
    if (!list.empty() && indent_ >= 0) new_line(depth);
    text_ += ']';
  }

  void append_config(const Config& config, int depth) {
    text_ += '{';
    size_t i = 0;
    for (const ConfigEntry& entry : config.entries()) {
      separate(i++, depth + 1);
      append_string(entry.key);
      text_ += ": ";
      append(entry.value, depth + 1);
    }
    if (i > 0 && indent_ >= 0) new_line(depth);
    text_ += '}';
  }

  void separate(size_t index, int depth) {
    if (index > 0) text_ += indent_ >= 0 ? "," : ", ";
    if (indent_ >= 0) new_line(depth);
  }

  void new_line(int depth) {
    text_ += '\n' + std::string(static_cast<size_t>(depth * indent_), ' ');
  }

  int indent_;
  std::string text_;
};

}  // namespace

ConfigValue parse_json(std::string_view text, std::string_view source) {
  Builder builder;
  const std::string readable = masked(text);
  if (!json::sax_parse(readable, &builder)) {
    throw ParseError(fmt::format("cannot parse {}: {}", source, shortened(builder.error(), 400)));
  }
  return builder.take();
}

std::string to_json_text(const ConfigValue& value, int indent) {
  return Printer(indent).print(value);
}

ConfigValue with_objects(const ConfigValue& value) {
  if (const ConfigList* list = value.as<ConfigList>()) {
    ConfigList result;
    for (const ConfigValue& v : *list) result.push_back(with_objects(v));
    return result;
  }
  const Config* config = value.as<Config>();
  if (config == nullptr) return value;
  Config result;
  for (const ConfigEntry& entry : config->entries())
    result.set(entry.key, with_objects(entry.value));
  const std::string* class_name = config->get("class_name").as<std::string>();
  const Config* settings = result.get("config").as<Config>();
  if (class_name == nullptr || settings == nullptr) return result;
  const std::string* module = config->get("module").as<std::string>();
  return ConfigObject{module == nullptr ? "" : *module, *class_name, *settings};
}

ConfigValue without_objects(const ConfigValue& value) {
  if (const ConfigList* list = value.as<ConfigList>()) {
    ConfigList result;
    for (const ConfigValue& v : *list) result.push_back(without_objects(v));
    return result;
  }
  if (const Config* config = value.as<Config>()) {
    Config result;
    for (const ConfigEntry& entry : config->entries())
      result.set(entry.key, without_objects(entry.value));
    return result;
  }
  if (const ConfigObject* object = value.as<ConfigObject>()) {
    Config result;
    if (!object->module.empty()) result.set("module", object->module);
    result.set("class_name", object->class_name);
    result.set("config", without_objects(object->config));
    // Keras's own classes are found by module and name; others are registered under "package>name".
    const bool foreign = object->class_name.find('>') != std::string::npos;
    if (!object->module.empty() || foreign)
      result.set("registered_name", foreign ? ConfigValue(object->class_name) : ConfigValue());
    return result;
  }
  return value;
}

}  // namespace sinter
