// What the page of explain() shows, as data: the graph after each pass, kernels, memory, remarks.
#pragma once

#include <string>

#include "core/graph.h"
#include "frontend/config.h"
#include "frontend/explain/graph_history.h"
#include "frontend/explain/phases.h"
#include "runtime/compile_options.h"
#include "runtime/executable.h"

namespace sinter {

struct Recording;

/// A graph and how it is compiled.
struct ExplainedGraph {
  std::string title;  // of the model
  std::string kind;   // "forward": as built, without passes and kernels; "inference", "training"
  Graph graph;
  StepLayers layers;
  CompileOptions how;
  bool measure = false;  // the kernels, in runs of random numbers
};

/// Compiles the graph unless it is "forward". README.md has the form of the result. Raises what
/// compile() raises.
Config explain_data(ExplainedGraph explained);

/// The kernels of a program, in the order of its steps. `microseconds` holds what was measured, one
/// a step, or nothing. What kernels of generated code look like is added to `listings`, each plan
/// once.
ConfigList describe_kernels(const Program& program, const HistoryStage& stage,
                            const std::vector<double>& microseconds, ConfigList& listings);
/// Which bytes of the arena hold what from which step to which, and the sizes of everything else.
Config describe_memory(const Program& program, const HistoryStage& stage);
/// The median run of the recording: `slices` as [step, phase, piece, thread, first nanosecond, last
/// one]; empty where the program did not run.
Config describe_timeline(const Recording& recording, const Program& program);

/// The page around the data (README.md). Raises nothing.
std::string explain_page(const Config& data);

}  // namespace sinter
