// What fails while a program runs names the line of the user's call, whichever function was called:
// one line of this table for each that can fail, called wrongly.
#include <gtest/gtest.h>
#include <sinter/runtime.h>
#include <sinter/sinter.h>

#include <array>
#include <cmath>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

struct Call {
  const char* what;
  int line;
  std::function<void()> action;
};
#define CALL(...)                                        \
  Call {                                                 \
#__VA_ARGS__, __LINE__, [&] { (void)(__VA_ARGS__); } \
  }

// The text begins with the line of the call, or with that of an op and behind it that of the call;
// it names no line of Sinter's own files.
void expect_line(const Call& call) {
  std::string text = "no error";
  try {
    call.action();
  } catch (const Error& error) {
    text = error.what();
  }
  const std::string here = "lines_test.cc:" + std::to_string(call.line);
  EXPECT_TRUE(text.starts_with(here + ": ") || text.find("(" + here + ")") < text.size() ||
              text.find(": in the call of " + here + ": ") < text.size())
      << call.what << "\n  " << text;
  for (size_t at = text.find(".cc:"); at < text.size(); at = text.find(".cc:", at + 1))
    EXPECT_TRUE(text.substr(0, at).ends_with("lines_test")) << call.what << "\n  " << text;
  for (const char* folder : {".h:", "frontend/", "core/"})
    EXPECT_EQ(text.find(folder), std::string::npos) << call.what << "\n  " << text;
}

void expect_lines(const std::vector<Call>& calls) {
  for (const Call& call : calls) expect_line(call);
}

class Lines : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }

  static Model compiled() {
    const auto x = Input(4);
    Model model(x, Dense(3, {.activation = "softmax", .name = "probs"})(x));
    model.compile({.optimizer = "sgd", .loss = "categorical_crossentropy"});
    return model;
  }

  TemporaryFolder folder_;
  const Tensor x_ = Tensor(DType::kFloat32, {6, 4}), y_ = Tensor(DType::kFloat32, {6, 3}),
               bad_ = Tensor(DType::kFloat32, {6, 5}), none_ = Tensor(DType::kFloat32, {0, 4});
};

TEST_F(Lines, OfTraining) {
  const Model model = compiled();
  const Model uncompiled(model.inputs(), model.outputs());
  const auto in = Input(4);
  const Model two(in, {Dense(1)(in), Dense(2)(in)});
  expect_lines({
      CALL(model.fit(bad_, y_)),
      CALL(model.fit(x_, bad_)),
      CALL(model.fit(none_, none_)),
      CALL(model.fit(x_, y_, {.batch_size = 0})),
      CALL(model.fit(x_, y_, {.verbose = 0, .validation_split = 2})),
      CALL(model.fit(x_, y_, {.verbose = 0, .validation_data = {bad_, y_}})),
      CALL(model.fit(x_, y_, {.verbose = 0, .class_weight = {{0, NAN}}})),
      CALL(model.fit(x_, y_, {.verbose = 0, .sample_weight = bad_})),
      CALL(uncompiled.fit(x_, y_)),
      CALL(model.evaluate(bad_, y_)),
      CALL(model.evaluate(x_, y_, {.batch_size = 0})),
      CALL(model.evaluate(x_, y_, {.verbose = 0, .sample_weight = bad_})),
      CALL(uncompiled.evaluate(x_, y_)),
      CALL(model.predict(bad_)),
      CALL(model.predict(x_, {.batch_size = 0})),
      CALL(two.predict(x_)),
      CALL(model.predict_all({x_, x_})),
      CALL(model.predict_on_batch(bad_)),
      CALL(model.predict_on_batch({})),
      CALL(model.train_on_batch(bad_, y_)),
      CALL(uncompiled.train_on_batch(x_, y_)),
      CALL(model.test_on_batch(x_, bad_)),
      CALL(uncompiled.test_on_batch(x_, y_)),
      CALL(model.memory_report(0)),
      CALL(uncompiled.memory_report(8, {.training = true})),
      CALL(Profile().save_trace("/nowhere/trace.json")),
      CALL(Profile(), Profile()),
      CALL(model.gradients(x_, bad_)),
      CALL(uncompiled.gradients(x_, y_)),
      CALL(model.evaluate(x_, y_, {.verbose = 0})["acc"]),
      CALL(model.fit(x_, y_, {.verbose = 0})["acc"]),
      CALL(model.fit(x_, y_, {.verbose = 0}).plot("history.gif")),
      CALL(model.compile({.loss = "mse", .backend = "cuda"})),
      CALL(model.compile({.loss = {"mse", "mae"}})),
      CALL(uncompiled.compile_arguments()),
      CALL(uncompiled.optimizer()),
      CALL(uncompiled.loss()),
      CALL(uncompiled.metrics_names()),
      CALL(uncompiled.training_graph()),
  });
}

