// The tool's manners: help everywhere, one-line errors, exit codes 0, 1 and 2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "frontend/sinter.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::vector<std::string> kCommands = {"train",   "predict", "evaluate", "diff",   "dump",
                                            "explain", "summary", "memory",   "passes", "bench",
                                            "profile", "replay",  "roofline", "verify", "bisect"};

void expect_one_line(const ProcessResult& result) {
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  EXPECT_THAT(result.err, StartsWith("sinter"));
}

TEST(CliUsage, HelpEverywhere) {
  const ProcessResult all = run_sinter({"--help"});
  EXPECT_EQ(all.exit_code, 0);
  EXPECT_EQ(all.err, "");
  for (const std::string& command : kCommands) {
    EXPECT_THAT(all.out, HasSubstr("\n  " + command + " "));
    const ProcessResult help = run_sinter({command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_EQ(help.err, "") << command;
    EXPECT_THAT(help.out, HasSubstr("Usage: sinter " + command)) << command;
  }
  EXPECT_THAT(run_sinter({"--version"}).out, "sinter " SINTER_TEST_VERSION "\n");
}

TEST(CliUsage, WrongUsageIsTwo) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"fly"},
      {"train"},
      {"train", "--frobnicate"},
      {"predict", "m.sinter"},
      {"dump", "m.sinter", "--format", "gif"},
      {"dump", "m.sinter", "--graph", "backward"},
      {"dump", "m.sinter", "--after", "fold", "--all-passes"},
      {"dump", "m.json", "--kernels", "--all-passes"},
      {"dump", "m.json", "--kernels", "--format", "svg"},
      {"dump", "m.json", "--all-passes", "--format", "png"},
      {"diff", "m.sinter"},
      {"explain", "m.sinter"},
      {"explain", "m.sinter", "--html", "page.html", "--graph", "backward"},
      {"explain", "m.sinter", "--html", "page.html", "--batch", "0"},
      {"memory"},
      {"replay"},
      {"train", "m.json", "--x", "x.npy", "--y", "y.npy", "--replay", "r.sinter"},
      {"memory", "m.sinter", "--batch", "0"},
      {"bench"},
      {"profile"},
      {"bench", "mlp_b1", "--threads", "0"},
      {"bench", "mlp_b1", "--seconds", "soon"},
      {"bench", "mlp_train", "--width", "0"},
      {"bench", "gelu16m", "--batch", "8"},
      {"roofline", "--threads", "0"},
      {"bench", "mlp_train", "--mixed-precision", "float16"},
      {"roofline", "--vectors", "mmx"},
      {"train", "m.json", "--x", "x.npy", "--y", "y.npy", "--epochs", "-1"},
      {"passes", "extra"},
      {"bench", "mlp_b1", "--seconds", "nan"},
      {"bench", "mlp_b1", "--seconds", "inf"},
      {"roofline", "--seconds", "nan"},
      {"train", "m.json", "--x", "x.npy", "--y", "y.npy", "--validation-split", "nan"},
      {"train", "m.json", "--x", "x.npy", "--y", "y.npy", "--epochs", "4294967297"},
      {"predict", "m.sinter", "--x", "x.npy", "--output", "y.txt"},
  };
  for (const auto& arguments : wrong) {
    const ProcessResult result = run_sinter(arguments);
    EXPECT_EQ(result.exit_code, 2) << ::testing::PrintToString(arguments) << result.err;
    expect_one_line(result);
    EXPECT_THAT(result.err, HasSubstr("--help')"));
  }
}

TEST(CliUsage, MisspeltWordsGetSuggestions) {
  const auto error = [](const std::vector<std::string>& arguments) {
    return run_sinter(arguments).err;
  };
  EXPECT_THAT(error({"trian", "m.json"}), HasSubstr("; did you mean 'train'?"));
  EXPECT_THAT(error({"Predict"}), HasSubstr("; did you mean 'predict'?"));
  const std::vector<std::string> train = {"train", "m.json", "--x", "x.npy", "--y", "y.npy"};
  for (const auto& [word, meant] : {std::pair("--epoch", "--epochs"),
                                    {"--batchsize=3", "--batch-size"},
                                    {"--optimiser", "--optimizer"}}) {
    std::vector<std::string> arguments = train;
    arguments.insert(arguments.end(), {word, "3"});
    EXPECT_THAT(error(arguments), HasSubstr(std::string("; did you mean '") + meant + "'?"));
  }
  for (const auto& [option, text, range] : {std::tuple("--epochs", "two", "from 0 to 2147483647"),
                                            {"--epochs", "-1", "from 0 to"},
                                            {"--batch-size", "0", "from 1 to"},
                                            {"--threads", "9999", "from 1 to 64"}}) {
    std::vector<std::string> arguments = train;
    arguments.insert(arguments.end(), {option, text});
    EXPECT_THAT(error(arguments),
                HasSubstr(std::string(": ") + text + " is no whole number " + range));
  }
  for (const std::vector<std::string>& far :
       {std::vector<std::string>{"fly"}, {"frobnicate"}, {"train", "--frobnicate"}, {"x"}})
    EXPECT_THAT(error(far), ::testing::Not(HasSubstr("did you mean")));
}

