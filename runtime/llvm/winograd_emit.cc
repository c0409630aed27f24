// The phases of a convolution by Winograd's algorithm. Read emit_compute() first: blocks of lines of
// tiles, each transformed, multiplied and transformed back to the epilogue.
#include "runtime/llvm/winograd_emit.h"

#include "runtime/llvm/matmul_add_sums.h"
#include "runtime/llvm/matmul_emit.h"
#include "runtime/llvm/matmul_epilogue.h"
#include "runtime/llvm/winograd_tiles.h"

namespace sinter::codegen {
namespace {

constexpr int64_t kTile = WinogradImage::kTile, kSide = WinogradImage::kSide;

class WinogradCode {
 public:
  using Tile = WinogradTiles::Tile;

  WinogradCode(Emitter& emitter, const WinogradPlan& plan, const MatmulRegion& region)
      : ir_(emitter, DType::kFloat32, static_cast<int>(plan.machine.lanes), false),
        e_(emitter),
        b_(ir_.b),
        plan_(plan),
        region_(region),
        sums_(winograd_sums(plan)),
        memory_(winograd_memory(plan, region)),
        tiles_(ir_, plan.image) {}

  void emit(WinogradPhase phase, const std::string& name) {
    llvm::Function* product = nullptr;
    if (phase == WinogradPhase::kCompute) {
      const MatmulRegion of_places = winograd_product(plan_);
      product = emit_matmul_part(e_, plan_.product, of_places, name + "_product");
    }
    if (phase == WinogradPhase::kPrepare) {
      e_.begin_prepare(name);
      transform_kernel({ir_.index(0), ir_.index(channels())}, e_.buffer(MatmulRegion::rhs),
                       e_.prepared());
    } else {
      e_.begin_kernel(name);
      load_buffers();
      switch (phase) {
        case WinogradPhase::kKernel: {
          const auto part = tiles_.share(channels(), plan_.kernel_pieces(), e_.piece());
          transform_kernel(part, inputs_[MatmulRegion::rhs], kernel_);
          break;
        }
        case WinogradPhase::kCompute: emit_compute(product); break;
        default:
          add_sums(ir_, region_, ir_.byte(scratch_, memory_.sums), plan_.pieces * sums_.levels,
                   padded_filters(), results_);
      }
    }
    e_.end_function();
  }

 private:
  using Range = std::pair<Value, Value>;

  int64_t channels() const { return plan_.image.channels; }

  void load_buffers() {
    int next = 0;
    for (size_t i = 0; i < region_.body->inputs().size(); ++i) inputs_.push_back(e_.buffer(next++));
    for (size_t i = 0; i < region_.results.size(); ++i) results_.push_back(e_.buffer(next++));
    scratch_ = e_.buffer(next++);
    kernel_ = plan_.prepares ? e_.buffer(next) : ir_.byte(scratch_, memory_.kernel);
    workspace_ = e_.buffer(next + 1);
  }

  int64_t padded_filters() const {
    return (plan_.filters + ir_.lanes - 1) / ir_.lanes * ir_.lanes;
  }

  // [3, 3, channels, filters] -> [places, channels, filters]
  void transform_kernel(const Range& part, Value source, Value target) {
    ir_.loop(part.first, part.second, 1, [&](Value channel) {
      tiles_.each_vector(plan_.filters, [&](Value filter, Value mask) {
        Value at = ir_.add(ir_.mul(channel, plan_.filters), filter);
        in_both_directions<3, kSide>(
            ir_, transform_taps,
            load_places(ir_, ir_.at(source, at), 3, channels() * plan_.filters, mask),
            store_places<kSide>(ir_, ir_.at(target, at), plan_.kernel_stride(), mask));
      });
    });
  }

  void emit_compute(llvm::Function* product) {
    elements_ = ir_.byte(workspace_, memory_.elements);
    products_ = ir_.byte(workspace_, memory_.products);
    Value of_product = ir_.byte(workspace_, memory_.of_product_workspace);
    Value buffers = tiles_.buffers(
        {nullptr, nullptr, nullptr, ir_.byte(workspace_, memory_.of_product), nullptr, of_product});
    MatmulEpilogue epilogue(ir_, region_, plan_.filters, inputs_, results_);
    epilogue.emit_invariants();
    epilogue_ = &epilogue;
    stack_ = ir_.on_stack(kTile);
    find_sums();
    const Range blocks = tiles_.share(plan_.blocks(), plan_.pieces, e_.piece());
    ir_.loop(blocks.first, blocks.second, 1, [&](Value block) {
      Value begin = ir_.mul(block, plan_.lines);
      Value end = ir_.min(ir_.add(begin, plan_.lines), ir_.index(plan_.image.all_lines()));
      tiles_.each_tile(begin, end, [&](const Tile& tile) {
        tiles_.transform(tile, inputs_[MatmulRegion::lhs],
                         ir_.at(elements_, ir_.mul(tile.number, channels())),
                         plan_.elements_stride());
      });
      tiles_.each_place(product, buffers,
                        {{elements_, plan_.elements_stride()},
                         {kernel_, plan_.kernel_stride()},
                         {products_, plan_.products_stride()}});
      ir_.loop(begin, end, 1, [&](Value line) {
        tiles_.each_tile(line, ir_.add(line, 1), [&](const Tile& tile) {
          Tile in_block = tile;
          in_block.number = ir_.add(tile.number, ir_.mul(b_.CreateSub(line, begin),
                                                         plan_.image.tile_columns()));
          finish_tile(in_block);
        });
        settle(line);
      });
    });
  }

