// A layer that is a member of two: each of these is made of its own settings where a file is loaded
// or a model cloned, so that the member would become two.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <string>

#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;

class Around : public LayerImpl {
 public:
  Around(const std::string& name, Layer inner, SourceLocation where)
      : LayerImpl("tests>Around", name, where), inner_(std::move(inner)) {}
  Config config() const override { return base_config(); }
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    return {inner_(context, inputs[0])};
  }

 private:
  Layer inner_;
};

TEST(SharedMembers, AreNotSaved) {
  clear_session();
  const TemporaryFolder folder;
  const Tensor x = Tensor::full(float32, {3, 4}, 0.5);
  register_layer("tests>Around", [](const Config& config, SourceLocation where) {
    return Layer(
        std::make_shared<Around>(config.get_string("name", ""), Dense(4, {.name = "d"}), where));
  });
  const auto around = [](const char* name, const Layer& inner) {
    return Layer(std::make_shared<Around>(name, inner, SourceLocation::current()));
  };
  const std::string path = folder.file("two.sinter");
  const auto expect_refused = [&](const Model& m, const std::string& one, const std::string& two) {
    const auto is_refused = ::testing::AllOf(HasSubstr("weight 'one/d/kernel' is one of " + one),
                                             HasSubstr(" and of " + two));
    EXPECT_THAT(error_of([&] { m.save(path); }), is_refused);
    EXPECT_THAT(error_of([&] { m.to_json(); }), is_refused);
    EXPECT_THAT(error_of([&] { clone_model(m); }), is_refused);
    EXPECT_EQ(m.get_weights().size(), 2u);
    m.save_weights(folder.file("two.weights.sinter"));
  };
  const auto in = Input(4);
  const Dense shared(4, {.name = "d"});
  const auto h = around("one", shared)(in);
  expect_refused(Model(in, around("two", shared)(h)), "tests>Around 'one' (",
                 "tests>Around 'two' (");
  const auto inner_in = Input(4);
  const Model inner(inner_in, around("three", shared)(inner_in), "inner");
  expect_refused(Model(in, inner(h)), "tests>Around 'one' (", "tests>Around 'three' (");
  expect_refused(Model(in, shared(h)), "tests>Around 'one' (", "Dense 'd' (");
  // One layer that is called twice is one layer.
  const Layer one = around("alone", Dense(4, {.name = "d"}));
  const Model twice(in, one(one(in)));
  twice.save(path);
  EXPECT_TRUE(load_model(path).predict(x).identical(twice.predict(x)));
  EXPECT_EQ(clone_model(twice).count_params(), twice.count_params());
}

}  // namespace
}  // namespace sinter::testing
