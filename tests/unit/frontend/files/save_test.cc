// Saving and loading models: everything comes back, training goes on with the same bits, and damage
// is an error.
#include "frontend/save.h"
#include "core/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/error.h"
#include "core/file_io.h"
#include "core/model_file.h"
#include "core/model_file_format.h"
#include "core/philox.h"
#include "frontend/model_state.h"
#include "frontend/sinter.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/without_line.h"

namespace sinter {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

Tensor random(Shape shape, int64_t seed) {
  Tensor result(DType::kFloat32, std::move(shape));
  for (int64_t i = 0; i < result.elements(); ++i)
    result.set(i, uniform_from_bits(philox_bits(seed, 0, 0, i)) - 0.5);
  return result;
}

Tensor classes(int64_t rows, int64_t count) {
  Tensor result(DType::kInt32, {rows, 1});
  for (int64_t i = 0; i < rows; ++i)
    result.set(i, static_cast<double>(philox_bits(9, 0, 0, i) % static_cast<uint32_t>(count)));
  return result;
}

Model network() {
  clear_session();
  const KerasTensor x = Input({6}, {.name = "x"});
  KerasTensor h = Dense(8, {.activation = "relu", .kernel_regularizer = l2(1e-3)})(x);
  h = Dropout(0.3)(BatchNormalization()(h));
  return Model(x, Dense(3, {.activation = "softmax"})(h), "net");
}

bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!a[i].identical(b[i])) return false;
  }
  return true;
}

std::vector<Tensor> values(const std::vector<VariablePtr>& variables) {
  std::vector<Tensor> result;
  for (const VariablePtr& v : variables) result.push_back(v->value.clone());
  return result;
}

template <typename F>
std::string error_of(F&& f) {
  try {
    f();
    return "";
  } catch (const Error& error) {
    return testing::without_line(error.what());
  }
}

class Save : public ::testing::Test {
 protected:
  std::string path(const std::string& name = "m.sinter") const { return folder_.file(name); }
  TemporaryFolder folder_;
  Tensor x_ = random({50, 6}, 1);
  Tensor y_ = classes(50, 3);
};

TEST_F(Save, TrainingGoesOnWithTheSameBits) {
  for (const char* optimizer : {"adam", "nadam", "rmsprop"}) {
    SCOPED_TRACE(optimizer);
    const Model model = network();
    model.compile({.optimizer = optimizer,
                   .loss = "sparse_categorical_crossentropy",
                   .metrics = {"accuracy"}});
    const FitOptions fit{.epochs = 2, .batch_size = 16, .verbose = 0, .validation_split = 0.2};
    model.fit(x_, y_, fit);
    model.save(path());
    const Model loaded = load_model(path());
    EXPECT_TRUE(same(loaded.get_weights(), model.get_weights()));
    EXPECT_TRUE(loaded.predict(x_).identical(model.predict(x_)));
    EXPECT_EQ(loaded.name(), "net");
    EXPECT_EQ(loaded.to_json(), model.to_json());
    const History a = model.fit(x_, y_, fit);
    const History b = loaded.fit(x_, y_, fit);
    EXPECT_EQ(a.history, b.history);
    EXPECT_TRUE(same(loaded.get_weights(), model.get_weights()));
    EXPECT_TRUE(
        same(values(loaded.optimizer().variables()), values(model.optimizer().variables())));
    EXPECT_TRUE(same({loaded.state()->random_state->value}, {model.state()->random_state->value}));
  }
}

// No name of the user's is taken for one of the file's own.
TEST_F(Save, LayersMayBeCalledAnything) {
  for (const char* name : {"optimizer", "optimizer/dense", "random_state", "random_state/kernel",
                           "inference", "x", "y_true", "sample_weight"}) {
    SCOPED_TRACE(name);
    clear_session();
    const KerasTensor x = Input({6}, {.name = std::string(name) + "_"});
    const Model inner(x, Dense(3, {.name = name})(Dropout(0.5)(x)), "inner");
    const KerasTensor in = Input({6}, {.name = name});
    const KerasTensor h = Dropout(0.5, {.name = "random_state_1"})(in);
    const Model model(in, Dense(3, {.name = "last"})(inner(h)), name);
    model.compile({.optimizer = "adam", .loss = "mse"});
    const FitOptions fit{.epochs = 1, .batch_size = 16, .verbose = 0};
    const Tensor y = random({50, 3}, 3);
    model.fit(x_, y, fit);
    model.save(path());
    model.save_weights(path("w.weights.sinter"));
    model.export_inference(path("e.sinter"));
    const Model loaded = load_model(path());
    EXPECT_TRUE(loaded.predict(x_).identical(model.predict(x_)));
    EXPECT_EQ(model.fit(x_, y, fit).history, loaded.fit(x_, y, fit).history);
    loaded.load_weights(path("w.weights.sinter"));
    const ModelFile file = load_model_file(path("e.sinter"));
    for (const Graph& graph : file.graphs) EXPECT_NO_THROW(variables_from_file(file, graph));
    for (const Graph& graph : load_model_file(path()).graphs)
      EXPECT_NO_THROW(variables_from_file(load_model_file(path()), graph));
  }
}

