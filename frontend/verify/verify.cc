#include "frontend/verify/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <functional>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "frontend/verify/apart.h"
#include "frontend/verify/check_gradients.h"
#include "frontend/verify/op_cases.h"
#include "frontend/verify/search_numbers.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/load.h"

namespace sinter::verification {
namespace {

class Verifier {
 public:
  Verifier(const Case& c, const VerifyOptions& options) : options_(options) {
    register_ops();
    plain_.pipeline = options.pipeline;
    plain_.mixed_precision = options.mixed_precision;
    plain_.disabled = options.disabled;
    plain_.backend = "passes";
    numbers_ = search_numbers(c, plain_, options.seed, options.sets, options.tries);
    report_.sets = numbers_.cases.size();
    report_.branches_taken = numbers_.branches_taken;
    report_.branches = numbers_.branches;
    report_.judged = numbers_.judged;
  }

  VerifyReport run() {
    const bool good = check_passes() && check_kernels() && check_op_gradients() && check_loss();
    (void)good;
    return std::move(report_);
  }

 private:
  // Adds the step; false where it is wrong.
  bool add(VerifiedStep step, const Case& c, const Configuration& k) {
    if (!step.verdict.good()) report_.finding = {c, k, step.verdict, step.name};
    if (options_.on_step) options_.on_step(step);
    report_.steps.push_back(std::move(step));
    return report_.steps.back().verdict.good();
  }

  // What a child finds out about all sets of numbers.
  struct Found {
    size_t set = 0;  // the first that is wrong
    double worst = 0;
    std::string detail;
    Verdict verdict;
    static constexpr char kEnd = '\x1f';
    std::string text() const {
      return fmt::format("{1}{0}{2}{0}{3}{0}{4}", kEnd, set, worst, detail, verdict.what);
    }
    static Found of(const std::string& text) {
      Found f;
      size_t at = 0;
      const auto next = [&] {
        const size_t end = text.find(kEnd, at);
        std::string word = text.substr(at, end - at);
        at = end == text.npos ? text.size() : end + 1;
        return word;
      };
      if (text.find(kEnd) == text.npos) {
        f.verdict.what = text;  // the child died
        return f;
      }
      f.set = std::stoul(next());
      f.worst = std::stod(next());
      f.detail = next();
      f.verdict.what = text.substr(at);
      return f;
    }
  };

  Found in_child(const std::function<void(Found&)>& look) const {
    return Found::of(apart([&] {
      Found f;
      look(f);
      return f.text();
    }));
  }

  // All sets of numbers in one way.
  void look_at_all(const Configuration& k, const std::vector<Expectation>& expected,
                   Found& f) const {
    JudgeCounts counts;
    for (f.set = 0; f.set < numbers_.cases.size() && f.verdict.good(); ++f.set) {
      const Case& c = numbers_.cases[f.set];
      f.verdict =
          f.set < expected.size() ? check(c, k, expected[f.set], &counts) : check(c, k, &counts);
      if (!f.verdict.good()) break;
    }
    f.worst = counts.worst;
  }

  // A child that died does not say in which set: the first that does so again.
  size_t set_of(const Found& f, const Configuration& k) const {
    if (f.verdict.kind() != "crash") return f.set;
    for (size_t i = 0; i < numbers_.cases.size(); ++i) {
      if (check_apart(numbers_.cases[i], k).kind() == "crash") return i;
    }
    return 0;
  }

  bool add_found(const std::string& name, const Found& f, const Configuration& k) {
    const size_t set = f.verdict.good() ? 0 : set_of(f, k);
    return add({name, f.detail, f.worst, f.verdict}, numbers_.cases[set], k);
  }

