// Optimizers by name and settings, and what users ask of them.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <mutex>

#include "core/error.h"
#include "core/fork.h"
#include "frontend/asked_settings.h"
#include "frontend/compile_warnings.h"
#include "frontend/given_function.h"
#include "frontend/optimizers/optimizer.h"
#include "frontend/optimizers/optimizers.h"
#include "frontend/origin.h"
#include "frontend/weights_lock.h"

namespace sinter {
namespace {

struct OptimizerRegistry {
  ForkMutex mutex;
  std::map<std::string, std::pair<std::string, OptimizerFactory>>
      factories;  // lower case -> class name, factory
};

std::string lower(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

OptimizerRegistry& storage() {
  static OptimizerRegistry instance;
  return instance;
}

void register_families() {
  static std::once_flag once;
  std::call_once(once, register_optimizers);
}

bool is_registered(const std::string& name) {
  const std::lock_guard lock(storage().mutex);
  return storage().factories.contains(lower(name));
}

Optimizer make_known(const std::string& name, const Config& config) {
  register_families();
  OptimizerFactory factory = nullptr;
  {
    const std::lock_guard lock(storage().mutex);
    const auto it = storage().factories.find(lower(name));
    if (it != storage().factories.end()) factory = it->second.second;
  }
  if (factory == nullptr) raise_unknown_name("optimizer", name, optimizer_names());
  return factory(config);
}

}  // namespace

void register_optimizer(const std::string& class_name, OptimizerFactory factory,
                        SourceLocation where) {
  given(factory, "the factory of an optimizer", where);
  const std::lock_guard lock(storage().mutex);
  storage().factories[lower(class_name)] = {class_name, factory};
}

std::vector<std::string> optimizer_names() {
  register_families();
  const std::lock_guard lock(storage().mutex);
  std::vector<std::string> names;
  for (const auto& [name, entry] : storage().factories) names.push_back(name);
  return names;
}

Optimizer::Optimizer(std::shared_ptr<OptimizerImpl> impl) : impl_(std::move(impl)) {}
Optimizer::Optimizer(const std::string& name, SourceLocation where)
    : Optimizer(at_line(where, [&] { return make_known(name, {}); })) {}
Optimizer::Optimizer(const char* name, SourceLocation where)
    : Optimizer(std::string(name), where) {}

void Optimizer::apply_gradients(CallContext& context, const std::vector<Symbol>& gradients,
                                const std::vector<VariablePtr>& weights,
                                SourceLocation where) const {
  const OpLine line(where);
  line.enter();
  at_line(where, [&] {
    if (gradients.size() != weights.size()) {
      throw Error(
          fmt::format("{}: apply_gradients takes one gradient for each weight, found {} and "
                      "{}",
                      name(), gradients.size(), weights.size()));
    }
    impl_->build_for_steps(weights);
    std::vector<Symbol> found = gradients;
    std::vector<std::string> unused;
    for (size_t i = 0; i < found.size(); ++i) {
      if (found[i].valid() && !context.is_unconnected(found[i])) continue;
      found[i] = Symbol();
      unused.push_back(weights[i]->path);
    }
    warn_of_unused_weights(unused, where);
    impl_->apply(context, found);
  });
}

ConfigValue Optimizer::to_config() const {
  return ConfigObject{"keras.optimizers", impl_->class_name(), impl_->config()};
}

Optimizer Optimizer::from_config(const ConfigValue& value, SourceLocation where) {
  return at_line(where, [&] {
    if (const std::string* name = value.as<std::string>()) return Optimizer(*name);
    if (const ConfigObject* object = value.as<ConfigObject>()) {
      // Keras 2 writes "Custom>Adam"; what has another package is the user's own.
      constexpr std::string_view kKeras2 = "Custom>";
      const std::string name =
          object->class_name.starts_with(kKeras2) && !is_registered(object->class_name)
              ? object->class_name.substr(kKeras2.size())
              : object->class_name;
      const Config& config = object->config;
      return made_of(name, config, [&] {
        const Optimizer optimizer = make_known(name, config);
        if (const Config* excluded = config.get("exclude_from_weight_decay").as<Config>()) {
          optimizer.impl().exclude(*excluded);
        }
        return optimizer;
      });
    }
    throw Error("an optimizer is a name or an object, found " + std::string(value.type_name()));
  });
}

void Optimizer::exclude_from_weight_decay(const std::vector<VariablePtr>& weights,
                                          const std::vector<std::string>& names,
                                          SourceLocation where) const {
  at_line(where, [&] { impl_->exclude_from_weight_decay(weights, names); });
}

void Optimizer::set_learning_rate(RealNumber value, SourceLocation where) const {
  at_line(where, [&] { impl_->set_learning_rate(value); });
}

int64_t Optimizer::iterations() const {
  const VariablePtr count = impl_->iterations();
  if (count == nullptr) return 0;
  const VariableGuard guard(*count);  // training counts in another thread
  return count->value.data<int64_t>()[0];
}

List<VariablePtr> Optimizer::variables() const { return impl_->variables(); }

void Optimizer::exclude_from_weight_decay(const std::vector<std::string>& names,
                                          SourceLocation where) const {
  at_line(where, [&] { impl_->exclude_from_weight_decay({}, names); });
}

void Optimizer::exclude_from_weight_decay(std::initializer_list<std::string> names,
                                          SourceLocation where) const {
  exclude_from_weight_decay(std::vector<std::string>(names), where);
}

}  // namespace sinter
