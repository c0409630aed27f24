// Exported code in programs that are not Sinter's: C, C++, Python, and what it needs of the system.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>
#include <sstream>

#include "core/file_io.h"
#include "frontend/sinter.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

constexpr int64_t kIn = 24, kOut = 6, kRows = 5;

class ExportPrograms : public ::testing::Test {
 protected:
  ExportPrograms() {
    clear_session();
    const KerasTensor x = Input({kIn});
    KerasTensor h = Dense(40, "swish")(x);
    h = LayerNormalization()(h);
    model_.emplace(x, Dense(kOut, "softmax")(h));
    set_backend("llvm");
    x_ = Tensor(DType::kFloat32, {kRows, kIn});
    for (int64_t i = 0; i < x_.shape().elements(); ++i)
      x_.data<float>()[static_cast<size_t>(i)] =
          static_cast<float>(std::sin(0.1 * static_cast<double>(i * i)));
    y_ = model_->predict(x_, {.batch_size = 1});
    write_file_atomically(folder_.file("x"), bytes_of(x_));
    set_backend("auto");
  }

  NativeFiles write(const std::string& emit, ExportOptions options = {}) {
    options.emit = emit;
    return model_->export_native(folder_.file("net"), options);
  }
  static std::string bytes_of(const Tensor& t) {
    return {static_cast<const char*>(t.raw()), static_cast<size_t>(t.bytes())};
  }
  // In the folder.
  ProcessResult shell(const std::string& command) const {
    return run_process({"/bin/sh", "-c", "cd " + folder_.path() + " && " + command});
  }
  static std::string program(const std::string& name) {
    return SINTER_SOURCE_DIR "/tests/export/programs/" + name;
  }
  static std::string sizes() {
    return " -DCOLUMNS_IN=" + std::to_string(kIn) + " -DCOLUMNS_OUT=" + std::to_string(kOut) + " ";
  }

  TemporaryFolder folder_;
  std::optional<Model> model_;
  Tensor x_, y_;
};

constexpr const char* kC = "cc -std=c11 -Wall -Wextra -Wconversion -Wpedantic -Werror -O1 -I. ";

TEST_F(ExportPrograms, CWithTheObject) {
  write("object");
  ProcessResult r = shell(kC + sizes() + program("predict.c") + " net.o -lm -o predict");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  r = shell("./predict < x > y");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_EQ(read_file(folder_.file("y")), bytes_of(y_));
}

TEST_F(ExportPrograms, CWithTheLibraries) {
  write("static");
  ProcessResult r =
      shell(kC + sizes() + program("predict.c") + " net.a -lm -o predict && ./predict < x");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_EQ(r.out, bytes_of(y_));
  write("shared");
  r = shell(kC + sizes() + program("predict.c") +
            " -o predict ./net.so && LD_LIBRARY_PATH=. ./predict < x");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_EQ(r.out, bytes_of(y_));
}

// Threads of the program's own work on a call: the bits of predict() at the whole batch.
TEST_F(ExportPrograms, CWithThreads) {
  constexpr int64_t kMany = 256;
  clear_session();
  const KerasTensor in = Input({96});
  KerasTensor h = Dense(256, "tanh")(in);
  h = BatchNormalization()(h);
  h = Dense(256, "relu")(h);
  const Model model(in, Dense(kOut, "softmax")(h));
  set_backend("llvm");
  Tensor x(DType::kFloat32, {kMany, 96});
  for (int64_t i = 0; i < x.shape().elements(); ++i)
    x.data<float>()[static_cast<size_t>(i)] =
        static_cast<float>(std::cos(0.3 * static_cast<double>(i % 997)));
  const Tensor y = model.predict(x, {.batch_size = kMany});
  set_backend("auto");
  write_file_atomically(folder_.file("rows"), bytes_of(x));
  const std::string built = " -pthread -DCOLUMNS_IN=" + std::to_string(96 * kMany) +
                            " -DCOLUMNS_OUT=" + std::to_string(kOut * kMany) + " " +
                            program("threads.c");
  for (const int64_t threads : {2, 5}) {
    model.export_native(folder_.file("net"), {.batches = {kMany}, .threads = threads});
    const ProcessResult r = shell(kC + built + " net.o -lm -o threads && ./threads < rows");
    ASSERT_EQ(r.exit_code, 0) << r.err;
    EXPECT_EQ(r.out, bytes_of(y));
  }
  model.export_native(folder_.file("net"), {.emit = "c", .batches = {kMany}, .threads = 3});
  const ProcessResult r = shell(kC + built + " net.c -lm -o threads && ./threads < rows");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  ASSERT_EQ(r.out.size(), bytes_of(y).size());
  for (int64_t i = 0; i < y.shape().elements(); ++i)
    ASSERT_NEAR(reinterpret_cast<const float*>(r.out.data())[i], y.at(i), 1e-5);
}

