// The .sinter container: everything comes back as it was, and no bytes whatever do more than raise
// FileError.
#include "core/model_file.h"
#include "core/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>

#include "core/error.h"
#include "core/file_io.h"
#include "core/model_file_format.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/without_line.h"

namespace sinter {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// An op whose only purpose is an attribute of the two types that no kernel op has.
const OpRecord& annotated_op() {
  if (const OpRecord* known = Registry::global().find("test_annotated")) return *known;
  OpRecord called;
  called.name = "test_called";
  called.min_inputs = called.max_inputs = 1;
  called.attributes = {{"negative_slope", AttributeType::kFloat}, {"flag", AttributeType::kBool}};
  called.shape = [](std::span<const ValueType> in, const Attributes&) {
    return std::vector<ValueType>{in[0]};
  };
  Registry::global().add(std::move(called));
  OpRecord record;
  record.name = "test_annotated";
  record.min_inputs = record.max_inputs = 1;
  record.attributes = {{"call", AttributeType::kOpCall},
                       {"scale", AttributeType::kFloat},
                       {"note", AttributeType::kString}};
  record.shape = [](std::span<const ValueType> in, const Attributes&) {
    return std::vector<ValueType>{in[0]};
  };
  return Registry::global().add(std::move(record));
}

std::shared_ptr<const ScalarExpr> scalar(std::string_view text) {
  return std::make_shared<const ScalarExpr>(ScalarExpr::parse(text));
}

/// A graph with every attribute type in it, symbolic batch, a fused region, updates and origins.
Graph sample_graph() {
  annotated_op();
  Graph body("body");
  const Symbol b = body.input("b", {DType::kFloat32, {kBatch, 3}});
  const Symbol mapped = body.add1(
      "map", {b}, {{"body", scalar("(float32) -> t0 = exp(a0); mul(t0, add(t0, -0:float32))")}});
  body.add_output("y", mapped.id());

  Graph graph("forward");
  const Symbol x = graph.input("x", {DType::kFloat32, {kBatch, 2}});
  const Symbol w = graph.variable("dense/kernel", {DType::kFloat32, {2, 3}});
  const Symbol mask = graph.constant(Tensor::from<uint8_t>({3}, std::vector<uint8_t>{1, 0, 1}));
  const auto origin = std::make_shared<const Origin>(Origin{"dense", "train.cc", 12});
  Symbol h;
  {
    OriginScope scope(graph, origin);
    h = graph.add1(
        "contract", {x, w},
        {{"lhs_contract", std::vector<int64_t>{1}}, {"rhs_contract", std::vector<int64_t>{0}}});
    h = graph.add1("fusion", {h},
                   {{"kind", std::string("map")}, {"body", std::make_shared<const Graph>(body)}});
  }
  const auto call =
      std::make_shared<const Attributes>(Attributes{{"negative_slope", 0.1}, {"flag", true}});
  h = graph.add1("test_annotated", {h},
                 {{"call", OpCall{"test_called", call}},
                  {"scale", -0.0},
                  {"note", std::string("\"a\"\n\0b", 6)}},
                 "noted");
  const Symbol sum = graph.add1(
      "reduce", {w},
      {{"kind", std::string("sum")}, {"axes", std::vector<int64_t>{}}, {"keepdims", true}});
  const Symbol padded = graph.add1(
      "pad", {w},
      {{"low", std::vector<int64_t>{0, 1}}, {"high", std::vector<int64_t>{0, 0}}, {"value", NAN}});
  const Symbol cast = graph.add1("map", {mask}, {{"body", scalar("(uint8) -> cast<bool>(a0)")}});
  graph.add_output("y", h.id());
  graph.add_output("sum", sum.id());
  graph.add_output("padded", padded.id());
  graph.add_output("mask", cast.id());
  graph.add_update(w.id().node,
                   graph.add1("map", {w}, {{"body", scalar("(float32) -> neg(a0)")}}).id());
  return graph;
}

ModelFile sample_file() {
  ModelFile file;
  file.graphs.push_back(sample_graph());
  Graph second("second");
  second.add_output("y", second.input("x", {DType::kInt64, {}}).id());
  file.graphs.push_back(std::move(second));
  file.tensors.push_back(
      {"dense/kernel", Tensor::from<float>({2, 3}, std::vector<float>{1, -0.0f, NAN, 4, 5, 6})});
  file.tensors.push_back(
      {"flags", Tensor::from<uint8_t>({5}, std::vector<uint8_t>{1, 2, 3, 4, 5})});
  file.tensors.push_back({"empty", Tensor(DType::kFloat64, {0, 7})});
  Tensor flags(DType::kBool, {2});
  flags.set(1, 1);
  file.tensors.push_back({"bools", flags});
  file.tensors.push_back({"step", Tensor::scalar<int64_t>(1)});
  file.architecture = R"({"class_name": "Functional"})";
  file.compile_settings = "compile";
  file.training_state = std::string("a\0b", 3);
  return file;
}

class ModelFileTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name = "m.sinter") const { return (folder_ / name).string(); }

  std::string saved_bytes() const {
    save_model_file(path(), sample_file());
    return read_file(path());
  }

  /// "" when the bytes load, otherwise the error. Anything but FileError fails the test.
  std::string outcome(const std::string& bytes) const {
    write_file_atomically(path("damaged"), bytes, false);
    try {
      const ModelFile file = load_model_file(path("damaged"));
      double sum =
          0;  // reads every value, so that a sanitizer sees a tensor that leaves the mapping
      for (const NamedTensor& t : file.tensors) {
        for (int64_t i = 0; i < t.tensor.elements(); ++i) sum += t.tensor.at(i);
      }
      (void)sum;
      return "";
    } catch (const FileError& error) {
      return testing::without_line(error.what());
    }
  }

  const testing::TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

