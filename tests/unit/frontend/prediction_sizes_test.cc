// Predictions of any number of rows from a few programs.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <algorithm>
#include <functional>
#include <set>

#include "core/error.h"
#include "frontend/model_state.h"
#include "runtime/load.h"

namespace sinter {
namespace {

Tensor wave(Shape shape) {
  Tensor t(float32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i) t.set(i, static_cast<double>((i * 31) % 97) / 48 - 1);
  return t;
}

/// Each row minus the mean of the batch: rows that depend on each other.
class MinusMean : public LayerImpl {
 public:
  MinusMean() : LayerImpl("MinusMean", "", SourceLocation::current()) {}
  Config config() const override { return base_config(); }
  std::vector<Symbol> call(CallContext&, std::span<const Symbol> x) override {
    return {x[0] - mean(x[0], {0}, true)};
  }
};

Model mlp() {
  clear_session();
  set_random_seed(0);
  auto x = Input({7});
  auto h = Dropout(0.3)(BatchNormalization()(Dense(9, {.activation = "gelu"})(x)));
  h = Concatenate()({h, Flatten()(Reshape({3, 3})(h))});
  return Model(x, Dense(4, {.activation = "softmax"})(Maxout(5, 2)(h)));
}

TEST(PredictionSizes, StayCloseAndFew) {
  for (const auto& [programs, an_octave] :
       {std::pair<int64_t, int64_t>{96, 8}, {95, 4}, {52, 4}, {51, 2}, {28, 2}, {16, 1}, {1, 1}}) {
    std::set<int64_t> sizes;
    for (int64_t n = 1; n <= 1 << 14; ++n) {
      const int64_t rows = prediction_rows(n, programs);
      ASSERT_GE(rows, n);
      ASSERT_LE((rows - n) * an_octave, n) << n;
      ASSERT_EQ(prediction_rows(rows, programs), rows) << n;
      sizes.insert(rows);
    }
    EXPECT_LE(static_cast<int64_t>(sizes.size()), std::max<int64_t>(programs, 16)) << programs;
  }
  EXPECT_EQ(prediction_rows(int64_t{1} << 62, 96), int64_t{1} << 62);
}

TEST(PredictionSizes, TheNumberOfProgramsIsASetting) {
  const int64_t before = prediction_programs();
  EXPECT_GE(before, 1);
  EXPECT_THROW(set_prediction_programs(0), Error);
  EXPECT_EQ(prediction_programs(), before);
  set_backend("reference");
  for (const auto& [programs, rows] : {std::pair<int64_t, int64_t>{96, 36}, {1, 64}}) {
    set_prediction_programs(programs);
    EXPECT_EQ(prediction_programs(), programs);
    EXPECT_EQ(prediction_program(*mlp().state(), 33, false)->rows, rows);
  }
  set_backend("auto");
  set_prediction_programs(before);
}

TEST(PredictionSizes, ARowIsWhatItIsAmongOthers) {
  for (const std::string& backend : backend_names()) {
    set_backend(backend);
    const Model model = mlp();
    const Tensor x = wave({130, 7});
    const Tensor all = model.predict(x, {.batch_size = 130});
    for (int64_t n = 1; n <= 130; n += n < 40 ? 1 : 13) {
      const Tensor part = model.predict(x.rows(0, n), {.batch_size = 200});
      ASSERT_EQ(part.shape(), (Shape{n, 4}));
      for (int64_t i = 0; i < part.elements(); ++i)
        ASSERT_NEAR(part.at(i), all.at(i), 1e-6) << backend << " " << n;
      // The same size gives the same bits, whatever was asked before.
      EXPECT_TRUE(model.predict(x.rows(0, n), {.batch_size = 200}).identical(part));
    }
  }
  set_backend("auto");
}

TEST(PredictionSizes, ManySizesTakeFewPrograms) {
  set_backend("reference");
  const Model model = mlp();
  const Tensor x = wave({600, 7});
  for (int64_t n = 1; n <= 600; ++n) model.predict(x.rows(0, n), {.batch_size = 1000});
  std::set<const StepProgram*> programs;
  for (int64_t n = 1; n <= 600; ++n)
    programs.insert(prediction_program(*model.state(), n, false).get());
  EXPECT_EQ(programs.size(), 16u + 4 * 8 + 8 + 2);
  set_backend("auto");
}

TEST(PredictionSizes, RowsThatDependOnEachOtherAreLeftAlone) {
  set_backend("reference");
  clear_session();
  auto in = Input({7});
  const Model mixed(in, Layer(std::make_shared<MinusMean>())(in));
  const Model apart = mlp();
  EXPECT_FALSE(mixed.state()->has_independent_rows());
  EXPECT_TRUE(apart.state()->has_independent_rows());
  const Tensor x = wave({21, 7});
  const Tensor y = mixed.predict(x, {.batch_size = 100});
  for (int64_t c = 0; c < 7; ++c) {
    double total = 0;
    for (int64_t r = 0; r < 21; ++r) total += y.at(r * 7 + c);
    EXPECT_NEAR(total, 0, 1e-4);
  }
  set_backend("auto");
}

}  // namespace
}  // namespace sinter
