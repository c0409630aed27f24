#include "runtime/llvm/winograd/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/contract.h"
#include "core/text.h"
#include "runtime/limits.h"
#include "runtime/llvm/costs.h"
#include "runtime/llvm/loops/program.h"
#include "runtime/llvm/matmul/emit.h"
#include "runtime/llvm/matmul/kernel.h"
#include "runtime/llvm/matmul/pieces.h"

namespace sinter::codegen {
namespace {

// Transformed elements and products of a block, which stay in the second-level cache.
constexpr int64_t kTilesBytes = limit(320 << 10, 16 << 10);
constexpr int64_t kMostTilesPieces = 32;
// Of pieces that all read a kernel from beyond that cache.
constexpr int64_t kFewestTilesOfPiece = 8;

// [3, 3, channels, filters..] as it lies in memory, multiplied with windows of an image.
std::optional<WinogradImage> image_of(const MatmulRegion& region) {
  const Graph& body = *region.body;
  const Node& contract = body.node(region.product);
  const Contract c = Contract::of(body, contract);
  const Contract::Axes samples = {0, 1, 2}, depth = {3, 4, 5}, of_kernel = {0, 1, 2};
  if (!c.lhs.batch.empty() || c.lhs.free != samples || c.lhs.depth != depth ||
      c.rhs.depth != of_kernel || !body.node(contract.inputs[1]).is(KernelOp::kInput) ||
      body.type(contract.inputs[1]).dtype != DType::kFloat32)
    return std::nullopt;
  return winograd_image(body, contract.inputs[0], 1);
}

}  // namespace

MatmulRegion winograd_product(const WinogradPlan& plan, int64_t filters) {
  auto body = std::make_shared<Graph>("contract");
  const Symbol elements =
      body->input("elements", {DType::kFloat32, {plan.block_tiles(), plan.image.channels}});
  const Symbol kernel = body->input("kernel", {DType::kFloat32, {plan.image.channels, filters}});
  const Contract::Side left{.batch = {}, .free = {0}, .depth = {1}},
      right{.batch = {}, .free = {1}, .depth = {0}};
  body->add_output(
      "products", body->add1("contract", {elements, kernel}, Contract{left, right}.attributes()).id());
  const ValueId product = body->outputs()[0].value;
  MatmulRegion region;
  region.body = std::move(body);
  region.product = product;
  region.rows = plan.block_tiles();
  region.columns = filters;
  region.results.push_back({product, MatmulRegion::Form::kElements, DType::kFloat32});
  return region;
}

MatmulSums winograd_sums(const WinogradPlan& plan) {
  const int64_t line = plan.image.tile * plan.image.width;
  MatmulSums sums;
  sums.run = std::max(kRunTerms * plan.image.tile * plan.image.tile, line);
  const int64_t rows = ceil_div(plan.blocks(), plan.pieces) * plan.lines * line;
  for (int64_t most = 2 * sums.run; rows > most; most *= kRunTerms) ++sums.levels;
  return sums;
}

WinogradMemory winograd_memory(const WinogradPlan& plan, const MatmulRegion& region) {
  const MatmulRegion product = winograd_product(plan, plan.panel()),
                     rest = winograd_product(plan, std::max<int64_t>(plan.rest(), 1));
  WinogradMemory m;
  const auto in_workspace = [&](int64_t bytes) {
    const int64_t begin = m.workspace;
    m.workspace += aligned(bytes);
    return begin;
  };
  m.elements = in_workspace(plan.image.places() * plan.elements_stride() * 4);
  m.products = in_workspace(plan.image.places() * plan.products_stride() * 4);
  int64_t scratch = 0, workspace = 0;
  if (plan.panels() > 0) {
    scratch = matmul_scratch(plan.product, product).bytes;
    workspace = matmul_workspace(plan.product).bytes;
  }
  if (plan.rest() > 0) {
    scratch = std::max(scratch, matmul_scratch(plan.rest_product, rest).bytes);
    workspace = std::max(workspace, matmul_workspace(plan.rest_product).bytes);
  }
  m.of_product = in_workspace(scratch);
  m.of_product_workspace = in_workspace(workspace);
  if (!plan.prepares) {
    m.kernel = m.scratch;
    m.scratch += aligned(plan.kernel_bytes());
  }
  const int64_t parts = plan.pieces * winograd_sums(plan).levels;
  if (region.sum_count() > 0) {
    m.sums = m.scratch;
    const int64_t columns = ceil_div(plan.filters, plan.machine.lanes) * plan.machine.lanes;
    m.scratch += aligned(region.sum_count() * parts * columns * 4);
  }
  return m;
}

namespace {

int64_t most_lines(const WinogradPlan& plan) {
  return winograd_lines(plan.image, plan.filters, plan.image.all_lines(), kTilesBytes, 1);
}

// Of everything but the epilogue.
double microseconds_of(const WinogradPlan& plan) {
  const WinogradImage& image = plan.image;
  const int64_t all_lines = image.all_lines();
  const double multiplied = product_microseconds(
      kCosts,
      {image.places(), all_lines * image.tile_columns(), image.channels, plan.filters, false});
  const double indirect =
      multiplied + winograd_microseconds(image, plan.filters, plan.machine) +
      winograd_places_microseconds(image, plan.filters, ceil_div(all_lines, most_lines(plan)));
  if (plan.prepares) return indirect;
  return indirect + winograd_kernel_microseconds(image, plan.filters, plan.machine);
}

}  // namespace

std::optional<WinogradPlan> plan_winograd(const MatmulRegion& region, const VectorShape& machine,
                                          bool prepares, double epilogue_microseconds) {
  if (region.whole_rows) return std::nullopt;
  const std::optional<WinogradImage> image = image_of(region);
  if (!image || !image->is_worthwhile(region.columns)) return std::nullopt;
  WinogradPlan plan;
  plan.image = *image;
  plan.filters = region.columns;
  plan.machine = machine;
  plan.prepares = prepares;
  choose_tiles(plan, [](const WinogradPlan& tiled) { return microseconds_of(tiled); });
  const double direct =
      product_microseconds(kCosts, {1, plan.image.images * plan.image.height * plan.image.width,
                                    9 * plan.image.channels, plan.filters, false});
  if (plan.microseconds >= kMostOfDirect * direct) return std::nullopt;
  plan.microseconds += epilogue_microseconds;
  // As many pieces as the work is worth, of whole blocks. Each goes through the whole kernel.
  const int64_t all_lines = plan.image.all_lines(), tiles = all_lines * plan.image.tile_columns();
  int64_t wanted =
      std::min<int64_t>(worthwhile_pieces(plan.microseconds, kMostTilesPieces), all_lines);
  if (plan.kernel_bytes() > kTilesBytes)
    wanted = std::min(wanted, std::max<int64_t>(1, tiles / kFewestTilesOfPiece));
  const int64_t blocks = std::max(ceil_div(all_lines, most_lines(plan)), wanted);
  plan.lines = ceil_div(all_lines, blocks);
  plan.pieces = std::min(wanted, plan.blocks());
  const auto plan_of = [&](int64_t filters) {
    // What transforms make of rounding errors grows with those of long sums.
    MatmulPlan product =
        plan_matmul(winograd_product(plan, filters).problem(), machine, {.short_runs = true});
    product.row_pieces = product.column_pieces = product.batch_pieces = 1;
    return product;
  };
  if (plan.panels() > 0) plan.product = plan_of(plan.panel());
  if (plan.rest() > 0) plan.rest_product = plan_of(plan.rest());
  return plan;
}

WinogradKernelPlan::WinogradKernelPlan(MatmulRegion region, WinogradPlan plan)
    : region_(std::move(region)), plan_(std::move(plan)) {
  const WinogradMemory memory = winograd_memory(plan_, region_);
  if (!plan_.prepares) pieces.push_back(static_cast<int>(plan_.kernel_pieces()));
  pieces.push_back(static_cast<int>(plan_.pieces));
  if (region_.sum_count() > 0) pieces.push_back(1);
  scratch_bytes = memory.scratch;
  workspace_bytes = memory.workspace;
  prepared_bytes = plan_.prepares ? plan_.kernel_bytes() : 0;
  aliases = region_.aliases();
  microseconds = plan_.microseconds;
  description = fmt::format(
      "winograd {0}x{0} of {1}x{2}x{3}x{4} by 3x3x{5}, blocks of {6} tiles, {7} piece{8}",
      plan_.image.tile, plan_.image.images, plan_.image.height, plan_.image.width,
      plan_.image.channels, plan_.filters, plan_.block_tiles(), plan_.pieces,
      plan_.pieces == 1 ? "" : "s");
}

std::string WinogradKernelPlan::text() const {
  const WinogradPlan& p = plan_;
  const WinogradImage& image = p.image;
  const MatmulSums sums = winograd_sums(p);
  std::string text = fmt::format(
      "winograd {0}x{0} float32 images {1}, result {2}x{3}, channels {4}, filters {5} {{\n",
      image.tile, image.images, image.height, image.width, image.channels, p.filters);
  text += image.text();
  text += fmt::format("  kernel %1: transformed {}\n", p.prepares ? "ahead" : "first");
  text += fmt::format("  places of elements {}, kernel {}, products {} apart\n",
                      p.elements_stride(), p.kernel_stride(), p.products_stride());
  text += fmt::format("  pieces {}: {} blocks of {} lines of {} tiles, vectors of {}\n", p.pieces,
                      p.blocks(), p.lines, image.tile_columns(), p.machine.lanes);
  text += fmt::format("  epilogue in {}\n",
                      region_.in_registers() ? "registers, that of tiles at the edge in loops"
                                             : "loops over the tile");
  if (region_.sum_count() > 0)
    text += fmt::format("  sums in runs of {} rows, {} level{}\n", sums.run, sums.levels,
                        sums.levels == 1 ? "" : "s");
  if (p.panels() > 0) {
    text += fmt::format("  {} panel{} of {} filters\n", p.panels(), p.panels() == 1 ? "" : "s",
                        p.panel());
    text += matmul_text(winograd_product(p, p.panel()), p.product);
  }
  if (p.rest() > 0) {
    text += fmt::format("  {} filters{}\n", p.rest(), p.panels() > 0 ? " left over" : "");
    text += matmul_text(winograd_product(p, p.rest()), p.rest_product);
  }
  return text + to_text(*region_.body, {.origins = false}) + "}\n";
}

void WinogradKernelPlan::emit(PlanEmitter& emitter) const { emitter.winograd(region_, plan_); }

}  // namespace sinter::codegen
