// Exported code for machines of other kinds, run by emulators: what predict() and train_on_batch()
// give here, within what another order of sums changes.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/file_io.h"
#include "frontend/sinter.h"
#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

// In the README, too.
constexpr double kTolerance = 1e-5;

#define PROGRAMS SINTER_SOURCE_DIR "/tests/export/programs/"

struct TargetCase {
  std::string name, target;  // no target: as C
  std::string needs;         // programs
  std::string packages;      // where they come from
  std::string compile;       // "" for WebAssembly
  std::string run;
  std::string cpu = "native";
  std::string optimization = "-O1";
  friend void PrintTo(const TargetCase& c, std::ostream* out) { *out << c.name; }
};

const std::vector<TargetCase> kTargets = {
    {"aarch64", "aarch64-linux-gnu", "aarch64-linux-gnu-gcc qemu-aarch64",
     "gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user", "aarch64-linux-gnu-gcc -static",
     "qemu-aarch64"},
    {"riscv64", "riscv64-linux-gnu", "riscv64-linux-gnu-gcc qemu-riscv64",
     "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-user", "riscv64-linux-gnu-gcc -static",
     "qemu-riscv64"},
    {"riscv64_vectors", "riscv64-linux-gnu", "riscv64-linux-gnu-gcc qemu-riscv64",
     "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-user", "riscv64-linux-gnu-gcc -static",
     "qemu-riscv64 -cpu rv64,v=true,vext_spec=v1.0,vlen=128", "generic-rv64,+m,+a,+f,+d,+c,+v"},
    {"cortex_m7", "arm-none-eabi", "arm-none-eabi-gcc qemu-system-arm",
     "gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm",
     "arm-none-eabi-gcc -mcpu=cortex-m7 -mfpu=fpv5-d16 -mfloat-abi=hard --specs=rdimon.specs "
     "-T " PROGRAMS "cortex_m.ld " PROGRAMS "cortex_m.c",
     "qemu-system-arm -M mps2-an500 -display none -serial none -monitor none "
     "-semihosting-config enable=on,target=native -kernel"},
    {"wasm32", "wasm32", "node wasm-ld-19", "nodejs lld-19", "", "node"},
    {"x86_64", "x86_64-linux-gnu", "cc", "gcc", "cc", "", "haswell"},
    {"c_by_gcc", "", "gcc", "gcc", "gcc -Wconversion -march=native", "", "native",
     "-O2 -std=gnu11"},
    {"c_by_clang", "", "clang", "clang", "clang -Wconversion", "", "x86-64-v3"},
    {"c_checked", "", "gcc", "gcc",
     "gcc -Wconversion -fsanitize=address,undefined -fno-sanitize-recover=all", "", "x86-64-v3"},
    {"c_without_vectors", "", "gcc", "gcc", "gcc -Wconversion -DPLAIN_C", "", "x86-64", "-O0"},
    {"c_for_aarch64", "", "aarch64-linux-gnu-gcc qemu-aarch64",
     "gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user",
     "aarch64-linux-gnu-gcc -Wconversion -static", "qemu-aarch64", "x86-64"},
};

std::string bytes_of(const Tensor& t) {
  return {static_cast<const char*>(t.raw()), static_cast<size_t>(t.bytes())};
}

std::vector<float> floats(const std::string& bytes) {
  std::vector<float> result(bytes.size() / sizeof(float));
  std::memcpy(result.data(), bytes.data(), result.size() * sizeof(float));
  return result;
}

// Numbers between -2 and 2.
Tensor waves(const Shape& shape, int64_t step = 0) {
  Tensor t(DType::kFloat32, shape);
  for (int64_t i = 0; i < shape.elements(); ++i)
    t.data<float>()[static_cast<size_t>(i)] =
        static_cast<float>(2 * std::sin(0.37 * static_cast<double>(i * i % 1009 + 31 * step)));
  return t;
}

