// The table of all passes and the pipelines that order them: the table of contents of this folder.
#include "core/error.h"
#include "passes/passes.h"

namespace sinter {

// clang-format off
const std::vector<Pass>& all_passes() {
  static const std::vector<Pass> passes = {
      {"stabilize_cross_entropy", "compute cross entropies of softmax and sigmoid from their logits", false, stabilize_cross_entropy},
      {"remove_dropout", "drop dropout, which does nothing in inference", true, remove_dropout},
      {"to_inference", "let batch normalization use its moving averages", true, to_inference},
      {"simplify", "apply the identities of algebra, of moving data and of reductions", false, simplify},
      {"fold_constants", "compute what depends on constants alone", false, fold_constants},
      {"merge_duplicates", "compute equal things once", false, merge_duplicates},
      {"fold_batch_norm", "fold batch normalization into the dense layer beside it", false, fold_batch_norm},
      {"fuse_dense", "join dense and the activation that follows it", false, fuse_dense},
      {"remove_dead", "drop nodes and results that nothing reads", false, remove_dead},
      {"decompose", "expand composites and elementwise ops to kernel ops", true, decompose, check_decomposed},
      // No check of what is left whole: a backend claims an op where it stands, and roundings may stand beside it now.
      {"lower_precision", "let contractions multiply bfloat16 where mixed_precision asks for it", true, lower_precision},
      {"split_depth", "cut products of great depth and few results into slices of the depth and their sum", false, split_depth},
      {"simplify_maps", "turn constant operands of maps into literals, drop operands and results given twice", false, simplify_maps},
      {"fuse_elementwise", "gather maps, broadcasts and reductions into regions that run as one kernel", false, fuse_elementwise, check_fused},
      {"absorb_rounding", "let contractions round their right side while they pack it", false, absorb_rounding, check_fused},
      {"absorb_moves", "let contractions read slices, heads and broadcasts where they lie", false, absorb_moves, check_fused},
      {"fuse_epilogues", "let contractions take the elementwise work that follows them", false, fuse_epilogues, check_fused},
      // It makes no regions, and runs whatever is switched off: also on those that no other pass has made.
      {"rematerialize", "compute values again rather than keep them, where a memory budget asks for it", true, rematerialize},
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
  static const Pipeline training = make_pipeline("training", {
      "stabilize_cross_entropy",
      "remove_dead", "simplify", "fold_constants", "merge_duplicates",
      "fuse_dense", "remove_dead",
      "decompose", "lower_precision",
      "simplify", "split_depth", "simplify_maps", "fold_constants", "merge_duplicates", "remove_dead",
      "fuse_elementwise", "absorb_rounding", "absorb_moves", "fuse_epilogues", "remove_dead", "rematerialize"});
  static const Pipeline inference = make_pipeline("inference", {
      "stabilize_cross_entropy", "remove_dropout", "to_inference",
      "remove_dead", "simplify", "fold_constants", "merge_duplicates",
      "fold_batch_norm", "fuse_dense", "remove_dead",
      "decompose", "lower_precision",
      "simplify", "split_depth", "simplify_maps", "fold_constants", "merge_duplicates", "remove_dead",
      "fuse_elementwise", "absorb_rounding", "absorb_moves", "fuse_epilogues", "remove_dead"});
  if (name == training.name) return training;
  if (name == inference.name) return inference;
  raise_unknown_name("pipeline", name, {inference.name, training.name});
}
// clang-format on

}  // namespace sinter
