// Which model a callback knows: in training, after it, in a training within it, and when there is
// none.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <optional>

#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

class Hook final : public Callback {
 public:
  std::function<void(Hook&, int)> f;
  void on_epoch_end(int epoch, Logs&) override {
    if (f) f(*this, epoch);
  }
};

class CallbackModel : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
    for (int64_t i = 0; i < y.elements(); ++i) y.set(i, static_cast<double>(i % 3));
  }
  void TearDown() override { set_backend("auto"); }

  static Model network(const std::string& name) {
    const KerasTensor in = Input({3});
    Model model(in, Dense(1)(in), name);
    model.compile({.optimizer = SGD(0.1), .loss = "mse"});
    return model;
  }
  History fit(const Model& model, const CallbackList& callbacks, int epochs = 1) const {
    return model.fit(x, y, {.epochs = epochs, .verbose = 0, .callbacks = callbacks});
  }
  static void expect_error(const std::function<void()>& f, const std::string& what) {
    try {
      f();
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).rfind("callback_model_test.cc:", 0), 0u) << error.what();
    }
  }

  const Tensor x = Tensor::full(float32, {8, 3}, 0.5);
  Tensor y{float32, {8, 1}};
};

TEST_F(CallbackModel, StaysAfterTraining) {
  const Model model = network("m");
  const auto hook = std::make_shared<Hook>();
  expect_error([&] { hook->model(); }, "this callback has no model yet");
  fit(model, {hook});
  EXPECT_EQ(hook->model().state(), model.state());
  hook->f = [](Hook&, int) { throw std::runtime_error("mine"); };
  const Model other = network("other");
  EXPECT_THROW(fit(other, {hook}), std::runtime_error);
  EXPECT_EQ(hook->model().name(), "other");
  const EarlyStopping handle({.monitor = "loss"});
  fit(model, {handle});
  EXPECT_EQ(handle.model().name(), "m");
}

TEST_F(CallbackModel, IsNotKept) {
  const auto hook = std::make_shared<Hook>();
  {
    const Model model = network("m");
    fit(model, {hook});
  }
  expect_error([&] { hook->model(); }, "the model of this callback is gone");
}

TEST_F(CallbackModel, OfATrainingWithinOneComesAndGoes) {
  const Model outer = network("outer"), inner = network("inner");
  const auto hook = std::make_shared<Hook>();
  std::string names;
  int depth = 0;
  hook->f = [&](Hook& self, int epoch) {
    names += self.model().name() + " ";
    if (depth == 2) throw std::runtime_error("inner");
    if (depth > 0 || epoch > 0) return;
    depth = 1;
    fit(inner, {hook});
    names += "back in " + self.model().name() + " ";
    depth = 2;
    EXPECT_THROW(fit(inner, {hook}), std::runtime_error);
    names += "and in " + self.model().name() + " ";
    depth = 3;
  };
  fit(outer, {hook, hook}, 2);  // twice in the list
  EXPECT_EQ(names, "outer inner back in outer inner and in outer outer outer outer ");
  EXPECT_EQ(hook->model().name(), "outer");
}

TEST_F(CallbackModel, HooksCalledByHandRaise) {
  Logs logs = {{"loss", 1.0}};
  EXPECT_THROW(EarlyStopping({.monitor = "loss"}).on_epoch_end(0, logs), Error);
  EXPECT_THROW(EarlyStopping({.monitor = "loss"}).on_train_begin(logs), Error);
  EXPECT_THROW(ReduceLROnPlateau({.monitor = "loss"}).on_epoch_end(0, logs), Error);
  EXPECT_THROW(LearningRateScheduler([](int, double r) { return r; }).on_epoch_begin(0, logs),
               Error);
  EXPECT_THROW(ModelCheckpoint("m.sinter").on_epoch_end(0, logs), Error);
  Logs none = {{"loss", NAN}};
  EXPECT_THROW(TerminateOnNaN().on_train_batch_end(0, none), Error);
}

