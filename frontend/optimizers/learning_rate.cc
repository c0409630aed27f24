// Schedules of keras.optimizers.schedules as small graphs.
#include "frontend/optimizers/learning_rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/error.h"
#include "frontend/argument_checks.h"
#include "frontend/asked_settings.h"
#include "frontend/custom_functions.h"
#include "frontend/given_function.h"
#include "frontend/origin.h"
#include "frontend/optimizers/check_rate.h"
#include "frontend/own_names.h"
#include "frontend/session.h"
#include "ops/ops.h"
#include "runtime/compile.h"

namespace sinter {

struct LearningRate::Spec {
  std::string class_name;
  Config config;
  Schedule schedule;
  SourceLocation where = {};
  bool own = false;  // the user's
};
namespace {

const std::vector<std::string> kNames = {
    "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay",
    "PolynomialDecay",  "CosineDecay",      "CosineDecayRestarts"};

bool is_schedule_of_keras(const std::string& name) {
  return std::ranges::find(kNames, name) != kNames.end();
}

CustomFunctions<LearningRate::Schedule>& custom_schedules() {
  static CustomFunctions<LearningRate::Schedule> instance;
  return instance;
}

ConfigValue numbers(const std::vector<double>& values) {
  ConfigList list;
  for (double v : values) list.emplace_back(v);
  return list;
}

std::vector<double> read_numbers(const Config& c, const char* key) {
  std::vector<double> result;
  const ConfigList* list = c.get(key).as<ConfigList>();
  if (list == nullptr) throw Error(std::string("setting '") + key + "' must be a list of numbers");
  for (const ConfigValue& v : *list) result.push_back(Config{{"value", v}}.get_float("value", 0));
  return result;
}

Config decay_config(const ExponentialDecayOptions& o) {
  return {{"initial_learning_rate", double{o.initial_learning_rate}},
          {"decay_steps", o.decay_steps},
          {"decay_rate", o.decay_rate},
          {"staircase", o.staircase}};
}

// How many periods of decay_steps have passed, whole ones where it is a staircase.
Symbol decays_until(Symbol step, const ExponentialDecayOptions& o) {
  const Symbol p = step / static_cast<double>(o.decay_steps);
  return o.staircase ? floor(p) : p;
}

void check_decay(const char* name, RealNumber initial, int64_t steps) {
  check_rate(name, "initial_learning_rate", initial);
  check_at_least(name, "decay_steps", steps, 1);
}

}  // namespace

LearningRate::LearningRate(std::string name, Schedule schedule, SourceLocation where)
    : spec_(std::make_shared<const Spec>(
          Spec{std::move(name),
               {},
               given(std::move(schedule), "a learning rate schedule", where),
               where,
               true})) {}

Symbol LearningRate::at(OpInput step) const { return spec_->schedule(step); }

LearningRate::LearningRate(std::string class_name, Config config, Schedule schedule,
                           SourceLocation where)
    : spec_(std::make_shared<const Spec>(
          Spec{class_name, std::move(config),
               given(std::move(schedule), "a learning rate schedule", where), where,
               !is_schedule_of_keras(class_name)})) {
  at_line(where, [&] { refuse_nan(spec_->class_name, spec_->config); });
}

void check_rate(const std::string& owner, const char* name, RealNumber rate) {
  check_number(owner, name, rate, kNotNegative);
  if (double{rate} > std::numeric_limits<float>::max())
    throw Error(fmt::format("{}: {} must be at most {:.2g}, the largest float32, found {:g}", owner,
                            name, std::numeric_limits<float>::max(), double{rate}));
  if (rate.is_whole_zero())
    throw Error(fmt::format(
        "{}: {} is 0, of whole numbers: 1 / 1000 of them is 0 in C++. Write 1 / 1000.0, and 0.0 "
        "where nothing is to be learnt",
        owner, name));
}

void check_rate(const std::string& owner, const LearningRate& rate) {
  if (!rate.is_scheduled()) check_rate(owner, "learning_rate", rate.value_);
}

double LearningRate::at(int64_t step) const {
  if (!is_scheduled()) return value_;
  Graph graph("schedule");
  const Symbol s = constant(graph, Tensor::scalar(static_cast<double>(step)));
  graph.add_output("learning_rate", graph.id_of(at(s), "a learning rate schedule"));
  return evaluate_graph(graph, {}).at(0).at(0);
}

ConfigValue LearningRate::to_config() const {
  // Keras keeps the rate as a float32 and writes that number.
  if (!is_scheduled())
    return floatx() == DType::kFloat32 ? static_cast<double>(static_cast<float>(value())) : value();
  const std::string& name = spec_->class_name;
  const ConfigObject object{"keras.optimizers.schedules", name, spec_->config};
  if (!spec_->own) return object;
  return telling(object, kOwnSchedule, {name, spec_->where, is_schedule_of_keras(name)},
                 spec_->schedule);
}

namespace {

LearningRate scheduled(const std::string& name, const Config& c) {
  if (auto custom = custom_schedules().find(name)) return {name, *std::move(custom)};
  const double initial = c.get_float("initial_learning_rate", 0.01);
  const int64_t steps = c.get_int("decay_steps", 1);
  if (name == "ExponentialDecay" || name == "InverseTimeDecay") {
    const ExponentialDecayOptions o{initial, steps, c.get_float("decay_rate", 0.96),
                                    c.get_bool("staircase", false)};
    return name == "ExponentialDecay" ? ExponentialDecay(o, {}) : InverseTimeDecay(o, {});
  }
  if (name == "PiecewiseConstantDecay")
    return PiecewiseConstantDecay({read_numbers(c, "boundaries"), read_numbers(c, "values")}, {});
  if (name == "PolynomialDecay") {
    return PolynomialDecay({initial, steps, c.get_float("end_learning_rate", 0.0001),
                            c.get_float("power", 1.0), c.get_bool("cycle", false)},
                           {});
  }
  if (name == "CosineDecay") {
    CosineDecayOptions o{
        .initial_learning_rate = initial, .decay_steps = steps, .alpha = c.get_float("alpha", 0.0)};
    if (!c.get("warmup_target").is_null()) o.warmup_target = c.get_float("warmup_target", 0);
    o.warmup_steps = c.get_int("warmup_steps", 0);
    return CosineDecay(o, {});
  }
  if (name == "CosineDecayRestarts") {
    return CosineDecayRestarts(
        {initial, c.get_int("first_decay_steps", 1), c.get_float("t_mul", 2.0),
         c.get_float("m_mul", 1.0), c.get_float("alpha", 0.0)},
        {});
  }
  std::vector<std::string> known = kNames;
  custom_schedules().append_names(known);
  raise_unknown_name("learning rate schedule", name, known);
}

}  // namespace

LearningRate LearningRate::from_config(const ConfigValue& value, double fallback) {
  if (value.is_null()) return fallback;
  if (const double* v = value.as<double>()) return *v;
  if (const int64_t* v = value.as<int64_t>()) return static_cast<double>(*v);
  const ConfigObject* object = value.as<ConfigObject>();
  if (object == nullptr)
    throw Error("a learning rate is a number or a schedule, found " +
                std::string(value.type_name()));
  return made_of(object->class_name, object->config,
                 [&] { return scheduled(object->class_name, object->config); });
}

void register_schedule(const std::string& name, LearningRate::Schedule schedule,
                       SourceLocation where) {
  custom_schedules().set(name, given(std::move(schedule), "a learning rate schedule", where));
}

LearningRate ExponentialDecay(ExponentialDecayOptions o, SourceLocation where) {
  return at_line(where, [&]() -> LearningRate {
    check_decay("ExponentialDecay", o.initial_learning_rate, o.decay_steps);
    check_number("ExponentialDecay", "decay_rate", o.decay_rate, kNotNegative);
    return LearningRate("ExponentialDecay", decay_config(o), [o](Symbol step) {
      return double{o.initial_learning_rate} * power(o.decay_rate, decays_until(step, o));
    });
  });
}

LearningRate InverseTimeDecay(ExponentialDecayOptions o, SourceLocation where) {
  return at_line(where, [&]() -> LearningRate {
    check_decay("InverseTimeDecay", o.initial_learning_rate, o.decay_steps);
    check_number("InverseTimeDecay", "decay_rate", o.decay_rate, kNotNegative);
    return LearningRate("InverseTimeDecay", decay_config(o), [o](Symbol step) {
      return double{o.initial_learning_rate} / (1.0 + o.decay_rate * decays_until(step, o));
    });
  });
}

LearningRate PiecewiseConstantDecay(PiecewiseConstantDecayOptions o, SourceLocation where) {
  return at_line(where, [&]() -> LearningRate {
    if (o.values.size() != o.boundaries.size() + 1)
      throw Error("PiecewiseConstantDecay: needs one value more than boundaries");
    for (const double value : o.values)
      check_number("PiecewiseConstantDecay", "each of values", value, kNotNegative);
    for (size_t i = 1; i < o.boundaries.size(); ++i) {
      if (o.boundaries[i] <= o.boundaries[i - 1]) {
        throw Error(
            fmt::format("PiecewiseConstantDecay: boundaries must increase, found {} after {}",
                        o.boundaries[i], o.boundaries[i - 1]));
      }
    }
    return LearningRate("PiecewiseConstantDecay",
                        {{"boundaries", numbers(o.boundaries)},
                         {"values", numbers(o.values)},
                         {"name", "PiecewiseConstant"}},
                        [o](Symbol step) {
                          Symbol rate = full_like(step, o.values.back());
                          for (size_t i = o.boundaries.size(); i-- > 0;) {
                            rate = select(less_equal(step, o.boundaries[i]), o.values[i], rate);
                          }
                          return rate;
                        });
  });
}

LearningRate PolynomialDecay(PolynomialDecayOptions o, SourceLocation where) {
  return at_line(where, [&]() -> LearningRate {
    check_decay("PolynomialDecay", o.initial_learning_rate, o.decay_steps);
    check_number("PolynomialDecay", "end_learning_rate", o.end_learning_rate, kNotNegative);
    check_number("PolynomialDecay", "power", o.power, kNotNegative);
    const double initial = o.initial_learning_rate;
    return LearningRate(
        "PolynomialDecay",
        {{"initial_learning_rate", initial},
         {"decay_steps", o.decay_steps},
         {"end_learning_rate", o.end_learning_rate},
         {"power", o.power},
         {"cycle", o.cycle}},
        [o, initial](Symbol step) {
          const auto steps = static_cast<double>(o.decay_steps);
          // Cycling stretches the period to the next multiple that is not behind.
          const Symbol p = o.cycle ? step / (steps * maximum(ceil(step / steps), 1.0))
                                   : minimum(step, steps) / steps;
          return (initial - o.end_learning_rate) * power(1.0 - p, o.power) + o.end_learning_rate;
        });
  });
}

LearningRate CosineDecay(CosineDecayOptions o, SourceLocation where) {
  return at_line(where, [&]() -> LearningRate {
    check_decay("CosineDecay", o.initial_learning_rate, o.decay_steps);
    check_at_least("CosineDecay", "warmup_steps", o.warmup_steps, 0);
    check_number("CosineDecay", "alpha", o.alpha, kNotNegative);
    if (o.warmup_target)
      check_number("CosineDecay", "warmup_target", *o.warmup_target, kNotNegative);
    const double initial = o.initial_learning_rate;
    const ConfigValue target =
        o.warmup_target ? ConfigValue(*o.warmup_target) : ConfigValue(nullptr);
    return LearningRate(
        "CosineDecay",
        {{"initial_learning_rate", initial},
         {"decay_steps", o.decay_steps},
         {"alpha", o.alpha},
         {"warmup_target", target},
         {"warmup_steps", o.warmup_steps}},
        [o, initial](Symbol step) {
          const auto steps = static_cast<double>(o.decay_steps);
          const auto decayed = [&](Symbol s, double from) {
            const Symbol p = minimum(s, steps) / steps;
            return from * ((1.0 - o.alpha) * 0.5 * (1.0 + cos(std::numbers::pi * p)) + o.alpha);
          };
          if (!o.warmup_target) return decayed(step, initial);
          const auto warm = static_cast<double>(o.warmup_steps);
          const Symbol rising =
              (*o.warmup_target - initial) * (step / std::max(warm, 1.0)) + initial;
          return select(less(step, warm), rising, decayed(step - warm, *o.warmup_target));
        });
  });
}

// Keras finds the number of restarts by a logarithm, which may fall on either side of a restart;
// here it is counted up where the quotient says so.
LearningRate CosineDecayRestarts(CosineDecayRestartsOptions o, SourceLocation where) {
  return at_line(where, [&]() -> LearningRate {
    constexpr const char* kOwner = "CosineDecayRestarts";
    check_rate(kOwner, "initial_learning_rate", o.initial_learning_rate);
    check_at_least(kOwner, "first_decay_steps", o.first_decay_steps, 1);
    check_number(kOwner, "t_mul", o.t_mul, kPositive);
    check_number(kOwner, "m_mul", o.m_mul, kNotNegative);
    check_number(kOwner, "alpha", o.alpha, kNotNegative);
    return LearningRate(
        "CosineDecayRestarts",
        {{"initial_learning_rate", double{o.initial_learning_rate}},
         {"first_decay_steps", o.first_decay_steps},
         {"t_mul", o.t_mul},
         {"m_mul", o.m_mul},
         {"alpha", o.alpha}},
        [o](Symbol step) {
          const Symbol f = step / static_cast<double>(o.first_decay_steps);
          Symbol restarts, fraction;
          if (o.t_mul == 1.0) {
            restarts = floor(f);
            fraction = f - restarts;
          } else {
            const auto begin = [&](Symbol i) {
              return (power(o.t_mul, i) - 1.0) / (o.t_mul - 1.0);
            };
            // Below t_mul 1 all periods together end: then the last never does.
            const Symbol grown = maximum(1.0 - f * (1.0 - o.t_mul), 1e-30);
            const Symbol guess = round(log(grown) / std::log(o.t_mul));
            restarts = select(less(f, begin(guess)), guess - 1.0, guess);
            fraction = (f - begin(restarts)) / power(o.t_mul, restarts);
          }
          const Symbol cosine =
              0.5 * power(o.m_mul, restarts) * (1.0 + cos(std::numbers::pi * fraction));
          return double{o.initial_learning_rate} * ((1.0 - o.alpha) * cosine + o.alpha);
        });
  });
}

}  // namespace sinter