TEST_F(ExportPrograms, AMillionRunsMakeNoSystemCall) {
  write("object");
  const std::string built = "cc -std=gnu11 -Wall -Wextra -Werror -O1 -I. " + sizes() +
                            program("realtime.c") + " net.o -lm -o realtime && ./realtime < x";
  ProcessResult r = shell("cc -DMAKES_ONE" + built.substr(2));
  ASSERT_EQ(r.exit_code, 128 + SIGSYS) << r.err;  // the guard sees what there is
  r = shell(built);
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.out, ::testing::MatchesRegex(
                         "1000000 runs: p50 [0-9]+ ns, p99.9 [0-9]+ ns, maximum [0-9]+ ns\n"));
  std::cout << r.out;
}

// Names of a model and of its inputs end no comment, are no macro and hide nothing.
TEST_F(ExportPrograms, NamesThatWouldNotCompile) {
  clear_session();
  std::vector<KerasTensor> inputs;
  std::istringstream names(
      "pool workspace compl constexpr nullptr float int64_t size_t NAN linux VECTORS INLINE check "
      "workspace_ pool_ net_predict net_predict_code net_parallel_for net_THREADS std a-b a_b 2 "
      "na\u00efve */ //");
  for (std::string name; names >> name;) inputs.push_back(Input({2}, {.name = name}));
  const Model model(inputs, {Dense(1)(Add()(inputs))}, "a */ #error b");
  for (const char* emit : {"object", "c"}) {
    model.export_native(folder_.file("net"), {.emit = emit, .threads = 2});
    const ProcessResult r = shell(
        "cc -std=c11 -Wall -Wextra -Werror -x c -fsyntax-only net.h && "
        "cc -std=gnu11 -Wall -Wextra -Werror -x c -fsyntax-only net.h && "
        "c++ -std=gnu++20 -Wall -Wextra -Werror -x c++ -fsyntax-only net.hpp");
    EXPECT_EQ(r.exit_code, 0) << r.err;
  }
  const ProcessResult r = shell("cc -std=gnu11 -Wall -Wextra -Werror -O0 -c net.c");
  EXPECT_EQ(r.exit_code, 0) << r.err;
}

// Where its numbers would be others, C does not compile.
TEST_F(ExportPrograms, CRefusesOtherArithmetic) {
  write("c");
  for (const auto& [flags, why] :
       {std::pair{"", ""},
        {"-ffast-math", "compile without -ffast-math"},
        {"-funsafe-math-optimizations", "compile without -ffast-math and its parts"},
        {"-fno-signed-zeros", "compile without -ffast-math and its parts"},
        {"-ffinite-math-only", "compile without -ffinite-math-only"},
        {"-mfpmath=387", "compile with -msse2 -mfpmath=sse"},
        {"-U__BYTE_ORDER__ -D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__", "little-endian machines"}}) {
    const ProcessResult r = shell("cc -w -fsyntax-only " + std::string(flags) + " net.c");
    EXPECT_EQ(r.exit_code == 0, std::string(why).empty()) << flags << "\n" << r.err;
    EXPECT_THAT(r.err, ::testing::HasSubstr(why)) << flags;
  }
}

// What is written as text is what an assembler makes the object of.
TEST_F(ExportPrograms, CWithTheAssembly) {
  write("assembly");
  const ProcessResult r =
      shell(kC + sizes() + program("predict.c") + " net.s -lm -o predict && ./predict < x");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_EQ(r.out, bytes_of(y_));
  write("llvm-ir");
  const std::string ir = read_file(folder_.file("net.ll"));
  EXPECT_NE(ir.find("i32 @net_predict(ptr"), std::string::npos) << ir.size() << " bytes";
}

