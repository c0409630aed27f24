#include "runtime/llvm/winograd/gradient_emit.h"

#include <algorithm>

#include "runtime/llvm/matmul/emit.h"
#include "runtime/llvm/winograd/tiles.h"

namespace sinter::codegen {
namespace {

class WinogradGradientCode {
 public:
  WinogradGradientCode(Emitter& emitter, const WinogradGradientPlan& plan)
      : ir_(emitter, DType::kFloat32, static_cast<int>(plan.machine.lanes), false),
        e_(emitter),
        plan_(plan),
        memory_(winograd_gradient_memory(plan)),
        tiles_(ir_, plan.image) {}

  void emit(const std::string& name) {
    const MatmulRegion product = winograd_gradient_product(plan_);
    llvm::Function* part = emit_matmul_part(e_, plan_.product, product, name + "_product");
    e_.begin_kernel(name);
    // Inputs, result, scratch, nothing prepared, workspace: as Kernel::run has them.
    Value workspace = e_.buffer(5);
    elements_ = ir_.byte(workspace, memory_.elements);
    cotangents_ = ir_.byte(workspace, memory_.cotangents);
    totals_ = plan_.has_partial_sums() ? partial_sums(e_.piece())
                                       : ir_.byte(workspace, memory_.totals);
    Value of_product = ir_.byte(workspace, memory_.of_product_workspace);
    Value buffers = tiles_.buffers({nullptr, nullptr, nullptr, nullptr,
                                    ir_.byte(workspace, memory_.of_product), nullptr, of_product});
    const auto sum_lines = [&](Value begin, Value end) {
      clear_totals();
      ir_.loop(begin, end, plan_.lines, [&](Value line) {
        tiles_.each_tile(line, ir_.add(line, plan_.lines),
                         [&](const WinogradTiles::Tile& tile) { transform(tile); });
        tiles_.each_place(part, buffers,
                          {{elements_, plan_.elements_stride()},
                           {cotangents_, plan_.cotangents_stride()},
                           {totals_, plan_.totals_stride()},
                           {totals_, plan_.totals_stride()}});
      });
    };
    if (plan_.has_partial_sums()) {
      const int64_t blocks = plan_.slice_lines() / plan_.lines;
      const auto share = tiles_.share(blocks, plan_.pieces, e_.piece());
      sum_lines(ir_.mul(share.first, plan_.lines), ir_.mul(share.second, plan_.lines));
    } else {
      const auto slices = tiles_.share(plan_.slices, plan_.pieces, e_.piece());
      ir_.loop(slices.first, slices.second, 1, [&](Value slice) {
        Value begin = ir_.mul(slice, plan_.slice_lines());
        sum_lines(begin, ir_.add(begin, plan_.slice_lines()));
        Value result = ir_.at(e_.buffer(2), ir_.mul(slice, 9 * channels() * plan_.filters));
        tiles_.each_vector(channels() * plan_.filters, [&](Value first, Value mask) {
          transform_back(
              load_places(ir_, ir_.at(totals_, first), side(), plan_.totals_stride(), mask),
              ir_.at(result, first), mask);
        });
      });
    }
    e_.end_function();
  }

  // Pieces share the channels; sums are added in the order of the pieces that made them.
  void emit_sums(const std::string& name) {
    e_.begin_kernel(name);
    const auto share = tiles_.share(channels(), plan_.add_pieces(), e_.piece());
    ir_.loop(share.first, share.second, 1, [&](Value channel) {
      tiles_.each_vector(plan_.filters, [&](Value filter, Value mask) {
        Value at = ir_.add(ir_.mul(channel, plan_.filters), filter);
        const auto sum = [&](int64_t i, Value j) {
          const auto load = [&](Value piece) {
            return load_places(ir_, ir_.at(partial_sums(piece), at), side(), plan_.totals_stride(),
                               mask)(i, j);
          };
          const Value first[] = {load(ir_.index(0))};
          return e_.loop(ir_.index(1), ir_.index(plan_.pieces), 1, first,
                         [&](Value piece, std::span<const Value> carried) {
                           return Values{ir_.b.CreateFAdd(carried[0], load(piece))};
                         })[0];
        };
        transform_back(sum, ir_.at(e_.buffer(2), at), mask);
      });
    });
    e_.end_function();
  }

 private:
  int64_t channels() const { return plan_.image.channels; }
  int64_t side() const { return plan_.image.side(); }
  int64_t apart() const { return channels() * plan_.filters; }

  // Where the sums of a piece lie, of several that share one slice.
  Value partial_sums(Value piece) {
    return ir_.at(e_.buffer(3), ir_.mul(piece, plan_.image.places() * plan_.totals_stride()));
  }

  void clear_totals() {
    tiles_.each_vector(plan_.image.places() * plan_.totals_stride(), [&](Value first, Value mask) {
      ir_.store(ir_.zero(), ir_.at(totals_, first), mask);
    });
  }

  void transform(const WinogradTiles::Tile& tile) {
    tiles_.transform(tile, e_.buffer(0), ir_.at(elements_, ir_.mul(tile.number, channels())),
                     plan_.elements_stride());
    Value source = ir_.at(e_.buffer(1), ir_.mul(tiles_.first_result(tile), plan_.filters));
    Value target = ir_.at(cotangents_, ir_.mul(tile.number, plan_.filters));
    tiles_.by_wholeness(tile, [&](bool at_edge) {
      Value lines = tiles_.lines_left(tile), points = tiles_.points_left(tile);
      tiles_.each_vector(plan_.filters, [&](Value filter, Value mask) {
        const auto result = [&](int64_t i, Value j) {
          Value at = ir_.at(ir_.at(source, filter), ir_.mul(j, plan_.filters));
          return ir_.load(ir_.at(at, i * plan_.image.width * plan_.filters),
                          at_edge ? tiles_.existing(lines, points, i, j, mask) : mask);
        };
        in_both_directions(
            ir_, plan_.image.tile, side(),
            [&](const Values& y) { return tiles_.transforms().cotangents(y); }, result,
            store_places(ir_, ir_.at(target, filter), side(), plan_.cotangents_stride(), mask));
      });
    });
  }

  void transform_back(const std::function<Value(int64_t, Value)>& place, Value result, Value mask) {
    in_both_directions(
        ir_, side(), 3, [&](const Values& m) { return tiles_.transforms().to_taps(m); }, place,
        store_places(ir_, result, 3, apart(), mask));
  }

  MatmulIr ir_;
  Emitter& e_;
  const WinogradGradientPlan& plan_;
  const WinogradGradientMemory memory_;
  WinogradTiles tiles_;
  llvm::Value *elements_ = nullptr, *cotangents_ = nullptr, *totals_ = nullptr;
};

}  // namespace

void emit_winograd_gradient(Emitter& emitter, const WinogradGradientPlan& plan,
                            const std::string& name) {
  WinogradGradientCode(emitter, plan).emit(name);
}

void emit_winograd_gradient_sums(Emitter& emitter, const WinogradGradientPlan& plan,
                                 const std::string& name) {
  WinogradGradientCode(emitter, plan).emit_sums(name);
}

}  // namespace sinter::codegen
