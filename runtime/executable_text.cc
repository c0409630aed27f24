// What an executable consists of, as text for dumps: kernels with stage, backend, reasons and
// estimates, and the copies at the end.
#include <fmt/format.h>

#include <optional>

#include "runtime/cost_model.h"
#include "runtime/executable.h"
#include "runtime/micro_batches.h"

namespace sinter {

std::string kernel_label(const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  std::string label = fmt::format("%{} {}", index, node.op->name);
  for (const ValueType& type : node.types) label += " " + type.to_string();
  return label;
}

namespace {

std::string to_text(const Program& program) {
  const Graph& graph = program.graph;
  std::string text;
  const auto place = [](const BufferPlacement& b) {
    constexpr std::string_view kNames[] = {"arena+",  "derived+",  "input ",
                                           "output ", "variable ", "constant "};
    return fmt::format("{}{}", kNames[static_cast<size_t>(b.kind)], b.offset);
  };
  std::vector<size_t> stage_of(program.steps.size(), 0);
  for (size_t i = program.stages.size(); i-- > 0;) {
    for (const StepPhase& at : program.stages[i]) stage_of[static_cast<size_t>(at.step)] = i;
  }
  for (const Step& step : program.steps) {
    const Node& node = graph.node(step.node);
    text += "  " + kernel_label(graph, step.node);
    text += step.prologue
                ? " once,"
                : fmt::format(" in stage {},",
                              stage_of[static_cast<size_t>(&step - program.steps.data())]);
    text += fmt::format(" on {} ({}){}{}:", step.backend, step.reason,
                        step.kernel->description().empty() ? "" : ", ", step.kernel->description());
    for (const BufferPlacement& b : step.buffers) text += " " + place(b);
    if (node.origin) text += " @ " + node.origin->to_string();
    text += "\n    " +
            explain_threads(step.microseconds, step.prologue ? 1 : step.kernel->most_pieces()) +
            "\n";
  }
  for (const Copy& c : program.copies)
    text += fmt::format("  copy {} -> {}, {} bytes\n", place(c.from), place(c.to), c.bytes);
  return text;
}

}  // namespace

std::string Executable::to_string() const {
  std::string text = fmt::format(
      "executable \"{}\": {} kernels in {} stages, {} copies, arena {} bytes, derived {} bytes{}\n",
      graph().name(), program_->steps.size(), program_->stages.size(), program_->copies.size(),
      program_->arena_bytes, program_->derived_bytes, most_workers_ > 1 ? "" : ", one thread");
  const MicroBatchKernel* parts = micro_batches_of(*program_);
  if (parts == nullptr) return text + to_text(*program_);
  const Program& part = parts->program();
  return text +
         fmt::format("  {}, arena {} bytes, derived {} bytes\n    {}\n", parts->description(),
                     part.arena_bytes, part.derived_bytes,
                     explain_threads(parts->microseconds(), parts->most_pieces())) +
         to_text(part);
}

}  // namespace sinter