/// Makes all checksums right again, so that what stands behind them is tested too.
void reseal(std::string& bytes, bool table) {
  ModelFileHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (table && header.table_bytes <= bytes.size() - sizeof header) {
    header.table_hash =
        hash_bytes(std::as_bytes(std::span(bytes)).subspan(sizeof header, header.table_bytes));
  }
  header.header_hash = header.computed_hash();
  std::memcpy(bytes.data(), &header, sizeof header);
}

TEST_F(ModelFileTest, RoundTrip) {
  const ModelFile saved = sample_file();
  save_model_file(path(), saved);
  const ModelFile loaded = load_model_file(path());
  ASSERT_EQ(loaded.graphs.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(equal_graphs(loaded.graphs[i], saved.graphs[i]));
    EXPECT_EQ(loaded.graphs[i].name(), saved.graphs[i].name());
    verify(loaded.graphs[i], "loading");
  }
  for (int32_t i = 0; i < saved.graphs[0].size(); ++i) {
    const auto &a = saved.graphs[0].node(i).origin, &b = loaded.graphs[0].node(i).origin;
    ASSERT_EQ(a == nullptr, b == nullptr);
    if (a) EXPECT_EQ(*a, *b);
  }
  ASSERT_EQ(loaded.tensors.size(), saved.tensors.size());
  for (size_t i = 0; i < saved.tensors.size(); ++i) {
    EXPECT_EQ(loaded.tensors[i].name, saved.tensors[i].name);
    EXPECT_TRUE(loaded.tensors[i].tensor.identical(saved.tensors[i].tensor))
        << saved.tensors[i].name;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(loaded.tensors[i].tensor.raw()) % 64, 0u);
  }
  EXPECT_EQ(loaded.kind, "model");
  EXPECT_EQ(loaded.architecture, saved.architecture);
  EXPECT_EQ(loaded.compile_settings, saved.compile_settings);
  EXPECT_EQ(loaded.training_state, saved.training_state);
  EXPECT_THAT(loaded.producer, HasSubstr("sinter "));
  EXPECT_NE(loaded.find_graph("second"), nullptr);
  EXPECT_EQ(loaded.find_graph("third"), nullptr);
  EXPECT_NE(loaded.find_tensor("step"), nullptr);
  const std::vector<Tensor> variables = variables_from_file(loaded, loaded.graphs[0]);
  ASSERT_EQ(variables.size(), 1u);
  EXPECT_TRUE(variables[0].identical(saved.tensors[0].tensor));
}