class ExportTargets : public ::testing::TestWithParam<TargetCase> {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(11);
    for (const std::string& program : split(GetParam().needs)) {
      if (run_process({"/bin/sh", "-c", "command -v " + program}).exit_code != 0)
        GTEST_SKIP() << program << " is not installed (" << GetParam().packages << "): NOT TESTED";
    }
  }

  static std::vector<std::string> split(const std::string& words) {
    std::istringstream stream(words);
    return {std::istream_iterator<std::string>(stream), {}};
  }
  bool is_wasm() const { return GetParam().compile.empty(); }
  bool is_c() const { return GetParam().target.empty(); }

  // `program` ("predict") with the exported model, on `input`.
  std::string run(const Model& model, ExportOptions options, const std::string& program,
                  const std::string& definitions, const std::string& numbers,
                  const std::string& input) {
    options.target = GetParam().target;
    options.cpu = GetParam().cpu;
    options.emit = is_wasm() ? "wasm" : is_c() ? "c" : "object";
    options.name = "net";
    model.export_native(folder_.file("net"), options);
    write_file_atomically(folder_.file("input"), input);
    std::string command = "cd " + folder_.path() + " && ";
    if (is_wasm()) {
      command += "node " PROGRAMS + program + ".mjs . " + numbers;
    } else {
      command += GetParam().compile + " -std=c11 -Wall -Wextra -Werror " + GetParam().optimization +
                 " -I. " + definitions + " " PROGRAMS + program +
                 (is_c() ? ".c net.c" : ".c net.o") + " -lm -o program && " + GetParam().run +
                 " ./program";
    }
    const ProcessResult r = run_process({"/bin/sh", "-c", command + " < input"});
    EXPECT_EQ(r.exit_code, 0) << command << "\n" << r.err;
    return r.out;
  }

  static void expect_near(const std::vector<float>& found, const Tensor& expected) {
    ASSERT_EQ(static_cast<int64_t>(found.size()), expected.shape().elements());
    for (size_t i = 0; i < found.size(); ++i) {
      const double wanted = expected.at(static_cast<int64_t>(i));
      ASSERT_NEAR(found[i], wanted, kTolerance * (1 + std::abs(wanted))) << "element " << i;
    }
  }

  void expect_predictions(const Model& model, const Shape& row) {
    constexpr int64_t kRows = 3;
    std::vector<int64_t> dims = {kRows};
    for (const int64_t d : row.dims()) dims.push_back(d);
    const Tensor x = waves(Shape(dims));
    const Tensor y = model.predict(x, {.batch_size = 1});
    const int64_t in = row.elements(), out = y.shape().elements() / kRows;
    expect_near(
        floats(run(model, {}, "predict",
                   "-DCOLUMNS_IN=" + std::to_string(in) + " -DCOLUMNS_OUT=" + std::to_string(out),
                   std::to_string(in), bytes_of(x))),
        y);
  }

  TemporaryFolder folder_;
};

TEST_P(ExportTargets, APerceptron) {
  const KerasTensor x = Input({41});
  KerasTensor h = Dense(70, "swish")(x);
  h = LayerNormalization()(h);
  expect_predictions(Model(x, Dense(7, "softmax")(h)), {41});
}

TEST_P(ExportTargets, Convolutions) {
  const KerasTensor x = Input({14, 14, 3});
  KerasTensor h = Conv2D(16, 3, {.padding = "same", .activation = "relu"})(x);
  h = Conv2D(16, 3, {.padding = "same"})(h);  // Winograd's, where it is taken
  h = BatchNormalization()(h);
  h = MaxPooling2D(2)(h);
  h = DepthwiseConv2D(3, {.activation = "gelu"})(h);
  h = Conv2D(8, 3, {.strides = {2, 2}})(h);
  expect_predictions(Model(x, Dense(5)(Flatten()(h))), {14, 14, 3});
}

// Whatever kernels compute with, casts and libm's functions included.
TEST_P(ExportTargets, EveryActivation) {
  const KerasTensor x = Input({19});
  std::vector<KerasTensor> all;
  for (const char* name : {"relu", "relu6", "leaky_relu", "sigmoid", "tanh", "softplus", "softsign",
                           "selu", "elu", "exponential", "gelu", "swish", "mish", "log_softmax",
                           "softmax", "hard_sigmoid", "log_sigmoid"})
    all.push_back(Activation(name)(x));
  all.push_back(sin(x) + cos(x));
  all.push_back(pow(abs(x), 1.7));
  all.push_back(floor(x) + ceil(x) * round(x) + sign(x));
  all.push_back(sqrt(abs(x)) + log(abs(x) + 1.0) + erf(x));
  all.push_back(cast(cast(x, DType::kBFloat16), DType::kFloat32));
  all.push_back(cast(cast(x, DType::kFloat16), DType::kFloat32));
  all.push_back(cast(cast(x * 30.0, DType::kInt8), DType::kFloat32));
  all.push_back(cast(cast(x * 3000.0, DType::kInt64), DType::kFloat32));
  all.push_back(cast(exp(cast(x, DType::kFloat64)), DType::kFloat32));
  all.push_back(cast(erf(cast(x, DType::kFloat64)), DType::kFloat32));
  all.push_back(sqrt(x * x - maximum(x, -x) *
                                 maximum(x, -x)));  // 0 where products are rounded, otherwise NaN
  const KerasTensor narrow = cast(abs(x * 100.0), DType::kUint8);
  all.push_back(cast(narrow * narrow, DType::kFloat32));
  expect_predictions(Model(x, Concatenate()(all)), {19});
}

