// The phases of a convolution by Winograd's algorithm. Read emit_compute() first: blocks of lines of
// tiles, each transformed, multiplied and transformed back to the epilogue.
#include "runtime/llvm/winograd/emit.h"

#include "runtime/llvm/matmul/add_sums.h"
#include "runtime/llvm/matmul/emit.h"
#include "runtime/llvm/matmul/epilogue.h"
#include "runtime/llvm/winograd/tiles.h"

namespace sinter::codegen {
namespace {

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
    if (phase == WinogradPhase::kCompute) {
      if (plan_.panels() > 0)
        product_ = emit_matmul_part(e_, plan_.product, winograd_product(plan_, plan_.panel()),
                                    name + "_product");
      if (plan_.rest() > 0)
        rest_product_ = emit_matmul_part(e_, plan_.rest_product,
                                         winograd_product(plan_, plan_.rest()), name + "_rest");
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
        case WinogradPhase::kCompute: emit_compute(); break;
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
  int64_t side() const { return plan_.image.side(); }

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

  // Where a vector of filters lies in the kernel and in the products: in a panel, which begins at a
  // filter and has so many.
  struct InPanel {
    Value first;
    int64_t width;
    Value inside;
  };

  void each_vector(const std::function<void(Value filter, Value mask, const InPanel&)>& body) {
    const int64_t width = plan_.panel(), in_panels = plan_.panels() * width;
    if (in_panels > 0) {
      ir_.loop(ir_.index(0), ir_.index(in_panels), width, [&](Value first) {
        ir_.loop(ir_.index(0), ir_.index(width), ir_.lanes, [&](Value inside) {
          body(ir_.add(first, inside), nullptr, {first, width, inside});
        });
      });
    }
    if (plan_.rest() == 0) return;
    tiles_.each_vector(plan_.rest(), [&](Value inside, Value mask) {
      body(ir_.add(inside, in_panels), mask, {ir_.index(in_panels), plan_.rest(), inside});
    });
  }

  // Row `row` of `rows` of a place that lies panel by panel.
  Value place_of(Value base, Value row, int64_t rows, const InPanel& at) {
    Value offset = ir_.add(ir_.mul(at.first, rows), ir_.mul(row, at.width));
    return ir_.at(ir_.at(base, offset), at.inside);
  }

  // [3, 3, channels, filters] -> [places, panels, channels, filters of a panel]
  void transform_kernel(const Range& part, Value source, Value target) {
    ir_.loop(part.first, part.second, 1, [&](Value channel) {
      each_vector([&](Value filter, Value mask, const InPanel& panel) {
        Value at = ir_.add(ir_.mul(channel, plan_.filters), filter);
        in_both_directions(
            ir_, 3, side(), [&](const Values& g) { return tiles_.transforms().taps(g); },
            load_places(ir_, ir_.at(source, at), 3, channels() * plan_.filters, mask),
            store_places(ir_, place_of(target, channel, channels(), panel), side(),
                         plan_.kernel_stride(), mask));
      });
    });
  }

  void multiply(Value buffers) {
    ir_.loop(ir_.index(0), ir_.index(plan_.image.places()), 1, [&](Value place) {
      Value elements = ir_.at(elements_, ir_.mul(place, plan_.elements_stride()));
      Value kernel = ir_.at(kernel_, ir_.mul(place, plan_.kernel_stride()));
      Value products = ir_.at(products_, ir_.mul(place, plan_.products_stride()));
      const auto call = [&](llvm::Function* product, Value first) {
        tiles_.set_buffers(buffers, {elements, ir_.at(kernel, ir_.mul(first, channels())),
                                     ir_.at(products, ir_.mul(first, plan_.block_tiles()))});
        b_.CreateCall(product, {ir_.index(0), buffers});
      };
      const int64_t in_panels = plan_.panels() * plan_.panel();
      if (product_ != nullptr)
        ir_.loop(ir_.index(0), ir_.index(in_panels), plan_.panel(),
                 [&](Value first) { call(product_, first); });
      if (rest_product_ != nullptr) call(rest_product_, ir_.index(in_panels));
    });
  }

  void emit_compute() {
    elements_ = ir_.byte(workspace_, memory_.elements);
    products_ = ir_.byte(workspace_, memory_.products);
    Value of_product = ir_.byte(workspace_, memory_.of_product_workspace);
    Value buffers = tiles_.buffers(
        {nullptr, nullptr, nullptr, ir_.byte(workspace_, memory_.of_product), nullptr, of_product});
    MatmulEpilogue epilogue(ir_, region_, plan_.filters, inputs_, results_);
    epilogue.emit_invariants();
    epilogue_ = &epilogue;
    stack_ = ir_.on_stack(plan_.image.tile);
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
      multiply(buffers);
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
    each_vector([&](Value filter, Value mask, const InPanel& panel) {
      const auto finish = [&](Value i, const Values& results) {
        Value line = ir_.add(row, ir_.mul(i, plan_.image.width));
        tiles_.by_wholeness(tile, [&](bool at_edge) {
          if (!at_edge && region_.in_registers()) return finish_line(line, filter, mask, results);
          const auto points = [&] { finish_points(tile, line, filter, mask, results); };
          if (!at_edge) return points();
          e_.when(b_.CreateICmpSLT(i, tiles_.lines_left(tile)), points);
        });
      };
      in_both_directions(
          ir_, side(), plan_.image.tile,
          [&](const Values& m) { return tiles_.transforms().results(m); },
          load_places(ir_, place_of(products_, tile.number, plan_.block_tiles(), panel), side(),
                      plan_.products_stride(), mask),
          finish);
    });
  }

  void finish_line(Value row, Value filter, Value mask, const Values& results) {
    epilogue_->begin_tile();
    Values sums(targets_.size(), nullptr);
    for (size_t j = 0; j < results.size(); ++j)
      epilogue_->emit({row, filter, static_cast<int64_t>(j), 0, mask, results[j]}, sums);
    add_to_sums(sums, filter, mask);
  }

  // One after the other, those that exist.
  void finish_points(const Tile& tile, Value row, Value filter, Value mask, const Values& results) {
    ir_.store_all(results, stack_);
    Value points = ir_.min(tiles_.points_left(tile), ir_.index(plan_.image.tile));
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
    const int64_t rows = plan_.image.tile * plan_.image.width;
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
  llvm::Function *product_ = nullptr, *rest_product_ = nullptr;
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