TEST_F(Save, LoadingChangesNothingInTheFile) {
  const Model model = network();
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  model.save(path());
  const std::string before = read_file(path());
  const Model loaded = load_model(path());
  loaded.fit(x_, y_, {.epochs = 1, .verbose = 0});
  EXPECT_EQ(read_file(path()), before);
  loaded.save(path());
  EXPECT_NE(read_file(path()), before);
  EXPECT_TRUE(same(load_model(path()).get_weights(), loaded.get_weights()));
}

// A part is frozen for a while, and trained again with the optimizer that has its state.
TEST_F(Save, FrozenWeightsKeepTheirState) {
  const FitOptions fit{.epochs = 1, .batch_size = 16, .verbose = 0};
  const auto freeze = [](const Model& model, bool whole, bool frozen) {
    if (whole) model.set_trainable(!frozen);
    if (!whole) model.get_layer(1).set_trainable(!frozen);
    model.compile({.optimizer = model.optimizer(), .loss = "sparse_categorical_crossentropy"});
  };
  for (const bool whole : {false, true}) {
    for (const Optimizer& optimizer :
         {Optimizer(AdamW({.learning_rate = 0.01, .amsgrad = true})), Optimizer("nadam"),
          Optimizer(SGD({.learning_rate = 0.1, .momentum = 0.9, .use_ema = true}))}) {
      SCOPED_TRACE(optimizer.name());
      const Model model = network();
      model.compile({.optimizer = Optimizer::from_config(optimizer.to_config()),
                     .loss = "sparse_categorical_crossentropy"});
      model.fit(x_, y_, fit);
      freeze(model, whole, true);
      if (!whole) model.fit(x_, y_, fit);
      model.save(path());
      const Model loaded = load_model(path());
      EXPECT_TRUE(
          same(values(loaded.optimizer().variables()), values(model.optimizer().variables())));
      for (const Model& m : {model, loaded}) {
        if (!whole) m.fit(x_, y_, fit);
        freeze(m, whole, false);
        m.fit(x_, y_, fit);
      }
      EXPECT_TRUE(same(loaded.get_weights(), model.get_weights()));
      EXPECT_TRUE(
          same(values(loaded.optimizer().variables()), values(model.optimizer().variables())));
      // Once more, with nothing frozen.
      model.save(path());
      EXPECT_TRUE(same(values(load_model(path()).optimizer().variables()),
                       values(model.optimizer().variables())));
    }
  }
}

// A file may say of a weight only once that it has state, and only of one that is there.
TEST_F(Save, StateOfWeightsThatCannotBeIsAnError) {
  const Model model = network();
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  model.fit(x_, y_, {.verbose = 0});
  model.get_layer(1).set_trainable(false);
  model.compile({.optimizer = model.optimizer(), .loss = "sparse_categorical_crossentropy"});
  model.save(path());
  ModelFile file = load_model_file(path());
  const std::string whole = file.training_state, key = "frozen_weights_with_state";
  const size_t begin = whole.find('[', whole.find(key)), end = whole.find(']', begin);
  ASSERT_LT(end, whole.size()) << whole;
  EXPECT_NO_THROW(load_model(path()));
  for (const char* places : {"[0,0]", "[0,0,1]", "[-1,0]", "[0,99]", "[9223372036854775807,0]",
                             "[0,2]", "\"none\"", "[0.5,1]", "[[0],1]", "[]", "[0]"}) {
    file.training_state = whole.substr(0, begin) + places + whole.substr(end + 1);
    save_model_file(path("t.sinter"), file);
    EXPECT_THROW(load_model(path("t.sinter")), Error) << places;
  }
}

