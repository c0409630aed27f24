// A name that nothing is known under is told with the line where it stands, in every argument that
// takes names.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <string>

namespace sinter {
namespace {

// Is the NameError of `action` the line `line` and a text with `part`?
template <typename F>
testing::AssertionResult names_line(int line, const std::string& part, F action) {
  std::string text = "no error";
  try {
    action();
  } catch (const NameError& error) {
    text = error.what();
  }
  const std::string begin = "misspelt_names_test.cc:" + std::to_string(line) + ": ";
  if (text.starts_with(begin + "unknown ") && text.find(part) != std::string::npos &&
      text.find(begin, 1) == std::string::npos)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "line " << line << ": " << text;
}
#define EXPECT_LINE(part, ...) EXPECT_TRUE(names_line(__LINE__, part, [&] { __VA_ARGS__; }))

TEST(MisspeltNames, OfLayers) {
  const std::string name = "rellu";
  const std::string relu = "did you mean 'relu'?";
  EXPECT_LINE(relu, Dense(3, "rellu"));
  EXPECT_LINE(relu, Dense(3, name));
  EXPECT_LINE(relu, Dense(3, {.activation = "rellu"}));
  EXPECT_LINE(relu, Dense(3, {.activation = name}));
  EXPECT_LINE(relu, Activation("rellu"));
  EXPECT_LINE("'glorot_uniform'?", Dense(3, {.kernel_initializer = "glorot_unifrom"}));
  EXPECT_LINE("'zeros'?", Dense(3, {.bias_initializer = "zeroes"}));
  EXPECT_LINE("'l1'?", Dense(3, {.kernel_regularizer = "l3"}));
  EXPECT_LINE("'max_norm'?", Dense(3, {.kernel_constraint = "maxnorm"}));
  EXPECT_LINE("'one'?", BatchNormalization({.gamma_initializer = "onse"}));
  EXPECT_LINE("mode of VarianceScaling", VarianceScaling({.mode = "fan"}));
  EXPECT_NO_THROW(Dense(3, {.activation = nullptr}));
}

TEST(MisspeltNames, OfCompile) {
  const auto x = Input(4);
  const Model one(x, Dense(3)(x));
  const Model two(x, {Dense(3, {.name = "a"})(x), Dense(1, {.name = "b"})(x)});
  const std::string name = "mseee";
  EXPECT_LINE("'adam'?", one.compile({.optimizer = "adamm", .loss = "mse"}));
  EXPECT_LINE("'mse'?", one.compile({.loss = "mseee"}));
  EXPECT_LINE("'mse'?", one.compile({.loss = name}));
  const std::vector<std::string> metrics = {"mse", "accuracyy"};
  EXPECT_LINE("'accuracy'?", one.compile({.loss = "mse", .metrics = metrics}));
  EXPECT_LINE("'fuse_dense'?", one.compile({.loss = "mse", .disabled_passes = {"fuse_dence"}}));
  EXPECT_LINE("'mse'?", one.compile({.loss = {"mseee"}}));
  EXPECT_LINE("'mean'?", one.compile({.loss = losses::Huber({.reduction = "meen"})}));
  EXPECT_LINE("'accuracy'?", one.compile({.loss = "mse", .metrics = "accuracyy"}));
  EXPECT_LINE("'accuracy'?", one.compile({.loss = "mse", .metrics = {"accuracyy"}}));
  EXPECT_LINE("'accuracy'?", one.compile({.loss = "mse", .metrics = {"mse", "accuracyy"}}));
  EXPECT_LINE("'mse'?", one.compile({.loss = "mse", .weighted_metrics = {name}}));
  EXPECT_LINE("'ROC'?", one.compile({.loss = "mse", .metrics = metrics::AUC({.curve = "ROCC"})}));
  EXPECT_LINE("'reference'?", one.compile({.loss = "mse", .backend = "referenc"}));
  EXPECT_LINE("'bfloat16'?", one.compile({.loss = "mse", .mixed_precision = "bfloat"}));
  EXPECT_LINE("'mse'?", two.compile({.loss = {{"a", "mse"}, {"b", "mseee"}}}));
  EXPECT_LINE("'mse'?", two.compile({.loss = {"mse", "mseee"}}));
  EXPECT_LINE("output", two.compile({.loss = {{"a", "mse"}, {"c", "mse"}}}));
  EXPECT_LINE("'mae'?", two.compile({.loss = "mse", .metrics = {{"a", "mse"}, {"b", "maee"}}}));
  EXPECT_LINE("loss_weights", two.compile({.loss = "mse", .loss_weights = {{"probs", 0.5}}}));
  // What was written over several lines: that of the name.
  // clang-format off
  const int line = __LINE__ + 3;
  const auto result = names_line(line, "'mse'?", [&] {
    one.compile({.optimizer = "adam",
                 .loss = "mseee",
                 .metrics = {"mae"}});
  });
  // clang-format on
  EXPECT_TRUE(result);
}

TEST(MisspeltNames, OfWhatIsAskedFor) {
  const auto x = Input(4);
  const Model model(x, Dense(3, {.name = "probs"})(x));
  EXPECT_LINE("'probs'?", model.get_layer("prob"));
  EXPECT_LINE("'kernel'?", model.get_layer("probs").weight("kernal"));
  EXPECT_LINE("'reference'?", set_backend("referenc"));
  EXPECT_LINE("'max'?", EarlyStopping({.mode = "maxx"}));
  EXPECT_LINE("'min'?", ReduceLROnPlateau({.mode = "mn"}));
  EXPECT_LINE("'auto'?", ModelCheckpoint("m.sinter", {.mode = "auot"}));
}

}  // namespace
}  // namespace sinter
