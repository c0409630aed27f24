// Runs are small: what would take long or much memory is compiled only.
#include "tests/fuzz/files/promises.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <variant>

#include "core/error.h"
#include "core/memory_limit.h"
#include "core/model_file.h"
#include "core/text.h"
#include "runtime/compile.h"
#include "runtime/compile_options.h"
#include "runtime/load.h"
#include "runtime/memory_need.h"

namespace sinter::fuzz_files {
namespace {

constexpr int64_t kBatchSize = 2;

/// Multiplications and additions, about.
double work_of(const Graph& graph) {
  double work = 0;
  for (const Node& node : graph.nodes()) {
    double elements = 0;
    for (const ValueType& t : node.types) elements += static_cast<double>(t.shape.elements());
    for (ValueId id : node.inputs) elements += static_cast<double>(graph.type(id).shape.elements());
    double each = 1;
    if (const AttributeValue* body = node.attributes.find("body")) {
      if (const auto* expr = std::get_if<std::shared_ptr<const ScalarExpr>>(body))
        each = static_cast<double>((*expr)->instructions.size());
      if (const auto* region = std::get_if<std::shared_ptr<const Graph>>(body))
        work += work_of(**region);
    }
    if (node.is(KernelOp::kContract)) {
      for (int64_t axis : node.attributes.get_ints("lhs_contract"))
        each *= std::max<double>(
            1, static_cast<double>(graph.type(node.inputs[0]).shape[static_cast<int>(axis)]));
    }
    work += elements * each;
  }
  return work;
}

Tensor some_values(const ValueType& type) {
  Tensor result(type.dtype, type.shape);
  for (int64_t i = 0; i < result.elements(); ++i)
    result.set(i, type.dtype == DType::kBool ? static_cast<double>(i % 2)
                                             : static_cast<double>((i * 7) % 5));
  return result;
}

/// False when it was too much to run.
bool run(const Graph& graph) {
  CompileOptions options;
  options.backend = "reference";
  options.batch = kBatchSize;
  options.cache = false;
  const bool lowered = std::ranges::none_of(
      graph.nodes(), [](const Node& n) { return n.op->kind == KernelKind::kComposite; });
  const Graph fixed = has_symbolic_batch(graph) ? specialize(graph, kBatchSize) : graph;
  if (memory_need(fixed) > (int64_t{1} << 22) || work_of(fixed) > 1e6) {
    if (lowered) load_executable(fixed, options);
    return false;
  }
  const std::unique_ptr<Executable> executable =
      lowered ? load_executable(fixed, options) : compile(fixed, options);
  std::vector<Tensor> inputs, variables;
  for (int32_t i : executable->graph().inputs())
    inputs.push_back(some_values(executable->graph().node(i).types[0]));
  for (int32_t i : executable->graph().variables())
    variables.push_back(some_values(executable->graph().node(i).types[0]));
  executable->bind(std::move(variables));
  executable->run(inputs);
  return true;
}

template <typename F>
void documented(Outcome& outcome, F&& step) {
  try {
    step();
  } catch (const Broken&) {
    throw;
  } catch (const Error& error) {
    outcome.error = error.what();
  } catch (const std::exception& error) {
    throw Broken(fmt::format("an error of another type: {}", error.what()));
  }
}

}  // namespace

Outcome check_graph_text(const std::string& text, const std::string& folder) {
  Outcome outcome;
  documented(outcome, [&] {
    std::optional<Graph> graph;
    try {
      graph = parse_graph(text);
    } catch (const ParseError& error) {
      outcome.error = error.what();
      return;
    } catch (const MemoryError& error) {
      outcome.error = error.what();
      return;
    } catch (const std::exception& error) {
      throw Broken(fmt::format("parse_graph raises no ParseError: {}", error.what()));
    }
    outcome.accepted = true;
    const std::string printed = to_text(*graph, {.max_constant_elements = 1 << 20});
    try {
      if (!equal_graphs(*graph, parse_graph(printed))) throw Broken("it prints as another graph");
    } catch (const ParseError& error) {
      throw Broken(fmt::format("it prints as no graph: {}\n{}", error.what(), printed));
    }
    ModelFile file;
    file.kind = "inference";
    file.graphs.push_back(*graph);
    const std::string path = folder + "/text.sinter";
    save_model_file(path, file);
    try {
      const ModelFile loaded = load_model_file(path);
      if (!equal_graphs(loaded.graphs.at(0), *graph)) throw Broken("it loads as another graph");
    } catch (const FileError& error) {
      throw Broken(fmt::format("what was saved does not load: {}\n{}", error.what(), printed));
    }
    outcome.ran = run(*graph);
  });
  return outcome;
}

Outcome check_model_file(const std::string& path) {
  Outcome outcome;
  std::optional<ModelFile> file;
  try {
    file = load_model_file(path);
  } catch (const FileError& error) {
    outcome.error = error.what();
    return outcome;
  } catch (const MemoryError& error) {
    outcome.error = error.what();
    return outcome;
  } catch (const std::exception& error) {
    throw Broken(fmt::format("load_model_file raises no FileError: {}", error.what()));
  }
  outcome.accepted = true;
  for (const Graph& graph : file->graphs) {
    documented(outcome, [&] {
      to_text(graph);
      outcome.ran = run(graph) || outcome.ran;
    });
  }
  return outcome;
}

}  // namespace sinter::fuzz_files
