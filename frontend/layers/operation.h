// Operations: ops of keras.ops as layers without weights. Which there are, and how each is written
// into a graph, stands in operation_table.cc.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/number.h"
#include "core/source_location.h"
#include "frontend/layer.h"

namespace sinter {

class Operand;

/// The arguments of an operation: tensors and numbers in the order of Keras's call, and settings.
class OperationArguments {
 public:
  OperationArguments(std::span<const Symbol> tensors, const ConfigList& arguments,
                     const Config& settings)
      : tensors_(tensors), arguments_(arguments), settings_(settings) {}
  /// Argument `index` as a tensor, or as an operand: a tensor or a number. Raises Error when it is
  /// something else, or missing.
  Symbol tensor(size_t index) const;
  Operand operand(size_t index) const;
  const ConfigValue& value(size_t index) const;
  const Config& settings() const { return settings_; }
  std::span<const Symbol> tensors() const { return tensors_; }

 private:
  std::span<const Symbol> tensors_;
  const ConfigList& arguments_;
  const Config& settings_;
};

struct OperationEntry {
  const char* class_name;  // "TrueDivide"
  const char* module;      // "numpy", "nn" ...: of keras.src.ops
  Symbol (*write)(const OperationArguments&);
};
/// Null for an unknown class.
const OperationEntry* find_operation(std::string_view class_name);
std::vector<std::string> operation_names();

/// A number as files hold it, and back: nullopt where `value` is none.
ConfigValue config_value(Number number);
std::optional<Number> number_in(const ConfigValue& value);

class OperationImpl : public LayerImpl {
 public:
  /// `arguments` hold OperationImpl::tensor_argument() where tensors stand.
  OperationImpl(const OperationEntry& entry, Config settings, ConfigList arguments,
                const std::string& name, SourceLocation where)
      : LayerImpl(entry.class_name, name, where),
        entry_(entry),
        settings_(std::move(settings)),
        arguments_(std::move(arguments)) {}

  static ConfigValue tensor_argument();
  static bool is_tensor_argument(const ConfigValue& value);

  /// "keras.src.ops.numpy"
  std::string module() const { return std::string("keras.src.ops.") + entry_.module; }
  const ConfigList& arguments() const { return arguments_; }
  Config config() const override;
  std::shared_ptr<LayerImpl> clone() const override;
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override;

 private:
  const OperationEntry& entry_;
  Config settings_;
  ConfigList arguments_;
};

/// From Keras's JSON: `arguments` are "args" of the layer's call. Raises NameError for an operation
/// that Sinter does not know.
Layer operation_from_config(const std::string& class_name, const Config& config,
                            const ConfigList& arguments, SourceLocation where);

}  // namespace sinter
