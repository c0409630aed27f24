// The layers in a layer, and which of them train.
#include <fmt/format.h>

#include "core/counted.h"
#include "core/error.h"
#include "frontend/layer_parts.h"
#include "frontend/layers/model_layer.h"

namespace sinter {
namespace {

void append_members(LayerImpl& layer, std::vector<LayerImpl*>& members) {
  const auto append = [&](LayerImpl& member) {
    members.push_back(&member);
    append_members(member, members);
  };
  if (const auto* model = dynamic_cast<const ModelLayerImpl*>(&layer)) {
    for (const Layer& member : model->model().layers()) append(member.impl());
  } else {
    for (const auto& member : layer.inner_layers()) append(*member);
  }
}

std::vector<LayerImpl*> members_of(LayerImpl& layer) {
  std::vector<LayerImpl*> members;
  append_members(layer, members);
  return members;
}

}  // namespace

void LayerImpl::set_members_trainable(std::vector<bool> trainable) {
  parts_->members_trainable = std::move(trainable);
}

std::vector<bool> LayerImpl::members_trainable() const {
  if (!parts_->members_trainable.empty()) return parts_->members_trainable;  // not called yet
  std::vector<bool> trainable;
  for (const LayerImpl* member : members_of(const_cast<LayerImpl&>(*this)))
    trainable.push_back(member->trainable());
  return trainable;
}

void LayerImpl::settle_members() {
  if (parts_->members_trainable.empty()) return;
  const std::vector<LayerImpl*> members = members_of(*this);
  const std::vector<bool> trainable = std::exchange(parts_->members_trainable, {});
  if (members.size() != trainable.size()) {
    throw Error(fmt::format("{}: it is said of {} in it whether they train, but it has {}", title(),
                            counted(trainable.size(), "layer"), members.size()));
  }
  // From the outermost on: what is set of one is set of those in it.
  for (size_t i = 0; i < members.size(); ++i) {
    if (members[i]->trainable() != trainable[i]) members[i]->set_trainable(trainable[i]);
  }
}

}  // namespace sinter
