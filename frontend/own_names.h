// What settings tell by a name alone: functions and layer classes of the user's own. A file that
// tells two of them by one name would be loaded as another model.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <typeindex>
#include <utility>
#include <vector>

#include "core/callable.h"
#include "core/source_location.h"
#include "frontend/config.h"

namespace sinter {

class LayerImpl;
struct Variable;

/// What stands behind a name in settings.
class OwnFunction {
 public:
  struct Kind {
    const char* noun;     // "activation"
    const char* plural;   // "activations"
    const char* unnamed;  // the name of one that was given without
    const char* how;      // to give a name: "ActivationFunction(\"mine\", f)"
  };
  struct Name {
    std::string text;
    SourceLocation where = {};  // of the function
    bool of_keras = false;      // one of Keras's is called that
    bool made = false;          // by the library: the user gave none
  };
  OwnFunction(const Kind& kind, Name name);
  virtual ~OwnFunction();
  /// With one of the same kind.
  virtual Sameness compare(const OwnFunction& other) const = 0;
  /// With copies of what the function has captured.
  virtual std::unique_ptr<OwnFunction> copy() const = 0;

  const Kind& kind() const { return kind_; }
  const Name& name() const { return name_; }

 private:
  const Kind& kind_;
  Name name_;
};

inline constexpr OwnFunction::Kind kOwnActivation = {
    "activation", "activations", "custom_activation", "ActivationFunction(\"mine\", f)"};
inline constexpr OwnFunction::Kind kOwnConstraint = {
    "constraint", "constraints", "custom_constraint", "Constraint(\"mine\", f)"};
inline constexpr OwnFunction::Kind kOwnInitializer = {
    "initializer", "initializers", "custom_initializer", "Initializer(\"mine\", f)"};
inline constexpr OwnFunction::Kind kOwnLambda = {"function of a Lambda layer",
                                                 "functions of Lambda layers", "",
                                                 "Lambda(f, {.function = \"mine\"})"};
inline constexpr OwnFunction::Kind kOwnLoss = {"loss", "losses", "custom_loss",
                                               "Loss(\"mine\", f)"};
inline constexpr OwnFunction::Kind kOwnMetric = {"metric", "metrics", "custom_metric",
                                                 "Metric(\"mine\", f)"};
inline constexpr OwnFunction::Kind kOwnRegularizer = {
    "regularizer", "regularizers", "custom_regularizer", "Regularizer(\"mine\", f)"};
inline constexpr OwnFunction::Kind kOwnSchedule = {"learning rate schedule",
                                                   "learning rate schedules", "custom_schedule",
                                                   "LearningRate(\"mine\", f)"};

/// `value` with what it tells by `name`: `function`, a Callable or what has a compare() like it.
template <typename F>
ConfigValue telling(const ConfigValue& value, const OwnFunction::Kind& kind, OwnFunction::Name name,
                    F function) {
  class Held final : public OwnFunction {
   public:
    Held(const Kind& of_kind, Name of_name, F of)
        : OwnFunction(of_kind, std::move(of_name)), function_(std::move(of)) {}
    Sameness compare(const OwnFunction& other) const override {
      const auto* same_kind = dynamic_cast<const Held*>(&other);
      return same_kind == nullptr ? Sameness::kUnknown : function_.compare(same_kind->function_);
    }
    std::unique_ptr<OwnFunction> copy() const override { return std::make_unique<Held>(*this); }

   private:
    F function_;
  };
  name.made = name.made || name.text == kind.unnamed;
  return value.told_of(std::make_shared<Held>(kind, std::move(name), std::move(function)));
}

/// A weight that settings name by its path, which another one may have, too.
class NamedWeight final : public OwnFunction {
 public:
  explicit NamedWeight(std::shared_ptr<Variable> weight);
  Sameness compare(const OwnFunction& other) const override;
  std::unique_ptr<OwnFunction> copy() const override;
  const std::shared_ptr<Variable>& weight() const { return weight_; }

 private:
  std::shared_ptr<Variable> weight_;
};

/// The names that a file tells.
class OwnNames {
 public:
  /// Settings of `place`, as "Dense 'dense' (train.cc:12)". Raises Error where a name stands for
  /// another function than before: for any two given without a name that are not surely the same,
  /// and for two that surely differ of one name that the user gave. Warns of names of Keras's.
  void add(const std::string& place, const ConfigValue& settings);
  /// The class of a layer. Raises Error where another class had its name. Warns of
  /// a class of the user's own that files take for one of Keras's.
  void add_class(const std::string& place, const LayerImpl& layer);

 private:
  struct Use {
    ConfigValue value;
    std::shared_ptr<const OwnFunction> function;
    std::string place;
  };
  void add(const std::string& place, const ConfigValue& value,
           const std::shared_ptr<const OwnFunction>& function);

  std::map<std::pair<const OwnFunction::Kind*, std::string>, std::vector<Use>> functions_;
  std::map<std::string, std::pair<std::type_index, std::string>> classes_;
};

}  // namespace sinter
