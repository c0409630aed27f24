// One graph with its data, one way to run it, and whether what comes out is right.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph.h"
#include "core/tensor.h"
#include "frontend/verify/bounded.h"
#include "runtime/compile_options.h"

namespace sinter {
class Executable;
}

namespace sinter::verification {

struct Case {
  Graph graph{"fuzz"};
  int64_t batch = 1;  // for the symbolic dimension, where there is one
  std::vector<Tensor> inputs, variables;
};

struct Configuration {
  /// A backend; or "passes": every pass, as for llvm, then the reference backend, regions and all;
  /// or "gradients": those of the outputs against differences (check_gradients.h).
  std::string backend = "llvm";
  std::string pipeline = "training";
  std::string mixed_precision;
  std::vector<std::string> disabled;  // passes
  int passes = -1;  // of "passes": of the pipeline's so many, then only what is required; -1: all
  int rules = -1;   // and that many changes by rules at most
  bool strict = true;  // of graphs with windows: nothing rounds more than sums of products do
  std::vector<int> threads = {1};  // of which all must give the same bits
  bool values_apart = false;       // each value of the graph in guarded memory of its own
  double budget = -1;              // once more within so much more than the least memory; -1: not
  std::string cpu;                 // the value of SINTER_CPU; "" where it is not set
  std::string route = "direct";    // "text": printed and parsed; "file": saved and loaded
  /// "backend=llvm pipeline=training disabled=a,b threads=1,8 route=file cpu=x86-64"
  std::string to_string() const;
  /// Raises Error.
  static Configuration parse(std::string_view text);
};

/// Passes that round elsewhere than the graph says. Without them, "passes" must give the bits of
/// the reference backend without any pass.
inline const std::vector<std::string> kRoundingPasses = {"simplify", "fold_batch_norm",
                                                         "stabilize_cross_entropy"};

/// What is wrong: "" when nothing is. The first word tells the kind: "value", "bits" (they change
/// from run to run), "memory" (written where nothing may be), "raises", "text", "file", "gradient",
/// "crash".
struct Verdict {
  std::string what;
  bool good() const { return what.empty(); }
  std::string kind() const { return what.substr(0, what.find(':')); }
};

/// The values every run is judged against, made once a graph, pipeline and precision.
struct Expectation {
  Graph lowered{"fuzz"};
  std::vector<std::vector<BoundedTensor>> values;
  const BoundedTensor& at(ValueId id) const {
    return values[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)];
  }
};
/// Of the configuration only what changes the mathematics counts: pipeline, precision, and whether
/// losses of a softmax are taken from its logits.
Expectation expectation_of(const Case& c, const Configuration& configuration = {},
                           Branches* branches = nullptr);

/// Bounds are those of sums of products unless a run is of default precision: then Winograd's
/// algorithm may be taken, and oneDNN leaves products with the padding out. Graphs without windows
/// know no such difference.
bool has_windows(const Graph& graph);

/// How a run compiles; "passes" is run by the reference backend.
CompileOptions options_of(const Case& c, const Configuration& configuration);
/// A lowered graph that needs no more than 1 + `more` times the least memory that it can do with.
Graph within_budget(const Graph& lowered, const CompileOptions& options, double more);

/// The graph that "passes" runs. `may_fire` as in PassContext, beside the limit of `rules`.
Graph lower_for_fusion(
    const Case& c, const Configuration& configuration,
    const std::function<bool(std::string_view rule, const Node& at)>& may_fire = {});

/// All values become outputs too, after the others, so that each has memory of its own.
Graph with_values_apart(const Graph& lowered);

/// Compiles and runs the case once for each number of threads.
Verdict check(const Case& c, const Configuration& configuration, const Expectation& expected,
              JudgeCounts* counts = nullptr);
/// Of what is compiled already, whose graph has the outputs of the expectation first.
Verdict check_executable(Executable& executable, const Case& c, const Configuration& configuration,
                         const Expectation& expected);
/// The same with an expectation of its own; what that raises is a verdict too.
Verdict check(const Case& c, const Configuration& configuration, JudgeCounts* counts = nullptr);
/// In a process of its own, of which "crash" is one more kind of verdict.
Verdict check_apart(const Case& c, const Configuration& configuration);

}  // namespace sinter::verification
