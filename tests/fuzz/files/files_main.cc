// Mutated model files and graph texts by the million:
//
//   fuzz_files [--seconds S] [--runs N] [--seed K] [--only files|texts] [FILE...]
//
// FILEs (.sinter or text) are checked as they are. The input of the moment lies in the working
// folder as current.sinter or current.txt, so it is there when a sanitizer ends the process; what
// breaks a promise is kept as broken-*.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
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
  fmt::print("{} files ({} loaded, {} ran, {} broken), {} texts ({} parsed, {} ran, {} broken)\n",
             files.runs, files.accepted, files.ran, files.broken, texts.runs, texts.accepted,
             texts.ran, texts.broken);
  return files.broken + texts.broken == 0 ? 0 : 1;
}

int run(const std::vector<std::string>& arguments) {
  register_ops();
  ::setenv("SINTER_MEMORY_LIMIT", "256M", 0);
  double seconds = 1e18;
  int64_t runs = INT64_MAX;
  uint64_t seed = 1;
  std::string only;
  std::vector<std::string> paths;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& a = arguments[i];
    const auto value = [&] { return ++i < arguments.size() ? arguments[i] : std::string("0"); };
    if (a == "--seconds")
      seconds = std::stod(value());
    else if (a == "--runs")
      runs = std::stoll(value());
    else if (a == "--seed")
      seed = std::stoull(value());
    else if (a == "--only")
      only = value();
    else
      paths.push_back(a);
  }
  for (const std::string& path : paths) {
    const Outcome outcome = path.ends_with(".sinter") ? check_model_file(path)
                                                      : check_graph_text(read_file(path), "/tmp");
    fmt::print("{}: {}{}{}\n", path, outcome.accepted ? "accepted, " : "",
               outcome.ran ? "ran, " : "", outcome.error);
  }
  return paths.empty() ? campaign(seconds, runs, seed, only) : 0;
}

}  // namespace
}  // namespace sinter::fuzz_files

int main(int argc, char** argv) {
  return sinter::fuzz_files::run(std::vector<std::string>(argv + 1, argv + argc));
}