TEST(CliUsage, NonsenseInTheEnvironmentIsRefused) {
  for (const char* text : {"abc", "0", "1e3"}) {
    const ProcessResult result = run_process(
        {SINTER_BINARY_DIR "/sinter", "bench", "mlp_b1", "--seconds", "0", "--batch", "1"},
        {"SINTER_THREADS=" + std::string(text)});
    EXPECT_EQ(result.exit_code, 1) << text;
    EXPECT_EQ(result.err,
              "sinter bench: SINTER_THREADS must be 1 to 64, found '" + std::string(text) + "'\n");
  }
}

TEST(CliUsage, ErrorsAreOne) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("broken.sinter")) << "hello";
  std::ofstream(folder.file("broken.json")) << "{\"class_name\": ";
  std::ofstream(folder.file("other.json")) << "[1, 2]";
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{"summary", "no/such/file.sinter"},
       "sinter summary: cannot read 'no/such/file.sinter': No such file or directory\n"},
      {{"summary", folder.file("broken.sinter")},
       "sinter summary: cannot load '" + folder.file("broken.sinter") +
           "': it is not a .sinter file\n"},
      {{"summary", folder.file("other.json")},
       "sinter summary: model JSON: the document must be a dictionary, found a list\n"},
  };
  for (const auto& [arguments, text] : wrong) {
    const ProcessResult result = run_sinter(arguments);
    EXPECT_EQ(result.exit_code, 1) << ::testing::PrintToString(arguments);
    EXPECT_EQ(result.err, text);
    expect_one_line(result);
  }
  const ProcessResult broken = run_sinter({"summary", folder.file("broken.json")});
  EXPECT_EQ(broken.exit_code, 1);
  expect_one_line(broken);
  EXPECT_THAT(broken.err, HasSubstr("line 1, column 16"));
  const ProcessResult misspelt = run_sinter({"bench", "mlp_b2"});
  EXPECT_EQ(misspelt.exit_code, 1);
  EXPECT_THAT(misspelt.err, HasSubstr("unknown work 'mlp_b2'; did you mean 'mlp_b1'?"));
}

