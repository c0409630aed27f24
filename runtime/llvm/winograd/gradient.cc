#include "runtime/llvm/winograd/gradient.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/contract.h"
#include "core/scalar_expr.h"
#include "core/text.h"
#include "runtime/limits.h"
#include "runtime/llvm/costs.h"
#include "runtime/llvm/matmul/emit.h"
#include "runtime/llvm/matmul/kernel.h"
#include "runtime/llvm/matmul/pieces.h"

namespace sinter::codegen {
namespace {

// Transformed elements and cotangents of a block. The totals stand beside them in the second-level
// cache, or are read and written once a block.
constexpr int64_t kBlockBytes = limit(384 << 10, 16 << 10);

struct Sides {
  WinogradImage image;
  int64_t slices = 1;
};

std::optional<Sides> sides_of(const MatmulRegion& region) {
  const Graph& body = *region.body;
  const Node& contract = body.node(region.product);
  const Contract c = Contract::of(body, contract);
  const int first = static_cast<int>(c.lhs.batch.size()) + 1;
  const auto range = [](int begin, int count) {
    Contract::Axes axes;
    for (int i = 0; i < count; ++i) axes.push_back(begin + i);
    return axes;
  };
  const Contract::Axes slices = range(0, first - 1), depth = range(first - 1, 3);
  if (first > 2 || c.lhs.batch != slices || c.rhs.batch != slices || c.lhs.depth != depth ||
      c.rhs.depth != depth || c.lhs.free != range(first + 2, 3) ||
      c.rhs.free != range(first + 2, 1) ||
      !body.node(contract.inputs[1]).is(KernelOp::kInput) ||
      body.type(contract.inputs[1]).dtype != DType::kFloat32)
    return std::nullopt;
  const std::optional<WinogradImage> image = winograd_image(body, contract.inputs[0], first);
  if (!image) return std::nullopt;
  return Sides{*image, first == 1 ? 1 : body.type(contract.inputs[0]).shape[0]};
}

// The most lines that divide those of a slice, of at most so many.
int64_t lines_of_block(int64_t of_slice, int64_t most) {
  int64_t lines = std::clamp<int64_t>(most, 1, of_slice);
  while (of_slice % lines != 0) --lines;
  return lines;
}

}  // namespace

MatmulRegion winograd_gradient_product(const WinogradGradientPlan& plan) {
  auto body = std::make_shared<Graph>("contract");
  const int64_t tiles = plan.block_tiles(), channels = plan.image.channels;
  const Shape totals{channels, plan.filters};
  const Symbol elements = body->input("elements", {DType::kFloat32, {tiles, channels}});
  const Symbol cotangents = body->input("cotangents", {DType::kFloat32, {tiles, plan.filters}});
  const Symbol before = body->input("before", {DType::kFloat32, totals});
  const Contract::Side side{.batch = {}, .free = {1}, .depth = {0}};
  const Symbol products =
      body->add1("contract", {elements, cotangents}, Contract{side, side}.attributes());
  ScalarBuilder builder({DType::kFloat32, DType::kFloat32});
  const Scalar sum[] = {builder.argument(0) + builder.argument(1)};
  const Symbol after =
      body->add1("map", {products, before},
                 {{"body", std::make_shared<const ScalarExpr>(builder.finish(sum))}});
  body->add_output("after", after.id());
  MatmulRegion region;
  region.body = std::move(body);
  region.product = products.id();
  region.rows = channels;
  region.columns = plan.filters;
  region.results.push_back({after.id(), MatmulRegion::Form::kElements, DType::kFloat32});
  region.epilogue_cost = 1;
  return region;
}

WinogradGradientMemory winograd_gradient_memory(const WinogradGradientPlan& plan) {
  const MatmulRegion product = winograd_gradient_product(plan);
  WinogradGradientMemory m;
  const auto take = [&](int64_t bytes) {
    const int64_t begin = m.workspace;
    m.workspace += aligned(bytes);
    return begin;
  };
  m.elements = take(plan.image.places() * plan.elements_stride() * 4);
  m.cotangents = take(plan.image.places() * plan.cotangents_stride() * 4);
  if (plan.has_partial_sums())
    m.scratch = plan.pieces * plan.totals_bytes();
  else
    m.totals = take(plan.totals_bytes());
  m.of_product = take(matmul_scratch(plan.product, product).bytes);
  m.of_product_workspace = take(matmul_workspace(plan.product).bytes);
  return m;
}

namespace {

// And sets the lines of a block.
double microseconds_of(WinogradGradientPlan& plan) {
  const WinogradImage& image = plan.image;
  plan.lines = lines_of_block(
      plan.slice_lines(), winograd_lines(image, plan.filters, plan.slice_lines(), kBlockBytes, 2));
  const int64_t blocks = image.all_lines() / plan.lines;
  const double multiplied = product_microseconds(
      kCosts, {image.places() * blocks, image.channels, plan.block_tiles(), plan.filters, false});
  return multiplied + winograd_microseconds(image, plan.filters, plan.machine) +
         winograd_places_microseconds(image, plan.filters, 2 * blocks) +
         static_cast<double>(plan.slices) *
             winograd_kernel_microseconds(image, plan.filters, plan.machine);
}

}  // namespace

std::optional<WinogradGradientPlan> plan_winograd_gradient(const MatmulRegion& region,
                                                           const VectorShape& machine) {
  if (region.results.size() != 1 || region.results[0].value != region.product) return std::nullopt;
  const std::optional<Sides> sides = sides_of(region);
  if (!sides || !sides->image.is_worthwhile(region.columns)) return std::nullopt;
  WinogradGradientPlan plan;
  plan.machine = machine;
  plan.image = sides->image;
  plan.slices = sides->slices;
  plan.filters = region.columns;
  choose_tiles(plan, [](WinogradGradientPlan& tiled) { return microseconds_of(tiled); });
  const int64_t samples = plan.image.images / plan.slices * plan.image.height * plan.image.width;
  const double direct = product_microseconds(
      kCosts, {plan.slices, 9 * plan.image.channels, samples, plan.filters, false});
  if (plan.microseconds >= kMostOfDirect * direct) return std::nullopt;
  constexpr int64_t kMostPieces = 8;  // of blocks: their sums are memory
  const int64_t blocks = plan.image.all_lines() / plan.lines;
  plan.pieces = worthwhile_pieces(plan.microseconds,
                                  plan.slices > 1 ? plan.slices : std::min(blocks, kMostPieces));
  plan.product = plan_matmul(winograd_gradient_product(plan).problem(), machine, {.operands = 1});
  plan.product.row_pieces = plan.product.column_pieces = plan.product.batch_pieces = 1;
  return plan;
}

WinogradGradientKernelPlan::WinogradGradientKernelPlan(MatmulRegion region,
                                                       WinogradGradientPlan plan)
    : region_(std::move(region)), plan_(std::move(plan)) {
  pieces.push_back(static_cast<int>(plan_.pieces));
  if (plan_.has_partial_sums()) pieces.push_back(static_cast<int>(plan_.add_pieces()));
  const WinogradGradientMemory memory = winograd_gradient_memory(plan_);
  workspace_bytes = memory.workspace;
  scratch_bytes = memory.scratch;
  microseconds = plan_.microseconds;
  const WinogradImage& image = plan_.image;
  description = fmt::format(
      "winograd {0}x{0} gradient of 3x3x{1}x{2} by {3}x{4}x{5}, blocks of {6} tiles, {7} piece{8}",
      image.tile, image.channels, plan_.filters, image.images, image.height, image.width,
      plan_.block_tiles(), plan_.pieces, plan_.pieces == 1 ? "" : "s");
}

std::string WinogradGradientKernelPlan::text() const {
  const WinogradImage& image = plan_.image;
  std::string text = fmt::format(
      "winograd {0}x{0} gradient float32 slices {1}, images {2}, result {3}x{4}, channels {5}, "
      "filters {6} {{\n",
      image.tile, plan_.slices, image.images, image.height, image.width, image.channels,
      plan_.filters);
  text += image.text();
  text += fmt::format("  pieces {} of {}: blocks of {} lines of {} tiles, vectors of {}\n",
                      plan_.pieces, plan_.slices > 1 ? "slices" : "blocks, added up at the end",
                      plan_.lines, image.tile_columns(), plan_.machine.lanes);
  text += fmt::format("  places of elements {}, cotangents {}, totals {} apart\n",
                      plan_.elements_stride(), plan_.cotangents_stride(), plan_.totals_stride());
  text += matmul_text(winograd_gradient_product(plan_), plan_.product);
  return text + to_text(*region_.body, {.origins = false}) + "}\n";
}

void WinogradGradientKernelPlan::emit(PlanEmitter& emitter) const {
  emitter.winograd_gradient(plan_);
}

}  // namespace sinter::codegen