TEST_F(Save, WithoutOptimizer) {
  const Model model = network();
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  model.fit(x_, y_, {.epochs = 1, .verbose = 0});
  model.save(path(), {.include_optimizer = false});
  const Model loaded = load_model(path());
  EXPECT_FALSE(loaded.is_compiled());
  EXPECT_TRUE(loaded.predict(x_).identical(model.predict(x_)));
  EXPECT_TRUE(load_model_file(path()).compile_settings.empty());
}

TEST_F(Save, SequentialStaysSequential) {
  clear_session();
  Sequential model({Input({6}), Dense(4, {.activation = "tanh"}), Dense(2)});
  model.save(path());
  const Model loaded = load_model(path());
  EXPECT_EQ(loaded.layers().size(), 2u);
  EXPECT_EQ(loaded.to_json(), model.to_json());
  EXPECT_TRUE(loaded.predict(x_).identical(model.predict(x_)));
}

TEST_F(Save, ModelsInsideModels) {
  clear_session();
  Sequential tower({Input({6}), Dense(4, {.activation = "tanh"}), BatchNormalization()}, "tower");
  const KerasTensor v = Input({4});
  const Model head(v, Dense(3, {.activation = "softmax"})(v), "head");
  const KerasTensor a = Input({6}), b = Input({6});
  const Model model({a, b}, head(Subtract()({tower(a), tower(b)})), "siamese");
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  const Tensor other = random({50, 6}, 2);
  model.fit({x_, other}, y_, {.epochs = 1, .verbose = 0});
  model.save(path());
  const Model loaded = load_model(path());
  EXPECT_EQ(loaded.to_json(), model.to_json());
  EXPECT_EQ(loaded.layers().size(), model.layers().size());
  EXPECT_TRUE(loaded.predict({x_, other}).identical(model.predict({x_, other})));
  model.fit({x_, other}, y_, {.epochs = 1, .verbose = 0});
  loaded.fit({x_, other}, y_, {.epochs = 1, .verbose = 0});
  EXPECT_TRUE(same(loaded.get_weights(), model.get_weights()));
}

TEST_F(Save, WeightsAlone) {
  const Model model = network();
  model.save_weights(path("w.weights.sinter"));
  model.save(path());
  for (const char* file : {"w.weights.sinter", "m.sinter"}) {
    const Model other = network();
    for (const VariablePtr& v : other.variables())
      v->assign(Tensor::full(v->value.dtype(), v->value.shape(), 0.25));
    other.predict(x_);  // an executable is bound to the old values
    other.load_weights(path(file));
    EXPECT_TRUE(same(other.get_weights(), model.get_weights())) << file;
    EXPECT_TRUE(other.predict(x_).identical(model.predict(x_))) << file;
  }
  EXPECT_EQ(error_of([&] { model.save_weights(path()); }),
            "'" + path() + "' must end in .weights.sinter");
  EXPECT_EQ(error_of([&] { load_model(path("w.weights.sinter")); }),
            "cannot load '" + path("w.weights.sinter") +
                "' as a model: it is a file of kind 'weights' and holds no architecture (use "
                "load_weights)");
  clear_session();
  const KerasTensor x = Input({6});
  const Model small(x, Dense(3)(x), "small");
  EXPECT_EQ(error_of([&] { small.load_weights(path("w.weights.sinter")); }),
            "model 'small' has 2 weights, the file holds 8");
}

Symbol my_entropy(Symbol y_true, Symbol y_pred) {
  return mean(square(y_true - y_pred), {-1}) * 2.0;
}

TEST_F(Save, InitialValuesAreLeftOutWhereAFileHasThem) {
  clear_session();
  const auto kernel = [] {
    const KerasTensor x = Input({6});
    return Model(x, Dense(2)(x)).variables()[0]->value;
  };
  const Tensor drawn = kernel();
  {
    const WithoutInitialValues values_come_from_a_file;
    EXPECT_TRUE(kernel().identical(Tensor(DType::kFloat32, {6, 2})));
  }
  const Tensor later = kernel();
  EXPECT_FALSE(later.identical(Tensor(DType::kFloat32, {6, 2})));
  clear_session();
  EXPECT_TRUE(kernel().identical(drawn));
  kernel();
  EXPECT_TRUE(kernel().identical(later)) << "random keys are drawn all the same";
}

