// Several networks know more than one: the average of networks that differ in their first weights,
// and of networks that saw other samples of the images (bagging; Breiman, "Bagging predictors",
// 1996). With few images both are better than their members.
#include <sinter/sinter.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

using namespace sinter;

namespace {

constexpr int kMembers = 7;
constexpr int64_t kImages = 120;

Model trained(const Tensor& x, const Tensor& y) {
  auto X = Input({784});
  auto H = Dense(64, "relu")(X);
  H = Dense(64, "relu")(H);
  Model model(X, Dense(10, "softmax")(H));
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy"});
  model.fit(x, y, {.epochs = 25, .batch_size = 32, .verbose = 0});
  return model;
}

double accuracy(const Tensor& y, const Tensor& predicted) {
  const Tensor matrix = confusion_matrix(y, predicted);
  double right = 0, all = 0;
  for (int64_t i = 0; i < matrix.elements(); ++i) {
    all += matrix.at(i);
    if (i / 10 == i % 10) right += matrix.at(i);
  }
  return right / all;
}

// With replacement: some images several times, others never.
std::vector<int64_t> sample(std::mt19937& generator) {
  std::uniform_int_distribution<int64_t> pick(0, kImages - 1);
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < kImages; ++i) rows.push_back(pick(generator));
  return rows;
}

Tensor chosen(const Tensor& tensor, const std::vector<int64_t>& rows) {
  const int64_t width = tensor.shape()[1];
  Tensor result(float32, {static_cast<int64_t>(rows.size()), width});
  float* to = result.data<float>().data();
  for (const int64_t row : rows) {
    const auto from = tensor.data<float>().subspan(static_cast<size_t>(row * width));
    to = std::copy_n(from.begin(), width, to);
  }
  return result;
}

}  // namespace

int main() {
  auto [train, test] = datasets::letters();
  const Tensor x = train.x.rows(0, kImages), y = train.y.rows(0, kImages);
  std::mt19937 generator(0);
  std::puts("                 average of a member  together  gain");
  for (const bool bagging : {false, true}) {
    clear_session();
    Tensor sum = Tensor::full(float32, {test.x.shape()[0], 10}, 0);
    double alone = 0;
    for (int i = 0; i < kMembers; ++i) {
      const std::vector<int64_t> rows = sample(generator);
      const Model model = bagging ? trained(chosen(x, rows), chosen(y, rows)) : trained(x, y);
      const Tensor predicted = model.predict(test.x);
      alone += accuracy(test.y, predicted) / kMembers;
      for (int64_t k = 0; k < sum.elements(); ++k)
        sum.set(k, sum.at(k) + predicted.at(k) / kMembers);
    }
    const double together = accuracy(test.y, sum);
    std::printf("%-16s %18.1f%%  %7.1f%%  %+.1f\n", bagging ? "bagging" : "same images",
                100 * alone, 100 * together, 100 * (together - alone));
    if (together < alone) return 1;
  }
}