// Nothing but the program itself is there: no library, no /proc, no /dev.
TEST_F(ExportPrograms, InAnEmptyFolderThatIsTheRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may change the root folder: not tested";
  write("object");
  ProcessResult r = shell("mkdir root && " + std::string(kC) + sizes() + program("predict.c") +
                          " net.o -static -lm -o root/predict");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  r = shell("chroot root /predict < x");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_EQ(r.out, bytes_of(y_));
}

TEST_F(ExportPrograms, TheHeaderIsCAndCxx) {
  write("object", {.batches = {1, 8}, .training = false});
  for (const std::string command :
       {"cc -std=c99 -Wall -Wextra -Wpedantic -Werror -x c -fsyntax-only net.h",
        "cc -std=c11 -Wall -Wextra -Wconversion -Werror -x c -fsyntax-only net.h",
        "c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -x c++ -fsyntax-only net.h"}) {
    const ProcessResult r = shell(command);
    EXPECT_EQ(r.exit_code, 0) << command << "\n" << r.err;
  }
}

TEST_F(ExportPrograms, PythonsCtypes) {
  write("shared");
  if (shell("command -v python3").exit_code != 0) GTEST_SKIP() << "no python3: not tested";
  std::ofstream(folder_.file("predict.py")) << R"(
import ctypes, sys
net = ctypes.CDLL("./net.so")
net.net_workspace_size.restype = ctypes.c_size_t
size = net.net_workspace_size()
memory = ctypes.create_string_buffer(size + 64)
workspace = ctypes.c_void_p((ctypes.addressof(memory) + 63) // 64 * 64)
data = open("x", "rb").read()
out = open("y", "wb")
row = 4 * )" << kIn << R"(
y = (ctypes.c_float * )" << kOut << R"()()
for at in range(0, len(data), row):
    x = ctypes.create_string_buffer(data[at:at + row], row)
    assert net.net_predict(x, y, workspace) == 0
    out.write(bytes(y))
)";
  const ProcessResult r = shell("python3 predict.py");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_EQ(read_file(folder_.file("y")), bytes_of(y_));
}

// No allocation, no lock, no system call: there is nothing that could make one.
TEST_F(ExportPrograms, TheObjectNeedsNothingButMathematics) {
  for (const bool training : {false, true}) {
    if (training) model_->compile({.optimizer = "adam", .loss = "mse"});
    write("object", {.training = training});
    const ProcessResult r = shell("nm -u net.o");
    ASSERT_EQ(r.exit_code, 0) << r.err;
    std::istringstream lines(r.out);
    const std::regex known(
        "(mem(cpy|move|set)|(sin|cos|pow|fmod|erf|floor|ceil|trunc|rint|nearbyint|roundeven)f?|_"
        "GLOBAL_OFFSET_TABLE_)");
    for (std::string type, name; lines >> type >> name;)
      EXPECT_TRUE(std::regex_match(name, known)) << name;
  }
}

TEST_F(ExportPrograms, TheLibraryNeedsNothingButTheSystems) {
  const NativeFiles files = write("shared");
  const ProcessResult r = shell("readelf -dW net.so && readelf -lW net.so");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  const std::regex needed("NEEDED[^\\[]*\\[([^\\]]*)");
  for (std::sregex_iterator it(r.out.begin(), r.out.end(), needed), end; it != end; ++it)
    EXPECT_TRUE((*it)[1] == "libc.so.6" || (*it)[1] == "libm.so.6") << (*it)[1];
  EXPECT_FALSE(std::regex_search(r.out, std::regex("GNU_STACK.*RWE"))) << r.out;
  // Its weights and at most 64 KiB.
  const auto size = static_cast<int64_t>(std::filesystem::file_size(files.code));
  int64_t weights = 0;
  for (const Tensor& w : model_->get_weights()) weights += w.bytes();
  EXPECT_LE(size, weights + (64 << 10));
}

}  // namespace
}  // namespace sinter::testing
