// SparseCategoricalCrossentropy's ignore_class: Keras's numbers, whatever the labels' type.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "runtime/compile.h"

namespace sinter {
namespace {

using losses::SparseCategoricalCrossentropy;
using ::testing::HasSubstr;

const Tensor kPredicted =
    Tensor::from({{.2f, .3f, .5f}, {.6f, .3f, .1f}, {.1f, .8f, .1f}, {.25f, .25f, .5f}});
const Tensor kWeights = Tensor::from({1.f, 5.f, 2.f, .5f});

double loss_of(const Loss& loss, const Tensor& labels, const Tensor& predicted,
               const Tensor* weights = nullptr) {
  Graph g("loss");
  const Symbol t = g.constant(labels), p = g.constant(predicted);
  g.add_output("loss", loss(t, p, weights ? g.constant(*weights) : Symbol()).id());
  return evaluate_graph(g, {})[0].at(0);
}

TEST(IgnoreClass, NumbersOfKeras) {
  struct Case {
    const char* reduction;
    bool logits;
    double plain, weighted;
  };
  const Tensor labels = Tensor::from({2, -1, 1, 0}), none = Tensor::from({-1, -1, -1, -1});
  for (const Case& c :
       {Case{"sum_over_batch_size", false, 0.76752836, 0.61086047},
        Case{"sum_over_batch_size", true, 0.93954259, 0.97127318},
        Case{"sum", false, 2.30258512, 1.83258140}, Case{"sum", true, 2.81862760, 2.91381931},
        Case{"mean_with_sample_weight", false, 0.76752836, 0.52359468},
        Case{"mean_with_sample_weight", true, 0.93954253, 0.83251983}}) {
    const SparseCategoricalCrossentropy loss(
        {.from_logits = c.logits, .ignore_class = -1, .reduction = c.reduction});
    EXPECT_NEAR(loss_of(loss, labels, kPredicted), c.plain, 3e-7) << c.reduction;
    EXPECT_NEAR(loss_of(loss, labels, kPredicted, &kWeights), c.weighted, 3e-7) << c.reduction;
    EXPECT_NEAR(loss_of(loss, labels.reshaped({4, 1}), kPredicted), c.plain, 3e-7) << c.reduction;
    EXPECT_NEAR(loss_of(loss, labels.cast(float32), kPredicted), c.plain, 3e-7) << c.reduction;
    EXPECT_EQ(loss_of(loss, none, kPredicted), 0) << c.reduction;
    EXPECT_EQ(loss_of(loss, none, kPredicted, &kWeights), 0) << c.reduction;
  }
}

TEST(IgnoreClass, LabelsOfSteps) {
  const Tensor labels = Tensor::from({{2, -1, 1, 0}, {-1, -1, 0, 0}});
  Tensor predicted(float32, {2, 4, 3});
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t c = 0; c < 3; ++c) {
      predicted.set({0, i, c}, kPredicted.at({i, c}));
      predicted.set({1, 3 - i, c}, kPredicted.at({i, c}));
    }
  }
  EXPECT_NEAR(loss_of(SparseCategoricalCrossentropy({.ignore_class = -1}), labels, predicted),
              0.88456976, 3e-7);
}

TEST(IgnoreClass, IsComparedOnce) {
  Graph g("loss");
  const Symbol t = g.constant(Tensor::from({2, -1, 1, 0})), p = g.constant(kPredicted);
  SparseCategoricalCrossentropy({.ignore_class = -1})(t, p);
  int compared = 0;
  for (const Node& n : g.nodes()) compared += n.is("not_equal") ? 1 : 0;
  EXPECT_EQ(compared, 1);
}

// Labels of uint8 are never -1; 255 they may be.
TEST(IgnoreClass, OfAnyLabelType) {
  const SparseCategoricalCrossentropy minus({.ignore_class = -1}), all_ones({.ignore_class = 255}),
      whole({.from_logits = false});
  for (const DType dtype : {int32, int64, float32}) {
    const Tensor labels = Tensor::from({2, 255, 1, 0}).cast(dtype);
    EXPECT_NEAR(loss_of(all_ones, labels, kPredicted), 0.76752836, 3e-7) << dtype_name(dtype);
    const Tensor known = Tensor::from({2, 2, 1, 0}).cast(dtype);
    EXPECT_EQ(loss_of(minus, known, kPredicted), loss_of(whole, known, kPredicted));
  }
}

class IgnoreClassTraining : public ::testing::TestWithParam<std::string> {
 protected:
  static Model model(const std::string& backend) {
    clear_session();
    Sequential m({Input({2}), Dense(3, {.kernel_initializer = Constant(0.1)})});
    m.compile({.optimizer = SGD(0.5),
               .loss = SparseCategoricalCrossentropy({.from_logits = true, .ignore_class = 255}),
               .backend = backend});
    return m;
  }
  Tensor x = Tensor::from({{1.f, 2.f}, {3.f, 4.f}, {-1.f, 1.f}, {0.f, 2.f}});
  Tensor y = Tensor::from({0, 255, 2, 1});
};

TEST_P(IgnoreClassTraining, NumbersOfKeras) {
  const Model m = model(GetParam());
  History h = m.fit(x, y, {.epochs = 2, .batch_size = 4, .verbose = 0, .shuffle = false});
  EXPECT_NEAR(h["loss"][0], 1.09861231, 1e-6);
  EXPECT_NEAR(h["loss"][1], 0.96801949, 1e-6);
  h = m.fit(x, y, {.epochs = 1, .batch_size = 2, .verbose = 0, .shuffle = false});
  EXPECT_NEAR(h["loss"][0], 1.24459898, 1e-6);
  const std::vector<double> kernel = {0.78058207, -0.01890520, -0.46167690,
                                      0.18536782, 0.22263299,  -0.10800077};
  for (size_t i = 0; i < kernel.size(); ++i)
    EXPECT_NEAR(m.get_weights()[0].at(static_cast<int64_t>(i)), kernel[i], 1e-6) << i;
}

INSTANTIATE_TEST_SUITE_P(Backends, IgnoreClassTraining, ::testing::Values("reference", "auto"),
                         [](const auto& backend) { return backend.param; });

TEST_F(IgnoreClassTraining, IsSavedAndOtherClassesAreStillRefused) {
  const Model m = model("reference");
  const std::string path = ::testing::TempDir() + "ignore_class.sinter";
  m.save(path);
  const Model loaded = load_model(path);
  EXPECT_EQ(loaded.evaluate(x, y, {.verbose = 0}).loss(), m.evaluate(x, y, {.verbose = 0}).loss());
  try {
    m.fit(x, Tensor::from({0, 254, 2, 1}), {.verbose = 0});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("y holds 254 (element 1)"));
  }
}

TEST(IgnoreClass, MetricsRefuseIt) {
  try {
    const Metric metric(Loss(SparseCategoricalCrossentropy({.ignore_class = -1})));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("ignore_class"));
  }
}

}  // namespace
}  // namespace sinter