// "sinter evaluate: x has ...", of every command that calls the library with what it was given.
TEST(CliUsage, ErrorsBeginWithTheCommandOnce) {
  const TemporaryFolder folder;
  const std::string x = folder.file("x.npy"), bad = folder.file("bad.npy"),
                    y = folder.file("y.npy"), json = folder.file("m.json"),
                    model = folder.file("m.sinter"), other = folder.file("other.sinter"),
                    out = folder.file("out.npy");
  save_npy(x, Tensor(DType::kFloat32, {6, 4}));
  save_npy(bad, Tensor(DType::kFloat32, {5, 7}));
  save_npy(y, Tensor(DType::kFloat32, {6, 1}));
  const auto input = Input(4);
  const Model built(input, Dense(1)(input));
  std::ofstream(json) << built.to_json();
  built.save(other);
  built.compile({.optimizer = "sgd", .loss = "mse"});
  built.save(model);
  const std::vector<std::string> train = {"train",       json,  "--loss",   "mse",
                                          "--optimizer", "sgd", "--output", out + ".sinter"};
  const auto with = [](std::vector<std::string> words, std::vector<std::string> more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const std::vector<std::vector<std::string>> wrong = {
      with(train, {"--x", bad, "--y", y}),
      with(train, {"--x", x, "--y", bad}),
      with(train, {"--x", x, "--x", x, "--y", y}),
      with(train, {"--x", x, "--y", y, "--x-val", bad, "--y-val", y}),
      with(train, {"--x", x, "--y", y, "--validation-split", "0.99"}),
      with(train, {"--x", x, "--y", y, "--sample-weight", bad}),
      with(train, {"--x", x, "--y", y, "--history", "/no/such/h.json"}),
      {"train", json, "--x", x, "--y", y, "--output", out + ".sinter", "--loss", "msee",
       "--optimizer", "sgd"},
      {"train", json, "--x", x, "--y", y, "--output", out + ".sinter", "--loss", "mse,mse",
       "--optimizer", "sgd"},
      {"train", json, "--x", x, "--y", y, "--output", out + ".sinter", "--loss", "mse",
       "--optimizer", "sgd:rate=1"},
      {"train", json, "--x", x, "--y", y, "--output", out + ".sinter", "--loss", "mse",
       "--optimizer", "sgd:momentum=3"},
      {"train", json, "--x", x, "--y", y, "--output", out + ".sinter", "--loss",
       "categorical_crossentropy", "--metrics", "acu"},
      {"evaluate", model, "--x", bad, "--y", y},
      {"evaluate", model, "--x", x, "--y", bad},
      {"evaluate", model, "--x", x, "--y", y, "--sample-weight", bad},
      {"evaluate", other, "--x", x, "--y", y},
      {"evaluate", folder.file("none"), "--x", x, "--y", y},
      {"predict", model, "--x", bad, "--output", out},
      {"predict", model, "--x", x, "--x", x, "--output", out},
      {"predict", model, "--x", x, "--output", out, "--output", folder.file("b.npy")},
      {"predict", folder.file("none"), "--x", x, "--output", out},
      {"predict", json, "--x", x, "--output", out},
      {"dump", folder.file("none")},
      {"dump", other, "--graph", "training"},
      {"dump", model, "--after", "fuse"},
      {"summary", folder.file("none")},
      {"bench", "mlp"},
      {"bench", "gelu16m", "--metrics", "accuracy"},
      {"roofline", "--vectors", "mmx"},
  };
  for (const auto& arguments : wrong) {
    const ProcessResult result = run_sinter(arguments);
    const std::string what = ::testing::PrintToString(arguments) + result.err;
    EXPECT_NE(result.exit_code, 0) << what;
    expect_one_line(result);
    const std::string begin = "sinter " + arguments[0] + ": ";
    ASSERT_THAT(result.err, StartsWith(begin));
    const std::string rest = result.err.substr(begin.size());
    for (const std::string call : {"compile", "fit", "evaluate", "predict", "sinter", "train"}) {
      EXPECT_FALSE(rest.starts_with(call + ":") || rest.starts_with(call + " (")) << what;
    }
    // Nor a line of the tool's own source.
    EXPECT_EQ(rest.find(".cc:"), std::string::npos) << what;
  }
}

// Predicting, showing and dumping need no loss, optimizer or schedule of the user's own; training
// and evaluating do.
TEST(CliUsage, ModelsWithALossOfOnesOwn) {
  const TemporaryFolder folder;
  const std::string x = folder.file("x.npy"), y = folder.file("y.npy"),
                    model = folder.file("m.sinter"), out = folder.file("out.npy");
  save_npy(x, Tensor::full(DType::kFloat32, {6, 4}, 0.5));
  save_npy(y, Tensor(DType::kFloat32, {6, 1}));
  const auto input = Input(4);
  const Model built(input, Dense(1)(input));
  const Optimizer scheduled = Adam([](Symbol step) { return 0.1 / (1.0 + step); });
  const Loss own([](Symbol t, Symbol p) { return mean(square(t - p), -1); });
  for (const auto& [optimizer, loss] :
       {std::pair(Optimizer("sgd"), own), {scheduled, Loss("mse")}}) {
    built.compile({.optimizer = optimizer, .loss = loss, .mixed_precision = "bfloat16"});
    built.train_on_batch(load_npy(x), load_npy(y));
    built.save(model);
    const ProcessResult predicted = run_sinter({"predict", model, "--x", x, "--output", out});
    EXPECT_EQ(predicted.exit_code, 0) << predicted.err;
    EXPECT_TRUE(load_npy(out).identical(built.predict(load_npy(x)))) << "in mixed precision too";
    EXPECT_EQ(run_sinter({"summary", model}).exit_code, 0);
    EXPECT_EQ(run_sinter({"dump", model}).exit_code, 0);
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"evaluate", model, "--x", x, "--y", y},
          {"train", model, "--x", x, "--y", y},
          {"dump", model, "--graph", "training"}}) {
      const ProcessResult refused = run_sinter(command);
      EXPECT_EQ(refused.exit_code, 1);
      expect_one_line(refused);
      EXPECT_THAT(refused.err, HasSubstr("The tool knows none of your own"));
      EXPECT_THAT(refused.err, HasSubstr("'custom_"));
    }
  }
}

TEST(CliUsage, FullDiskIsNoticed) {
  const ProcessResult result =
      run_process({"/bin/sh", "-c", SINTER_BINARY_DIR "/sinter passes > /dev/full"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err, "sinter passes: cannot write the output: No space left on device\n");
}

TEST(CliUsage, PassesAreListed) {
  const ProcessResult result = run_sinter({"passes"});
  EXPECT_EQ(result.exit_code, 0);
  for (const char* name : {"decompose", "remove_dead", "\ntraining: ", "\ninference: "})
    EXPECT_THAT(result.out, HasSubstr(name));
}

}  // namespace
}  // namespace sinter::testing
