// Lists that users get check what stands in brackets, and count from the end.
#include "frontend/list.h"

#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <algorithm>

#include "tests/support/error_of.h"
#include "tests/support/without_line.h"

namespace sinter::testing {
namespace {

TEST(List, CountsFromTheEndAndChecks) {
  List<double> list = {1, 2, 3};
  EXPECT_EQ(list[0], 1);
  EXPECT_EQ(list[size_t{2}], 3);
  EXPECT_EQ(list[-1], 3);
  EXPECT_EQ(list[-3], 1);
  EXPECT_EQ(list.at(-2), 2);
  EXPECT_EQ(list.front(), 1);
  EXPECT_EQ(list.back(), 3);
  list[-1] = 4;
  EXPECT_EQ(list, (std::vector<double>{1, 2, 4}));
  const std::string three =
      "there is no element 3 in a list of 3 elements: 0 to 2, or -1 to -3 "
      "from the end";
  EXPECT_EQ(without_line(error_of([&] { (void)list[3]; })), three);
  EXPECT_EQ(without_line(error_of([&] { (void)list.at(3); })), three);
  EXPECT_EQ(without_line(error_of([&] { (void)list[-4]; })),
            "there is no element -4 in a list of 3 elements: 0 to 2, or -1 to -3 from the end");
  const List<double> none;
  EXPECT_EQ(without_line(error_of([&] { (void)none.back(); })),
            "there is no element -1 in a list of 0 elements");
  EXPECT_EQ(without_line(error_of([&] { (void)none.front(); })),
            "there is no element 0 in a list of 0 elements");
  EXPECT_EQ(error_of([&] { (void)none[0]; }).find("list_test.cc:"), 0u);
}

TEST(List, IsAVectorToo) {
  const auto sum = [](const std::vector<double>& values) {
    double all = 0;
    for (const double value : values) all += value;
    return all;
  };
  List<double> list = std::vector<double>{3, 1};
  list.push_back(2);
  EXPECT_EQ(sum(list), 6);
  EXPECT_EQ(*std::max_element(list.begin(), list.end()), 3);
  std::vector<double> copy = list;
  EXPECT_EQ(copy.size(), 3u);
  list = {1};
  EXPECT_EQ(list.size(), 1u);
}

TEST(List, IsWhatModelsAndHistoriesGive) {
  clear_session();
  set_backend("reference");
  const auto x = Input(2);
  const Model model(x, Dense(1, {.name = "last"})(Dense(3, {.name = "first"})(x)));
  EXPECT_EQ(model.layers()[-1].name(), "last");
  EXPECT_EQ(model.layers()[-2].name(), "first");
  EXPECT_THROW((void)model.layers()[3], Error);
  EXPECT_EQ(model.weights()[-1]->name, "bias");
  EXPECT_THROW((void)model.trainable_variables()[4], Error);
  EXPECT_EQ(model.get_weights()[-1].shape(), Shape{1});
  EXPECT_EQ(model.layers()[-1].get_weights()[0].shape()[-1], 1);
  EXPECT_EQ(model.outputs()[-1].shape(), (Shape{kBatch, 1}));
  EXPECT_EQ(model.output_names()[-1], "last");
  model.compile({.optimizer = SGD(0.1), .loss = "mse"});
  EXPECT_EQ(model.metrics_names()[-1], "loss");
  const Tensor rows = Tensor::full(float32, {4, 2}, 1), labels = Tensor::full(float32, {4, 1}, 1);
  const History history = model.fit(rows, labels, {.epochs = 3, .verbose = 0});
  EXPECT_EQ(history["loss"][-1], history["loss"].back());
  EXPECT_EQ(history["loss"][-3], history["loss"][0]);
  EXPECT_EQ(history.history["loss"][-1], history["loss"].at(2));
  EXPECT_EQ(history.epoch[-1], 2);
  EXPECT_THROW((void)history["loss"][3], Error);
  EXPECT_THROW((void)history.history.at("loss")[-4], Error);
  const std::vector<double>& values = history["loss"];
  EXPECT_EQ(values.size(), 3u);
  EXPECT_EQ(model.predict_all(rows)[-1].shape(), (Shape{4, 1}));
  EXPECT_THROW((void)model.predict_all(rows)[1], Error);
  set_backend("auto");
}

// A shape counts from the end, as Python's does.
TEST(Shapes, BracketsCheck) {
  Shape shape = {2, 3, 5};
  EXPECT_EQ(shape[-1], 5);
  EXPECT_EQ(shape[-3], 2);
  EXPECT_THROW((void)shape[3], ShapeError);
  EXPECT_THROW((void)shape[-4], ShapeError);
  EXPECT_THROW(shape[3] = 1, ShapeError);
  shape[-1] = 7;
  EXPECT_EQ(shape, (Shape{2, 3, 7}));
  EXPECT_THROW((void)Shape{}[0], ShapeError);
}

}  // namespace
}  // namespace sinter::testing
