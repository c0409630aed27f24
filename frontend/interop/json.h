// JSON text to and from settings. The only door to the JSON library: everybody else works on
// ConfigValue.
#pragma once

#include <string>
#include <string_view>

#include "frontend/config.h"

namespace sinter {

/// Objects become Config, in the order of the text. Raises ParseError that names `source` (a file
/// name, or what the text is), line and column. NaN and infinities are accepted as Python writes
/// them.
ConfigValue parse_json(std::string_view text, std::string_view source);

/// Numbers print with as many digits as they need; NaN and infinities as Python's json prints them.
/// `indent` < 0 prints one line.
std::string to_json_text(const ConfigValue& value, int indent = -1);

/// `value` with every dictionary that has a "class_name" and a "config" turned into a ConfigObject,
/// at any depth.
ConfigValue with_objects(const ConfigValue& value);
/// The inverse: objects become dictionaries {"module", "class_name", "config", "registered_name"}
/// as Keras 3 writes them.
ConfigValue without_objects(const ConfigValue& value);

}  // namespace sinter
