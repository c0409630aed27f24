// The tool on whole tasks: train, evaluate, predict, dump, summary, and an exported file that core
// and runtime alone run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "core/file_io.h"
#include "core/philox.h"
#include "frontend/data/npy.h"
#include "frontend/model_state.h"
#include "frontend/sinter.h"
#include "runtime/load.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kKeras = SINTER_TEST_DATA "/keras/";

Tensor ramp(Shape shape, double scale) {
  Tensor t(DType::kFloat32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i)
    t.set(i, scale * (uniform_from_bits(philox_bits(5, 0, 0, i)) - 0.5));
  return t;
}

class Cli : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    const KerasTensor x = Input({6}, {.name = "x"});
    const KerasTensor h =
        BatchNormalization()(Dense(5, {.activation = "relu", .name = "first"})(x));
    const Model model(x, Dense(2, {.activation = "softmax"})(Dropout(0.2)(h)));
    write_file_atomically(file("m.json"), model.to_json());
    save_npy(file("x.npy"), ramp({40, 6}, 2));
    Tensor y(DType::kInt64, {40});
    for (int64_t i = 0; i < 40; ++i) y.set(i, static_cast<double>(i % 2));
    save_npy(file("y.npy"), y);
  }
  std::string file(const std::string& name) const { return folder_.file(name); }
  ProcessResult ok(const std::vector<std::string>& arguments) const {
    ProcessResult result = run_sinter(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return result;
  }
  std::vector<std::string> train(const std::string& model,
                                 const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"train", model,         "--x",       file("x.npy"),
                                    "--y",   file("y.npy"), "--verbose", "0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void expect_error(const std::vector<std::string>& arguments, int code,
                    const std::string& text) const {
    const ProcessResult result = run_sinter(arguments);
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_THAT(result.err, HasSubstr(text));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }

  TemporaryFolder folder_;
};

TEST_F(Cli, TrainEvaluatePredict) {
  const std::vector<std::string> compile = {"--loss",      "sparse_categorical_crossentropy",
                                            "--optimizer", "adam:learning_rate=0.01",
                                            "--metrics",   "accuracy"};
  std::vector<std::string> arguments = train(file("m.json"), compile);
  arguments.insert(arguments.end(),
                   {"--epochs", "3", "--batch-size", "16", "--validation-split", "0.25", "--seed",
                    "7", "--history", file("h.json"), "--output", file("m.sinter")});
  ok(arguments);
  const json history = json::parse(read_file(file("h.json")));
  EXPECT_EQ(history["epoch"], json({0, 1, 2}));
  for (const char* key : {"loss", "accuracy", "val_loss", "val_accuracy"})
    EXPECT_EQ(history["history"][key].size(), 3u) << key;

  const Model model = load_model(file("m.sinter"));
  EXPECT_FLOAT_EQ(static_cast<float>(model.optimizer().learning_rate()), 0.01f);
  const ProcessResult evaluation =
      ok({"evaluate", file("m.sinter"), "--x", file("x.npy"), "--y", file("y.npy")});
  const json values = json::parse(evaluation.out);
  const Evaluation expected =
      model.evaluate(load_npy(file("x.npy")), load_npy(file("y.npy")), {.verbose = 0});
  EXPECT_NEAR(values["loss"].get<double>(), expected["loss"], 1e-9);
  EXPECT_NEAR(values["accuracy"].get<double>(), expected["accuracy"], 1e-9);

  ok({"predict", file("m.sinter"), "--x", file("x.npy"), "--output", file("p.npy"), "--batch-size",
      "7", "--threads", "1"});
  EXPECT_EQ(load_npy(file("p.npy")).shape(), (Shape{40, 2}));

  // The same seed gives the same file; another one does not.
  std::vector<std::string> again = arguments;
  again.back() = file("again.sinter");
  ok(again);
  EXPECT_EQ(read_file(file("again.sinter")), read_file(file("m.sinter")));
  // A model goes on with its own settings.
  ok(train(file("m.sinter"), {"--epochs", "1", "--output", file("more.sinter")}));
  EXPECT_EQ(load_model(file("more.sinter")).state()->epochs_done, 4);
}

