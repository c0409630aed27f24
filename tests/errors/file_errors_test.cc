// The exact text of what a user is told about files: models, weights, architectures and settings as
// JSON.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cstring>

#include "core/file_io.h"
#include "core/model_file_format.h"
#include "frontend/interop/json.h"
#include "frontend/interop/keras_compile.h"
#include "frontend/save.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

class FileErrors : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    const KerasTensor x = Input({2}, {.name = "x"});
    Model(x, Dense(1)(x), "m").save(path());
    bytes_ = read_file(path());
    std::memcpy(&header_, bytes_.data(), sizeof header_);
  }
  std::string path() const { return folder_.file("m.sinter"); }

  /// What load_model says about these bytes, after "cannot load '...': ".
  std::string load(const std::string& bytes) const {
    write_file_atomically(path(), bytes, false);
    const std::string start = "cannot load '" + path() + "': ";
    try {
      load_model(path(), {}, SourceLocation());
    } catch (const FileError& error) {
      const std::string text = error.what();
      return text.starts_with(start) ? text.substr(start.size()) : text;
    }
    return "no error";
  }
  std::string flipped(size_t at) const {
    std::string bytes = bytes_;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    return bytes;
  }

  testing::TemporaryFolder folder_;
  std::string bytes_;
  ModelFileHeader header_;
};

TEST_F(FileErrors, Containers) {
  EXPECT_EQ(load(bytes_), "no error");
  EXPECT_EQ(load(""), "it is empty");
  EXPECT_EQ(load("hello"), "it is not a .sinter file");
  EXPECT_EQ(
      load("{}"),
      "it is JSON, an architecture without weights: model_from_json() makes a model of its text "
      "(for the tool, end its name in .json)");
  EXPECT_EQ(load(bytes_.substr(0, 10)), "it was cut off after 10 bytes");
  EXPECT_EQ(load(bytes_.substr(0, bytes_.size() - 1)),
            "it was cut off: it has " + std::to_string(bytes_.size() - 1) + " of " +
                std::to_string(bytes_.size()) + " bytes");
  EXPECT_EQ(load(bytes_ + "??"), "2 bytes follow its end");
  EXPECT_EQ(load(flipped(20)), "its header is damaged");
  EXPECT_EQ(load(flipped(sizeof header_ + 40)),
            "its table is damaged (the checksum does not match)");
  EXPECT_EQ(load(flipped(header_.weights_offset)),
            "the values of tensor 'dense/kernel' do not match their checksum");
  ModelFileHeader later = header_;
  later.version = 3;
  later.header_hash = later.computed_hash();
  std::string bytes = bytes_;
  std::memcpy(bytes.data(), &later, sizeof later);
  EXPECT_EQ(load(bytes),
            "it is of format version 3, but this version of Sinter (" SINTER_TEST_VERSION
            ") reads up to version 2");
}

TEST_F(FileErrors, SettingsAsJson) {
  const auto compile = [](const std::string& json) -> std::string {
    try {
      compile_arguments_from_config(parse_json(json, "'compile.json'"));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(compile(R"({"optimizer": "adam", "loss": "mse"})"), "no error");
  EXPECT_EQ(compile("[]"), "the arguments of compile must be a dictionary, found a list");
  EXPECT_EQ(
      compile(R"({"loss": "mse", "loss_weights": "a"})"),
      "loss_weights must be a number, a list with one for each output, or a dictionary by output "
      "name");
  EXPECT_EQ(compile(R"({"loss": "mse", "loss_weights": {"a": 1}})"), "no error");
  EXPECT_EQ(compile(R"({"loss": 3})"), "a loss is null, a name or an object, found an integer");
  const auto fit = [](const std::string& json) -> std::string {
    try {
      fit_options_from_config(parse_json(json, "'fit.json'"));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(fit(R"({"epochs": 3, "class_weight": {"0": 1, "1": 2.5}})"), "no error");
  EXPECT_EQ(fit(R"({"epochs": "three"})"), "setting 'epochs' must be an integer, found a string");
  EXPECT_EQ(fit(R"({"class_weight": {"zero": 1}})"), "class_weight: 'zero' is no class number");
  EXPECT_EQ(fit(R"({"callbacks": ["EarlyStopping"]})"),
            "a callback is {\"class_name\": ..., \"config\": {...}}, found a string");
  EXPECT_EQ(fit(R"({"callbacks": [{"class_name": "EarlyStoping", "config": {}}]})"),
            "unknown callback 'EarlyStoping'; did you mean 'EarlyStopping'? Known: CSVLogger, "
            "EarlyStopping, ModelCheckpoint, "
            "ReduceLROnPlateau, TerminateOnNaN");
}

}  // namespace
}  // namespace sinter
