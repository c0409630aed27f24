// The kernels of a program as settings.
#include <map>

#include "frontend/explain/explain_data.h"
#include "runtime/cost_model.h"
#include "runtime/kernel_listing.h"

namespace sinter {
namespace {

// Numbers of lines as they stand, without zeros at the end.
ConfigValue describe_lines(const std::vector<int32_t>& lines) {
  std::vector<int64_t> result(lines.begin(), lines.end());
  while (!result.empty() && result.back() == 0) result.pop_back();
  return ConfigValue::ints(result);
}

Config describe_listing(const KernelListing& listing) {
  return {{"plan", listing.plan},
          {"ir", listing.ir},
          {"assembly", listing.assembly},
          {"plan_lines", describe_lines(listing.plan_lines)},
          {"depths", describe_lines(listing.loop_depths)},
          {"ir_lines", describe_lines(listing.ir_lines)}};
}

}  // namespace

ConfigList describe_kernels(const Program& program, const HistoryStage& stage,
                            const std::vector<double>& microseconds, ConfigList& listings) {
  std::map<std::string, int64_t> listed;  // by plan
  std::vector<size_t> stage_of(program.steps.size(), 0);
  for (size_t i = program.stages.size(); i-- > 0;) {
    for (const StepPhase& at : program.stages[i]) stage_of[static_cast<size_t>(at.step)] = i;
  }
  ConfigList kernels;
  for (size_t s = 0; s < program.steps.size(); ++s) {
    const Step& step = program.steps[s];
    const int pieces = step.prologue ? 1 : step.kernel->most_pieces();
    Config kernel{{"node", stage.numbers[static_cast<size_t>(step.node)]},
                  {"backend", step.backend},
                  {"why", step.reason},
                  {"description", step.kernel->description()},
                  {"threads", explain_threads(step.microseconds, pieces)},
                  {"pieces", pieces}};
    if (step.prologue)
      kernel.set("once", true);
    else
      kernel.set("stage", static_cast<int64_t>(stage_of[s]));
    if (step.microseconds) kernel.set("estimated", *step.microseconds);
    if (s < microseconds.size() && !step.prologue) kernel.set("measured", microseconds[s]);
    if (const auto* code = dynamic_cast<const ListedKernel*>(step.kernel.get())) {
      const auto [place, is_new] =
          listed.emplace(code->plan_text(), static_cast<int64_t>(listings.size()));
      if (is_new) listings.emplace_back(describe_listing(code->listing()));
      kernel.set("listing", place->second);
    }
    kernels.emplace_back(std::move(kernel));
  }
  return kernels;
}

}  // namespace sinter