// Metrics with a state of their own, through the tool and its files.
TEST_F(Cli, TrainsWithAuc) {
  const Tensor x = load_npy(file("x.npy"));
  Sequential model({Input({x.shape()[1]}), Dense(1, {.activation = "sigmoid"})});
  write_file_atomically(file("one.json"), model.to_json());
  ok(train(
      file("one.json"),
      {"--loss", "binary_crossentropy", "--metrics", "auc,precision,accuracy", "--epochs", "2",
       "--validation-split", "0.25", "--history", file("h.json"), "--output", file("one.sinter")}));
  const json history = json::parse(read_file(file("h.json")))["history"];
  for (const char* key : {"auc", "val_auc", "precision", "val_precision", "accuracy"})
    EXPECT_EQ(history[key].size(), 2u) << key;
  const json values = json::parse(
      ok({"evaluate", file("one.sinter"), "--x", file("x.npy"), "--y", file("y.npy")}).out);
  // The area by its definition, up to the steps of 200 thresholds: pairs in the right order.
  const Tensor p = load_model(file("one.sinter")).predict(x), y = load_npy(file("y.npy"));
  double right = 0, pairs = 0;
  for (int64_t i = 0; i < y.elements(); ++i) {
    for (int64_t k = 0; k < y.elements(); ++k) {
      if (!(y.at(i) > y.at(k))) continue;
      ++pairs;
      right += p.at(i) > p.at(k) ? 1.0 : p.at(i) == p.at(k) ? 0.5 : 0.0;
    }
  }
  EXPECT_NEAR(values["auc"].get<double>(), right / pairs, 0.02);
}

// A step that makes what is not finite, and the file that repeats it.
TEST_F(Cli, CheckNumericsAndReplay) {
  const KerasTensor x = Input({6}, {.name = "x"});
  const Model model(
      x, Dense(2, {.activation = "exponential", .kernel_initializer = "ones", .name = "steep"})(x));
  write_file_atomically(file("steep.json"), model.to_json());
  Tensor data = load_npy(file("x.npy"));
  for (int64_t column = 0; column < 6; ++column) data.set({21, column}, 1e30);
  save_npy(file("x.npy"), data);
  const std::vector<std::string> arguments =
      train(file("steep.json"),
            {"--loss", "sparse_categorical_crossentropy", "--batch-size", "8", "--no-shuffle",
             "--check-numerics", "--replay", file("r.sinter"), "--output", file("steep.sinter")});
  const ProcessResult result = run_sinter(arguments);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, StartsWith("sinter train: epoch 1, step 3: 'exponential' of 'steep'"));
  EXPECT_THAT(result.err, HasSubstr(" gives inf in sample 21 from float32[8,2] min "));
  EXPECT_THAT(result.err, HasSubstr("'sinter replay " + file("r.sinter") + "' repeats it"));
  const ProcessResult again = ok({"replay", file("r.sinter")});
  EXPECT_THAT(again.out, StartsWith("epoch 1, step 3: 'exponential' of 'steep'"));
  expect_error({"replay", file("m.json")}, 1, "sinter replay: ");
}

TEST_F(Cli, KerasCompileAndFitFiles) {
  const std::string folder = kKeras + "two_inputs_two_outputs/";
  ok({"train",    folder + "model.json", "--x",       folder + "x0.npy",
      "--x",      folder + "x1.npy",     "--y",       folder + "y0.npy",
      "--y",      folder + "y1.npy",     "--compile", folder + "compile.json",
      "--fit",    folder + "fit.json",   "--history", file("h.json"),
      "--output", file("two.sinter"),    "--verbose", "0"});
  const json history = json::parse(read_file(file("h.json")))["history"];
  const json keras = json::parse(read_file(folder + "history.json"))["history"];
  EXPECT_EQ(history.size(), keras.size());
  for (const auto& [key, values] : keras.items())
    EXPECT_EQ(history[key].size(), values.size()) << key;
  ok({"predict", file("two.sinter"), "--x", folder + "x0.npy", "--x", folder + "x1.npy", "--output",
      file("a.npy"), "--output", file("b.npy")});
  EXPECT_EQ(load_npy(file("a.npy")).shape(), load_npy(folder + "y_pred0.npy").shape());
  expect_error({"predict", file("two.sinter"), "--x", folder + "x0.npy", "--x", folder + "x1.npy",
                "--output", file("a.npy")},
               2, "the model has 2 outputs, but --output names 1 file");
}

