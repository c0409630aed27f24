// Mutated model files and graph texts by the million:
//
//   fuzz_files [--seconds S] [--runs N] [--seed K] [--only files|texts] [FILE...]
//
// FILEs (.sinter or text) are checked as they are. The input of the moment lies in the working
// folder as current.sinter or current.txt, so it is there when a sanitizer ends the process; what
// breaks a promise is kept as broken-*.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "core/file_io.h"
#include "core/model_file.h"
#include "core/text.h"
#include "ops/ops.h"
#include "tests/fuzz/files/mutate.h"
#include "tests/fuzz/files/promises.h"
#include "tests/fuzz/files/seeds.h"

namespace sinter::fuzz_files {
namespace {

std::vector<std::string> seed_files(const std::string& folder) {
  std::vector<std::string> result;
  for (const std::string& text : seed_graphs()) {
    ModelFile file;
    file.kind = "inference";
    file.graphs.push_back(parse_graph(text));
    const Graph& graph = file.graphs[0];
    for (int32_t i : graph.variables()) {
      const ValueType& type = graph.node(i).types[0];
      file.tensors.push_back({graph.node(i).name, Tensor(type.dtype, type.shape)});
    }
    const std::string path = folder + "/seed.sinter";
    save_model_file(path, file);
    result.push_back(read_file(path));
  }
  return result;
}

struct Tally {
  int64_t runs = 0, accepted = 0, ran = 0, broken = 0;
  void count(const Outcome& outcome) {
    ++runs;
    accepted += outcome.accepted ? 1 : 0;
    ran += outcome.ran ? 1 : 0;
  }
};

std::string one_file(const std::vector<std::string>& seeds, Choices& choices,
                     const std::string& folder, Tally& tally) {
  const std::string path = folder + "/current.sinter";
  const std::string& seed = choices.of(seeds);
  const std::string bytes = mutated_model_file(seed, choices, choices.one_in(4) ? "" : path);
  write_file_atomically(path, bytes, false);
  tally.count(check_model_file(path));
  return bytes;
}

void one_text(Choices& choices, const std::string& folder, Tally& tally) {
  const std::string text = mutated_text(choices.of(seed_graphs()), choices);
  write_file_atomically(folder + "/current.txt", text, false);
  tally.count(check_graph_text(text, folder));
}

int campaign(double seconds, int64_t runs, uint64_t seed, const std::string& only) {
  const std::string folder = std::filesystem::current_path().string();
  const std::vector<std::string> seeds = seed_files(folder);
  Tally files, texts;
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  double next_report = 60;
  for (int64_t i = 0; i < runs && elapsed() < seconds; ++i) {
    Choices choices(seed + static_cast<uint64_t>(i));
    const bool text = only == "texts" || (only != "files" && i % 2 == 1);
    Tally& tally = text ? texts : files;
    try {
      if (text)
        one_text(choices, folder, tally);
      else
        one_file(seeds, choices, folder, tally);
    } catch (const std::exception& error) {
      const std::string name = text ? "current.txt" : "current.sinter";
      const std::string kept = fmt::format(
          "{}/broken-{}{}", folder, seed + static_cast<uint64_t>(i), text ? ".txt" : ".sinter");
      write_file_atomically(kept, read_file(folder + "/" + name), false);
      ++tally.broken;
      fmt::print("{}: {}\n", kept, std::string(error.what()).substr(0, 600));
      std::fflush(stdout);
    }
    if (elapsed() > next_report) {
      next_report = elapsed() + 600;
      fmt::print(
          "{:.0f} s: {} files ({} loaded, {} ran, {} broken), {} texts ({} parsed, {} ran, {} "
          "broken)\n",
          elapsed(), files.runs, files.accepted, files.ran, files.broken, texts.runs,
          texts.accepted, texts.ran, texts.broken);
      std::fflush(stdout);
    }
  }
  fmt::print(
      "{:.0f} s of CPU: {} files ({} loaded, {} ran, {} broken), {} texts ({} parsed, {} ran, "
      "{} broken)\n",
      static_cast<double>(std::clock()) / CLOCKS_PER_SEC, files.runs, files.accepted, files.ran,
      files.broken, texts.runs, texts.accepted, texts.ran, texts.broken);
  return files.broken + texts.broken == 0 ? 0 : 1;
}

void check_given(const std::string& path) {
  const Outcome outcome = path.ends_with(".sinter") ? check_model_file(path)
                                                    : check_graph_text(read_file(path), "/tmp");
  fmt::print("{}: {}{}{}\n", path, outcome.accepted ? "accepted, " : "", outcome.ran ? "ran, " : "",
             outcome.error);
}

int run(int argc, char** argv) {
  double seconds = std::numeric_limits<double>::infinity();
  int64_t runs = std::numeric_limits<int64_t>::max();
  uint64_t seed = 1;
  std::string only;
  std::vector<std::string> paths;
  CLI::App app(
      "Mutated model files and graph texts: each is loaded and run, or refused by a typed "
      "error. What breaks that is kept in the working folder as broken-*.");
  app.add_option("--seconds", seconds, "How long to go on")->type_name("S");
  app.add_option("--runs", runs, "How many files and texts")->type_name("N");
  app.add_option("--seed", seed, "Of the first; each further one has the next")->type_name("K");
  app.add_option("--only", only, "files or texts")->check(CLI::IsMember({"files", "texts"}));
  app.add_option("FILE", paths,
                 "Checked as they are (.sinter, or the text of a graph); no campaign")
      ->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  register_ops();
  ::setenv("SINTER_MEMORY_LIMIT", "256M", 0);
  for (const std::string& path : paths) check_given(path);
  return paths.empty() ? campaign(seconds, runs, seed, only) : 0;
}

}  // namespace
}  // namespace sinter::fuzz_files

int main(int argc, char** argv) { return sinter::fuzz_files::run(argc, argv); }
