// Losses that are one number for a batch, with sample weights: the number times each weight,
// reduced as values of rows are. The numbers were written by Keras 3.15.1 in float32.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <vector>

namespace sinter {
namespace {

class BatchLosses : public testing::Test {
 protected:
  void SetUp() override { clear_session(); }

  // Keras's evaluation of a model that gives what it is given.
  double weighted(const Loss& loss, const Tensor& weights) const {
    const auto in = Input(3);
    const Model model(in, Activation("linear")(in));
    model.compile({.loss = loss});
    return model.evaluate(p, t, {.verbose = 0, .sample_weight = weights}).loss();
  }

  const Tensor t =
      Tensor::from({4, 3}, {1.f, 0.f, 1.f, 0.f, 1.f, 0.f, 1.f, 1.f, 0.f, 0.f, 0.f, 1.f});
  const Tensor p =
      Tensor::from({4, 3}, {.9f, .2f, .6f, .1f, .7f, .3f, .5f, .4f, .2f, .3f, .1f, .8f});
  const Tensor w = Tensor::from({3.f, 0.5f, 0.f, 1.5f});
};

TEST_F(BatchLosses, ReductionsAreKeras) {
  struct Case {
    const char* reduction;
    double dice, tversky, dice_of_rows, tversky_of_rows;
  };
  const Case cases[] = {
      {"sum_over_batch_size", 0.37162166833877563, 0.37162163853645325, 0.2858312726020813,
       0.28583139181137085},
      {"mean", 0.37162166833877563, 0.37162163853645325, 0.2858312726020813, 0.28583139181137085},
      {"sum", 1.4864866733551025, 1.486486554145813, 1.1433250904083252, 1.1433255672454834},
      {"mean_with_sample_weight", 0.29729732871055603, 0.29729729890823364, 0.22866502404212952,
       0.22866511344909668}};
  for (const Case& c : cases) {
    for (const Tensor& weights : {w, w.reshaped({4, 1})}) {
      const auto near = [&](const Loss& loss, double expected) {
        EXPECT_NEAR(weighted(loss, weights), expected, 1e-6 * expected) << c.reduction;
      };
      near(losses::Dice({.reduction = c.reduction}), c.dice);
      near(losses::Tversky({.reduction = c.reduction}), c.tversky);
      near(losses::Dice({.axis = -1, .reduction = c.reduction}), c.dice_of_rows);
      near(losses::Tversky({.axis = -1, .reduction = c.reduction}), c.tversky_of_rows);
    }
  }
  // A function of the user's that gives one number, too.
  EXPECT_NEAR(weighted([](Symbol a, Symbol b) { return mean(square(a - b)); }, w),
              weighted("mse", Tensor::from({1.f, 1.f, 1.f, 1.f})) * 1.25, 1e-6);
}

// Batches of 3 and 1 rows, whose weights have means of 7/6 and 3/2.
TEST_F(BatchLosses, TrainingIsKeras) {
  struct Case {
    Loss loss;
    double first, second, evaluated;
    std::vector<double> kernel, bias;
  };
  const Case cases[] = {{"dice",
                         0.738286018371582,
                         0.6847180128097534,
                         0.6211246848106384,
                         {0.15630288422107697, -0.04865626245737076, -0.12013202160596848,
                          0.49367818236351013, 0.4507916271686554, -0.3162001967430115},
                         {0.02828316204249859, 0.0333595909178257, 0.22475546598434448}},
                        {losses::Tversky({.alpha = 0.3, .beta = 0.7}),
                         0.7401187419891357,
                         0.696800708770752,
                         0.6457741260528564,
                         {0.14379826188087463, -0.05857669934630394, -0.0881081372499466,
                          0.48020243644714355, 0.43423107266426086, -0.35327020287513733},
                         {0.006576430052518845, 0.012838607653975487, 0.1841292381286621}}};
  const Tensor x = Tensor::from({4, 2}, {1.f, 2.f, 3.f, -1.f, 0.f, 1.f, -2.f, 1.f});
  for (const Case& c : cases) {
    const auto in = Input(2);
    const Model model(in, Dense(3, "sigmoid")(in));
    model.set_weights(
        {Tensor::from({2, 3}, {.1f, -.2f, .3f, .4f, .5f, -.6f}), Tensor(float32, {3})});
    model.compile({.optimizer = SGD(0.5), .loss = c.loss});
    const History h = model.fit(
        x, t, {.epochs = 2, .batch_size = 3, .verbose = 0, .shuffle = false, .sample_weight = w});
    EXPECT_NEAR(h["loss"][0], c.first, 1e-6);
    EXPECT_NEAR(h["loss"][1], c.second, 1e-6);
    const double evaluated =
        model.evaluate(x, t, {.batch_size = 3, .verbose = 0, .sample_weight = w}).loss();
    EXPECT_NEAR(evaluated, c.evaluated, 1e-6);
    const std::vector<Tensor> weights = model.get_weights();
    for (int64_t i = 0; i < 6; ++i)
      EXPECT_NEAR(weights[0].at(i), c.kernel[static_cast<size_t>(i)], 2e-6) << i;
    for (int64_t i = 0; i < 3; ++i)
      EXPECT_NEAR(weights[1].at(i), c.bias[static_cast<size_t>(i)], 2e-6) << i;
  }
  // Weights of classes are weights of samples.
  const auto in = Input(2);
  const Model model(in, Dense(3, "sigmoid")(in));
  model.set_weights({Tensor::from({2, 3}, {.1f, -.2f, .3f, .4f, .5f, -.6f}), Tensor(float32, {3})});
  model.compile({.optimizer = SGD(0.5), .loss = "dice"});
  const History h = model.fit(x, t,
                              {.batch_size = 4,
                               .verbose = 0,
                               .shuffle = false,
                               .class_weight = {{0, 2.0}, {1, 0.5}, {2, 1.0}}});
  EXPECT_NEAR(h["loss"][0], 0.7708162665367126, 1e-6);
}

}  // namespace
}  // namespace sinter
