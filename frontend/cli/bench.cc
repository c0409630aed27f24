// sinter bench: times the works that other frameworks are measured on, and prints one JSON line.
#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/philox.h"
#include "frontend/cli/command.h"
#include "frontend/interop/json.h"
#include "frontend/profile/roofline_measure.h"
#include "frontend/sinter.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/thread_pool.h"

namespace sinter::cli {
namespace {

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

/// A work, made ready: one call of `step` is what is timed.
struct Work {
  std::function<void()> step;
};

Tensor random_tensor(Shape shape, int64_t seed) {
  Tensor result(DType::kFloat32, std::move(shape));
  const std::span<float> values = result.data<float>();
  for (size_t begin = 0; begin < values.size(); begin += 64) {
    const auto bits = philox_group(seed, 0, 0, static_cast<int64_t>(begin / 64));
    const size_t count = std::min<size_t>(64, values.size() - begin);
    for (size_t i = 0; i < count; ++i)
      values[begin + i] = static_cast<float>(uniform_from_bits(bits[i]));
  }
  return result;
}

Tensor random_one_hot(int64_t rows, int64_t classes) {
  Tensor result(DType::kFloat32, {rows, classes});
  for (int64_t i = 0; i < rows; ++i) {
    result.set(i * classes +
                   static_cast<int64_t>(philox_bits(1, 0, 0, i) % static_cast<uint32_t>(classes)),
               1);
  }
  return result;
}

/// 784-width-width-width-10, relu, softmax.
Model mlp(int64_t width) {
  const KerasTensor x = Input({784});
  KerasTensor h = x;
  for (int i = 0; i < 3; ++i) h = Dense(width, {.activation = "relu"})(h);
  return Model(x, Dense(10, {.activation = "softmax"})(h));
}

/// 784-[512 Dense, BatchNormalization, ReLU, Dropout 0.5] x 3-10.
Model bn() {
  const KerasTensor x = Input({784});
  KerasTensor h = x;
  for (int i = 0; i < 3; ++i) h = Dropout(0.5)(ReLU()(BatchNormalization()(Dense(512)(h))));
  return Model(x, Dense(10, {.activation = "softmax"})(h));
}

/// 28x28x1: 3x3 convolutions of 32, 32, pool, 64, 64, pool, Dense 128, 10; relu, softmax.
Model cnn() {
  const KerasTensor x = Input({28, 28, 1});
  KerasTensor h = x;
  for (const int64_t filters : {32, 64}) {
    for (int i = 0; i < 2; ++i)
      h = Conv2D(filters, 3, {.padding = "same", .activation = "relu"})(h);
    h = MaxPooling2D()(h);
  }
  h = Dense(128, {.activation = "relu"})(Flatten()(h));
  return Model(x, Dense(10, {.activation = "softmax"})(h));
}

/// ResNet-20 over 32x32x3 (He et al. 2016, section 4.2), shortcuts by 1x1 convolutions.
Model res() {
  const auto normalized = [](int64_t filters, int64_t size, int64_t strides, KerasTensor x) {
    const ConvOptions options{.strides = strides, .padding = "same", .use_bias = false};
    return BatchNormalization()(Conv2D(filters, size, options)(x));
  };
  const KerasTensor x = Input({32, 32, 3});
  KerasTensor h = ReLU()(normalized(16, 3, 1, x));
  for (const int64_t filters : {16, 32, 64}) {
    for (int i = 0; i < 3; ++i) {
      const bool is_first = filters > 16 && i == 0;
      const int64_t strides = is_first ? 2 : 1;
      const KerasTensor inner = ReLU()(normalized(filters, 3, strides, h));
      const KerasTensor residual = normalized(filters, 3, 1, inner);
      if (is_first) h = Conv2D(filters, 1, {.strides = strides, .use_bias = false})(h);
      h = ReLU()(Add()({residual, h}));
    }
  }
  h = GlobalAveragePooling2D()(h);
  return Model(x, Dense(10, {.activation = "softmax"})(h));
}

/// A depthwise separable network over 32x32x3 in the manner of MobileNet (Howard et al. 2017,
/// table 1): a 3x3 convolution of 16, then four blocks of a 3x3 depthwise and a 1x1 convolution.
Model ds() {
  const auto normalized = [](KerasTensor h) { return ReLU()(BatchNormalization()(h)); };
  const KerasTensor x = Input({32, 32, 3});
  KerasTensor h = normalized(Conv2D(16, 3, {.padding = "same", .use_bias = false})(x));
  const std::pair<int64_t, int64_t> blocks[] = {{32, 1}, {64, 2}, {64, 1}, {128, 2}};
  for (const auto& [filters, strides] : blocks) {
    h = normalized(
        DepthwiseConv2D(3, {.strides = strides, .padding = "same", .use_bias = false})(h));
    h = normalized(Conv2D(filters, 1, {.use_bias = false})(h));
  }
  h = GlobalAveragePooling2D()(h);
  return Model(x, Dense(10, {.activation = "softmax"})(h));
}

struct Compilation {
  std::string mixed_precision, memory_budget;
  std::vector<std::string> metrics;
};

void compile_model(Model& model, const Compilation& how) {
  model.compile({.optimizer = Adam(1e-3),
                 .loss = "categorical_crossentropy",
                 .metrics = std::vector<Metric>(how.metrics.begin(), how.metrics.end()),
                 .mixed_precision = how.mixed_precision,
                 .memory_budget = how.memory_budget.empty() ? 0 : budget_of(how.memory_budget)});
}

/// Random inputs of a model with one.
Tensor random_inputs(const Model& model, int64_t batch) {
  Shape shape = model.inputs()[0].shape();
  shape[0] = batch;
  return random_tensor(std::move(shape), 0);
}

Work training(Model model, int64_t batch, const Compilation& how) {
  compile_model(model, how);
  const Tensor x = random_inputs(model, batch);
  const Tensor y = random_one_hot(batch, 10);
  return {[model, x, y]() mutable { model.train_on_batch(x, y); }};
}

/// An epoch of `fit` whose last batch is partial, as is that of its validation: four programs, of
/// which two train and two evaluate.
Work fitting(Model model, int64_t batch, const Compilation& how) {
  compile_model(model, how);
  const int64_t rows = 2 * batch + batch / 2 + 1, validation_rows = batch + batch / 3 + 1;
  const ValidationData validation{random_tensor({validation_rows, 784}, 1),
                                  random_one_hot(validation_rows, 10)};
  const Tensor x = random_tensor({rows, 784}, 0);
  const Tensor y = random_one_hot(rows, 10);
  return {[=]() mutable {
    model.fit(x, y, {.batch_size = batch, .verbose = 0, .validation_data = validation});
  }};
}

Work prediction(Model model, int64_t batch, const Compilation& how) {
  if (!how.mixed_precision.empty()) compile_model(model, how);
  const Tensor x = random_inputs(model, batch);
  return {[model, x]() mutable { model.predict_on_batch(x); }};
}

/// y = gelu(1.5 x + 0.25) * sigmoid(x) over 16 Mi floats.
Work gelu16m(const RunOptions& options, bool no_cache) {
  register_ops();
  Graph graph("gelu16m");
  const Symbol x = graph.input("x", {DType::kFloat32, {int64_t{1} << 24}});
  graph.add_output("y", (gelu(x * 1.5 + 0.25) * sigmoid(x)).id());
  std::shared_ptr<Executable> executable =
      compile(graph, {.backend = options.backend, .cache = !no_cache, .tune = options.tune});
  const Tensor in = random_tensor({int64_t{1} << 24}, 0);
  Tensor out(DType::kFloat32, {int64_t{1} << 24});
  executable->bind({});
  return {[executable, in, out]() mutable {
    const void* inputs[] = {in.raw()};
    void* outputs[] = {out.raw()};
    executable->run(inputs, outputs);
  }};
}

struct Options {
  std::string work;
  std::optional<int64_t> batch, width;  // of the perceptron
  double seconds = 3;
  bool no_cache = false;
  bool profile = false;
  Compilation compilation;  // of the models
  RunOptions run;
};

const std::vector<std::string>& works() {
  static const std::vector<std::string> names = {"mlp_train", "mlp_fit",  "bn_train",   "cnn_train",
                                                 "mlp_b1",    "mlp_b128", "cnn_b1",     "cnn_b128",
                                                 "res_b1",    "res_b128", "ds_conv_b1", "gelu16m"};
  return names;
}

Work make_work(const Options& options) {
  const std::string& name = options.work;
  const int64_t batch = options.batch.value_or(name.ends_with("_b1") ? 1 : 128);
  const int64_t width = options.width.value_or(128);
  if (options.width && !name.starts_with("mlp_"))
    throw UsageError("--width is for mlp_train, mlp_fit, mlp_b1 and mlp_b128");
  if (options.batch && name == "gelu16m") throw UsageError("--batch is for models");
  const Compilation& how = options.compilation;
  if (!how.mixed_precision.empty() && name == "gelu16m")
    throw UsageError("--mixed-precision is for models");
  if (!how.metrics.empty() && !name.ends_with("_train") && name != "mlp_fit")
    throw UsageError("--metrics is for mlp_train, mlp_fit, bn_train and cnn_train");
  if (!how.memory_budget.empty() && !name.ends_with("_train"))
    throw UsageError("--memory-budget is for mlp_train, bn_train and cnn_train");
  if (name == "mlp_train") return training(mlp(width), batch, how);
  if (name == "mlp_fit") return fitting(mlp(width), batch, how);
  if (name == "bn_train") return training(bn(), batch, how);
  if (name == "mlp_b1" || name == "mlp_b128") return prediction(mlp(width), batch, how);
  if (name == "gelu16m") return gelu16m(options.run, options.no_cache);
  if (name == "cnn_train") return training(cnn(), batch, how);
  if (name == "cnn_b1" || name == "cnn_b128") return prediction(cnn(), batch, how);
  if (name == "res_b1" || name == "res_b128") return prediction(res(), batch, how);
  if (name == "ds_conv_b1") return prediction(ds(), batch, how);
  raise_unknown_name("work", name, works());
}

/// Threads move between cores otherwise; the peers are measured the same way.
void stay_on_first_cores(int count) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  for (int i = 0; i < count; ++i) CPU_SET(i, &cores);
  (void)::sched_setaffinity(0, sizeof cores, &cores);
}

void bench(const Options& options) {
  options.run.apply();
  set_code_cache(!options.no_cache);
  stay_on_first_cores(threads());
  const Clock::time_point begin = Clock::now();
  Work work = make_work(options);
  const Clock::time_point called = Clock::now();
  work.step();
  const double first = microseconds_since(begin), first_step = microseconds_since(called);
  for (int i = 0; i < 5; ++i) work.step();
  std::vector<double> times;
  std::optional<Profile> profile;
  if (options.profile) profile.emplace();
  const Clock::time_point start = Clock::now();
  while (microseconds_since(start) < options.seconds * 1e6 || times.size() < 10) {
    const Clock::time_point step = Clock::now();
    work.step();
    times.push_back(microseconds_since(step));
  }
  std::ranges::sort(times);
  const size_t middle = times.size() / 2;
  const double median =
      times.size() % 2 == 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
  struct rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  const auto tenth = [](double v) { return std::round(v * 10) / 10; };
  Config line{{"peer", "sinter_" + options.run.backend}, {"work", options.work}};
  if (options.batch) line.set("batch", *options.batch);
  if (options.width) line.set("width", *options.width);
  if (!options.compilation.mixed_precision.empty())
    line.set("mixed_precision", options.compilation.mixed_precision);
  if (!options.compilation.memory_budget.empty())
    line.set("memory_budget", options.compilation.memory_budget);
  if (!options.compilation.metrics.empty())
    line.set("metrics", fmt::format("{}", fmt::join(options.compilation.metrics, ",")));
  line.set("threads", threads());
  line.set("median_us", tenth(median));
  line.set("min_us", tenth(times.front()));
  line.set("mean_us", tenth(std::accumulate(times.begin(), times.end(), 0.0) /
                            static_cast<double>(times.size())));
  line.set("p99_us", tenth(times[times.size() * 99 / 100]));
  line.set("max_us", tenth(times.back()));
  line.set("steps", static_cast<int64_t>(times.size()));
  line.set("first_us", static_cast<int64_t>(std::llround(first)));
  line.set("first_step_us", static_cast<int64_t>(std::llround(first_step)));
  line.set("rss_mib", static_cast<int64_t>(usage.ru_maxrss / 1024));
  // Just after the work: every figure of several threads depends on it, and on virtual machines it
  // changes from minute to minute.
  if (threads() > 1) {
    if (const std::optional<double> seconds = roofline::measure_line_round_trip(0.01))
      line.set("line_round_trip_ns", tenth(*seconds * 1e9));
  }
  print(to_json_text(line) + "\n");
  if (options.profile) print(profile->to_string());
}

}  // namespace

