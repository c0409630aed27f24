#include "runtime/llvm/winograd/tiles.h"

namespace sinter::codegen {
Value WinogradTiles::buffers(std::initializer_list<Value> all) {
  llvm::PointerType* pointer = ir_.b.getPtrTy();
  Value array = ir_.e.on_stack(pointer, static_cast<int64_t>(all.size()));
  unsigned i = 0;
  for (Value buffer : all) {
    if (buffer == nullptr) buffer = llvm::ConstantPointerNull::get(pointer);
    ir_.b.CreateStore(buffer, ir_.b.CreateConstGEP1_64(pointer, array, i++));
  }
  return array;
}

void WinogradTiles::each_place(llvm::Function* kernel, Value buffers,
                               std::initializer_list<Places> places) {
  ir_.loop(ir_.index(0), ir_.index(image_.places()), 1, [&](Value place) {
    unsigned i = 0;
    for (const Places& p : places)
      set_buffer(buffers, i++, ir_.at(p.first, ir_.mul(place, p.stride)));
    ir_.b.CreateCall(kernel, {ir_.index(0), buffers});
  });
}

void WinogradTiles::set_buffer(Value buffers, unsigned i, Value buffer) {
  ir_.b.CreateStore(buffer, ir_.b.CreateConstGEP1_64(ir_.b.getPtrTy(), buffers, i));
}

void WinogradTiles::set_buffers(Value buffers, std::initializer_list<Value> first) {
  unsigned i = 0;
  for (Value buffer : first) set_buffer(buffers, i++, buffer);
}

std::pair<Value, Value> WinogradTiles::share(int64_t total, int64_t count, Value index) {
  if (count == 1) return {ir_.index(0), ir_.index(total)};
  const auto at = [&](Value i) { return ir_.b.CreateUDiv(ir_.mul(i, total), ir_.index(count)); };
  return {at(index), at(ir_.add(index, 1))};
}

void WinogradTiles::each_vector(int64_t elements,
                                const std::function<void(Value first, Value mask)>& body) {
  const int64_t whole = elements / ir_.lanes * ir_.lanes;
  ir_.loop(ir_.index(0), ir_.index(whole), ir_.lanes, [&](Value first) { body(first, nullptr); });
  if (whole < elements) body(ir_.index(whole), ir_.mask(elements - whole));
}

void WinogradTiles::each_tile(Value begin, Value end,
                              const std::function<void(const Tile&)>& body) {
  Value per_image = ir_.index(image_.tile_lines());
  ir_.loop(begin, end, 1, [&](Value line) {
    Value image = ir_.b.CreateUDiv(line, per_image), in_image = ir_.b.CreateURem(line, per_image);
    Value first = ir_.mul(ir_.b.CreateSub(line, begin), image_.tile_columns());
    ir_.loop(ir_.index(0), ir_.index(image_.tile_columns()), 1, [&](Value column) {
      body({image, in_image, column, ir_.add(first, column)});
    });
  });
}

Value WinogradTiles::lines_left(const Tile& tile, int64_t beyond) {
  return ir_.b.CreateSub(ir_.index(image_.height + beyond), ir_.mul(tile.line, image_.tile));
}

Value WinogradTiles::points_left(const Tile& tile, int64_t beyond) {
  return ir_.b.CreateSub(ir_.index(image_.width + beyond), ir_.mul(tile.column, image_.tile));
}

Value WinogradTiles::is_whole(const Tile& tile) {
  return ir_.b.CreateAnd(ir_.b.CreateICmpSGE(lines_left(tile), ir_.index(image_.tile)),
                         ir_.b.CreateICmpSGE(points_left(tile), ir_.index(image_.tile)));
}

Value WinogradTiles::first_result(const Tile& tile) {
  Value line = ir_.add(ir_.mul(tile.image, image_.height), ir_.mul(tile.line, image_.tile));
  return ir_.add(ir_.mul(line, image_.width), ir_.mul(tile.column, image_.tile));
}

void WinogradTiles::by_wholeness(const Tile& tile, const std::function<void(bool at_edge)>& body) {
  if (image_.is_even()) return body(false);
  Value whole = is_whole(tile);
  ir_.e.when(whole, [&] { body(false); });
  ir_.e.when(ir_.b.CreateNot(whole), [&] { body(true); });
}

Value WinogradTiles::existing(Value lines, Value points, int64_t i, Value j, Value mask) {
  Value exists =
      ir_.b.CreateAnd(ir_.b.CreateICmpSGT(lines, ir_.index(i)), ir_.b.CreateICmpSGT(points, j));
  Value lanes = ir_.e.splat(exists, ir_.lanes);
  return mask == nullptr ? lanes : ir_.b.CreateAnd(lanes, mask);
}

void WinogradTiles::transform(const Tile& tile, Value input, Value target, int64_t apart) {
  Value first = ir_.add(ir_.mul(tile.image, image_.image_stride), image_.offset);
  first = ir_.add(first, ir_.add(ir_.mul(tile.line, image_.tile * image_.line_stride),
                                 ir_.mul(tile.column, image_.tile * image_.point_stride)));
  Value source = ir_.at(input, first);
  by_wholeness(tile, [&](bool at_edge) {
    Value lines = lines_left(tile, 2), points = points_left(tile, 2);
    each_vector(image_.channels, [&](Value channel, Value mask) {
      const auto element = [&](int64_t i, Value j) {
        Value at = ir_.at(ir_.at(source, channel), ir_.mul(j, image_.point_stride));
        return ir_.load(ir_.at(at, i * image_.line_stride),
                        at_edge ? existing(lines, points, i, j, mask) : mask);
      };
      in_both_directions(
          ir_, image_.side(), image_.side(),
          [&](const Values& d) { return transforms_.elements(d); }, element,
          store_places(ir_, ir_.at(target, channel), image_.side(), apart, mask));
    });
  });
}

}  // namespace sinter::codegen