TEST_F(Lines, OfStructureAndWeights) {
  const Model model = compiled();
  const auto x = Input(4), z = Input(3);
  const Model two({x, z}, {Dense(1)(x), Dense(2)(z)});
  const Layer layer = model.get_layer("probs");
  const Layer uncalled = Dense(2, {.name = "uncalled"});
  const Sequential unbuilt({Dense(2)});
  Sequential empty("empty");
  Sequential chain({Input({4}), Dense(3, {.name = "a"})});
  expect_lines({
      CALL(Model(Dense(2)(x), Dense(2)(x))),
      CALL(Model(z, model.output())),
      CALL(model.get_layer("prob")),
      CALL(model.get_layer(9)),
      CALL(model.set_weights({y_})),
      CALL(model.set_weights({y_, y_})),
      CALL(two.input()),
      CALL(two.output()),
      CALL(two.input_shape()),
      CALL(two.output_shape()),
      CALL(model(z)),
      CALL(two(x)),
      CALL(unbuilt.inputs()),
      CALL(unbuilt.outputs()),
      CALL(unbuilt.output_names()),
      CALL(unbuilt.network()),
      CALL(unbuilt.as_layer()),
      CALL(unbuilt.variables()),
      CALL(unbuilt.trainable_variables()),
      CALL(unbuilt.non_trainable_variables()),
      CALL(unbuilt.weights()),
      CALL(unbuilt.trainable_weights()),
      CALL(unbuilt.non_trainable_weights()),
      CALL(unbuilt.get_weights()),
      CALL(unbuilt.set_weights({})),
      CALL(unbuilt.count_params()),
      CALL(unbuilt.forward_graph()),
      CALL(unbuilt.inference_graph()),
      CALL(empty.build({4})),
      CALL(empty.pop()),
      CALL(empty.fit(x_, y_)),
      CALL(empty.predict(x_)),
      CALL(chain.add(Input(4))),
      CALL(chain.add(Dense(3, {.name = "a"}))),
      CALL(Sequential({Dense(3, {.name = "a"}), Dense(3, {.name = "a"})})),
      CALL(layer.weight("kernal")),
      CALL(uncalled.weight("kernel")),
      CALL(uncalled.kernel()),
      CALL(uncalled.bias()),
      CALL(uncalled.input()),
      CALL(uncalled.output()),
      CALL(uncalled.inputs()),
      CALL(uncalled.outputs()),
      CALL(layer.set_weights({y_})),
      CALL(layer.kernel()->assign(y_)),
  });
}

