// GroupNormalization: the composite layer_norm over channels that a reshape has split into groups.
#include "frontend/layers/group_normalization.h"

#include <fmt/format.h>

#include "core/counted.h"
#include "core/error.h"
#include "frontend/layers/inputs.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/scaled_normalization.h"
#include "ops/layer_norm.h"

namespace sinter {
namespace {

class GroupNormalizationImpl : public ScaledNormalizationImpl<GroupNormalizationOptions> {
 public:
  GroupNormalizationImpl(int64_t groups, GroupNormalizationOptions options, SourceLocation where)
      : ScaledNormalizationImpl("GroupNormalization", std::move(options), where), groups_(groups) {
    if (groups <= 0 && groups != -1) {
      throw Error(fmt::format(
          "{}: groups must be positive, or -1 for one group a channel, found {}", title(), groups));
    }
  }

  Config config() const override {
    const GroupNormalizationOptions& o = options();
    Config c = base_config();
    // As in Keras: once built, as many groups as there are.
    return c
        .merge({{"groups", channels_ > 0 ? groups_of(channels_) : groups_},
                {"axis", o.axis},
                {"epsilon", o.epsilon},
                {"center", o.center},
                {"scale", o.scale}})
        .merge(weight_settings());
  }

  void build(std::span<const ValueType> inputs) override {
    const Shape& x = only_input(title(), inputs).shape;
    channels_ = x[channel_axis(x)];
    if (options().scale) add_gamma({channels_});
    if (options().center) add_beta({channels_});
  }

  std::shared_ptr<LayerImpl> clone() const override {
    return std::make_shared<GroupNormalizationImpl>(groups_, options_with_name(),
                                                    SourceLocation::current());
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol x = cast(only_input(title(), inputs), dtype());
    const int axis = channel_axis(x.shape());
    const int64_t channels = x.shape()[axis], groups = groups_of(channels);
    // [batch, .., channels, ..] -> [batch, .., groups, channels of one, ..]
    std::vector<int64_t> split = x.shape().dims();
    split[static_cast<size_t>(axis)] = channels / groups;
    split.insert(split.begin() + axis, groups);
    std::vector<int64_t> of_weights(split.size(), 1), axes;
    for (size_t i = 1; i < split.size(); ++i) {
      if (static_cast<int>(i) != axis) axes.push_back(static_cast<int64_t>(i));
    }
    for (const int at : {axis, axis + 1})
      of_weights[static_cast<size_t>(at)] = split[static_cast<size_t>(at)];
    const Shape shape(of_weights);
    const Symbol scale = gamma(context, shape), offset = beta(context, shape);
    const LayerNormResult r =
        layer_norm(reshape(x, Shape(split)), scale, offset, axes, options().epsilon);
    return {reshape(r.y, x.shape())};
  }

 private:
  // Raises ShapeError when there is none, or when it does not divide into the groups.
  int channel_axis(const Shape& x) const {
    const int64_t given = options().axis, axis = given < 0 ? given + x.rank() : given;
    if (x.rank() < 2 || axis < 0 || axis >= x.rank())
      throw ShapeError(
          fmt::format("{}: the input {} has no axis {}", title(), x.to_string(), given));
    if (axis == 0) throw ShapeError(fmt::format("{}: axis {} is the batch", title(), given));
    const int64_t channels = x[static_cast<int>(axis)];
    if (channels == 0 || channels % groups_of(channels) != 0) {
      throw ShapeError(fmt::format("{}: the {} of {} cannot be split into {} equal groups", title(),
                                   counted(channels, "channel"), x.to_string(), groups_));
    }
    return static_cast<int>(axis);
  }
  int64_t groups_of(int64_t channels) const { return groups_ == -1 ? channels : groups_; }

  int64_t groups_;
  int64_t channels_ = 0;  // of the input, once built
};

}  // namespace

GroupNormalization::GroupNormalization(WholeNumber groups, GroupNormalizationOptions options,
                                       SourceLocation where)
    : Layer(std::make_shared<GroupNormalizationImpl>(groups, std::move(options), where)) {}

void register_group_normalization() {
  register_layer("GroupNormalization", [](const Config& c, SourceLocation where) -> Layer {
    auto o = scaled_normalization_options<GroupNormalizationOptions>(c);
    o.axis = c.get_int32("axis", -1);
    return GroupNormalization(c.get_int("groups", 32), std::move(o), where);
  });
}

}  // namespace sinter