  void finish_tile(const Tile& tile) {
    Value row = tiles_.first_result(tile);
    Value source = ir_.at(products_, ir_.mul(tile.number, plan_.filters));
    tiles_.each_vector(plan_.filters, [&](Value filter, Value mask) {
      const auto finish = [&](Value i, const std::array<Value, kTile>& results) {
        Value line = ir_.add(row, ir_.mul(i, plan_.image.width));
        tiles_.by_wholeness(tile, [&](bool at_edge) {
          if (!at_edge && region_.in_registers()) return finish_line(line, filter, mask, results);
          const auto points = [&] { finish_points(tile, line, filter, mask, results); };
          if (!at_edge) return points();
          e_.when(b_.CreateICmpSLT(i, tiles_.lines_left(tile)), points);
        });
      };
      in_both_directions<kSide, kTile>(
          ir_, transform_back,
          load_places(ir_, ir_.at(source, filter), kSide, plan_.products_stride(), mask), finish);
    });
  }

  void finish_line(Value row, Value filter, Value mask, const std::array<Value, kTile>& results) {
    epilogue_->begin_tile();
    Values sums(targets_.size(), nullptr);
    for (int64_t j = 0; j < kTile; ++j)
      epilogue_->emit({row, filter, j, 0, mask, results[static_cast<size_t>(j)]}, sums);
    add_to_sums(sums, filter, mask);
  }

  // One after the other, those that exist.
  void finish_points(const Tile& tile, Value row, Value filter, Value mask,
                     const std::array<Value, kTile>& results) {
    ir_.store_all(results, stack_);
    Value points = ir_.min(tiles_.points_left(tile), ir_.index(kTile));
    ir_.loop(ir_.index(0), points, 1, [&](Value j) {
      epilogue_->begin_tile();
      Values sums(targets_.size(), nullptr);
      Value result = ir_.load(ir_.at(stack_, ir_.mul(j, ir_.lanes)));
      epilogue_->emit({ir_.add(row, j), filter, 0, 0, mask, result}, sums);
      add_to_sums(sums, filter, mask);
    });
  }

  // Where this piece collects each sum.
  void find_sums() {
    Value base = region_.sum_count() == 0 ? nullptr : ir_.byte(scratch_, memory_.sums);
    const int64_t of_piece = sums_.levels * padded_filters();
    for (int64_t i = 0; i < region_.sum_count(); ++i)
      targets_.push_back(ir_.at(ir_.at(base, i * plan_.pieces * of_piece),
                                ir_.mul(e_.piece(), of_piece)));
    for (Value target : targets_) {
      ir_.loop(ir_.index(0), ir_.index(of_piece), ir_.lanes,
               [&](Value at) { ir_.store(ir_.nothing(), ir_.at(target, at)); });
    }
  }

  void add_to_sums(const Values& values, Value filter, Value mask) {
    for (size_t i = 0; i < targets_.size(); ++i) {
      Value at = ir_.at(targets_[i], filter);
      ir_.store(b_.CreateFAdd(ir_.load(at, mask), values[i]), at, mask);
    }
  }

  // After a line of tiles.
  void settle(Value line) {
    if (sums_.levels == 1) return;
    const int64_t rows = kTile * plan_.image.width;
    Value begin = ir_.mul(line, rows);
    for (Value target : targets_) {
      tiles_.each_vector(plan_.filters, [&](Value filter, Value mask) {
        ir_.settle(sums_, begin, ir_.add(begin, rows), ir_.dtype, ir_.at(target, filter),
                   padded_filters(), ir_.lanes, mask);
      });
    }
  }

  MatmulIr ir_;
  Emitter& e_;
  llvm::IRBuilder<>& b_;
  const WinogradPlan& plan_;
  const MatmulRegion& region_;
  const MatmulSums sums_;
  const WinogradMemory memory_;
  WinogradTiles tiles_;
  Values inputs_, results_, targets_;
  llvm::Value *scratch_ = nullptr, *kernel_ = nullptr, *workspace_ = nullptr;
  llvm::Value *elements_ = nullptr, *products_ = nullptr, *stack_ = nullptr;
  MatmulEpilogue* epilogue_ = nullptr;
};

}  // namespace

void emit_winograd(Emitter& emitter, const WinogradPlan& plan, const MatmulRegion& region,
                   WinogradPhase phase, const std::string& name) {
  WinogradCode(emitter, plan, region).emit(phase, name);
}

}  // namespace sinter::codegen