TEST_F(Lines, OfFiles) {
  const Model model = compiled();
  const Sequential unbuilt({Dense(2)});
  const std::string nowhere = folder_.file("no/such/folder/m.sinter"),
                    absent = folder_.file("none");
  const std::string text = folder_.file("text.sinter"), npy = folder_.file("x.npy");
  std::ofstream(text) << "hello";
  const std::string other = folder_.file("other.weights.sinter");
  expect_lines({
      CALL(model.save(nowhere)),
      CALL(model.save("m.keras")),
      CALL(unbuilt.save(folder_.file("m.sinter"))),
      CALL(model.save_weights("m.sinter.w")),
      CALL(unbuilt.save_weights(other)),
      CALL(model.load_weights(absent)),
      CALL(model.load_weights(text)),
      CALL(model.export_inference(nowhere)),
      CALL(unbuilt.export_inference(other)),
      CALL(model.export_native(folder_.file("a-b"))),
      CALL(unbuilt.to_json()),
      CALL(save_model(model, nowhere)),
      CALL(save_weights(model, "w")),
      CALL(load_weights(model, absent)),
      CALL(export_inference(model, nowhere)),
      CALL(export_native(model, folder_.file("a-b"))),
      CALL(to_json(unbuilt)),
      CALL(load_model(absent)),
      CALL(load_model(text)),
      CALL(model_from_json("{")),
      CALL(model_from_json("[]")),
      CALL(load_npy(absent)),
      CALL(load_npy(text)),
      CALL(parse_npy("abc", "x")),
      CALL(save_npy(folder_.file("no/x.npy"), x_)),
      CALL(load_npz(absent)),
      CALL(load_npz(text)),
      CALL(save_npz(folder_.file("no/x.npz"), {x_})),
      CALL(save_npz(folder_.file("x.npz"), {{"", x_}})),
      CALL(save_csv(folder_.file("no/x.csv"), x_)),
      CALL(save_csv(folder_.file("x.csv"), Tensor(DType::kFloat32, {2, 2, 2}))),
      CALL(to_categorical(Tensor::from({0, 5}), 3)),
      CALL(datasets::mnist(absent)),
      CALL(datasets::fashion_mnist(absent)),
      CALL(datasets::load_idx(text)),
      CALL(plot_history({}, folder_.file("h.svg"))),
      CALL(plot_history({{"loss", {1}}}, folder_.file("h.gif"))),
      CALL(train_test_split(x_, Tensor(float32, {5}))),
      CALL(train_test_split({x_}, {.test_size = 1.5})),
      CALL(normalize(x_, {.axis = 2})),
      CALL(confusion_matrix(x_, bad_.rows(0, 2))),
      CALL(classification_report(x_, bad_.rows(0, 2))),
      CALL(show_images(x_, folder_.file("x.gif"))),
      CALL(show_images(x_, x_, folder_.file("x.gif"))),
      CALL(plot_confusion_matrix(x_, folder_.file("x.png"))),
      CALL(ImageDataGenerator().flow_from_directory(absent)),
      CALL(ImageDataGenerator().fit(x_)),
      CALL(Dataset::range(3).cache("")),
      CALL(
          Dataset::from_files({}, [](const std::string&) { return 1; }, {.num_parallel_calls = 0})),
      CALL(set_backend("cuda")),
      CALL(set_floatx("float16")),
      CALL(set_prediction_programs(0)),
  });
}

TEST_F(Lines, OfWeightsThatDoNotFit) {
  const auto in = Input(4);
  const std::string file = folder_.file("w.weights.sinter");
  Model(in, Dense(7)(in)).save_weights(file);
  const Model model = compiled();
  expect_lines({CALL(model.load_weights(file)), CALL(load_weights(model, file))});
}

TEST_F(Lines, OfOptimizers) {
  const Model model = compiled();
  const Adam scheduled(ExponentialDecay({.initial_learning_rate = 0.1, .decay_steps = 10}));
  const Optimizer trained = model.optimizer();
  model.train_on_batch(x_, y_);
  expect_lines({
      CALL(Adam(-1.0)),
      CALL(Adam({.clipnorm = 1.0, .clipvalue = 1.0})),
      CALL(AdamW(NAN)),
      CALL(SGD(0.1, 2.0)),
      CALL(SGD({.loss_scale_factor = -1.0})),
      CALL(RMSprop({.ema_overwrite_frequency = 0})),
      CALL(Adagrad({.gradient_accumulation_steps = 1})),
      CALL(Adadelta(-1)),
      CALL(Adamax(-1)),
      CALL(Nadam(-1)),
      CALL(Ftrl(-1)),
      CALL(Lion(-1)),
      CALL(Optimizer("adamm")),
      CALL(Optimizer::from_config(3)),
      CALL(ExponentialDecay({.decay_steps = 0})),
      CALL(InverseTimeDecay({.decay_steps = 0})),
      CALL(PiecewiseConstantDecay({{1, 2}, {1}})),
      CALL(PolynomialDecay({.decay_steps = 0})),
      CALL(CosineDecay({.decay_steps = 0})),
      CALL(CosineDecayRestarts({.first_decay_steps = 0})),
      CALL(scheduled.set_learning_rate(0.1)),
      CALL(trained.set_learning_rate(-0.1)),
      CALL(trained.exclude_from_weight_decay({"bias"})),
  });
}

