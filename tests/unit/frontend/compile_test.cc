// What compile() refuses leaves a model as it was.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

class Compile : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_backend("reference");
  }
  void TearDown() override { set_backend("auto"); }
  const Tensor x_ = Tensor::from<float>({2, 2}, {1, 2, 3, 4});
  const Tensor y_ = Tensor::from<float>({2, 1}, {1, 2});
};

TEST_F(Compile, RefusedArgumentsLeaveTheModelAsItWas) {
  const sinter::testing::TemporaryFolder folder;
  const KerasTensor x = Input(2);
  const Model model(x, Dense(1, {.name = "out"})(x));
  EXPECT_THROW(model.compile({.loss = {{"zz", "mse"}}}), NameError);
  EXPECT_FALSE(model.is_compiled());
  model.compile({.optimizer = "adam", .loss = "mse"});
  model.fit(x_, y_, {.verbose = 0});
  EXPECT_THROW(model.compile({.loss = {{"zz", "mse"}}}), NameError);
  EXPECT_THROW(model.compile({.loss = "mse", .loss_weights = {1, 2}}), Error);
  EXPECT_THROW(model.compile({.loss = "mse", .metrics = {{"mae"}, {"mse"}}}), Error);
  EXPECT_THROW(model.compile({.loss = "mse", .backend = "gpu"}), NameError);
  EXPECT_TRUE(model.is_compiled());
  EXPECT_EQ(model.fit(x_, y_, {.verbose = 0}).history.at("loss").size(), 1u);
  model.save(folder.file("m.sinter"));
  const Model again = load_model(folder.file("m.sinter"));
  EXPECT_TRUE(again.predict(x_).identical(model.predict(x_)));
}

// A Sequential that has not seen data learns of its outputs in fit().
TEST_F(Compile, OfAModelThatIsNotBuilt) {
  const Sequential model({Dense(1, {.name = "out"})});
  model.compile({.loss = {{"zz", "mse"}}});
  EXPECT_THROW(model.fit(x_, y_, {.verbose = 0}), NameError);
  EXPECT_THROW(model.fit(x_, y_, {.verbose = 0}), NameError);
  model.compile({.loss = "mse"});
  EXPECT_EQ(model.fit(x_, y_, {.verbose = 0}).history.at("loss").size(), 1u);
}

}  // namespace
}  // namespace sinter
