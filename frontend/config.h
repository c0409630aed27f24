// Settings of layers, optimizers, losses and their kin as ordered keys and values: the form that
// files, JSON and summaries read and write, so that none of them needs to know any particular
// layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/handle.h"
#include "core/hidden.h"

namespace sinter {

class Config;
class ConfigValue;
struct ConfigEntry;
struct ConfigObject;
class HashedPlaces;
class OwnFunction;
using ConfigList = std::vector<ConfigValue>;

/// null, bool, integer, float, string, list, dictionary or object. Copies share what they hold,
/// which never changes.
class ConfigValue {
 public:
  ConfigValue() = default;
  ConfigValue(std::nullptr_t) {}    // NOLINT
  ConfigValue(bool value);          // NOLINT
  ConfigValue(int value);           // NOLINT
  ConfigValue(int64_t value);       // NOLINT
  ConfigValue(double value);        // NOLINT
  ConfigValue(const char* value);   // NOLINT
  ConfigValue(std::string value);   // NOLINT
  ConfigValue(ConfigList value);    // NOLINT
  ConfigValue(Config value);        // NOLINT
  ConfigValue(ConfigObject value);  // NOLINT
  static ConfigValue ints(const std::vector<int64_t>& values);

  bool is_null() const { return held_ == nullptr; }
  /// The value as T - bool, int64_t, double, std::string, ConfigList, Config or ConfigObject - or
  /// null.
  template <typename T>
  const T* as() const;
  /// "null", "a boolean", "an integer", "a number", "a string", "a list", "a dictionary", "an
  /// object".
  std::string_view type_name() const;
  bool operator==(const ConfigValue& other) const;

  /// The same value, which names a function of the user's own (frontend/own_names.h): files hold
  /// the name alone.
  ConfigValue told_of(std::shared_ptr<const OwnFunction> function) const;
  /// That function, or null.
  const std::shared_ptr<const OwnFunction>& told() const;

 private:
  struct Held;
  Handle<const Held> held_;  // none: null
};

struct ConfigEntry {
  std::string key;
  ConfigValue value;
  bool operator==(const ConfigEntry& other) const;
};

/// Keys and values in the order Keras writes them.
class Config {
 public:
  Config();
  Config(const Config&);
  Config(Config&&) noexcept;
  Config& operator=(const Config&);
  Config& operator=(Config&&) noexcept;
  ~Config();
  Config(std::initializer_list<ConfigEntry> entries);

  const std::vector<ConfigEntry>& entries() const;
  bool empty() const;
  /// Null when the key is absent.
  const ConfigValue* find(std::string_view key) const;
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  Config& set(std::string key, ConfigValue value);
  /// Appends all of `other`, replacing keys that exist.
  Config& merge(const Config& other);

  /// The value of `key`, or the fallback when it is absent or null. Raises Error naming key and
  /// type for a value of another type.
  bool get_bool(std::string_view key, bool fallback) const;
  int64_t get_int(std::string_view key, int64_t fallback) const;
  /// Raises Error for a number that does not fit, too.
  int get_int32(std::string_view key, int fallback) const;
  double get_float(std::string_view key, double fallback) const;
  std::string get_string(std::string_view key, const std::string& fallback) const;
  /// A list of integers, or one integer as a list of one; null entries become `null_entry`.
  std::vector<int64_t> get_ints(std::string_view key, const std::vector<int64_t>& fallback,
                                int64_t null_entry = -1) const;
  /// The value as it is; null when absent.
  const ConfigValue& get(std::string_view key) const;

  bool operator==(const Config& other) const;

 private:
  void add(ConfigEntry entry);

  Hidden<std::vector<ConfigEntry>> entries_;
  Hidden<HashedPlaces> places_;  // of entries, when they are many
};

/// Raises Error "<owner>: <key> is not a number" for a setting that is NaN, in lists too.
void refuse_nan(const std::string& owner, const Config& settings);

/// An object of Keras: {"module": ..., "class_name": ..., "config": {...}}.
struct ConfigObject {
  std::string module;
  std::string class_name;
  Config config;
  bool operator==(const ConfigObject& other) const;
};

/// The name in what Keras writes for a function, {"class_name": "function", "config": name}, or
/// null.
const std::string* function_name(const ConfigValue& value);

/// Raises Error naming `key` when the value of a setting does not fit.
int to_int32(std::string_view key, int64_t value);

/// Python's name of a class: "BatchNormalization" -> "batch_normalization", "LeakyReLU" ->
/// "leaky_re_lu".
std::string to_snake_case(std::string_view class_name);

}  // namespace sinter
