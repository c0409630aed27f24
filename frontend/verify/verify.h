// Every step from a graph to its kernels, checked by numbers: `sinter verify`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "frontend/verify/check.h"

namespace sinter::verification {

struct VerifyOptions {
  std::string pipeline = "training";
  std::string mixed_precision;
  std::vector<std::string> disabled;  // passes
  std::vector<std::string> backends;  // whose kernels are checked; none: all that are built in
  int sets = 5, tries = 21;           // of numbers
  uint64_t seed = 1;
  std::vector<int> threads = {1, 2, 3};
  /// Called with each step when it has been checked.
  std::function<void(const struct VerifiedStep&)> on_step;
};

/// One step: a pass, the kernels of a backend, or the gradients.
struct VerifiedStep {
  std::string name;
  std::string detail;  // "31 nodes"
  double worst = 0;    // of all errors, as shares of what each element is allowed
  Verdict verdict;
};

/// What is wrong, ready to be repeated.
struct Finding {
  Case c;
  Configuration configuration;
  Verdict verdict;
  std::string step;
};

struct VerifyReport {
  size_t sets = 0, branches_taken = 0, branches = 0;
  double judged = 0;  // of the results, for the numbers that were found
  std::vector<VerifiedStep> steps;
  std::optional<Finding> finding;  // of the first step that is wrong
};

/// Checks a graph with `c.variables` on numbers that it searches: after each pass that changes it,
/// by the reference backend; then the kernels of backends, with several numbers of threads; and the
/// gradients of its ops and, where there is one, of its output "loss". Everything is judged by the
/// graph before the optional passes in double, within bounds that follow from the computation
/// (bounded.h). Ends with the first step that is wrong.
VerifyReport verify_graph(const Case& c, const VerifyOptions& options);

}  // namespace sinter::verification