Action add_bench(CLI::App& app) {
  CLI::App* command = app.add_subcommand("bench", "Time a work and print one JSON line");
  auto options = std::make_shared<Options>();
  command->add_option("work", options->work, fmt::format("{}", fmt::join(works(), ", ")))
      ->type_name("WORK")
      ->required();
  command->add_option("--batch", options->batch, "Rows a step, of models")
      ->type_name("N")
      ->check(count_within(1, 1 << 20));
  command->add_option("--width", options->width, "Units of each hidden layer, for the mlp works")
      ->type_name("N")
      ->check(count_within(1, 1 << 16));
  command->add_option("--seconds", options->seconds, "How long to measure")
      ->type_name("S")
      ->check(number_within(0, 3600))
      ->capture_default_str();
  command->add_flag("--no-cache", options->no_cache,
                    "Compile anew and leave no compiled code on disk");
  add_mixed_precision(*command, options->compilation.mixed_precision);
  add_memory_budget(*command, "--memory-budget", options->compilation.memory_budget);
  command->add_option("--metrics", options->compilation.metrics, "accuracy, mae, ..., for training")
      ->type_name("NAME,...")
      ->delimiter(',');
  command->add_flag("--profile", options->profile, "Print the time of each kernel too");
  options->run.add_to(*command);
  return [options] { bench(*options); };
}

}  // namespace sinter::cli