TEST_F(ModelFileTest, SameContentSameBytes) {
  save_model_file(path("a"), sample_file());
  save_model_file(path("b"), sample_file());
  EXPECT_EQ(read_file(path("a")), read_file(path("b")));
  save_model_file(path("c"), load_model_file(path("a")));
  EXPECT_EQ(read_file(path("c")), read_file(path("a")));
}

TEST_F(ModelFileTest, EmptyFileRoundTrips) {
  ModelFile file;
  file.kind = "weights";
  save_model_file(path(), file);
  EXPECT_EQ(load_model_file(path()).kind, "weights");
  EXPECT_TRUE(load_model_file(path()).tensors.empty());
}

TEST_F(ModelFileTest, WritesIntoLoadedTensorsStayPrivate) {
  const std::string before = saved_bytes();
  ModelFile loaded = load_model_file(path());
  loaded.tensors[0].tensor.set(0, 42);
  EXPECT_EQ(loaded.find_tensor("dense/kernel")->at(0), 42);
  EXPECT_EQ(read_file(path()), before);
  // Saving over the file that is mapped leaves the mapping as it was.
  Tensor kernel = *loaded.find_tensor("dense/kernel");
  save_model_file(path(), loaded);
  EXPECT_EQ(load_model_file(path()).find_tensor("dense/kernel")->at(0), 42);
  loaded = {};
  EXPECT_EQ(kernel.at(0), 42);  // the tensor keeps the mapping alive
}

TEST_F(ModelFileTest, EveryFlippedByteIsFound) {
  const std::string bytes = saved_bytes();
  ASSERT_LT(bytes.size(), 20000u);
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (unsigned char mask : {0x01, 0xff}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ mask);
      const std::string error = outcome(damaged);
      // Only the padding between tensors may change unnoticed.
      if (error.empty())
        EXPECT_EQ(bytes[i], '\0') << "byte " << i;
      else
        EXPECT_THAT(error, HasSubstr("cannot load '" + path("damaged") + "': "));
    }
  }
}

TEST_F(ModelFileTest, EveryCutIsFound) {
  const std::string bytes = saved_bytes();
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_NE(outcome(bytes.substr(0, length)), "") << length;
  }
  EXPECT_THAT(outcome(bytes + "x"), HasSubstr("1 bytes follow its end"));
  EXPECT_THAT(outcome(bytes.substr(0, 100)), HasSubstr("it was cut off"));
  EXPECT_THAT(outcome(bytes.substr(0, 20)), HasSubstr("it was cut off after 20 bytes"));
}

TEST_F(ModelFileTest, DamageBehindRightChecksumsIsHarmless) {
  const std::string bytes = saved_bytes();
  ModelFileHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  int loaded = 0;
  for (size_t i = 0; i < sizeof header + header.table_bytes; ++i) {
    for (unsigned char mask : {0x01, 0x7f, 0xff}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ mask);
      reseal(damaged, i >= sizeof header);
      loaded += outcome(damaged).empty();
    }
  }
  EXPECT_GT(loaded, 0);  // a changed letter in a text, for one
}