TEST_F(Lines, OfFunctions) {
  const Model model = compiled();
  const auto weights = model.trainable_variables();
  const SGD sgd(0.1);
  const CompiledFunction one([](CallContext&, Symbol x) { return x; });
  const CompiledFunction many([](CallContext&, Symbol x) { return std::vector<Symbol>{x, x}; });
  const CompiledFunction nothing([](CallContext&) { return std::vector<Symbol>{}; });
  const CompiledFunction wrong([](CallContext&, Symbol a, Symbol b) { return matmul(a, b); },
                               {.batched = {true, false}});
  const CompiledFunction of_model(
      [&](CallContext& context, Symbol x) { return model.call(context, x); });
  expect_lines({
      CALL(CompiledFunction([](CallContext&, Symbol x) { return x; }, {.mixed_precision = "half"})),
      CALL(CompiledFunction([](CallContext&, Symbol x) { return x; }, {.memory_budget = -1})),
      CALL(one(x_, x_)),
      CALL(one()),
      CALL(nothing()),
      CALL(many(x_)),
      CALL(one.call({x_, bad_})),
      CALL(one.graph({x_, x_})),
      CALL(wrong(x_, x_)),
      CALL(wrong(x_)),
      CALL(of_model(bad_)),
      CALL(wrong.call({x_, x_})),
      CALL(CompiledFunction([&](CallContext& c, Symbol x) { model.call(c, x); }).call({bad_})),
      CALL(CompiledFunction(
          [&](CallContext& c, Symbol x) { sgd.apply_gradients(c, {x}, weights); })(x_)),
  });
}

TEST_F(Lines, OfTensors) {
  Tensor t(DType::kFloat32, {2, 3});
  const Tensor& constant = t;
  const std::vector<float> five(5);
  const std::array<float, 5> list{};
  const float numbers[5] = {};
  EXPECT_EQ(Tensor::from(list).shape(), Shape({5}));
  EXPECT_EQ(Tensor::from({2, 3}, t.data<float>()).shape(), t.shape());
  expect_lines({
      CALL(t.at(6)),
      CALL(t.at(-1)),
      CALL(t.number(6)),
      CALL(t.set(6, 1.0)),
      CALL(Tensor(float32, {-1})),
      CALL(Tensor(float32, {int64_t{1} << 40, 1 << 20})),
      CALL(Tensor(float32, {2}, nullptr, nullptr)),
      CALL(Tensor(float32, {1}, reinterpret_cast<char*>(t.raw()) + 1, nullptr)),
      CALL(parse_dtype("flota32")),
      CALL(set_threads(0)),
      CALL(t.at({2, 0})),
      CALL(t.at({0, 0, 0})),
      CALL(t.at({0, -1})),
      CALL(t.set({0, 3}, 1.0)),
      CALL(t.data<int32_t>()),
      CALL(constant.data<double>()),
      CALL(t.reshaped({5})),
      CALL(t.rows(1, 3)),
      CALL(t.copy_from(x_)),
      CALL(Tensor::from({2, 3}, five)),
      CALL(Tensor::from({2, 3}, list)),
      CALL(Tensor::from({2, 3}, numbers)),
      CALL(Tensor::from({2, 3}, std::span<const float>(five))),
      CALL(Tensor::from({2, 3}, {1, 2})),
      CALL(Tensor::from({2, 3}, std::vector<bool>(4))),
      CALL(Tensor::from({{1, 2}, {3}})),
      CALL(Tensor::from(std::vector<std::vector<int>>{{1, 2}, {3}})),
      CALL(Tensor::full(DType::kUint8, {2}, 300)),
  });
}

// What a program calls that serves an exported model.
TEST_F(Lines, OfTheRuntime) {
  const std::string path = folder_.file("exported.sinter");
  compiled().export_inference(path);
  const ModelFile file = load_model_file(path);
  ModelFile twice = file;
  twice.tensors.push_back(twice.tensors[0]);
  ModelFile without = file;
  without.tensors.clear();
  const Graph& graph = *file.find_graph("inference");
  const CompileOptions options{.backend = "reference", .batch = 6};
  const auto unbound = load_executable(graph, options), bound = load_executable(graph, options);
  bound->bind(variables_from_file(file, bound->graph()));
  void* out = nullptr;
  expect_lines({
      CALL(load_model_file(folder_.file("none"))),
      CALL(save_model_file(folder_.file("no/such.sinter"), file)),
      CALL(save_model_file(folder_.file("twice.sinter"), twice)),
      CALL(variables_from_file(without, graph)),
      CALL(load_executable(graph, {.backend = "lvm"})),
      CALL(load_executable(graph, {.backend = "reference", .batch = -1})),
      CALL(find_backend("refrence")),
      CALL(unbound->bind({})),
      CALL(unbound->bind({bad_, bad_})),
      CALL(unbound->run({x_})),
      CALL(bound->run({})),
      CALL(bound->run({bad_})),
      CALL(bound->run(std::vector<Tensor>{bad_})),
      CALL(bound->run(std::span<const void* const>(), std::span<void* const>(&out, 1))),
  });
}