  bool check_passes() {
    Configuration k = plain_;
    k.passes = 0;
    std::string before;  // the hash of the graph
    for (const Case& c : numbers_.cases) expected_.push_back(expectation_of(c, plain_));
    const auto count = static_cast<int>(find_pipeline(k.pipeline).passes.size());
    for (; k.passes <= count; ++k.passes) {
      const Found f = in_child([&](Found& found) {
        std::string hash;
        try {
          const Graph lowered = lower_for_fusion(numbers_.cases[0], k);
          hash = fmt::format("{} {} nodes", hash_graph(lowered), lowered.size());
        } catch (const std::exception&) {
          // The check says what it is.
        }
        found.detail = hash;
        if (!hash.empty() && hash == before) return;
        // Before the first pass the mathematics may be another one.
        look_at_all(k, k.passes == 0 ? std::vector<Expectation>() : expected_, found);
      });
      if (f.verdict.good() && f.detail == before) continue;
      before = f.detail;
      Found shown = f;
      shown.detail = f.detail.substr(f.detail.find(' ') + 1);
      const std::string name =
          k.passes == 0 ? "as built"
                        : find_pipeline(k.pipeline).passes[static_cast<size_t>(k.passes - 1)]->name;
      if (!add_found(name, shown, k)) return false;
    }
    return true;
  }

  bool check_kernels() {
    std::vector<std::string> names = options_.backends;
    if (names.empty()) {
      names = backend_names();
      std::erase(names, "reference");
    }
    Configuration k = plain_;
    k.threads = options_.threads;
    if (has_windows(numbers_.cases[0].graph)) {  // as users run it
      k.strict = false;
      expected_.clear();
      for (const Case& c : numbers_.cases) expected_.push_back(expectation_of(c, k));
    }
    for (const std::string& name : names) {
      k.backend = name;
      const Found f = in_child([&](Found& found) { look_at_all(k, expected_, found); });
      if (!add_found("kernels of " + name, f, k)) return false;
      Configuration guarded = k;
      guarded.values_apart = true;
      const Found g = in_child([&](Found& found) {
        found.verdict = check(numbers_.cases[0], guarded, expected_.at(0));
      });
      if (!g.verdict.good()) return add_found("kernels of " + name + ", values apart", g, guarded);
    }
    if (k.pipeline == "training") {  // once more with as little memory as can be
      k.backend = names.front();
      k.threads = {1};
      k.budget = 0;
      const Found f = in_child(
          [&](Found& found) { found.verdict = check(numbers_.cases[0], k, expected_.at(0)); });
      if (!add_found("within the least memory", f, k)) return false;
    }
    expected_.clear();
    return true;
  }

  Configuration of_gradients() const {
    Configuration k;
    k.backend = "gradients";
    return k;
  }

  bool check_op_gradients() {
    DerivativeCounts counts;
    int64_t ops = 0;
    for (const Case& c : numbers_.cases) {
      for (const Case& one : op_cases(c)) {
        Verdict v;
        try {
          v.what = gradient_fault(one, &counts);
        } catch (const std::exception& error) {
          v.what = fmt::format("raises: {}", error.what());
        }
        ++ops;
        if (!v.good()) return add({"gradients of ops", "", counts.worst, v}, one, of_gradients());
      }
    }
    return add({"gradients of ops",
                fmt::format("{} of {} tell something", counts.judged_first, ops),
                counts.worst,
                {}},
               numbers_.cases[0], of_gradients());
  }

  bool check_loss() {
    DerivativeCounts counts;
    for (const Case& whole : numbers_.cases) {
      Case c = whole;
      c.graph.clear_outputs();
      c.graph.clear_updates();
      for (const Graph::Output& o : whole.graph.outputs()) {
        if (o.name == "loss") c.graph.add_output(o.name, o.value);
      }
      if (c.graph.outputs().empty()) return true;
      Verdict v;
      try {
        v.what = gradient_fault(c, &counts);
      } catch (const std::exception& error) {
        v.what = fmt::format("raises: {}", error.what());
      }
      if (!v.good()) return add({"gradient of the loss", "", counts.worst, v}, c, of_gradients());
    }
    return add({"gradient of the loss",
                counts.judged_first > 0 ? "" : "tells nothing on these numbers",
                counts.worst,
                {}},
               numbers_.cases[0], of_gradients());
  }

  const VerifyOptions& options_;
  Configuration plain_;
  Numbers numbers_;
  std::vector<Expectation> expected_;
  VerifyReport report_;
};

}  // namespace

VerifyReport verify_graph(const Case& c, const VerifyOptions& options) {
  return Verifier(c, options).run();
}

}  // namespace sinter::verification