TEST_F(ModelFileTest, RandomDamageBehindRightChecksumsIsHarmless) {
  const std::string bytes = saved_bytes();
  ModelFileHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  std::mt19937_64 random(20);
  const int64_t interesting[] = {0,
                                 1,
                                 -1,
                                 2,
                                 64,
                                 255,
                                 INT32_MAX,
                                 INT32_MIN,
                                 INT64_MAX,
                                 INT64_MIN,
                                 int64_t{1} << 40,
                                 int64_t{1} << 61};
  for (int round = 0; round < 8000; ++round) {
    std::string damaged = bytes;
    for (uint64_t n = random() % 3 + 1; n > 0; --n) {
      const size_t width = size_t{1} << random() % 4;
      const size_t at = sizeof header + random() % (header.table_bytes - width) / width * width;
      const int64_t value = random() % 2 ? interesting[random() % std::size(interesting)]
                                         : static_cast<int64_t>(random() % 200);
      std::memcpy(damaged.data() + at, &value, width);
    }
    reseal(damaged, true);
    outcome(damaged);
  }
}

// Files that were made to break what reads them, with right checksums.
TEST_F(ModelFileTest, HostileFilesAreErrors) {
  const std::string folder = SINTER_TEST_DATA "/hostile/";
  const auto error = [&](const std::string& name) { return outcome(read_file(folder + name)); };
  // Operands far out of range that the instruction does not take.
  EXPECT_THAT(error("expr-oob-far.sinter"), HasSubstr("an operand that it does not take"));
  EXPECT_THAT(error("expr-oob-near.sinter"), HasSubstr("an operand that it does not take"));
  EXPECT_THAT(error("expr-oob-unary.sinter"), HasSubstr("an operand that it does not take"));
  // One part of a table that is referred to thousands of times.
  EXPECT_NE(error("amplify-2KB-to-3GB.sinter"), "");
}

TEST_F(ModelFileTest, WhatALargeFileSaysMayBeLarge) {
  // One long text in many places.
  Graph graph("long");
  Symbol x = graph.input("x", {DType::kFloat32, {2}});
  annotated_op();
  const std::string note(100000, 'n');
  const Attributes call{{"negative_slope", 0.1}, {"flag", true}};
  const auto shared = std::make_shared<const Attributes>(call);
  for (int i = 0; i < 10; ++i)
    x = graph.add1("test_annotated", {x},
                   {{"call", OpCall{"test_called", shared}}, {"scale", 1.0}, {"note", note}}, note);
  ModelFile file;
  file.graphs.push_back(graph);
  save_model_file(path(), file);
  EXPECT_TRUE(equal_graphs(load_model_file(path()).graphs[0], graph));
}

TEST_F(ModelFileTest, ASparseFileIsAnError) {
  ModelFileHeader header{};
  std::memcpy(header.magic, ModelFileHeader::kMagic, sizeof header.magic);
  header.version = kModelFileVersion;
  header.header_bytes = sizeof header;
  header.table_bytes = (uint64_t{1} << 31) - sizeof header;
  header.weights_offset = uint64_t{1} << 31;
  header.header_hash = header.computed_hash();
  write_file_atomically(path("sparse"),
                        std::string_view(reinterpret_cast<const char*>(&header), sizeof header));
  fs::resize_file(path("sparse"), uint64_t{1} << 31);
  EXPECT_THROW(load_model_file(path("sparse")), FileError);
}

TEST_F(ModelFileTest, ADeepExpressionIsLoaded) {
  std::string text = "(float32) -> t0 = neg(a0); ";
  constexpr int kDepth = 40000;
  for (int i = 1; i < kDepth; ++i)
    text += "t" + std::to_string(i) + " = sin(t" + std::to_string(i - 1) + "); ";
  text += "t" + std::to_string(kDepth - 1);
  Graph graph("deep");
  const Symbol x = graph.input("x", {DType::kFloat32, {2}});
  graph.add_output("y", graph.add1("map", {x}, {{"body", scalar(text)}}).id());
  ModelFile file;
  file.graphs.push_back(graph);
  save_model_file(path(), file);
  EXPECT_TRUE(equal_graphs(load_model_file(path()).graphs[0], graph));
}

TEST_F(ModelFileTest, AFileThatIsWrittenIntoDoesNotChangeWhatWasLoaded) {
  saved_bytes();
  const ModelFile loaded = load_model_file(path());
  fs::resize_file(path(), 10);  // were the file mapped, reading it would end the program
  EXPECT_EQ(loaded.find_tensor("dense/kernel")->at(5), 6);
}