// Of what the library makes for its own ends, no line of its files is told.
TEST_F(Lines, NoneOfTheLibrary) {
  const auto object = [](const char* module, const char* class_name, const Config& config) {
    return ConfigObject{module, class_name, config};
  };
  for (const std::function<void()>& action : std::vector<std::function<void()>>{
           [&] { Loss::from_config("mean_squared"); },
           [&] {
             Loss::from_config(object("keras.losses", "Huber", {{"reduction", "some"}}));
           },
           [&] { Metric::from_config("acuracy"); },
           [&] { Initializer::from_config(object("keras.initializers", "Zeroes", {})); },
           [&] {
             Regularizer::from_config(object("keras.regularizers", "L2", {{"l2", -1.0}}));
           },
           [&] { Constraint::from_config("max_norms"); },
           [&] { ActivationFunction::from_config("rellu"); },
           [&] {
             Optimizer::from_config(object("keras.optimizers", "SGD", {{"momentum", 2.0}}));
           },
           [&] { Optimizer::from_config("adamm"); },
           [&] {
             model_from_json(R"({"class_name": "Sequential", "config": {"layers": [)"
                             R"({"class_name": "Dense", "config": {"units": -3}}]}})");
           },
       }) {
    std::string text;
    try {
      action();
    } catch (const Error& error) {
      text = error.what();
    }
    EXPECT_NE(text, "");
    const std::string own = "lines_test.cc:";
    while (text.find(own) < text.size()) text.erase(text.find(own), own.size());
    for (const char* of_library : {".h:", ".cc:"})
      EXPECT_EQ(text.find(of_library), std::string::npos) << text;
  }
}

// A callback names the line where it was made, and fit() that of its call.
TEST_F(Lines, OfCallbacks) {
  const Model model = compiled();
  const Model scheduled = compiled();
  scheduled.compile({.optimizer = SGD(CosineDecay({.decay_steps = 10})), .loss = "mse"});
  const LambdaCallback zeal({.on_epoch_end = [](int, Logs& logs) { logs["zeal"] = 1; }});
  const LambdaCallback fails({.on_epoch_end = [](int, Logs&) { throw Error("enough"); }});
  const auto fit = [&](const Model& m, const CallbackList& callbacks) {
    m.fit(x_, y_, {.epochs = 2, .verbose = 0, .callbacks = callbacks});
  };
  expect_lines({
      CALL(fit(model, {zeal, EarlyStopping({.monitor = "zeal"})})),
      CALL(fit(model, {zeal, ReduceLROnPlateau({.monitor = "zeal"})})),
      CALL(fit(model, CSVLogger("/no-such-folder/log.csv"))),
      CALL(fit(model, ModelCheckpoint("/no-such-folder/m.sinter"))),
      CALL(fit(model, ModelCheckpoint(folder_.file("{val_loss}.sinter")))),
      CALL(fit(model, LearningRateScheduler([](int, double) { return -1.0; }))),
      CALL(fit(scheduled, LearningRateScheduler([](int, double rate) { return rate; }))),
      CALL(fit(scheduled, ReduceLROnPlateau({.monitor = "loss"}))),
      CALL(EarlyStopping({.mode = "maxx"})),
      CALL(EarlyStopping().model()),
      CALL(ReduceLROnPlateau({.factor = 2})),
      CALL(ModelCheckpoint("m.keras")),
      CALL(model.fit(x_, y_, {.verbose = 0, .callbacks = fails})),
  });
  // One that ended fit() by an exception of any kind still knows its model, as long as there is
  // one.
  struct Fails : Callback {
    void on_epoch_end(int, Logs&) override { throw std::runtime_error("enough"); }
  } own;
  EXPECT_THROW(model.fit(x_, y_, {.verbose = 0, .callbacks = std::ref(own)}), std::runtime_error);
  EXPECT_EQ(own.model().state(), model.state());
  EXPECT_THROW(compiled().fit(x_, y_, {.verbose = 0, .callbacks = std::ref(own)}),
               std::runtime_error);
  expect_line(CALL(own.model()));
}

}  // namespace
}  // namespace sinter::testing
