// A model in several threads and in forked children: what is saved while another thread trains,
// and what a child can do with the model of its parent.
#include <gtest/gtest.h>
#include <sinter/sinter.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>

#include "frontend/model_state.h"
#include "frontend/save.h"
#include "runtime/thread_pool.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

Tensor ramp(Shape shape) {
  Tensor t(float32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i)
    t.set(i, 0.01 * static_cast<double>(i * 37 % 101) - 0.5);
  return t;
}

Model network() {
  const KerasTensor x = Input({32});
  KerasTensor h = x;
  for (int i = 0; i < 3; ++i) h = Dense(32, {.activation = "tanh"})(h);
  Model model(x, Dense(4)(h));
  model.compile({.optimizer = "adam", .loss = "mse"});
  return model;
}

// Trains in a thread of its own until it is told to stop.
class Training {
 public:
  explicit Training(Model model)
      : thread_([this, model] {
          class Stop final : public Callback {
           public:
            explicit Stop(Training& t) : training(t) {}
            void on_train_batch_end(int64_t, Logs&) override {
              model().optimizer().set_learning_rate(1e-4 +
                                                    1e-9 * static_cast<double>(++training.steps));
              if (training.stop_) model().set_stop_training(true);
            }
            Training& training;
          } stop(*this);
          const Tensor x = ramp({64, 32}), y = ramp({64, 4});
          model.fit(
              x, y,
              {.epochs = 1 << 30, .batch_size = 8, .verbose = 0, .callbacks = {std::ref(stop)}});
        }) {
    while (steps == 0) std::this_thread::yield();
  }
  ~Training() {
    stop_ = true;
    thread_.join();
  }
  std::atomic<int64_t> steps{0};

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// A save is of one moment: the file loads, and it holds the step that its optimizer has counted.
TEST(ModelInThreads, SavingWhileTrainingIsOfOneMoment) {
  clear_session();
  const testing::TemporaryFolder folder;
  const std::string path = folder.file("m.sinter"), weights = folder.file("m.weights.sinter");
  const Model model = network();
  const Training training(model);
  int64_t last = -1;
  for (int i = 0; i < 20; ++i) {
    const int64_t before = training.steps;
    model.save(path);
    model.save_weights(weights);
    model.export_inference(folder.file("e.sinter"));
    const Model loaded = load_model(path);
    const auto count = static_cast<int64_t>(loaded.optimizer().variables()[0]->value.at(0));
    EXPECT_GE(count, before);
    EXPECT_GE(count, last);
    last = count;
    loaded.load_weights(weights);
    // Weights, slots and counter belong together: one more step from here is the same step always.
    const Model again = load_model(path), twice = load_model(path);
    again.train_on_batch(ramp({8, 32}), ramp({8, 4}));
    twice.train_on_batch(ramp({8, 32}), ramp({8, 4}));
    for (size_t w = 0; w < again.get_weights().size(); ++w)
      EXPECT_TRUE(again.get_weights()[w].identical(twice.get_weights()[w]));
  }
}

// Every step changes all biases by the same amount: where they differ, they are of two moments.
TEST(ModelInThreads, WeightsAreReadAndSetBetweenSteps) {
  clear_session();
  const KerasTensor x = Input({1});
  const Model model(x, Dense(256, {.kernel_initializer = "zeros", .name = "d"})(x));
  // The gradient of the mean of the outputs is the same for every bias.
  model.compile({.optimizer = SGD(1.0), .loss = [](Symbol, Symbol p) { return mean(p); }});
  std::atomic<bool> stop{false}, started{false};
  std::thread trainer([&] {
    const Tensor in(float32, {4, 1}), out(float32, {4, 256});
    for (; !stop; started = true) model.train_on_batch(in, out);
  });
  while (!started) std::this_thread::yield();
  const Layer layer = model.get_layer("d");
  Tensor one = Tensor::full(float32, {256}, 1.0), zero(float32, {1, 256});
  for (int i = 0; i < 1000; ++i) {
    for (const std::vector<Tensor>& found : {model.get_weights(), layer.get_weights()}) {
      for (int64_t k = 1; k < 256; ++k) ASSERT_EQ(found[1].at(k), found[1].at(0)) << i;
    }
    if (i % 2 == 0) model.set_weights({zero, one});
  }
  stop = true;
  trainer.join();
}

// One weight is set while another thread saves, trains and reads: nobody sees half of it.
TEST(ModelInThreads, AnAssignedWeightIsNeverHalf) {
  clear_session();
  const testing::TemporaryFolder folder;
  const std::string path = folder.file("m.weights.sinter");
  const KerasTensor x = Input({1});
  const Model model(x, Dense(1 << 16, {.use_bias = false, .name = "d"})(x));
  const VariablePtr kernel = model.get_layer("d").kernel();
  kernel->assign(Tensor(float32, {1, 1 << 16}));
  std::atomic<bool> stop{false};
  std::thread setter([&] {
    const Shape shape{1, 1 << 16};
    const Tensor zeros(float32, shape), ones = Tensor::full(float32, shape, 1.0);
    for (int i = 0; !stop; ++i) kernel->assign(i % 2 == 0 ? ones : zeros);
  });
  const Model other(x, Dense(1 << 16, {.use_bias = false, .name = "d"})(x));
  for (int i = 0; i < 30; ++i) {
    model.save_weights(path);
    other.load_weights(path);
    for (const Tensor& found : {other.get_weights()[0], model.get_weights()[0]}) {
      const std::span<const float> all = std::as_const(found).data<float>();
      ASSERT_TRUE(std::ranges::all_of(all, [&](float v) { return v == all[0]; })) << i;
    }
  }
  stop = true;
  setter.join();
}

// Layers that two models share: saving one while the other trains.
TEST(ModelInThreads, SharedLayersAreOfOneMomentToo) {
  clear_session();
  const KerasTensor x = Input({1});
  const Layer shared = Dense(256, {.kernel_initializer = "zeros"});
  const KerasTensor h = shared(x);
  const Model first(x, h), second(x, Dense(1)(h));
  first.compile({.optimizer = SGD(1.0), .loss = [](Symbol, Symbol p) { return mean(p); }});
  std::atomic<bool> stop{false}, started{false};
  std::thread trainer([&] {
    const Tensor in(float32, {4, 1}), out(float32, {4, 256});
    for (; !stop; started = true) first.train_on_batch(in, out);
  });
  while (!started) std::this_thread::yield();
  for (int i = 0; i < 1000; ++i) {
    const std::vector<Tensor> found = second.get_weights();
    for (int64_t k = 1; k < 256; ++k) ASSERT_EQ(found[1].at(k), found[1].at(0)) << i;
  }
  stop = true;
  trainer.join();
}

int child_ends(const std::function<void()>& use) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // a child that hangs fails
    use();
    std::_Exit(9);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/// How children end. The leak check of a sanitizer would look for threads that are not there.
[[noreturn]] void end(int code) {
#if defined(__SANITIZE_ADDRESS__)
  std::_Exit(code);
#else
  std::exit(code);
#endif
}

#if defined(__SANITIZE_THREAD__)
constexpr int kForks = 0;  // it allows a child of several threads none of its own
#elif defined(__SANITIZE_ADDRESS__)
constexpr int kForks = 20;
#else
constexpr int kForks = 1000;
#endif

// A thousand forks while other threads predict and train.
TEST(ModelInThreads, ForkedChildrenUseAndDestroyModels) {
  clear_session();
  set_threads(2);
  auto model = std::make_unique<Model>(network());
  const Tensor x = ramp({64, 32});
  const Tensor expected = model->predict(x);
  std::atomic<bool> stop{false};
  std::thread predicting([&] {
    const Model mine = *model;
    while (!stop) mine.predict(x);
  });
  const Model other = network();
  {
    const Training training(other);
    for (int i = 0; i < kForks; ++i) {
      const int code = child_ends([&] {
        switch (i % 20) {
          case 0: end(model->predict(x).identical(expected) ? 3 : 4);
          case 1: other.train_on_batch(ramp({8, 32}), ramp({8, 4})); std::_Exit(3);
          case 2: other.get_weights(); std::_Exit(3);
          case 3: model.reset(); end(3);
          default: end(3);
        }
      });
      ASSERT_EQ(code, 3) << "child " << i;
    }
  }
  stop = true;
  predicting.join();
  set_threads(1);
}

// Longer than a fork waits: the child makes anew what the other thread was making.
TEST(ModelInThreads, AChildForkedWithinALongCompileUsesTheModel) {
  clear_session();
  set_backend("reference");
  static std::atomic<bool> slow, inside;
  const auto doubled = [](Symbol s) {
    if (slow) {
      inside = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    }
    return s * 2.0;
  };
  const auto x = Input(4);
  const Model model(x, Lambda(doubled)(x));
  const CompiledFunction function([&](CallContext&, Symbol s) { return doubled(s); });
  const Tensor rows = ramp({3, 4});
  const auto uses = std::vector<std::function<Tensor()>>{[&] { return model.predict(rows); },
                                                         [&] { return function(rows); }};
  for (const auto& use : uses) {
    slow = true;
    inside = false;
    std::thread compiling([&] { use(); });
    while (!inside) std::this_thread::yield();
    slow = false;
    const int code = child_ends([&] { end(use().at(5) == 2 * rows.at(5) ? 3 : 4); });
    compiling.join();
    EXPECT_EQ(code, 3);
    EXPECT_EQ(use().at(5), 2 * rows.at(5));
  }
  set_backend("auto");
}

// Models and streams of data come and go in another thread meanwhile.
TEST(ModelInThreads, ForksWhileModelsAndStreamsAreMadeAndEnd) {
  clear_session();
  set_threads(2);
  const Model model = network();
  const Tensor x = ramp({64, 32});
  const Tensor expected = model.predict(x);
  std::atomic<bool> stop{false};
  std::thread making([&] {
    const Dataset rows = Dataset::from_tensor_slices(x).map([](Tensor row) { return row; },
                                                            {.num_parallel_calls = 2});
    while (!stop) {
      EXPECT_TRUE(network().predict(x).shape() == expected.shape());
      for (const Element& element : rows.prefetch(2).take(8)) EXPECT_EQ(element.x().elements(), 32);
    }
  });
  for (int i = 0; i < kForks / 5; ++i) {
    const int code = child_ends([&] { end(model.predict(x).identical(expected) ? 3 : 4); });
    ASSERT_EQ(code, 3) << "child " << i;
  }
  stop = true;
  making.join();
  set_threads(1);
}

// A Sequential that has not seen its input is built once.
TEST(ModelInThreads, TheFirstDataMayComeInSeveral) {
  for (int round = 0; round < 20; ++round) {
    const Sequential model({Dense(4, "tanh"), Dense(2)});
    const Tensor x = ramp({5, 3});
    std::vector<Tensor> found(6);
    std::vector<std::thread> threads;
    for (Tensor& y : found) threads.emplace_back([&] { y = model.predict(x); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(model.count_params(), 3 * 4 + 4 + 4 * 2 + 2);
    for (const Tensor& y : found) EXPECT_TRUE(y.identical(found[0]));
  }
}

}  // namespace
}  // namespace sinter
