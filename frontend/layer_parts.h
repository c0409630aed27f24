// What a layer holds inside: its weights, the layers in it, its calls.
#pragma once

#include <memory>
#include <vector>

#include "frontend/layer.h"
#include "frontend/unique_names.h"

namespace sinter {

struct LayerImpl::Parts {
  std::vector<ValueType> build_types;
  std::vector<VariablePtr> weights;
  std::vector<std::shared_ptr<LayerImpl>> inner;
  std::vector<bool> members_trainable;  // to be set
  UniqueNames member_names;             // of the first `named_members` of them, and given ones
  size_t named_members = 0;
  std::vector<std::weak_ptr<const LayerCall>> made;
};

}  // namespace sinter