TEST_F(Save, CustomObjects) {
  clear_session();
  const KerasTensor x = Input({6});
  const Model model(x, Dense(1)(x));
  model.compile({.optimizer = "sgd",
                 .loss = Loss("my_entropy", my_entropy),
                 .metrics = {Metric("my_error", my_entropy)}});
  const Tensor y = random({50, 1}, 3);
  model.fit(x_, y, {.epochs = 1, .verbose = 0});
  model.save(path());
  EXPECT_THAT(
      error_of([&] { load_model(path()); }),
      HasSubstr(" If it is your own: register_loss(\"my_entropy\", ...), or .custom_objects = "
                "{{\"my_entropy\", your_function}}, or .compile = false"));
  EXPECT_FALSE(load_model(path(), {.compile = false}).is_compiled());
  const Model loaded = load_model(
      path(), {.custom_objects = {{"my_entropy", my_entropy}, {"my_error", my_entropy}}});
  EXPECT_EQ(loaded.evaluate(x_, y, {.verbose = 0}).logs(),
            model.evaluate(x_, y, {.verbose = 0}).logs());
}

TEST_F(Save, CheckpointsGoOnToo) {
  const Model model = network();
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  const FitOptions fit{.epochs = 3,
                       .batch_size = 16,
                       .verbose = 0,
                       .callbacks = {ModelCheckpoint(path("e{epoch:02d}.sinter"))}};
  model.fit(x_, y_, fit);
  const Model loaded = load_model(path("e01.sinter"));
  loaded.fit(x_, y_, {.epochs = 3, .batch_size = 16, .verbose = 0, .initial_epoch = 1});
  EXPECT_TRUE(same(loaded.get_weights(), model.get_weights()));
  EXPECT_THAT(error_of([&] { ModelCheckpoint("m.h5"); }), HasSubstr("must end in .sinter"));
  EXPECT_THAT(error_of([&] {
                model.fit(x_, y_,
                          {.verbose = 0, .callbacks = {ModelCheckpoint(path("{none}.sinter"))}});
              }),
              HasSubstr("'none' is not among the logs. Known: epoch, loss."));
}

TEST_F(Save, ForeignEndings) {
  EXPECT_EQ(
      error_of([&] { network().save("m.keras"); }),
      "cannot save 'm.keras': models are saved as .sinter; .keras is not written by this version");
  EXPECT_EQ(error_of([&] { network().save("/dev/full"); }),
            "cannot write '/dev/full': No space left on device");
}

// The container is tested byte by byte in core; here the damage stands behind right checksums, in
// what the frontend reads.
TEST_F(Save, DamagedTextsAreErrors) {
  const Model model = network();
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  model.train_on_batch(x_, y_);
  model.save(path());
  const std::string bytes = read_file(path());
  ModelFileHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  int loaded = 0, refused = 0;
  for (size_t i = sizeof header; i < sizeof header + header.table_bytes; i += 13) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ (i % 2 == 0 ? 0x01 : 0x10));
    header.table_hash =
        hash_bytes(std::as_bytes(std::span(damaged)).subspan(sizeof header, header.table_bytes));
    header.header_hash = header.computed_hash();
    std::memcpy(damaged.data(), &header, sizeof header);
    write_file_atomically(path("damaged.sinter"), damaged, false);
    clear_session();
    try {
      load_model(path("damaged.sinter"));
      ++loaded;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(loaded, 0);
}

TEST_F(Save, ExportedGraphsKeepTheBatchSymbolic) {
  const Model model = network();
  model.export_inference(path("e.sinter"));
  const ModelFile file = load_model_file(path("e.sinter"));
  EXPECT_EQ(file.kind, "inference");
  EXPECT_TRUE(file.architecture.empty());
  const Graph* graph = file.find_graph("inference");
  ASSERT_NE(graph, nullptr);
  EXPECT_EQ(graph->type({graph->inputs()[0], 0}).shape, (Shape{kBatch, 6}));
  EXPECT_EQ(graph->type(graph->outputs()[0].value).shape, (Shape{kBatch, 3}));
  for (const Node& node : graph->nodes())
    EXPECT_NE(node.op->kind, KernelKind::kComposite) << node.op->name;
  EXPECT_EQ(variables_from_file(file, *graph).size(), graph->variables().size());
}

}  // namespace
}  // namespace sinter
