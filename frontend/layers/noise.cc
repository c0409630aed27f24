// GaussianNoise, GaussianDropout and AlphaDropout.
#include "frontend/layers/noise.h"

#include <cmath>

#include "core/line.h"
#include "frontend/argument_checks.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/simple_layer.h"
#include "ops/random.h"

namespace sinter {
namespace {

Symbol normal_like(Symbol x, Symbol state, int64_t stream) {
  return random_normal(state, x.shape(), stream, x.dtype());
}

Symbol alpha_dropout(Symbol x, Symbol state, int64_t stream, double rate, const Shape& noise) {
  // -scale * alpha of selu.
  constexpr double kLowest = -1.0507009873554805 * 1.6732632423543772;
  const double a = 1 / std::sqrt((1 - rate) * (1 + rate * kLowest * kLowest));
  const double b = -a * kLowest * rate;
  const Symbol keep = broadcast_to(random_keep(state, noise, rate, stream), x.shape());
  return select(keep, x, kLowest) * a + b;
}

template <typename T>
Layer from_config(const Config& c, const char* key, SourceLocation where) {
  return T(c.get_float(key, 0), {.seed = seed_in(c), .name = c.get_string("name", "")}, where);
}

}  // namespace

GaussianNoise::GaussianNoise(RealNumber stddev, NoiseOptions options, SourceLocation where)
    : Layer(random_layer(
          "GaussianNoise", options.name, where,
          {{"stddev", double{stddev}}, {"seed", seed_value(options.seed)}}, options.seed,
          {[deviation = double{stddev}](Symbol x, Symbol state, int64_t stream) {
            return deviation == 0 ? x : x + normal_like(x, state, stream) * deviation;
          }},
          number_mistake("stddev", stddev, kZeroToOne))) {
  warn_of_whole_zero(named_with_line("GaussianNoise", where), "stddev", stddev.is_whole_zero());
}

GaussianDropout::GaussianDropout(RealNumber rate, NoiseOptions options, SourceLocation where)
    : Layer(random_layer(
          "GaussianDropout", options.name, where,
          {{"rate", double{rate}}, {"seed", seed_value(options.seed)}}, options.seed,
          {[deviation = std::sqrt(rate / (1 - rate))](Symbol x, Symbol state, int64_t stream) {
            return deviation == 0 ? x : x * (1.0 + normal_like(x, state, stream) * deviation);
          }},
          number_mistake("rate", rate, kZeroToBelowOne))) {
  warn_of_whole_zero(named_with_line("GaussianDropout", where), "rate", rate.is_whole_zero());
}

AlphaDropout::AlphaDropout(RealNumber rate, DropoutOptions options, SourceLocation where)
    : Layer(random_layer("AlphaDropout", options.name, where,
                         {{"rate", double{rate}},
                          {"seed", seed_value(options.seed)},
                          {"noise_shape", noise_shape_value(options.noise_shape)}},
                         options.seed,
                         {[rate = double{rate}, given = options.noise_shape](Symbol x, Symbol state,
                                                                             int64_t stream) {
                           const Shape noise = given.empty() ? x.shape() : Shape(given);
                           return rate == 0 ? x : alpha_dropout(x, state, stream, rate, noise);
                         }},
                         number_mistake("rate", rate, kZeroToBelowOne))) {
  warn_of_whole_zero(named_with_line("AlphaDropout", where), "rate", rate.is_whole_zero());
}

void register_noise_layers() {
  register_layer("GaussianNoise", [](const Config& c, SourceLocation where) {
    return from_config<GaussianNoise>(c, "stddev", where);
  });
  register_layer("GaussianDropout", [](const Config& c, SourceLocation where) {
    return from_config<GaussianDropout>(c, "rate", where);
  });
  register_layer("AlphaDropout", [](const Config& c, SourceLocation where) -> Layer {
    return AlphaDropout(c.get_float("rate", 0),
                        {.noise_shape = c.get_ints("noise_shape", {}),
                         .seed = seed_in(c),
                         .name = c.get_string("name", "")},
                        where);
  });
}

}  // namespace sinter
