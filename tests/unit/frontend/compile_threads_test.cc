// What asks a model beside compile() in another thread: each answer is of the settings before or
// after, never of both.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

Tensor ramp(Shape shape) {
  Tensor t(float32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i)
    t.set(i, 0.01 * static_cast<double>(i * 37 % 101) - 0.5);
  return t;
}

struct Question {
  const char* name;
  std::function<void(const Model&)> ask;
};

std::vector<Question> questions(const std::string& folder) {
  const auto x = std::make_shared<Tensor>(ramp({8, 6})), y = std::make_shared<Tensor>(ramp({8, 4}));
  return {
      {"name", [](const Model& m) { EXPECT_FALSE(m.name().empty()); }},
      {"layers", [](const Model& m) { EXPECT_EQ(m.layers().size(), 4u); }},
      {"get_layer",
       [](const Model& m) { EXPECT_EQ(m.get_layer("out").name(), m.get_layer(-1).name()); }},
      {"inputs",
       [](const Model& m) { EXPECT_EQ(m.input_shape().rank() + m.output().shape().rank(), 4); }},
      {"output_names", [](const Model& m) { EXPECT_EQ(m.output_names().size(), 1u); }},
      {"built", [](const Model& m) { EXPECT_TRUE(m.built() && m.trainable() && m.is_compiled()); }},
      {"weights",
       [](const Model& m) {
         EXPECT_EQ(m.weights().size(),
                   m.trainable_weights().size() + m.non_trainable_weights().size());
       }},
      {"get_weights", [](const Model& m) { m.set_weights(m.get_weights()); }},
      {"count_params", [](const Model& m) { EXPECT_GT(m.count_params(), 0); }},
      {"summary", [](const Model& m) { EXPECT_FALSE(m.summary_text().empty()); }},
      {"compile_arguments",
       [](const Model& m) {
         const CompileArguments found = m.compile_arguments();
         // adam comes with mse, sgd with mae.
         const bool adam = found.optimizer.name() == "adam";
         const ConfigValue loss = found.loss.list().at(0).to_config();
         EXPECT_EQ(loss == Loss("mse").to_config(), adam);
         for (const Metric& metric : m.compile_arguments().metrics.flat())
           EXPECT_EQ(metric.name(), "mae");
       }},
      {"optimizer",
       [](const Model& m) {
         EXPECT_FALSE(m.optimizer().name().empty());
         EXPECT_GT(m.optimizer().learning_rate(), 0);
         EXPECT_GE(m.optimizer().iterations(), 0);
         EXPECT_FALSE(m.optimizer().variables().empty());
         m.optimizer().set_learning_rate(1e-4);
       }},
      {"loss", [](const Model& m) { EXPECT_EQ(m.loss().list().size(), 1u); }},
      {"metrics_names", [](const Model& m) { EXPECT_EQ(m.metrics_names().size(), 2u); }},
      {"fit", [x, y](const Model& m) { m.fit(*x, *y, {.verbose = 0}); }},
      {"evaluate",
       [x, y](const Model& m) { EXPECT_EQ(m.evaluate(*x, *y, {.verbose = 0}).values.size(), 2u); }},
      {"predict",
       [x](const Model& m) {
         EXPECT_EQ(m.predict(*x).shape(), Shape({8, 4}));
       }},
      {"predict_on_batch", [x](const Model& m) { m.predict_on_batch(*x); }},
      {"train_on_batch", [x, y](const Model& m) { m.train_on_batch(*x, *y); }},
      {"test_on_batch", [x, y](const Model& m) { m.test_on_batch(*x, *y); }},
      {"gradients",
       [x, y](const Model& m) {
         EXPECT_EQ(m.gradients(*x, *y).size(), m.trainable_variables().size());
       }},
      {"stop_training", [](const Model& m) { m.set_stop_training(m.stop_training()); }},
      {"set_trainable", [](const Model& m) { m.set_trainable(true); }},
      {"save",
       [folder](const Model& m) {
         m.save(folder + "m.sinter");
         EXPECT_TRUE(load_model(folder + "m.sinter").is_compiled());
       }},
      {"save_weights",
       [folder](const Model& m) {
         m.save_weights(folder + "m.weights.sinter");
         m.load_weights(folder + "m.weights.sinter");
       }},
      {"export_inference", [folder](const Model& m) { m.export_inference(folder + "e.sinter"); }},
      {"to_json",
       [](const Model& m) { EXPECT_NE(m.to_json().find("compile_config"), std::string::npos); }},
      {"forward_graph", [](const Model& m) { EXPECT_GT(m.forward_graph().size(), 0); }},
      {"inference_graph", [](const Model& m) { EXPECT_GT(m.inference_graph().size(), 0); }},
      {"training_graph", [](const Model& m) { EXPECT_GT(m.training_graph().size(), 0); }},
      {"clone", [x](const Model& m) { clone_model(m).predict(*x); }},
      {"as_layer", [](const Model& m) { EXPECT_EQ(m(Input({6})).shape().rank(), 2); }},
  };
}

TEST(ModelBesideCompile, AnswersWithTheSettingsBeforeOrAfter) {
  clear_session();
  set_backend("reference");  // which makes programs at once
  const testing::TemporaryFolder folder;
  for (const Question& question : questions(folder.file(""))) {
    SCOPED_TRACE(question.name);
    const KerasTensor in = Input({6});
    const Model model(
        in, Dense(4, {.name = "out"})(BatchNormalization()(Dense(5, {.activation = "tanh"})(in))));
    const auto compile = [&](int i) {
      if (i % 2 == 0)
        model.compile({.optimizer = Adam(0.001), .loss = "mse", .metrics = {"mae"}});
      else
        model.compile({.optimizer = SGD(0.001), .loss = "mae", .metrics = {"mae"}});
    };
    compile(0);
    std::atomic<bool> done{false};
    std::atomic<int> compiled{0};
    std::thread other([&] {
      for (int i = 1; !done; ++i, ++compiled) compile(i);
    });
    // For each question the other thread compiles at least some times meanwhile.
    for (int asked = 0; asked < 20 || compiled < 50; ++asked) question.ask(model);
    done = true;
    other.join();
  }
  set_backend("auto");
}

}  // namespace
}  // namespace sinter
