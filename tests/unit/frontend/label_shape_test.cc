// Labels that a loss or a metric cannot compare with predictions are refused, with what is for
// them.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

namespace sinter {
namespace {

class LabelShape : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }

  // The predictions are these rows.
  const Tensor rows_ = Tensor::from<float>({4, 3}, {.1f, .6f, .3f, .7f, .2f, .1f,  //
                                                    .2f, .1f, .7f, .3f, .4f, .3f});
  const Tensor classes_ = Tensor::from<int32_t>({4}, {1, 0, 2, 2});

  Evaluation of(const Metric& metric, const Tensor& y, const char* loss) const {
    const KerasTensor x = Input(3);
    const Model model(x, Activation("linear")(x));
    model.compile({.loss = loss, .metrics = metric});
    return model.evaluate(rows_, y, {.verbose = 0});
  }
  std::string error_of(const Metric& metric, const Tensor& y, const char* loss) const {
    try {
      of(metric, y, loss);
    } catch (const ShapeError& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(LabelShape, ClassesAreNoOneHotRows) {
  const char* loss = "sparse_categorical_crossentropy";
  const std::vector<Metric> metrics = {metrics::TopKCategoricalAccuracy({.k = 1}),
                                       metrics::Precision(),
                                       metrics::Recall(),
                                       metrics::AUC(),
                                       metrics::F1Score({.average = "macro"}),
                                       "r2_score",
                                       "categorical_accuracy",
                                       "mse",
                                       "binary_accuracy"};
  for (const Metric& metric : metrics) {
    for (const Tensor& y : {classes_, classes_.reshaped({4, 1})}) {
      const std::string text = error_of(metric, y, loss);
      EXPECT_NE(text.find("metric '" + metric.name() + "' at output 'activation"),
                std::string::npos)
          << metric.name() << ": " << text;
      EXPECT_NE(text.find("to_categorical()"), std::string::npos) << text;
    }
    EXPECT_EQ(error_of(metric, to_categorical(classes_, 3), "categorical_crossentropy"), "");
  }
  EXPECT_NE(error_of(metrics::TopKCategoricalAccuracy(), classes_, loss)
                .find("'sparse_top_k_categorical_accuracy' or to_categorical()"),
            std::string::npos);
  EXPECT_NEAR(of(metrics::TopKCategoricalAccuracy({.k = 1}), to_categorical(classes_, 3),
                 "categorical_crossentropy")
                  .logs()
                  .at("top_k_categorical_accuracy"),
              0.75, 1e-6);
}

TEST_F(LabelShape, OneHotRowsAreNoClasses) {
  const Tensor y = to_categorical(classes_, 3);
  EXPECT_NE(error_of("sparse_categorical_accuracy", y, "categorical_crossentropy")
                .find("y looks one-hot: use 'categorical_accuracy'"),
            std::string::npos);
}

// A function of one's own takes what it takes.
TEST_F(LabelShape, CustomMetricsTakeAnything) {
  const Metric mine("mine", [](Symbol t, Symbol p) { return mean(p, -1) + cast(t, p.dtype()); });
  EXPECT_EQ(error_of(mine, classes_, "sparse_categorical_crossentropy"), "");
}

}  // namespace
}  // namespace sinter
