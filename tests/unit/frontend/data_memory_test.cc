// Data are converted and shuffled batch by batch, whatever their type: fit, evaluate and predict
// never have a second copy of all rows.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cstring>
#include <fstream>
#include <string>

namespace sinter {
namespace {

#if !defined(__SANITIZE_ADDRESS__)  // which keeps what is freed

/// The most memory this process has had since forget_peak(), in bytes.
int64_t peak() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") {
      int64_t kibibytes = 0;
      status >> kibibytes;
      return kibibytes << 10;
    }
  }
  return 0;
}

bool forget_peak() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

class DataMemory : public testing::TestWithParam<DType> {};

TEST_P(DataMemory, HasNoSecondCopy) {
  clear_session();
  if (!forget_peak()) GTEST_SKIP() << "this system does not reset the peak of memory";
  constexpr int64_t kColumns = 64, kBytes = int64_t{48} << 20;
  const int64_t rows = kBytes / kColumns / dtype_size(GetParam());
  Tensor x(GetParam(), {rows, kColumns}), y(float32, {rows, 1});
  std::memset(x.raw(), 0, static_cast<size_t>(x.bytes()));
  std::memset(y.raw(), 0, static_cast<size_t>(y.bytes()));
  const KerasTensor in = Input({kColumns});
  const Model model(in, Dense(1)(in));
  model.compile({.loss = "mse"});
  const auto all = [&](const Tensor& x, const Tensor& y) {
    model.fit(x, y, {.batch_size = 8192, .verbose = 0, .validation_split = 0.25});
    model.evaluate(x, y, {.batch_size = 8192, .verbose = 0});
    model.predict(x, {.batch_size = 8192});
  };
  all(Tensor(GetParam(), {16384, kColumns}), Tensor(float32, {16384, 1}));  // programs are made
  forget_peak();
  const int64_t before = peak();
  all(x, y);
  EXPECT_LT(peak() - before, kBytes / 2);
}

INSTANTIATE_TEST_SUITE_P(DTypes, DataMemory,
                         testing::Values(DType::kUint8, DType::kBool, DType::kInt32, DType::kInt64,
                                         DType::kFloat32, DType::kFloat64),
                         [](const auto& info) { return std::string(dtype_name(info.param)); });

#endif

}  // namespace
}  // namespace sinter
