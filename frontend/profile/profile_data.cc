// What is known of kernels, and what runs did of them.
#include "frontend/profile/profile_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/counted.h"
#include "core/kernel_ops.h"
#include "frontend/explain/node_work.h"
#include "runtime/micro_batches.h"

namespace sinter {
namespace {

// Products of bfloat16 have a peak of their own, and so has float64.
std::string dtype_of_products(const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  if (node.op->kind == KernelKind::kFusion) {
    const Graph& body = node.attributes.get_graph("body");
    for (int32_t i = 0; i < body.size(); ++i) {
      if (body.node(i).is(KernelOp::kContract)) return dtype_of_products(body, i);
    }
  }
  if (node.is(KernelOp::kContract) && graph.type(node.inputs[0]).dtype == DType::kBFloat16)
    return "bfloat16";
  return !node.types.empty() && node.types[0].dtype == DType::kFloat64 ? "float64" : "float32";
}

// forward is what outputs follow from, losses too; update what nothing else reads. Passes join
// nodes of parts: weights may be updated where their gradient is made.
std::vector<std::string> parts_of(const Graph& graph) {
  std::vector<bool> is_logged(static_cast<size_t>(graph.size())), is_read(is_logged);
  for (const Graph::Output& output : graph.outputs())
    is_logged[static_cast<size_t>(output.value.node)] = true;
  for (int32_t i = graph.size(); i-- > 0;) {
    for (const ValueId input : graph.node(i).inputs) {
      const auto from = static_cast<size_t>(input.node);
      is_read[from] = true;
      if (is_logged[static_cast<size_t>(i)]) is_logged[from] = true;
    }
  }
  std::vector<std::string> parts;
  for (size_t i = 0; i < is_logged.size(); ++i)
    parts.emplace_back(graph.updates().empty() || is_logged[i] ? "forward"
                       : is_read[i]                            ? "backward"
                                                               : "update");
  return parts;
}

KernelFacts facts_of(const Program& program, const Step& step,
                     const std::vector<std::string>& parts) {
  KernelFacts facts;
  facts.holds_others = micro_batches_of(program) != nullptr;
  ProfiledKernel& told = facts.told;
  told.backend = step.backend;
  told.description = step.kernel->description();
  if (facts.holds_others) {
    told.op = "micro-batch";
    return facts;
  }
  const Graph& graph = program.graph;
  const Node& node = graph.node(step.node);
  told.op = kernel_label(graph, step.node);
  told.part = parts[static_cast<size_t>(step.node)];
  if (node.origin) {
    told.layer = node.origin->layer;
    if (!node.origin->file.empty())
      told.line = fmt::format("{}:{}", node.origin->file, node.origin->line);
  }
  facts.work = {flops_of_node(graph, step.node).value_or(0),
                bytes_of_node(graph, step.node).value_or(0), dtype_of_products(graph, step.node)};
  return facts;
}

}  // namespace

const std::vector<KernelFacts>& ProgramFacts::of(const Program& program) {
  const auto [it, is_new] = known_.try_emplace(&program);
  if (!is_new) return it->second;
  const std::vector<std::string> parts = parts_of(program.graph);
  for (const Step& step : program.steps) it->second.push_back(facts_of(program, step, parts));
  return it->second;
}

std::map<KernelKey, KernelRun> kernels_of(const RecordedRun& run) {
  std::map<KernelKey, KernelRun> kernels;
  std::map<KernelKey, std::set<int32_t>> threads;
  for (const RecordedSlice& slice : run.slices) {
    if (slice.step < 0) continue;
    const KernelKey key{slice.program, slice.step};
    KernelRun& kernel = kernels[key];
    kernel.nanoseconds += slice.end - slice.begin;
    kernel.counted += slice.counted;
    kernel.executions = slice.program == run.program.get() ? 1 : kernel.executions + 1;
    threads[key].insert(slice.thread);
  }
  for (auto& [key, kernel] : kernels) kernel.threads = static_cast<int>(threads[key].size());
  return kernels;
}

KernelRate rate_of(const KernelFacts& facts, const KernelRun& run) {
  if (run.executions == 0 || run.threads == 0) return {};
  const double all = static_cast<double>(run.nanoseconds) / 1e9;
  if (run.executions == 1) return rate_of(facts.work, all / run.threads, run.threads);
  // Of micro-batches each thread has one at a time, whole.
  const KernelWork at_once{facts.work.flops * run.threads, facts.work.bytes * run.threads,
                           facts.work.dtype};
  return rate_of(at_once, all / static_cast<double>(run.executions), run.threads);
}

namespace {

// The runs of one program, which may have another one's steps within its own.
struct RunsOfProgram {
  std::vector<double> microseconds;
  std::map<KernelKey, std::vector<KernelRun>> kernels;
};

double middle_of(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

std::string name_of(const Program& program) {
  const Graph& graph = program.graph;
  std::string text = fmt::format("\"{}\"", graph.name());
  if (!graph.updates().empty()) text = "a step of training " + text;
  if (!graph.inputs().empty()) {
    const Shape& shape = graph.type({graph.inputs()[0], 0}).shape;
    if (shape.rank() > 0) text += fmt::format(", {}", counted(shape.dim(0), "row"));
  }
  return text;
}

ProfiledKernel summarize_kernel(const KernelFacts& facts, const std::vector<KernelRun>& runs) {
  ProfiledKernel kernel = facts.told;
  std::vector<double> times;
  KernelRun typical;
  Counted sum;
  for (const KernelRun& run : runs) {
    times.push_back(static_cast<double>(run.nanoseconds));
    typical.threads = std::max(typical.threads, run.threads);
    typical.executions = std::max(typical.executions, run.executions);
    sum += run.counted;
  }
  typical.nanoseconds = static_cast<int64_t>(middle_of(times));
  const KernelRate rate = rate_of(facts, typical);
  const auto count = static_cast<double>(runs.size());
  kernel.runs = static_cast<int64_t>(runs.size());
  kernel.microseconds = static_cast<double>(typical.nanoseconds) / 1000;
  kernel.threads = typical.threads;
  kernel.flops = facts.work.flops * typical.executions;
  kernel.bytes = facts.work.bytes * typical.executions;
  kernel.gflops = rate.gflops;
  kernel.gb_per_s = rate.gb_per_s;
  kernel.limit = rate.limit;
  kernel.share = rate.share;
  kernel.cycles = sum.whole(sum.cycles) / count;
  kernel.instructions = sum.whole(sum.instructions) / count;
  kernel.cache_misses = sum.whole(sum.cache_misses) / count;
  return kernel;
}

}  // namespace

std::vector<ProfiledProgram> summarize(const Recording& recording, ProgramFacts& facts) {
  std::map<const Program*, RunsOfProgram> of_program;
  for (const RecordedRun& run : recording.runs) {
    RunsOfProgram& runs = of_program[run.program.get()];
    runs.microseconds.push_back(static_cast<double>(run.end - run.begin) / 1000);
    for (const auto& [key, kernel] : kernels_of(run)) runs.kernels[key].push_back(kernel);
  }
  std::vector<ProfiledProgram> result;
  for (const auto& [program, runs] : of_program) {
    ProfiledProgram& told = result.emplace_back();
    told.name = name_of(*program);
    told.runs = static_cast<int64_t>(runs.microseconds.size());
    told.microseconds = middle_of(runs.microseconds);
    for (const auto& [key, kernel_runs] : runs.kernels) {
      const KernelFacts& known = facts.of(*key.first)[static_cast<size_t>(key.second)];
      if (known.holds_others) continue;
      ProfiledKernel& kernel = told.kernels.emplace_back(summarize_kernel(known, kernel_runs));
      kernel.program = told.name;
    }
    std::ranges::stable_sort(told.kernels, std::greater(), &ProfiledKernel::microseconds);
  }
  std::ranges::stable_sort(result, std::greater(), [](const ProfiledProgram& p) {
    return p.microseconds * static_cast<double>(p.runs);
  });
  return result;
}

}  // namespace sinter