// Half an epoch with other metrics would be added up wrongly.
TEST_F(CallbackModel, WhatIsTrainedStaysTheSameInFit) {
  Sequential chain({Input(3), Dense(2, {.name = "a"}), Dense(1, {.name = "b"})}, "chain");
  const CompileArguments with_metrics = {.optimizer = SGD(0.1), .loss = "mse", .metrics = {"mae"}};
  chain.compile(with_metrics);
  for (const auto& change :
       std::vector<std::function<void()>>{[&] { chain.compile({.loss = "mae"}); },
                                          [&] { chain.add(Dense(1)); }, [&] { chain.pop(); }}) {
    const auto hook = std::make_shared<Hook>();
    hook->f = [&](Hook&, int) { change(); };
    expect_error([&] { fit(chain, {hook}, 2); }, "model 'chain' is in fit()");
    EXPECT_EQ(chain.layers().size(), 2u);
    EXPECT_EQ(fit(chain, {}, 2)["mae"].size(), 2u);
  }
  // Another model may change meanwhile, and this one afterwards.
  const auto hook = std::make_shared<Hook>();
  hook->f = [&](Hook&, int) { network("other").compile({.loss = "mae"}); };
  fit(chain, {hook});
  chain.compile(with_metrics);
}

TEST_F(CallbackModel, ALayerThatIsRefusedLeavesTheModelAsItWas) {
  Sequential chain({Input(3), Dense(1, {.name = "a"})}, "chain");
  chain.compile({.optimizer = SGD(0.1), .loss = "mse"});
  EXPECT_THROW(chain.add(Dense(2, {.name = "a"})), Error);
  EXPECT_THROW(chain.add(Reshape({5})), Error);
  EXPECT_THROW(chain.add(Input(3)), Error);
  fit(chain, {});
  Sequential unbuilt({Dense(1, {.name = "a"})}, "unbuilt");
  unbuilt.compile({.optimizer = SGD(0.1), .loss = "mse"});
  EXPECT_THROW(unbuilt.add(Dense(2, {.name = "a"})), Error);
  fit(unbuilt, {});
  Sequential empty;
  empty.add(Input(3));
  EXPECT_THROW(empty.add(Reshape({5})), Error);
  empty.add(Dense(1));
  empty.compile({.optimizer = SGD(0.1), .loss = "mse"});
  fit(empty, {});
  // Data that failed tells nothing of the input.
  Sequential guessed({Reshape({2, 2}), Dense(2)});
  EXPECT_THROW(guessed.predict(Tensor(float32, {2, 3})), Error);
  EXPECT_EQ(guessed.predict(Tensor(float32, {2, 4})).shape(), Shape({2, 2, 2}));
}

// The best weights of another model are not this one's.
TEST_F(CallbackModel, AMonitorFollowsTheModel) {
  const Model outer = network("outer"), inner = network("inner");
  inner.set_weights({Tensor::full(float32, {3, 1}, 77), Tensor::full(float32, {1}, 77)});
  inner.compile({.optimizer = SGD(0.0), .loss = "mse"});
  const EarlyStopping stop({.monitor = "loss", .patience = 100, .restore_best_weights = true});
  const auto hook = std::make_shared<Hook>();
  hook->f = [&](Hook&, int epoch) {
    if (epoch == 2) fit(inner, {stop});
  };
  fit(outer, {stop, hook}, 3);
  EXPECT_LT(std::abs(outer.get_weights()[0].at(0)), 70);
}

TEST_F(CallbackModel, ALogGoesOnAfterATrainingWithin) {
  const testing::TemporaryFolder folder;
  const Model outer = network("outer"), inner = network("inner");
  const CSVLogger log(folder.file("l.csv"), {.append = true});
  const auto hook = std::make_shared<Hook>();
  hook->f = [&](Hook&, int epoch) {
    if (epoch == 0) fit(inner, {log});
  };
  fit(outer, {log, hook}, 3);
  std::ifstream file(folder.file("l.csv"));
  int lines = 0;
  for (std::string line; std::getline(file, line);) ++lines;
  EXPECT_EQ(lines, 1 + 3 + 1);
}

// What a model was compiled with may hold a callback.
TEST_F(CallbackModel, MakesNoCycle) {
  std::weak_ptr<ModelState> state;
  std::weak_ptr<Hook> left;
  {
    const auto hook = std::make_shared<Hook>();
    left = hook;
    const Model model = network("m");
    state = model.state();
    model.compile({.loss = [hook](Symbol t, Symbol p) { return mean(square(t - p), {-1}); }});
    fit(model, {hook});
  }
  EXPECT_TRUE(state.expired());
  EXPECT_TRUE(left.expired());
}

}  // namespace
}  // namespace sinter