TEST_F(Cli, ArgumentsThatFilesMisspellAreRefused) {
  write_file_atomically(file("fit.json"), R"({"epoch": 2})");
  write_file_atomically(file("compile.json"), R"({"optimizer": "sgd", "losss": "mse"})");
  const std::vector<std::string> compiled = {"--optimizer", "sgd", "--loss",
                                             "sparse_categorical_crossentropy"};
  std::vector<std::string> with_fit = compiled;
  with_fit.insert(with_fit.end(), {"--fit", file("fit.json")});
  expect_error(train(file("m.json"), with_fit), 1,
               "fit.json' 'epoch'; did you mean 'epochs'? Known: batch_size, callbacks,");
  expect_error(train(file("m.json"), {"--compile", file("compile.json")}), 1,
               "compile.json' 'losss'; did you mean 'loss'?");
}

// The model is written before what is only told about it.
TEST_F(Cli, AFullDiskForTheHistoryDoesNotCostTheModel) {
  const ProcessResult result = run_sinter(
      train(file("m.json"), {"--optimizer", "sgd", "--loss", "sparse_categorical_crossentropy",
                             "--output", file("m.sinter"), "--history", "/dev/full"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err, "sinter train: cannot write '/dev/full': No space left on device\n");
  ok({"summary", file("m.sinter")});
}

TEST_F(Cli, AnInterruptedTrainingIsKept) {
  std::string command;
  for (const std::string& word :
       train(file("m.json"),
             {"--optimizer", "sgd", "--loss", "sparse_categorical_crossentropy", "--epochs",
              "100000000", "--output", file("m.sinter"), "--history", file("h.json")}))
    command += (word == "0" ? "2" : word) + " ";  // --verbose 2: a line an epoch
  const ProcessResult result =
      run_process({"/bin/sh", "-c",
                   SINTER_BINARY_DIR "/sinter " + command + "> " + file("log") +
                       " & pid=$!; until grep -qs 'Epoch 3/' " + file("log") +
                       "; do kill -0 $pid || exit 3; sleep 0.02; done; kill $pid; wait $pid"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, StartsWith("sinter train: interrupted in epoch "));
  EXPECT_THAT(result.err,
              HasSubstr("of 100000000; '" + file("m.sinter") + "' holds the model as it is now\n"));
  ok({"evaluate", file("m.sinter"), "--x", file("x.npy"), "--y", file("y.npy")});
  EXPECT_GE(json::parse(read_file(file("h.json")))["epoch"].size(), 3U);
}

// What would cost the training, or another file, is said before it begins.
TEST_F(Cli, FilesThatWouldBeLostAreRefusedBefore) {
  ok(train(file("m.json"), {"--loss", "sparse_categorical_crossentropy", "--epochs", "1",
                            "--output", file("m.sinter")}));
  const std::string model = read_file(file("m.sinter")), x = read_file(file("x.npy"));
  const std::vector<std::string> compile = {"--loss", "sparse_categorical_crossentropy", "--epochs",
                                            "1000000000"};
  const auto expect_refused = [&](const std::vector<std::string>& more, int code,
                                  const std::string& text) {
    std::vector<std::string> arguments = train(file("m.json"), compile);
    arguments.insert(arguments.end(), more.begin(), more.end());
    expect_error(arguments, code, text);
  };
  for (const char* name : {"m.keras", "m.h5", "m.onnx"})
    expect_refused({"--output", file(name)}, 1,
                   "cannot save '" + file(name) + "': models are saved as .sinter");
  expect_refused({"--output", file("m.sinter"), "--history", file("m.sinter")}, 2,
                 "--history '" + file("m.sinter") + "' would replace the file of --output");
  expect_refused({"--output", file("new.sinter"), "--history", folder_.path() + "/./new.sinter"}, 2,
                 "would replace the file of --output");
  expect_refused({"--output", file("x.npy")}, 2,
                 "--output '" + file("x.npy") + "' would replace the file of --x");
  expect_refused({"--output", file("new.sinter"), "--history", file("m.json")}, 2,
                 "would replace the file of MODEL");
  const std::vector<std::string> predict = {"predict", file("m.sinter"), "--x", file("x.npy"),
                                            "--output"};
  for (const auto& [output, text] :
       {std::pair(file("m.sinter"), "are written as .npy or .csv, not as .sinter"),
        std::pair(file("x.npy"), "would replace the file of --x")}) {
    std::vector<std::string> arguments = predict;
    arguments.push_back(output);
    expect_error(arguments, 2, text);
  }
  std::filesystem::create_symlink(file("m.sinter"), file("p.npy"));
  std::vector<std::string> arguments = predict;
  arguments.push_back(file("p.npy"));
  expect_error(arguments, 2, "would replace the file of MODEL");
  EXPECT_EQ(read_file(file("m.sinter")), model);
  EXPECT_EQ(read_file(file("x.npy")), x);
}

TEST_F(Cli, PredictionsAsCsvAndToPipes) {
  ok(train(file("m.json"),
           {"--loss", "sparse_categorical_crossentropy", "--output", file("m.sinter")}));
  const auto predict = [&](const std::string& output) {
    return std::vector<std::string>{"predict",     file("m.sinter"), "--x",
                                    file("x.npy"), "--output",       output};
  };
  ok(predict(file("p.npy")));
  ok(predict(file("p.csv")));
  const Tensor expected = load_npy(file("p.npy"));
  std::istringstream csv(read_file(file("p.csv")));
  int64_t next = 0;
  for (std::string line; std::getline(csv, line);) {
    std::istringstream values(line);
    for (std::string value; std::getline(values, value, ',');)
      EXPECT_EQ(std::stof(value), static_cast<float>(expected.at(next++)));
  }
  EXPECT_EQ(next, expected.elements());
  const std::string bytes = read_file(file("p.npy"));
  EXPECT_EQ(ok(predict("/dev/stdout")).out, bytes);
  // A file without a name, and one that is appended to.
  const std::string command = SINTER_BINARY_DIR "/sinter predict '" + file("m.sinter") + "' --x '" +
                              file("x.npy") + "' --output /dev/stdout";
  const ProcessResult unlinked =
      run_process({"/bin/sh", "-c",
                   "exec 3>'" + file("u") + "' 4<'" + file("u") + "'; rm '" + file("u") + "'; " +
                       command + " >&3 && cat <&4"});
  EXPECT_EQ(unlinked.exit_code, 0) << unlinked.err;
  EXPECT_EQ(unlinked.out, bytes);
  struct stat status {};
  ASSERT_EQ(::lstat("/dev/stdout", &status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
  const ProcessResult appended =
      run_process({"/bin/sh", "-c", "(echo first; " + command + ") > '" + file("a") + "'"});
  EXPECT_EQ(appended.exit_code, 0) << appended.err;
  EXPECT_EQ(read_file(file("a")), "first\n" + bytes);
}

TEST_F(Cli, TrainingWithoutOutputSaysSo) {
  const ProcessResult result =
      run_sinter(train(file("m.json"), {"--loss", "sparse_categorical_crossentropy"}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "sinter train: without --output nothing of the trained model is kept\n");
}

// A reader that goes away and a terminal that does cost nothing that was learnt.
TEST_F(Cli, TrainingOutlivesItsReaderAndItsTerminal) {
  std::string command = SINTER_BINARY_DIR "/sinter ";
  for (const std::string& word :
       train(file("m.json"), {"--loss", "sparse_categorical_crossentropy"}))
    command += (word == "0" ? "2" : word) + " ";
  const ProcessResult piped = run_process(
      {"/bin/sh", "-c", command + "--epochs 300 --output " + file("p.sinter") + " | head -1"});
  EXPECT_THAT(piped.out, StartsWith("Epoch 1/300"));
  EXPECT_EQ(load_model(file("p.sinter")).state()->epochs_done, 300);
  const ProcessResult hung_up =
      run_process({"/bin/sh", "-c",
                   command + "--epochs 100000000 --output " + file("h.sinter") + " > " +
                       file("log") + " & pid=$!; until grep -qs 'Epoch 3/' " + file("log") +
                       "; do kill -0 $pid || exit 3; sleep 0.02; done; kill -HUP $pid; wait $pid"});
  EXPECT_EQ(hung_up.exit_code, 1);
  EXPECT_THAT(hung_up.err, HasSubstr("holds the model as it is now"));
  EXPECT_GE(load_model(file("h.sinter")).state()->epochs_done, 3);
}

TEST_F(Cli, DumpsInEveryForm) {
  ok(train(file("m.json"),
           {"--loss", "sparse_categorical_crossentropy", "--output", file("m.sinter")}));
  for (const char* graph : {"forward", "training", "inference"}) {
    EXPECT_THAT(ok({"dump", file("m.sinter"), "--graph", graph}).out, StartsWith("graph \""));
    EXPECT_THAT(ok({"dump", file("m.sinter"), "--graph", graph, "--format", "dot"}).out,
                StartsWith("digraph "));
    EXPECT_FALSE(
        json::parse(
            ok({"dump", file("m.sinter"), "--graph", graph, "--format", "json"}).out)["nodes"]
            .empty());
    EXPECT_THAT(ok({"dump", file("m.sinter"), "--graph", graph, "--format", "svg"}).out,
                HasSubstr("<svg"));
  }
  EXPECT_THAT(ok({"dump", file("m.json")}).out, HasSubstr("batch_norm"));
  for (const char* graph : {"forward", "training"}) {
    const std::string kernels =
        ok({"dump", file("m.sinter"), "--graph", graph, "--kernels", "--tune"}).out;
    EXPECT_THAT(kernels, StartsWith("executable \""));
    EXPECT_THAT(kernels, HasSubstr(" on "));
    EXPECT_THAT(kernels, HasSubstr("one thread: "));
    if (SINTER_WITH_LLVM) EXPECT_THAT(kernels, HasSubstr(" us estimated, "));
  }
  EXPECT_THAT(ok({"dump", file("m.sinter"), "--graph", "training"}).out, HasSubstr("update "));
  const std::string stages =
      ok({"dump", file("m.sinter"), "--graph", "training", "--all-passes"}).out;
  EXPECT_THAT(stages, StartsWith("// as built: "));
  EXPECT_THAT(stages, HasSubstr("\n// decompose: "));
  EXPECT_TRUE(json::parse(ok({"dump", file("m.sinter"), "--all-passes", "--format", "json"}).out)
                  .is_array());
  const std::string after =
      ok({"dump", file("m.sinter"), "--graph", "training", "--after", "decompose"}).out;
  EXPECT_THAT(after, StartsWith("graph "));
  EXPECT_EQ(after.find("dropout("), std::string::npos);
  expect_error({"dump", file("m.sinter"), "--after", "decompos"}, 1,
               "unknown pass of the inference pipeline 'decompos'; did you mean 'decompose'?");
  expect_error({"dump", file("m.json"), "--graph", "training"}, 1,
               "is not compiled, so it has no training graph");
  expect_error({"dump", file("m.sinter"), "--all-passes", "--format", "svg"}, 2,
               "an SVG holds one");
  // Differences: what is gone, new, fused.
  EXPECT_THAT(stages, HasSubstr("\n- %"));
  EXPECT_THAT(stages, HasSubstr("\n+ %"));
  EXPECT_EQ(stages.find("\ngraph \""), stages.rfind("\ngraph \""));
  EXPECT_THAT(ok({"dump", file("m.sinter"), "--format", "png"}).out, StartsWith("\x89PNG"));
}

TEST_F(Cli, Diff) {
  const Model model = model_from_json(read_file(file("m.json")));
  model.save(file("a.sinter"));
  EXPECT_EQ(ok({"diff", file("a.sinter"), file("a.sinter")}).out,
            fmt::format("same architecture\n{} weights equal\n", model.variables().size()));
  Tensor bias = model.get_layer("first").bias()->value.clone();
  for (int64_t i = 0; i < bias.elements(); ++i) bias.set(i, 3);
  const Model other = model_from_json(read_file(file("m.json")));
  other.set_weights(model.get_weights());
  other.get_layer("first").bias()->assign(bias);
  other.save(file("b.sinter"));
  const std::string weights = ok({"diff", file("a.sinter"), file("b.sinter")}).out;
  EXPECT_THAT(weights, StartsWith("same architecture\nweight "));
  EXPECT_THAT(weights,
              HasSubstr("\nfirst/bias         6.708          inf            3  float32[5]\n"));

  const KerasTensor x = Input({6}, {.name = "x"});
  const KerasTensor h = Dense(7, {.activation = "tanh", .name = "first"})(x);
  const Model third(x, Dense(2, {.activation = "softmax", .name = "last"})(h));
  third.save(file("c.sinter"));
  const std::string layers = ok({"diff", file("a.sinter"), file("c.sinter")}).out;
  EXPECT_THAT(layers, StartsWith("architecture\n"));
  EXPECT_THAT(
      layers,
      HasSubstr("\n~ Dense first\n    units: 5 -> 7\n    activation: \"relu\" -> \"tanh\"\n"));
  EXPECT_THAT(layers, HasSubstr("\n- BatchNormalization "));
  EXPECT_THAT(layers, HasSubstr("\n+ Dense last ("));
  EXPECT_THAT(layers, HasSubstr("~ first/bias float32[5] -> float32[7]\n"));
  EXPECT_THAT(ok({"diff", file("m.json"), file("a.sinter")}).out, "same architecture\n");
  other.save_weights(file("w.weights.sinter"));
  EXPECT_THAT(ok({"diff", file("w.weights.sinter"), file("b.sinter")}).out, HasSubstr("equal\n"));
  expect_error({"diff", file("a.sinter"), file("none.sinter")}, 1, "none.sinter");
}

TEST_F(Cli, Explain) {
  std::vector<std::string> arguments = train(
      file("m.json"), {"--loss", "sparse_categorical_crossentropy", "--output", file("m.sinter")});
  ok(arguments);
  for (const char* graph : {"forward", "inference", "training"}) {
    EXPECT_EQ(ok({"explain", file("m.sinter"), "--html", file("page.html"), "--graph", graph,
                  "--batch", "4"})
                  .out,
              "wrote " + file("page.html") + "\n");
    EXPECT_THAT(read_file(file("page.html")), StartsWith("<!doctype html>"));
  }
  ok({"explain", file("m.json"), "--html", file("page.html"), "--measure"});
  const Model model = load_model(file("m.sinter"));
  model.export_inference(file("i.sinter"));
  model.save_weights(file("w.weights.sinter"));
  ok({"explain", file("i.sinter"), "--html", file("page.html")});
  EXPECT_THAT(read_file(file("page.html")), HasSubstr("\"kind\": \"inference\""));
  expect_error({"explain", file("i.sinter"), "--html", file("page.html"), "--graph", "training"}, 1,
               "holds no model, so it has no training graph");
  expect_error({"explain", file("w.weights.sinter"), "--html", file("page.html")}, 1,
               "holds weights and no graph");
  expect_error({"explain", file("m.json"), "--html", file("page.html"), "--graph", "training"}, 1,
               "is not compiled, so it has no training graph");
  expect_error({"explain", file("m.sinter"), "--html", file("m.sinter")}, 2,
               "would replace the file of MODEL");
}

TEST_F(Cli, Summary) {
  EXPECT_THAT(ok({"summary", file("m.json")}).out, HasSubstr("Total params: "));
  const Model model = model_from_json(read_file(file("m.json")));
  model.save(file("m.sinter"));
  model.save_weights(file("w.weights.sinter"));
  EXPECT_EQ(ok({"summary", file("m.sinter")}).out, model.summary_text());
  EXPECT_THAT(ok({"summary", file("w.weights.sinter")}).out,
              HasSubstr("first/kernel float32[6,5]"));
}

TEST_F(Cli, ErrorsOfUsersAreOneLine) {
  expect_error(train(file("m.json"), {}), 2,
               "is not compiled: give --loss NAME and --optimizer NAME, or --compile FILE");
  expect_error({"evaluate", file("m.json"), "--x", file("x.npy"), "--y", file("y.npy")}, 1,
               "train it with them first, 'sinter train");
  expect_error(train(file("m.json"), {"--loss", "mse", "--optimizer", "adan"}), 1,
               "unknown optimizer 'adan'; did you mean 'adam'?");
  expect_error(train(file("m.json"), {"--loss", "mse", "--optimizer", "adam:learning_rat=1"}), 1,
               "unknown setting of optimizer 'adam' 'learning_rat'; did you mean 'learning_rate'?");
  expect_error(train(file("m.json"), {"--loss", "mse", "--optimizer", "adam:fast"}), 2,
               "'fast' is not KEY=VALUE");
  expect_error(train(file("m.json"), {"--loss", "msee"}), 1, "did you mean 'mse'?");
  expect_error(train(file("m.json"), {"--loss", "mse", "--x-val", file("x.npy")}), 2,
               "--x-val and --y-val go together");
  expect_error(train(file("m.json"), {"--loss", "sparse_categorical_crossentropy", "--batch-size",
                                      "0", "--output", file("m.sinter")}),
               2, "--batch-size: 0 is no whole number");
  expect_error(train(file("m.json"), {"--loss", "sparse_categorical_crossentropy", "--output",
                                      file("no/such/folder/m.sinter")}),
               1,
               "cannot write '" + file("no/such/folder/m.sinter") + "': No such file or directory");
  expect_error(
      train(file("m.json"), {"--loss", "sparse_categorical_crossentropy", "--output", "/dev/full"}),
      1, "cannot write '/dev/full': No space left on device");
  expect_error(
      {"train", file("m.json"), "--loss", "mse", "--x", file("none.npy"), "--y", file("y.npy")}, 1,
      "cannot read '" + file("none.npy"));
  expect_error({"predict", file("m.json"), "--x", file("x.npy"), "--output", file("p.npy")}, 1,
               "has no weights");
  expect_error({"predict", file("m.sinter"), "--x", file("x.npy"), "--output", file("p.npy"),
                "--backend", "gpu"},
               1, "unknown backend 'gpu'");
}

TEST_F(Cli, ExportedFilesRunWithoutTheFrontend) {
  const Model model = model_from_json(read_file(file("m.json")));
  model.export_inference(file("e.sinter"));
  Tensor x(DType::kFloat32, {5, 6});
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>(i % 256) / 64);
  const Tensor expected = model.predict(x);
  for (const std::string& backend : backend_names()) {
    const ProcessResult result = run_process(
        {SINTER_BINARY_DIR "/tests/link_run_inference", file("e.sinter"), "5", backend});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    std::istringstream lines(result.out);
    for (int64_t i = 0; i < expected.elements(); ++i) {
      double value = NAN;
      lines >> value;
      EXPECT_NEAR(value, expected.at(i), 1e-5) << backend << " " << i;
    }
  }
  save_npy(file("x5.npy"), x);
  ok({"predict", file("e.sinter"), "--x", file("x5.npy"), "--output", file("p5.npy"),
      "--batch-size", "2"});
  const Tensor found = load_npy(file("p5.npy"));
  for (int64_t i = 0; i < expected.elements(); ++i) EXPECT_NEAR(found.at(i), expected.at(i), 1e-5);
  EXPECT_THAT(ok({"dump", file("e.sinter")}).out, StartsWith("graph \"inference\""));
  expect_error({"predict", file("e.sinter"), "--x", file("y.npy"), "--output", file("p5.npy")}, 1,
               "input 'x' takes [batch,6], given [40]");
}

TEST_F(Cli, BenchPrintsTheKeysOfItsPeers) {
  for (const char* work : {"mlp_train", "mlp_fit", "mlp_b1"}) {
    const json line =
        json::parse(ok({"bench", work, "--seconds", "0", "--threads", "1", "--no-cache"}).out);
    for (const char* key : {"peer", "work", "threads", "median_us", "min_us", "steps", "first_us",
                            "first_step_us", "rss_mib"})
      EXPECT_TRUE(line.contains(key)) << key;
    EXPECT_EQ(line["work"], work);
    EXPECT_EQ(line["threads"], 1);
    EXPECT_GT(line["median_us"].get<double>(), 0);
    EXPECT_LE(line["first_step_us"], line["first_us"]);
    EXPECT_FALSE(line.contains("line_round_trip_ns")) << "between threads";
  }
}

TEST_F(Cli, BenchProfilesKernels) {
  const std::string out =
      ok({"bench", "mlp_b1", "--seconds", "0", "--threads", "1", "--profile"}).out;
  EXPECT_THAT(out, HasSubstr("\n\"functional\", 1 row: 10 runs, "));
  EXPECT_THAT(out, ::testing::ContainsRegex("\n +[0-9.]+ +[0-9.]+ % +1 .* dense "));
}

TEST_F(Cli, TrainTakesMixedPrecision) {
  ok(train(file("m.json"), {"--loss", "sparse_categorical_crossentropy", "--mixed-precision",
                            "bfloat16", "--output", file("m.sinter")}));
  EXPECT_EQ(load_model(file("m.sinter")).compile_arguments().mixed_precision, "bfloat16");
  // It stays where the next training says nothing.
  ok(train(file("m.sinter"), {"--optimizer", "sgd", "--output", file("n.sinter")}));
  EXPECT_EQ(load_model(file("n.sinter")).compile_arguments().mixed_precision, "bfloat16");
}

TEST_F(Cli, BenchTakesBatchAndWidth) {
  const json line = json::parse(ok({"bench", "mlp_train", "--batch", "8", "--width", "16",
                                    "--seconds", "0", "--threads", "1", "--no-cache"})
                                    .out);
  EXPECT_EQ(line["batch"], 8);
  EXPECT_EQ(line["width"], 16);
}

TEST_F(Cli, RooflineMeasuresEachDtypeAndLevel) {
  const json line = json::parse(ok({"roofline", "--json", "--seconds", "0", "--threads", "2"}).out);
  EXPECT_THAT(line["date"].get<std::string>(), ::testing::MatchesRegex("20..-..-.."));
  EXPECT_FALSE(line["machine"].get<std::string>().empty());
  std::set<std::string> dtypes, levels;
  for (const json& peak : line["peak"]) {
    dtypes.insert(peak["dtype"].get<std::string>());
    EXPECT_GT(peak["gflops"].get<double>(), 0);
  }
  EXPECT_TRUE(dtypes.contains("float32") && dtypes.contains("float64"));
  for (const json& bandwidth : line["bandwidth"]) {
    levels.insert(bandwidth["level"].get<std::string>());
    EXPECT_GT(bandwidth["gb_per_s"].get<double>(), 0);
  }
  EXPECT_TRUE(levels.contains("DRAM"));
  EXPECT_EQ(line["hand_over"]["threads"], 2);
  for (const char* when : {"parked_us", "awake_us", "next_us"})
    EXPECT_TRUE(line["hand_over"][when].is_number()) << when;
  if (std::thread::hardware_concurrency() > 1)
    EXPECT_GT(line["line_round_trip_ns"].get<double>(), 1);
  // Each figure stands there for one thread and for two.
  EXPECT_EQ(line["peak"].size() % 2, 0u);
  EXPECT_EQ(line["bandwidth"].size() % 2, 0u);
}

}  // namespace
}  // namespace sinter::testing
