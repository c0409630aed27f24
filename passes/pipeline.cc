// The table of all passes and the pipelines that order them: the table of contents of this folder.
#include "core/error.h"
#include "passes/passes.h"

namespace sinter {

const std::vector<Pass>& all_passes() {
  static const std::vector<Pass> passes = {
      {"remove_dead", "drop nodes and results that nothing reads", false, remove_dead},
      {"decompose", "expand composites and elementwise ops to kernel ops", true, decompose,
       check_decomposed},
      {"simplify_maps",
       "turn constant operands of maps into literals, drop operands and results given twice", false,
       simplify_maps},
      {"fuse_elementwise",
       "gather maps, broadcasts and reductions into regions that run as one kernel", false,
       fuse_elementwise, check_fused},
      {"fuse_epilogues", "let contractions take the elementwise work that follows them", false,
       fuse_epilogues, check_fused},
  };
  return passes;
}

namespace {

Pipeline make_pipeline(std::string name, std::initializer_list<std::string_view> order) {
  Pipeline pipeline{std::move(name), {}};
  for (std::string_view wanted : order) {
    const size_t before = pipeline.passes.size();
    for (const Pass& pass : all_passes()) {
      if (pass.name == wanted) pipeline.passes.push_back(&pass);
    }
    SINTER_CHECK(pipeline.passes.size() == before + 1, "no pass " + std::string(wanted));
  }
  return pipeline;
}

}  // namespace

const Pipeline& find_pipeline(std::string_view name) {
  // clang-format off
  static const Pipeline training = make_pipeline("training", {
      "remove_dead",
      "decompose",
      "simplify_maps", "remove_dead",
      "fuse_elementwise", "fuse_epilogues", "remove_dead"});
  static const Pipeline inference = make_pipeline("inference", {
      "remove_dead",
      "decompose",
      "simplify_maps", "remove_dead",
      "fuse_elementwise", "fuse_epilogues", "remove_dead"});
  // clang-format on
  if (name == training.name) return training;
  if (name == inference.name) return inference;
  raise_unknown_name("pipeline", name, {inference.name, training.name});
}

}  // namespace sinter
