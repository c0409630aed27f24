// Flatten, Reshape, Permute and RepeatVector.
#include "frontend/layers/reshape.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/counted.h"
#include "core/error.h"
#include "core/sizes.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/simple_layer.h"
#include "ops/ops.h"

namespace sinter {
namespace {

int64_t sample_elements(const Shape& shape) {
  int64_t count = 1;
  for (int i = 1; i < shape.rank(); ++i) count = checked_product(count, shape[i]);
  return count;
}

Shape resolved(const Shape& input, const std::vector<int64_t>& target) {
  const int64_t elements = sample_elements(input);
  std::vector<int64_t> dims = {kBatch};
  int64_t known = 1;
  int open = -1;
  for (int64_t d : target) {
    if (d == -1) {
      if (open >= 0) throw ShapeError("only one entry of target_shape may be -1");
      open = static_cast<int>(dims.size());
    } else if (d <= 0) {
      throw ShapeError(
          fmt::format("target_shape holds {}; entries must be positive, or -1 once", d));
    } else {
      known = checked_product(known, d);
    }
    dims.push_back(d);
  }
  if (open >= 0 && elements % known == 0) {
    dims[static_cast<size_t>(open)] = elements / known;
    known = elements;
  }
  if (known != elements) {
    throw ShapeError(fmt::format("cannot reshape {} ({} a sample) to target_shape {}",
                                 input.to_string(), counted(elements, "value"),
                                 Shape(target).to_string()));
  }
  return Shape(std::move(dims));
}

std::string permute_mistake(const std::vector<int64_t>& dims) {
  std::vector<int64_t> sorted = dims;
  std::ranges::sort(sorted);
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != static_cast<int64_t>(i) + 1)
      return fmt::format("dims must hold each of 1 to {} once, found {}", dims.size(),
                         Shape(dims).to_string());
  }
  return sorted.empty() ? "dims must name one dimension or more" : "";
}

Symbol permuted(Symbol x, std::vector<int64_t> dims) {
  if (x.rank() != static_cast<int>(dims.size()) + 1) {
    throw ShapeError(fmt::format("dims {} are for samples of {}, found {}", Shape(dims).to_string(),
                                 counted(dims.size(), "dimension"), x.shape().to_string()));
  }
  dims.insert(dims.begin(), 0);
  return transpose(x, std::move(dims));
}

Symbol repeated(Symbol x, int64_t n) {
  if (x.rank() != 2) {
    throw ShapeError(
        fmt::format("input must be [batch, features], found {}", x.shape().to_string()));
  }
  return broadcast_to(expand_dims(x, 1), {x.shape()[0], n, x.shape()[1]});
}

}  // namespace

Flatten::Flatten(LayerOptions options, SourceLocation where)
    : Layer(simple_layer("Flatten", options.name, where, {{"data_format", "channels_last"}},
                         [](Symbol x) {
                           return reshape(x, Shape{kBatch, sample_elements(x.shape())});
                         })) {}

Reshape::Reshape(std::vector<int64_t> target, LayerOptions options, SourceLocation where)
    : Layer(simple_layer("Reshape", options.name, where,
                         {{"target_shape", ConfigValue::ints(target)}},
                         [target](Symbol x) { return reshape(x, resolved(x.shape(), target)); })) {}

Permute::Permute(std::vector<int64_t> dims, LayerOptions options, SourceLocation where)
    : Layer(simple_layer(
          "Permute", options.name, where, {{"dims", ConfigValue::ints(dims)}},
          [dims](Symbol x) { return permuted(x, dims); }, permute_mistake(dims))) {}

RepeatVector::RepeatVector(WholeNumber n, LayerOptions options, SourceLocation where)
    : Layer(simple_layer(
          "RepeatVector", options.name, where, {{"n", int64_t{n}}},
          [n = int64_t{n}](Symbol x) { return repeated(x, n); },
          n > 0 ? "" : fmt::format("n must be positive, found {}", int64_t{n}))) {}

void register_reshape_layers() {
  register_layer("Flatten", [](const Config& c, SourceLocation where) -> Layer {
    if (c.get_string("data_format", "channels_last") != "channels_last")
      throw Error("only channels_last is supported");
    return Flatten({.name = c.get_string("name", "")}, where);
  });
  register_layer("Reshape", [](const Config& c, SourceLocation where) -> Layer {
    return Reshape(c.get_ints("target_shape", {}), {.name = c.get_string("name", "")}, where);
  });
  register_layer("Permute", [](const Config& c, SourceLocation where) -> Layer {
    return Permute(c.get_ints("dims", {}), {.name = c.get_string("name", "")}, where);
  });
  register_layer("RepeatVector", [](const Config& c, SourceLocation where) -> Layer {
    return RepeatVector(c.get_int("n", 0), {.name = c.get_string("name", "")}, where);
  });
}

}  // namespace sinter
