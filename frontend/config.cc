// Typed access to settings, with errors that name the key.
#include "frontend/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <variant>

#include "core/error.h"
#include "core/hashed_places.h"
#include "frontend/asked_settings.h"

namespace sinter {

struct ConfigValue::Held {
  std::variant<bool, int64_t, double, std::string, ConfigList, Config, ConfigObject> value;
  std::shared_ptr<const OwnFunction> function = nullptr;
};

ConfigValue ConfigValue::told_of(std::shared_ptr<const OwnFunction> function) const {
  ConfigValue result;
  result.held_ = std::make_shared<const Held>(Held{held_->value, std::move(function)});
  return result;
}

const std::shared_ptr<const OwnFunction>& ConfigValue::told() const {
  static const std::shared_ptr<const OwnFunction> none;
  return held_ == nullptr ? none : held_->function;
}

namespace {

constexpr size_t kFew = 16;  // entries that are looked through one by one

size_t hash_of(std::string_view key) { return std::hash<std::string_view>()(key); }

[[noreturn]] void raise_type(std::string_view key, std::string_view wanted,
                             const ConfigValue& found) {
  throw Error(fmt::format("setting '{}' must be {}, found {}", key, wanted, found.type_name()));
}

}  // namespace

Config::Config() = default;
Config::Config(const Config&) = default;
Config::Config(Config&&) noexcept = default;
Config& Config::operator=(const Config&) = default;
Config& Config::operator=(Config&&) noexcept = default;
Config::~Config() = default;

Config::Config(std::initializer_list<ConfigEntry> entries) {
  entries_.change().reserve(entries.size());
  for (const ConfigEntry& entry : entries) add(entry);
}

const std::vector<ConfigEntry>& Config::entries() const { return *entries_; }
bool Config::empty() const { return entries_->empty(); }

const ConfigValue* Config::find(std::string_view key) const {
  AskedSettings::note(*this, key);
  const std::vector<ConfigEntry>& all = *entries_;
  if (all.size() > kFew) {
    const int32_t place = places_->find(
        hash_of(key), [&](int32_t i) { return all[static_cast<size_t>(i)].key == key; });
    return place < 0 ? nullptr : &all[static_cast<size_t>(place)].value;
  }
  const auto it = std::ranges::find(all, key, &ConfigEntry::key);
  return it == all.end() ? nullptr : &it->value;
}

Config& Config::set(std::string key, ConfigValue value) {
  if (const ConfigValue* found = find(key)) {
    const_cast<ConfigValue&>(*found) = std::move(value);
  } else {
    add({std::move(key), std::move(value)});
  }
  return *this;
}

void Config::add(ConfigEntry entry) {
  std::vector<ConfigEntry>& all = entries_.change();
  all.push_back(std::move(entry));
  if (all.size() <= kFew) return;
  for (size_t i = all.size() == kFew + 1 ? 0 : all.size() - 1; i < all.size(); ++i)
    places_.change().insert(hash_of(all[i].key), static_cast<int32_t>(i));
}

Config& Config::merge(const Config& other) {
  for (const ConfigEntry& entry : *other.entries_) set(entry.key, entry.value);
  return *this;
}

bool Config::operator==(const Config& other) const { return *entries_ == *other.entries_; }

const ConfigValue& Config::get(std::string_view key) const {
  static const ConfigValue null;
  const ConfigValue* value = find(key);
  return value == nullptr ? null : *value;
}

bool Config::get_bool(std::string_view key, bool fallback) const {
  const ConfigValue& value = get(key);
  if (value.is_null()) return fallback;
  if (const bool* v = value.as<bool>()) return *v;
  raise_type(key, "a boolean", value);
}

int64_t Config::get_int(std::string_view key, int64_t fallback) const {
  const ConfigValue& value = get(key);
  if (value.is_null()) return fallback;
  if (const int64_t* v = value.as<int64_t>()) return *v;
  if (const double* v = value.as<double>();
      v != nullptr && std::abs(*v) < 9e15 && *v == std::floor(*v)) {
    return static_cast<int64_t>(*v);
  }
  raise_type(key, "an integer", value);
}

int Config::get_int32(std::string_view key, int fallback) const {
  return to_int32(key, get_int(key, fallback));
}

double Config::get_float(std::string_view key, double fallback) const {
  const ConfigValue& value = get(key);
  if (value.is_null()) return fallback;
  if (const double* v = value.as<double>()) return *v;
  if (const int64_t* v = value.as<int64_t>()) return static_cast<double>(*v);
  raise_type(key, "a number", value);
}

std::string Config::get_string(std::string_view key, const std::string& fallback) const {
  const ConfigValue& value = get(key);
  if (value.is_null()) return fallback;
  if (const std::string* v = value.as<std::string>()) return *v;
  raise_type(key, "a string", value);
}

std::vector<int64_t> Config::get_ints(std::string_view key, const std::vector<int64_t>& fallback,
                                      int64_t null_entry) const {
  const ConfigValue& value = get(key);
  if (value.is_null()) return fallback;
  if (const int64_t* v = value.as<int64_t>()) return {*v};
  const ConfigList* list = value.as<ConfigList>();
  if (list == nullptr) raise_type(key, "a list of integers", value);
  std::vector<int64_t> result;
  for (const ConfigValue& entry : *list) {
    const int64_t* v = entry.as<int64_t>();
    if (v == nullptr && !entry.is_null()) raise_type(key, "a list of integers", entry);
    result.push_back(v == nullptr ? null_entry : *v);
  }
  return result;
}

ConfigValue::ConfigValue(bool v) : held_(std::make_shared<const Held>(Held{v})) {}
ConfigValue::ConfigValue(int v) : held_(std::make_shared<const Held>(Held{int64_t{v}})) {}
ConfigValue::ConfigValue(int64_t v) : held_(std::make_shared<const Held>(Held{v})) {}
ConfigValue::ConfigValue(double v) : held_(std::make_shared<const Held>(Held{v})) {}
ConfigValue::ConfigValue(const char* v)
    : held_(std::make_shared<const Held>(Held{std::string(v)})) {}
ConfigValue::ConfigValue(std::string v) : held_(std::make_shared<const Held>(Held{std::move(v)})) {}
ConfigValue::ConfigValue(ConfigList v) : held_(std::make_shared<const Held>(Held{std::move(v)})) {}
ConfigValue::ConfigValue(Config v) : held_(std::make_shared<const Held>(Held{std::move(v)})) {}
ConfigValue::ConfigValue(ConfigObject v)
    : held_(std::make_shared<const Held>(Held{std::move(v)})) {}

template <typename T>
const T* ConfigValue::as() const {
  return held_ == nullptr ? nullptr : std::get_if<T>(&held_->value);
}
template const bool* ConfigValue::as() const;
template const int64_t* ConfigValue::as() const;
template const double* ConfigValue::as() const;
template const std::string* ConfigValue::as() const;
template const ConfigList* ConfigValue::as() const;
template const Config* ConfigValue::as() const;
template const ConfigObject* ConfigValue::as() const;

ConfigValue ConfigValue::ints(const std::vector<int64_t>& values) {
  ConfigList list;
  for (int64_t v : values) list.emplace_back(v);
  return list;
}

std::string_view ConfigValue::type_name() const {
  static constexpr std::string_view kNames[] = {"null",         "a boolean", "an integer",
                                                "a number",     "a string",  "a list",
                                                "a dictionary", "an object"};
  return kNames[held_ == nullptr ? 0 : held_->value.index() + 1];
}

bool ConfigValue::operator==(const ConfigValue& other) const {
  if (held_ == nullptr || other.held_ == nullptr) return held_ == other.held_;
  return held_->value == other.held_->value;
}

bool ConfigEntry::operator==(const ConfigEntry& other) const = default;
bool ConfigObject::operator==(const ConfigObject& other) const = default;

int to_int32(std::string_view key, int64_t value) {
  const int narrow = static_cast<int>(value);
  if (narrow != value) throw Error(fmt::format("setting '{}' is out of range: {}", key, value));
  return narrow;
}

std::string to_snake_case(std::string_view name) {
  const auto upper = [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; };
  const auto lower = [](char c) { return std::islower(static_cast<unsigned char>(c)) != 0; };
  std::string result;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool starts_word = i > 0 && upper(name[i]) &&
                             (lower(name[i - 1]) || (i + 1 < name.size() && lower(name[i + 1])));
    if (starts_word) result += '_';
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
  }
  return result;
}

const std::string* function_name(const ConfigValue& value) {
  const Config* config = value.as<Config>();
  return config == nullptr ? nullptr : config->get("config").as<std::string>();
}

void refuse_nan(const std::string& owner, const Config& settings) {
  const auto holds_nan = [](const auto& self, const ConfigValue& value) -> bool {
    if (const double* number = value.as<double>()) return std::isnan(*number);
    const ConfigList* list = value.as<ConfigList>();
    return list != nullptr &&
           std::ranges::any_of(*list, [&](const ConfigValue& v) { return self(self, v); });
  };
  for (const ConfigEntry& e : settings.entries()) {
    if (holds_nan(holds_nan, e.value))
      throw Error(fmt::format("{}: {} is not a number", owner, e.key));
  }
}

}  // namespace sinter
