// The registry of op records.
#include "core/op_record.h"

#include <algorithm>

#include "core/error.h"
#include "core/kernel_ops.h"

namespace sinter {

std::string_view kernel_kind_name(KernelKind kind) {
  constexpr std::string_view kNames[] = {"composite", "source", "map",     "reduce", "contract",
                                         "move",      "gather", "scatter", "random", "fusion"};
  return kNames[static_cast<size_t>(kind)];
}

Registry& Registry::global() {
  // Leaked on purpose: graphs hold pointers to records and may be destroyed after any static
  // object.
  static Registry* registry = [] {
    auto* r = new Registry;
    register_kernel_ops(*r);
    return r;
  }();
  return *registry;
}

const OpRecord& Registry::add(OpRecord record) {
  SINTER_CHECK(find(record.name) == nullptr, "op '" + record.name + "' is registered twice");
  SINTER_CHECK(record.shape || record.body, "op '" + record.name + "' has no shape rule");
  records_.push_back(std::make_unique<OpRecord>(std::move(record)));
  OpRecord& added = *records_.back();
  by_name_.emplace(added.name, &added);
  return added;
}

void Registry::set_gradient(std::string_view op, GradientRule rule) {
  const_cast<OpRecord&>(get(op)).gradient = std::move(rule);
}

void Registry::set_no_gradient(std::string_view op, std::string reason) {
  const_cast<OpRecord&>(get(op)).no_gradient = std::move(reason);
}

const OpRecord* Registry::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

const OpRecord& Registry::get(std::string_view name) const {
  const OpRecord* record = find(name);
  if (record == nullptr) raise_unknown_name("op", name, names());
  return *record;
}

std::vector<std::string> Registry::names() const {
  std::vector<std::string> result;
  for (const auto& r : records_) result.push_back(r->name);
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace sinter
