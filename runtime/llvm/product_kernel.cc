// How a matrix product is computed: directly, or by Winograd's algorithm.
#include "runtime/llvm/product_kernel.h"

#include "runtime/cost_model.h"
#include "runtime/llvm/matmul/kernel.h"
#include "runtime/llvm/winograd/gradient.h"
#include "runtime/llvm/winograd/plan.h"

namespace sinter::codegen {

std::string why_not_matmul(const Graph& graph, int32_t node, const Cpu& cpu) {
  return MatmulRegion::why_not(graph, node, cpu);
}

namespace {

// What follows the product reads and writes everything but the factors.
double epilogue_microseconds(const MatmulRegion& region, const MatmulProblem& problem) {
  int64_t bytes = 0;
  const auto& inputs = region.body->inputs();
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto input = static_cast<int32_t>(i);
    if (input != region.lhs && input != region.rhs)
      bytes += region.body->type({inputs[i], 0}).bytes();
  }
  for (const Graph::Output& output : region.body->outputs())
    bytes += region.body->type(output.value).bytes();
  const int64_t elements = problem.batch * problem.rows * problem.columns;
  return loop_microseconds(static_cast<double>(bytes),
                           static_cast<double>(elements * region.epilogue_cost));
}

}  // namespace

std::unique_ptr<KernelPlan> plan_product_kernel(const Graph& graph, int32_t node, const Cpu& cpu,
                                                bool pack_rhs, bool strict) {
  MatmulRegion region = MatmulRegion::of_node(graph, node);
  const MatmulProblem problem = region.problem();
  const VectorShape machine{cpu.lanes(dtype_size(problem.dtype)), cpu.vector_registers};
  const double epilogue = epilogue_microseconds(region, problem);
  if (!strict) {
    if (std::optional<WinogradPlan> plan = plan_winograd(region, machine, pack_rhs, epilogue))
      return std::make_unique<WinogradKernelPlan>(std::move(region), std::move(*plan));
    if (std::optional<WinogradGradientPlan> plan = plan_winograd_gradient(region, machine))
      return std::make_unique<WinogradGradientKernelPlan>(std::move(region), std::move(*plan));
  }
  const MatmulContext context{.pack_rhs = pack_rhs,
                              .sums_rows = region.sum_count() > 0,
                              .whole_rows = region.whole_rows,
                              .operands = static_cast<int64_t>(region.whole_operands().size()),
                              .microseconds = epilogue,
                              .short_runs = strict};
  MatmulPlan plan = plan_matmul(problem, machine, context);
  return std::make_unique<MatmulKernelPlan>(std::move(region), std::move(plan));
}

}  // namespace sinter::codegen
