// keras.initializers by name and settings.
#include "frontend/initializers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>

#include "core/error.h"
#include "core/philox.h"
#include "frontend/argument_checks.h"
#include "frontend/asked_settings.h"
#include "frontend/custom_functions.h"
#include "frontend/given_function.h"
#include "frontend/initial_values.h"
#include "frontend/origin.h"
#include "frontend/own_names.h"
#include "frontend/session.h"

namespace sinter {

struct Initializer::Spec {
  std::string class_name;
  Config config;
  std::optional<int64_t> seed;
  Function function;
  Plain own = {};  // the user's function
  SourceLocation where = {};
};
namespace {

// The standard deviation of a standard normal cut at +-2.
constexpr double kTruncatedDeviation = 0.87962566103423978;

void check_finite(const char* owner,
                  std::initializer_list<std::pair<const char*, double>> settings) {
  for (const auto& [name, value] : settings) check_number(owner, name, value, kFinite);
}

Initializer::Function normal(const char* owner, const RandomNormalOptions& o, bool truncated) {
  check_number(owner, "mean", o.mean, kFinite);
  check_number(owner, "stddev", o.stddev, kNotNegative);
  return normal_around(o.mean, o.stddev, truncated);
}

Initializer::Function scaled(const VarianceScalingOptions& o) {
  if (o.mode != "fan_in" && o.mode != "fan_out" && o.mode != "fan_avg") {
    raise_unknown_name("mode of VarianceScaling", o.mode, {"fan_in", "fan_out", "fan_avg"});
  }
  if (o.distribution != "truncated_normal" && o.distribution != "untruncated_normal" &&
      o.distribution != "uniform") {
    raise_unknown_name("distribution of VarianceScaling", o.distribution,
                       {"truncated_normal", "untruncated_normal", "uniform"});
  }
  check_number("VarianceScaling", "scale", o.scale, kPositive);
  return [o](const Shape& shape, DType dtype, uint64_t key) {
    const auto [in, out] = compute_fans(shape);
    const double fan = o.mode == "fan_in" ? in : o.mode == "fan_out" ? out : (in + out) / 2;
    const double s = o.scale / std::max(1.0, fan);
    if (o.distribution == "uniform")
      return uniform_between(-std::sqrt(3 * s), std::sqrt(3 * s))(shape, dtype, key);
    const bool cut = o.distribution == "truncated_normal";
    return normal_around(0, std::sqrt(s) / (cut ? kTruncatedDeviation : 1.0), cut)(shape, dtype,
                                                                                   key);
  };
}

ConfigValue seed_value(std::optional<int64_t> seed) {
  return seed ? ConfigValue(*seed) : ConfigValue(nullptr);
}

std::optional<int64_t> seed_of(const Config& c) {
  if (!c.contains("seed") || c.get("seed").as<int64_t>() == nullptr) return std::nullopt;
  return c.get_int("seed", 0);
}

Initializer fan_initializer(const char* class_name, double scale, const char* mode,
                            const char* distribution, SeedOption o) {
  return Initializer(class_name, {{"seed", seed_value(o.seed)}}, o.seed,
                     scaled({.scale = scale, .mode = mode, .distribution = distribution}));
}

double finite_gain(const char* owner, double gain, SourceLocation where) {
  at_line(where, [&] { check_finite(owner, {{"gain", gain}}); });
  return gain;
}

CustomFunctions<Initializer::Plain>& custom_initializers() {
  static CustomFunctions<Initializer::Plain> functions;
  return functions;
}

using Maker = Initializer (*)(const Config&);

// Class name, Keras's other names, how to make it from its settings.
struct Entry {
  std::vector<std::string> names;
  Maker make;
};

template <typename T>
Initializer from_seed(const Config& c) {
  return T({.seed = seed_of(c)});
}

const std::vector<Entry>& table() {
  static const std::vector<Entry> entries = {
      {{"GlorotUniform", "glorot_uniform"}, from_seed<GlorotUniform>},
      {{"GlorotNormal", "glorot_normal"}, from_seed<GlorotNormal>},
      {{"HeUniform", "he_uniform"}, from_seed<HeUniform>},
      {{"HeNormal", "he_normal"}, from_seed<HeNormal>},
      {{"LecunUniform", "lecun_uniform"}, from_seed<LecunUniform>},
      {{"LecunNormal", "lecun_normal"}, from_seed<LecunNormal>},
      {{"Zeros", "zeros", "zero"}, [](const Config&) -> Initializer { return Zeros(); }},
      {{"Ones", "ones", "one"}, [](const Config&) -> Initializer { return Ones(); }},
      {{"Constant", "constant"},
       [](const Config& c) -> Initializer { return Constant(c.get_float("value", 0.0)); }},
      {{"RandomUniform", "random_uniform", "uniform"},
       [](const Config& c) -> Initializer {
         return RandomUniform(
             {c.get_float("minval", -0.05), c.get_float("maxval", 0.05), seed_of(c)}, {});
       }},
      {{"RandomNormal", "random_normal", "normal"},
       [](const Config& c) -> Initializer {
         return RandomNormal({c.get_float("mean", 0.0), c.get_float("stddev", 0.05), seed_of(c)},
                             {});
       }},
      {{"TruncatedNormal", "truncated_normal"},
       [](const Config& c) -> Initializer {
         return TruncatedNormal({c.get_float("mean", 0.0), c.get_float("stddev", 0.05), seed_of(c)},
                                {});
       }},
      {{"VarianceScaling", "variance_scaling"},
       [](const Config& c) -> Initializer {
         return VarianceScaling({c.get_float("scale", 1.0), c.get_string("mode", "fan_in"),
                                 c.get_string("distribution", "truncated_normal"), seed_of(c)});
       }},
      {{"Orthogonal", "orthogonal"},
       [](const Config& c) -> Initializer {
         return Orthogonal({c.get_float("gain", 1.0), seed_of(c)}, {});
       }},
      {{"Identity", "identity"},
       [](const Config& c) -> Initializer { return Identity(c.get_float("gain", 1.0), {}); }},
  };
  return entries;
}

bool is_initializer_of_keras(const std::string& name) {
  return std::ranges::any_of(table(), [&](const Entry& entry) {
    return std::ranges::find(entry.names, name) != entry.names.end();
  });
}

Initializer by_name(const std::string& name, const Config& config) {
  if (auto custom = custom_initializers().find(name)) return {name, *std::move(custom)};
  for (const Entry& entry : table()) {
    for (const std::string& known : entry.names) {
      if (known == name) return entry.make(config);
    }
  }
  raise_unknown_name("initializer", name, initializer_names());
}

}  // namespace

std::vector<std::string> initializer_names() {
  std::vector<std::string> names;
  for (const Entry& entry : table())
    names.insert(names.end(), entry.names.begin() + 1, entry.names.end());
  custom_initializers().append_names(names);
  return names;
}

std::pair<double, double> compute_fans(const Shape& shape) {
  const int rank = shape.rank();
  if (rank == 0) return {1, 1};
  if (rank == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  double receptive = 1;
  for (int i = 0; i < rank - 2; ++i) receptive *= static_cast<double>(shape[i]);
  return {receptive * static_cast<double>(shape[rank - 2]),
          receptive * static_cast<double>(shape[rank - 1])};
}

Initializer::Initializer(std::string class_name, Config config, std::optional<int64_t> seed,
                         Function function)
    : spec_(std::make_shared<const Spec>(
          Spec{std::move(class_name), std::move(config), seed, std::move(function)})) {}

Initializer::Initializer(const std::string& name, SourceLocation where)
    : Initializer(at_line(where, [&] { return by_name(name, {}); })) {}
Initializer::Initializer(const char* name, SourceLocation where)
    : Initializer(std::string(name), where) {}

Initializer::Initializer(Tensor (*function)(const Shape&, DType), SourceLocation where)
    : Initializer("custom_initializer", Plain(function), where) {}

Initializer::Initializer(std::string name, Plain function, SourceLocation where)
    : spec_(std::make_shared<const Spec>(Spec{
          name,
          {},
          std::nullopt,
          [name, function = given(function, "an initializer", where)](const Shape& shape,
                                                                      DType dtype, uint64_t) {
            Tensor value = function(shape, dtype);
            if (value.shape() != shape) {
              throw ShapeError(fmt::format("initializer '{}' was asked for shape {} and gave {}",
                                           name, shape.to_string(), value.shape().to_string()));
            }
            return value.cast(dtype).clone();
          },
          function,
          where})) {}

Tensor Initializer::operator()(const Shape& shape, DType dtype, uint64_t key) const {
  return spec_->function(shape, dtype, spec_->seed ? static_cast<uint64_t>(*spec_->seed) : key);
}

ConfigValue Initializer::to_config() const {
  const std::string& name = spec_->class_name;
  const ConfigObject object{"keras.initializers", name, spec_->config};
  if (!spec_->own) return object;
  return telling(object, kOwnInitializer, {name, spec_->where, is_initializer_of_keras(name)},
                 spec_->own);
}

Initializer Initializer::from_config(const ConfigValue& value) {
  if (const std::string* name = value.as<std::string>()) return by_name(*name, {});
  if (const std::string* name = function_name(value)) return by_name(*name, {});
  if (const ConfigObject* object = value.as<ConfigObject>()) {
    return made_of(object->class_name, object->config,
                   [&] { return by_name(object->class_name, object->config); });
  }
  throw Error("an initializer is a name or an object, found " + std::string(value.type_name()));
}

void register_initializer(const std::string& name, Initializer::Plain function,
                          SourceLocation where) {
  custom_initializers().set(name, given(std::move(function), "an initializer", where));
}

Zeros::Zeros()
    : Initializer("Zeros", {}, std::nullopt,
                  [](const Shape& shape, DType dtype, uint64_t) { return Tensor(dtype, shape); }) {}

Ones::Ones()
    : Initializer("Ones", {}, std::nullopt, [](const Shape& shape, DType dtype, uint64_t) {
        return Tensor::full(dtype, shape, 1.0);
      }) {}

Constant::Constant(RealNumber value)
    : Initializer("Constant", {{"value", double{value}}}, std::nullopt,
                  [value = double{value}](const Shape& shape, DType dtype, uint64_t) {
                    return Tensor::full(dtype, shape, value);
                  }) {}

RandomUniform::RandomUniform(RandomUniformOptions o, SourceLocation where)
    : Initializer("RandomUniform",
                  {{"minval", o.minval}, {"maxval", o.maxval}, {"seed", seed_value(o.seed)}},
                  o.seed, at_line(where, [&] {
                    check_finite("RandomUniform", {{"minval", o.minval}, {"maxval", o.maxval}});
                    if (o.minval > o.maxval) {
                      throw Error(fmt::format("RandomUniform: minval {} is above maxval {}",
                                              o.minval, o.maxval));
                    }
                    return uniform_between(o.minval, o.maxval);
                  })) {}

RandomNormal::RandomNormal(RandomNormalOptions o, SourceLocation where)
    : Initializer("RandomNormal",
                  {{"mean", o.mean}, {"stddev", o.stddev}, {"seed", seed_value(o.seed)}}, o.seed,
                  at_line(where, [&] { return normal("RandomNormal", o, false); })) {}

TruncatedNormal::TruncatedNormal(RandomNormalOptions o, SourceLocation where)
    : Initializer("TruncatedNormal",
                  {{"mean", o.mean}, {"stddev", o.stddev}, {"seed", seed_value(o.seed)}}, o.seed,
                  at_line(where, [&] { return normal("TruncatedNormal", o, true); })) {}

VarianceScaling::VarianceScaling(VarianceScalingOptions o, SourceLocation where)
    : Initializer("VarianceScaling",
                  {{"scale", o.scale},
                   {"mode", o.mode},
                   {"distribution", o.distribution},
                   {"seed", seed_value(o.seed)}},
                  o.seed, at_line(where, [&] { return scaled(o); })) {}

GlorotUniform::GlorotUniform(SeedOption o)
    : Initializer(fan_initializer("GlorotUniform", 1.0, "fan_avg", "uniform", o)) {}
GlorotNormal::GlorotNormal(SeedOption o)
    : Initializer(fan_initializer("GlorotNormal", 1.0, "fan_avg", "truncated_normal", o)) {}
HeUniform::HeUniform(SeedOption o)
    : Initializer(fan_initializer("HeUniform", 2.0, "fan_in", "uniform", o)) {}
HeNormal::HeNormal(SeedOption o)
    : Initializer(fan_initializer("HeNormal", 2.0, "fan_in", "truncated_normal", o)) {}
LecunUniform::LecunUniform(SeedOption o)
    : Initializer(fan_initializer("LecunUniform", 1.0, "fan_in", "uniform", o)) {}
LecunNormal::LecunNormal(SeedOption o)
    : Initializer(fan_initializer("LecunNormal", 1.0, "fan_in", "truncated_normal", o)) {}

Orthogonal::Orthogonal(OrthogonalOptions o, SourceLocation where)
    : Initializer("Orthogonal", {{"gain", o.gain}, {"seed", seed_value(o.seed)}}, o.seed,
                  [gain = finite_gain("Orthogonal", o.gain, where)](const Shape& shape, DType dtype,
                                                                    uint64_t key) {
                    return orthogonal(shape, dtype, key, gain);
                  }) {}

Identity::Identity(RealNumber gain, SourceLocation where)
    : Initializer(
          "Identity", {{"gain", double{gain}}}, std::nullopt,
          [gain = finite_gain("Identity", gain, where)](const Shape& shape, DType dtype, uint64_t) {
            if (shape.rank() != 2)
              throw ShapeError("the Identity initializer makes matrices, asked for shape " +
                               shape.to_string());
            Tensor result(dtype, shape);
            for (int64_t i = 0; i < std::min(shape[0], shape[1]); ++i)
              result.set(i * shape[1] + i, gain);
            return result;
          }) {}

}  // namespace sinter
