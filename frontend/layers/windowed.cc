#include "frontend/layers/windowed.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/counted.h"
#include "core/error.h"
#include "core/sizes.h"
#include "frontend/layers/data_format.h"
#include "ops/ops.h"

namespace sinter {
namespace {

void check_padding(const std::string& title, const std::string& name,
                   const std::vector<std::string>& known) {
  if (std::ranges::find(known, name) != known.end()) return;
  try {
    raise_unknown_name("padding", name, known);
  } catch (const NameError& error) {
    throw NameError(fmt::format("{}: {}", title, error.what()));
  }
}

std::vector<int64_t> of_rank(const std::string& title, int rank, const char* name,
                             const Sizes& given) {
  std::vector<int64_t> values = given.values();
  if (values.size() == 1) values.resize(static_cast<size_t>(rank), values[0]);
  if (values.size() != static_cast<size_t>(rank))
    throw Error(
        fmt::format("{}: {} needs one number, or one for each of {} spatial dimensions, "
                    "found {}",
                    title, name, rank, values.size()));
  for (const int64_t value : values) {
    if (value < 1)
      throw Error(fmt::format("{}: {} must be positive, found {}", title, name, value));
  }
  return values;
}

}  // namespace

Sizes::Sizes(int64_t all, Only) : values_{all} {}
Sizes::Sizes(std::initializer_list<int64_t> values) : values_(values) {}
Sizes::Sizes(std::vector<int64_t> values) : values_(std::move(values)) {}

WindowSettings::WindowSettings(const std::string& title, int rank, const char* size_name,
                               const Sizes& size, const Sizes& strides, const Sizes& dilations,
                               const std::string& padding, const std::string& data_format,
                               bool causal)
    : rank_(rank),
      size_(of_rank(title, rank, size_name, size)),
      strides_(of_rank(title, rank, "strides", strides)),
      dilations_(of_rank(title, rank, "dilation_rate", dilations)),
      padding_(padding),
      data_format_(data_format) {
  std::vector<std::string> paddings = {"valid", "same"};
  if (causal) paddings.push_back("causal");
  check_padding(title, padding_, paddings);
  if (!find_data_format(data_format_))
    throw Error(fmt::format("{}: {}", title, data_format_mistake(data_format_)));
  const auto above_1 = [](int64_t value) { return value > 1; };
  if (std::ranges::any_of(strides_, above_1) && std::ranges::any_of(dilations_, above_1))
    throw Error(fmt::format("{}: strides [{}] with dilation_rate [{}]: one of them must be 1",
                            title, fmt::join(strides_, ", "), fmt::join(dilations_, ", ")));
}

int64_t WindowSettings::channels_of(const std::string& title, const Shape& input) const {
  const auto form = [&] { return spatial_text(rank_, *find_data_format(data_format_)); };
  if (input.rank() != rank_ + 2)
    throw ShapeError(
        fmt::format("{}: input must be {}, found {}", title, form(), input.to_string()));
  for (int d = 1; d < input.rank(); ++d) {
    if (input[d] == kBatch)
      throw ShapeError(fmt::format("{}: all dimensions of {} but the batch must be known, found {}",
                                   title, form(), input.to_string()));
  }
  return input.dim(channels_first() ? 1 : -1);
}

void WindowSettings::check_fits(const std::string& title, const char* what,
                                const Shape& input) const {
  if (padding_ != "valid") return;
  const int first = channels_first() ? 2 : 1;
  for (int d = 0; d < rank_; ++d) {
    const auto k = static_cast<size_t>(d);
    const int64_t extent = checked_sum(checked_product(size_[k] - 1, dilations_[k]), 1);
    if (extent <= input[first + d]) continue;
    const std::string apart = dilations_[k] == 1 ? "" : fmt::format(", {} apart,", dilations_[k]);
    throw ShapeError(
        fmt::format("{}: a {} of {}{} does not fit into the {} {} of input {}; padding = "
                    "\"same\" would make room",
                    title, what, counted(size_[k], "element"), apart, input[first + d],
                    spatial_names(rank_)[k], input.to_string()));
  }
}

Symbol WindowSettings::to_channels_last(Symbol x) const {
  return sinter::to_channels_last(x, data_format_or_last(data_format_));
}

Symbol WindowSettings::from_channels_last(Symbol y) const {
  return sinter::from_channels_last(y, data_format_or_last(data_format_));
}

Window WindowSettings::window(const std::vector<int64_t>& spatial) const {
  Window w{.strides = strides_, .dilations = dilations_};
  for (size_t d = 0; d < spatial.size(); ++d) {
    const int64_t extent = checked_sum(checked_product(size_[d] - 1, dilations_[d]), 1);
    int64_t before = 0, after = 0;
    if (padding_ == "same") {
      const int64_t count = (spatial[d] + strides_[d] - 1) / strides_[d];
      const int64_t all =
          std::max<int64_t>(checked_sum((count - 1) * strides_[d], extent) - spatial[d], 0);
      before = all / 2;
      after = all - before;
    } else if (padding_ == "causal") {
      before = extent - 1;
    }
    w.low.push_back(before);
    w.high.push_back(after);
  }
  return w;
}

std::string read_data_format(const Config& config) {
  return config.get_string("data_format", "channels_last");
}

std::vector<int64_t> spatial_of(const Shape& channels_last) {
  return std::vector<int64_t>(channels_last.begin() + 1, channels_last.end() - 1);
}

}  // namespace sinter
