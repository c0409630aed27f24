// sinter verify, sinter bisect: what every pass and kernel makes of a model, checked by numbers;
// and what is to blame where one is wrong.
#include "frontend/verify/verify.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "core/error.h"
#include "core/file_io.h"
#include "core/model_file.h"
#include "frontend/cli/command.h"
#include "frontend/cli/model_argument.h"
#include "frontend/verify/bisect.h"
#include "frontend/verify/case_file.h"
#include "frontend/verify/model_cases.h"
#include "ops/ops.h"
#include "runtime/load.h"

namespace sinter::cli {
namespace {

using namespace verification;

struct Options {
  std::string model, graph, output;
  int64_t batch = 3, seconds = 60, seed = 1;
  std::string mixed_precision;
  std::vector<std::string> backends;
  VerifyOptions how;
};

struct NamedCase {
  std::string name;
  Case c;
  VerifyOptions how;
};

bool is_case(const std::string& path) { return path.ends_with(".graph"); }

std::vector<NamedCase> cases_of(const Options& o) {
  register_ops();
  VerifyOptions how = o.how;
  for (const std::string& name : o.backends) find_backend(name, SourceLocation());
  how.backends = o.backends;
  how.seed = static_cast<uint64_t>(o.seed);
  how.mixed_precision = o.mixed_precision;
  if (!is_json(o.model)) {
    const ModelFile file = load_model_file(o.model);
    if (file.architecture.empty())
      throw Error(fmt::format(
          "'{}' holds no model: what is exported for inference has been through the passes already",
          o.model));
  }
  const Model model =
      open_model(o.model, o.graph == "inference" ? ModelUse::kPrediction : ModelUse::kTraining);
  if (o.graph == "training" && !model.is_compiled())
    throw Error(fmt::format("'{}' is not compiled, so it has no training graph", o.model));
  if (model.is_compiled()) {
    how.disabled = model.compile_arguments().disabled_passes;
    if (how.mixed_precision.empty())
      how.mixed_precision = model.compile_arguments().mixed_precision;
  }
  std::vector<NamedCase> cases;
  if (model.is_compiled() && o.graph != "inference") {
    how.pipeline = "training";
    cases.push_back({"training", training_case(model, o.batch), how});
  }
  if (o.graph != "training") {
    how.pipeline = "inference";
    cases.push_back({"inference", forward_case(model, o.batch), how});
  }
  return cases;
}

void print_step(const VerifiedStep& step) {
  if (step.verdict.good())
    print(fmt::format("  {:<28} {:<26} {}\n", step.name, step.detail,
                      step.worst > 0                    ? fmt::format("{:.2g}", step.worst)
                      : step.detail.ends_with(" nodes") ? "exact"
                                                        : ""));
  else
    print(fmt::format("  {:<28} {:<26} wrong: {}\n", step.name, step.detail, step.verdict.what));
}

/// Of the first of the model's graphs in which something is wrong.
std::optional<Finding> verify_model(const Options& o) {
  for (NamedCase& one : cases_of(o)) {
    print(fmt::format("{} graph of {}, batch {}: {} nodes\n", one.name, o.model, o.batch,
                      one.c.graph.size()));
    print(fmt::format("  {:<28} {:<26} {}\n", "after", "", "worst error, of what is allowed"));
    one.how.on_step = print_step;
    const VerifyReport report = verify_graph(one.c, one.how);
    print(
        fmt::format("  {} sets of numbers; they take {} of {} sides of selects, maxima and minima, "
                    "and {:.0f} % "
                    "of the results can be judged\n",
                    report.sets, report.branches_taken, report.branches, 100 * report.judged));
    if (report.finding) return report.finding;
  }
  return std::nullopt;
}

/// The first run of a case file that is wrong.
std::optional<Finding> verify_case(const std::string& path) {
  const CaseFile file = read_case(path);
  std::optional<Finding> finding;
  for (const Configuration& k : file.runs) {
    const Verdict v = check(file.c, k);
    print(fmt::format("{}: {}: {}\n", path, k.to_string(), v.good() ? "right" : v.what));
    if (!v.good() && !finding) finding = {file.c, k, v, "run of " + path};
  }
  return finding;
}

std::optional<Finding> find(const Options& o) {
  return is_case(o.model) ? verify_case(o.model) : verify_model(o);
}

void verify(const Options& o) {
  const std::optional<Finding> finding = find(o);
  if (!finding) return print("right\n");
  throw Error(
      fmt::format("{}: {}{}", finding->step, finding->verdict.what,
                  is_case(o.model) ? "" : fmt::format(" ('sinter bisect {}' says why)", o.model)));
}

void bisect(const Options& o) {
  check_files({{"MODEL", o.model}}, {{"--output", o.output}});
  const std::optional<Finding> finding = find(o);
  if (!finding) return print("right: there is nothing to look for\n");
  print("making it small ...\n");
  const Bisection b = verification::bisect(*finding, static_cast<double>(o.seconds));
  write_file_atomically(o.output, b.text());
  print(fmt::format("{}\n{} op{}, written to {}, which 'sinter verify' repeats:\n\n{}",
                    b.culprit.to_string(), b.ops, b.ops == 1 ? "" : "s", o.output,
                    b.text().size() < 4000 ? b.text() : b.text().substr(0, 4000) + " ...\n"));
  throw Error(b.culprit.to_string());
}

std::shared_ptr<Options> add_options(CLI::App& command) {
  auto o = std::make_shared<Options>();
  command
      .add_option("model", o->model,
                  "A .sinter file, a .json architecture, or a .graph file of sinter bisect")
      ->type_name("MODEL")
      ->required();
  command.add_option("--graph", o->graph, "training, inference (default: both)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"training", "inference"}));
  command.add_option("--batch", o->batch, "Rows of a run")
      ->type_name("N")
      ->check(count_within(1, 1024))
      ->capture_default_str();
  command
      .add_option("--backend", o->backends, "Whose kernels are checked (default: all there are)")
      ->type_name("NAME");
  command
      .add_option("--sets", o->how.sets, "Sets of inputs and variables that are looked at, at most")
      ->type_name("N")
      ->check(count_within(1, 1000))
      ->capture_default_str();
  command.add_option("--tries", o->how.tries, "Sets that are looked through for them")
      ->type_name("N")
      ->check(count_within(1, 100000))
      ->capture_default_str();
  command.add_option("--seed", o->seed, "Of the random numbers")
      ->type_name("N")
      ->check(count_from(0))
      ->capture_default_str();
  add_mixed_precision(command, o->mixed_precision);
  return o;
}

}  // namespace

Action add_verify(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "verify", "Check by numbers what each pass and each kernel makes of a model");
  const std::shared_ptr<Options> o = add_options(*command);
  return [o] { verify(*o); };
}

Action add_bisect(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "bisect", "Find the pass, rule or kernel that makes a model wrong, on a small graph");
  const std::shared_ptr<Options> o = add_options(*command);
  command->add_option("--output", o->output, "The small graph, for 'sinter verify'")
      ->type_name("FILE.graph")
      ->required()
      ->check([](const std::string& path) {
        return path.ends_with(".graph") ? "" : std::string("its name must end in .graph");
      });
  command->add_option("--seconds", o->seconds, "Of the processor, to make the graph small")
      ->type_name("N")
      ->check(count_within(1, 86400))
      ->capture_default_str();
  return [o] { bisect(*o); };
}

}  // namespace sinter::cli
