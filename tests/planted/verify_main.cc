// verify_planted GRAPH [FILE]: `sinter verify` and `sinter bisect` of a graph of models.h in a
// program that has the faults of bugs.txt; SINTER_PLANTED switches one on. The small graph goes to
// FILE.
#include <fmt/format.h>

#include <exception>
#include <fstream>

#include "frontend/verify/bisect.h"
#include "tests/planted/models.h"

namespace sinter::planted_bugs {
namespace {

int run(const std::string& name, const std::string& path) {
  constexpr double kSeconds = 20;  // to make the graph small
  for (NamedGraph& graph : graphs_named(name)) {
    const verification::VerifyReport report = verification::verify_graph(graph.c, graph.how);
    fmt::print("{}: {} steps, {} of {} branches, {:.0f} % judged\n", graph.name,
               report.steps.size(), report.branches_taken, report.branches, 100 * report.judged);
    if (!report.finding) continue;
    fmt::print("wrong: {}: {}\n", report.finding->step, report.finding->verdict.what);
    const verification::Bisection b = verification::bisect(*report.finding, kSeconds);
    fmt::print("ops: {}\nnodes: {}\nchecks: {}\nblame: {}\n", b.ops, b.shrunk.c.graph.size(),
               b.shrunk.checks, b.culprit.to_string());
    if (!path.empty()) std::ofstream(path) << b.text();
    return 1;
  }
  fmt::print("right\n");
  return 0;
}

}  // namespace
}  // namespace sinter::planted_bugs

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  try {
    return sinter::planted_bugs::run(argv[1], argc > 2 ? argv[2] : "");
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