TEST_F(ModelFileTest, LaterVersion) {
  std::string bytes = saved_bytes();
  bytes[8] = 7;
  reseal(bytes, false);
  EXPECT_EQ(outcome(bytes),
            "cannot load '" + path("damaged") +
                "': it is of format version 7, but this version of Sinter (" SINTER_TEST_VERSION
                ") reads up to version 2");
}

TEST_F(ModelFileTest, Strangers) {
  const auto text = [&](const std::string& bytes) {
    const std::string error = outcome(bytes);
    return error.substr(error.rfind(": ") + 2);
  };
  EXPECT_EQ(text(""), "it is empty");
  EXPECT_EQ(text("hello"), "it is not a .sinter file");
  EXPECT_EQ(text("{\"class_name\": 1}"), "it is JSON");
  EXPECT_EQ(text("PK\x03\x04"), "it is a ZIP archive (a .keras file?)");
  EXPECT_EQ(text("\x89HDF\r\n"), "it is an HDF5 file");
  EXPECT_THROW(load_model_file(path("absent")), FileError);
  EXPECT_THROW(load_model_file(folder_.string()), FileError);
}

TEST_F(ModelFileTest, UnknownOpIsNamed) {
  std::string bytes = saved_bytes();
  const size_t at = bytes.find("test_annotated");
  ASSERT_NE(at, std::string::npos);
  bytes[at + 13] = 's';
  reseal(bytes, true);
  EXPECT_THAT(outcome(bytes), HasSubstr("it uses the op 'test_annotates', which this program does "
                                        "not know (the nearest it knows is "
                                        "'test_annotated')"));
}

TEST_F(ModelFileTest, BoolsAreZeroOrOne) {
  // A bool with another value would be undefined behaviour; right checksums do not make it legal.
  ModelFile file;
  Tensor flags(DType::kBool, {3});
  static_cast<uint8_t*>(flags.raw())[1] = 2;
  file.tensors.push_back({"flags", flags});
  save_model_file(path(), file);
  EXPECT_THAT(outcome(read_file(path())),
              HasSubstr("tensor 'flags' holds a bool that is neither 0 nor 1"));
}

TEST_F(ModelFileTest, WeightsAreChecked) {
  std::string bytes = saved_bytes();
  ModelFileHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes[header.weights_offset] ^= 1;
  EXPECT_THAT(outcome(bytes),
              HasSubstr("the values of tensor 'dense/kernel' do not match their checksum"));
}

TEST_F(ModelFileTest, MissingVariables) {
  ModelFile file = sample_file();
  file.tensors.erase(file.tensors.begin());
  EXPECT_THROW(variables_from_file(file, file.graphs[0]), FileError);
  file.tensors.push_back({"dense/kernel", Tensor(DType::kFloat32, {3, 2})});
  EXPECT_EQ(
      testing::without_line(testing::error_of([&] { variables_from_file(file, file.graphs[0]); })),
      "tensor 'dense/kernel' is float32[3,2] in the file, but graph 'forward' reads float32[2,3]");
}

TEST_F(ModelFileTest, FailedWritesLeaveTheOldFile) {
  save_model_file(path(), sample_file());
  const std::string before = read_file(path());
  ModelFile large = sample_file();
  large.tensors.push_back({"large", Tensor(DType::kFloat32, {1 << 20})});
  // A limit on file size stands in for a full disk: the same call fails in the same place.
  struct rlimit old;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = old;
  small.rlim_cur = 1 << 16;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(save_model_file(path(), large), FileError);
  ::setrlimit(RLIMIT_FSIZE, &old);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_file(path()), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
  EXPECT_EQ(testing::without_line(testing::error_of([&] { save_model_file("/dev/full", large); })),
            "cannot write '/dev/full': No space left on device");
  EXPECT_THROW(save_model_file(path("no/such/folder"), large), FileError);
}

}  // namespace
}  // namespace sinter