TEST_P(ExportTargets, TrainingSteps) {
  constexpr int64_t kRows = 8, kIn = 12, kOut = 3, kSteps = 20;
  const KerasTensor x = Input({kIn});
  KerasTensor h = Dense(33, "relu")(x);
  h = Dropout(0.25)(h);
  const Model model(x, Dense(kOut, "softmax")(h));
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy"});
  std::string input;
  std::vector<std::pair<Tensor, Tensor>> batches;
  for (int64_t step = 0; step < kSteps; ++step) {
    Tensor labels(DType::kFloat32, {kRows, kOut});
    for (int64_t r = 0; r < kRows; ++r)
      labels.data<float>()[static_cast<size_t>(kOut * r + (r + step) % kOut)] = 1;
    batches.emplace_back(waves({kRows, kIn}, step), labels);
    input += bytes_of(batches.back().first) + bytes_of(labels);
  }
  const std::string numbers =
      std::to_string(kRows) + " " + std::to_string(kIn) + " " + std::to_string(kOut);
  const std::vector<float> found =
      floats(run(model, {.batches = {kRows}, .training = true}, "train",
                 "-DROWS=" + std::to_string(kRows) + " -DCOLUMNS_IN=" + std::to_string(kIn) +
                     " -DCOLUMNS_OUT=" + std::to_string(kOut),
                 numbers, input));
  ASSERT_EQ(static_cast<int64_t>(found.size()), kSteps + kRows * kOut);
  for (int64_t step = 0; step < kSteps; ++step) {
    const auto& [of_x, of_y] = batches[static_cast<size_t>(step)];
    ASSERT_NEAR(found[static_cast<size_t>(step)], model.train_on_batch(of_x, of_y).loss(), 1e-4)
        << step;
  }
  const Tensor y = model.predict(batches.back().first);
  for (int64_t i = 0; i < kRows * kOut; ++i)
    ASSERT_NEAR(found[static_cast<size_t>(kSteps + i)], y.at(i), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Targets, ExportTargets, ::testing::ValuesIn(kTargets),
                         [](const auto& info) { return info.param.name; });

// A module finds its file whatever that is called.
TEST(ExportWasm, NamesThatUrlsEncode) {
  if (run_process({"/bin/sh", "-c", "command -v node && command -v wasm-ld-19"}).exit_code != 0)
    GTEST_SKIP() << "needs node and wasm-ld-19: NOT TESTED";
  clear_session();
  const TemporaryFolder folder;
  const KerasTensor x = Input({4});
  const Model model(x, x * 2.0);
  model.export_native(folder.file("a #1%41'?\u00fc"), {.emit = "wasm", .name = "net"});
  write_file_atomically(folder.file("run.mjs"), R"js(
import fs from "node:fs";
import {pathToFileURL} from "node:url";
const file = fs.readdirSync(".").find((name) => name.endsWith(".mjs") && name !== "run.mjs");
const text = fs.readFileSync(file, "utf8"), here = pathToFileURL("./");
const wasm = new URL(text.match(/new URL\("(.*)", import/)[1], here);
const {Model} = await import(new URL(text.match(/from "(.*)"/)[1], here));
console.log((await Model.load(wasm)).predict(new Float32Array([1, 2, 3, 4])).join());
)js");
  const ProcessResult r =
      run_process({"/bin/sh", "-c", "cd " + folder.path() + " && node run.mjs"});
  EXPECT_EQ(r.out, "2,4,6,8\n") << r.err;
}

std::string refusal(const ExportOptions& options) {
  clear_session();
  const TemporaryFolder folder;
  const KerasTensor x = Input({4});
  const Model model(x, Dense(2)(x));
  return error_of([&] { model.export_native(folder.file("net"), options); });
}

TEST(ExportTargetErrors, Names) {
  EXPECT_NE(
      refusal({.target = "mips"})
          .find(
              "unknown target 'mips'. Known: aarch64-linux-gnu, arm-none-eabi, riscv64-linux-gnu, "
              "wasm32, x86_64-linux-gnu"),
      std::string::npos);
  EXPECT_NE(refusal({.cpu = "skylark"}).find("unknown CPU 'skylark' of x86_64"), std::string::npos);
  EXPECT_NE(refusal({.cpu = "x86-64-v5"}).find("did you mean 'x86-64-v2'? Names are LLVM's"),
            std::string::npos);
  EXPECT_NE(
      refusal({.cpu = "cortex-a7d", .target = "aarch64-linux-gnu"})
          .find("unknown CPU 'cortex-a7d' of aarch64-unknown-linux-gnu; did you mean 'cortex-a7"),
      std::string::npos);
  EXPECT_NE(refusal({.cpu = "generic-rv64,v", .target = "riscv64-linux-gnu"})
                .find("unknown feature 'v' of riscv64-unknown-linux-gnu: features are LLVM's, "
                      "behind + or -"),
            std::string::npos);
  EXPECT_NE(refusal({.emit = "wasm", .target = "riscv64-linux-gnu"})
                .find("export_native: wasm is for the target wasm32, found 'riscv64-linux-gnu'"),
            std::string::npos);
  EXPECT_NE(refusal({.emit = "shared", .target = "arm-none-eabi"})
                .find("export_native: arm-none-eabi loads no shared libraries; emit \"object\""),
            std::string::npos);
}

}  // namespace
}  // namespace sinter::testing
