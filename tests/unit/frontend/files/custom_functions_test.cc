// Initializers, regularizers and constraints of the user's own: in files by name, loaded whole once
// the name is registered or given, and refused with a text that says what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <string>

#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Tensor half(const Shape& shape, DType dtype) { return Tensor::full(dtype, shape, 0.5); }
Symbol fourth_powers(Symbol w) { return 0.1 * sum(square(square(w))); }
Symbol at_most_one(Symbol w) { return minimum(w, 1.0); }

class CustomFunctions : public ::testing::Test {
 protected:
  void SetUp() override { clear_session(); }

  static Model model(const Initializer& initializer, const Regularizer& regularizer,
                     const Constraint& constraint) {
    const auto x = Input(3);
    const Model result(x, Dense(2, {.kernel_initializer = initializer,
                                    .kernel_regularizer = regularizer,
                                    .activity_regularizer = regularizer,
                                    .kernel_constraint = constraint})(x));
    result.compile({.optimizer = SGD(0.5), .loss = "mse"});
    return result;
  }
  std::string refusal() const {
    try {
      load_model(path);
    } catch (const NameError& error) {
      return error.what();
    }
    return "no error";
  }
  /// Both train to the same weights: the loaded one has regularizer and constraint.
  void expect_same_training(const Model& a, const Model& b) const {
    for (int step = 0; step < 3; ++step)
      EXPECT_EQ(a.train_on_batch(x, y).loss(), b.train_on_batch(x, y).loss());
    for (size_t i = 0; i < 2; ++i)
      EXPECT_TRUE(a.get_weights()[i].identical(b.get_weights()[i])) << i;
  }

  TemporaryFolder folder;
  const std::string path = folder.file("m.sinter");
  const Tensor x = Tensor::full(float32, {4, 3}, 0.75), y = Tensor::full(float32, {4, 2}, 9);
};

TEST_F(CustomFunctions, WithoutANameAreAskedFor) {
  const Model saved = model(half, fourth_powers, at_most_one);
  EXPECT_EQ(saved.get_weights()[0].at(3), 0.5);
  saved.save(path);
  EXPECT_THAT(refusal(), HasSubstr("unknown initializer 'custom_initializer': the model was saved "
                                   "with a function of your own: "
                                   "register_initializer(\"custom_initializer\", ...), or "
                                   ".custom_objects = {{\"custom_initializer\", your_function}}"));
  EXPECT_THAT(refusal(), Not(HasSubstr(".compile")));
  const Model loaded = load_model(path, {.custom_objects = {{"custom_initializer", half},
                                                            {"custom_regularizer", fourth_powers},
                                                            {"custom_constraint", at_most_one}}});
  expect_same_training(saved, loaded);
  EXPECT_LE(loaded.get_weights()[0].at(0), 1.0);
}

TEST_F(CustomFunctions, WithANameAreRegistered) {
  const Model saved =
      model(Initializer("test>half", half), Regularizer("test>fourth", fourth_powers),
            Constraint("test>one", at_most_one));
  saved.save(path);
  const std::string json = saved.to_json();
  EXPECT_THAT(refusal(), HasSubstr("unknown initializer 'test>half'"));
  EXPECT_THAT(refusal(),
              HasSubstr("If it is your own: register_initializer(\"test>half\", ...), or "
                        ".custom_objects = {{\"test>half\", your_function}}"));
  register_initializer("test>half", half);
  EXPECT_THAT(refusal(), HasSubstr("register_regularizer(\"test>fourth\", ...)"));
  register_regularizer("test>fourth", fourth_powers);
  EXPECT_THAT(refusal(), HasSubstr("register_constraint(\"test>one\", ...)"));
  register_constraint("test>one", at_most_one);
  expect_same_training(saved, load_model(path));
  expect_same_training(model(half, fourth_powers, at_most_one),
                       model("test>half", "test>fourth", "test>one"));
  const Model built = model_from_json(json);
  EXPECT_EQ(built.get_weights()[0].at(5), 0.5);
  // A clone needs no name.
  const Model anonymous = model(half, fourth_powers, at_most_one);
  const Model clone = clone_model(anonymous);
  clone.compile({.optimizer = SGD(0.5), .loss = "mse"});
  expect_same_training(anonymous, clone);
}

// Keras writes a function as {"class_name": "function", "config": name}.
TEST_F(CustomFunctions, OfKerasFiles) {
  register_initializer("test>keras", half);
  register_regularizer("test>keras", fourth_powers);
  register_constraint("test>keras", at_most_one);
  const Config function{{"module", "builtins"},
                        {"class_name", "function"},
                        {"config", "test>keras"},
                        {"registered_name", "function"}};
  EXPECT_EQ(Initializer::from_config(function)({2}, float32, 1).at(1), 0.5);
  EXPECT_TRUE(Regularizer::from_config(function));
  EXPECT_TRUE(Constraint::from_config(function));
}

TEST_F(CustomFunctions, OfTheWrongShapeAreNamed) {
  const Initializer wrong("test>wrong",
                          [](const Shape&, DType dtype) { return Tensor(dtype, {1}); });
  try {
    wrong({2, 3}, float32, 0);
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("initializer 'test>wrong' was asked for shape [2,3] and "
                                        "gave [1]"));
  }
}

}  // namespace
}  // namespace sinter::testing
