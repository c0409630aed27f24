// Walks the tiles of an image and transforms what they read: what the kernels of Winograd's
// algorithm share.
#pragma once

#include <functional>
#include <initializer_list>
#include <utility>

#include "runtime/llvm/winograd/image.h"
#include "runtime/llvm/winograd/transforms.h"

namespace sinter::codegen {

class WinogradTiles {
 public:
  struct Tile {
    Value image, line, column;  // of tiles, counted in the image
    Value number;               // counted from the first line that is walked
  };

  WinogradTiles(MatmulIr& ir, const WinogradImage& image)
      : ir_(ir), image_(image), transforms_(ir, image.tile) {}

  const WinogradTransforms& transforms() const { return transforms_; }

  /// What a kernel that this one calls takes for its buffers: those of Kernel::run; null where there
  /// is none.
  Value buffers(std::initializer_list<Value> all);
  /// Puts others into the first places of such a list.
  void set_buffers(Value buffers, std::initializer_list<Value> first);
  struct Places {
    Value first;
    int64_t stride;  // in elements
  };
  /// Calls `kernel` for one place after the other; those that `places` lists are its first buffers.
  void each_place(llvm::Function* kernel, Value buffers, std::initializer_list<Places> places);
  /// What belongs to share `index` of `count` of `total`.
  std::pair<Value, Value> share(int64_t total, int64_t count, Value index);
  /// Whole vectors of elements, then the rest with a mask.
  void each_vector(int64_t elements, const std::function<void(Value first, Value mask)>& body);
  /// All tiles of the lines from `begin` to `end`, counted over all images.
  void each_tile(Value begin, Value end, const std::function<void(const Tile&)>& body);
  /// How many results of the tile exist down and across; more than a tile has where all do.
  Value lines_left(const Tile& tile, int64_t beyond = 0);
  Value points_left(const Tile& tile, int64_t beyond = 0);
  Value is_whole(const Tile& tile);
  /// The first result of a tile, counted over all results.
  Value first_result(const Tile& tile);
  /// Calls `body` for a tile, told whether some of its results do not exist; once where none does.
  void by_wholeness(const Tile& tile, const std::function<void(bool at_edge)>& body);

  /// The elements of a tile, of the padded image, to `target`, from place to place `apart`
  /// elements. Beyond the image they are 0.
  void transform(const Tile& tile, Value input, Value target, int64_t apart);
  /// The lanes of `mask` where element (i, j) of a tile exists, of which so many are left.
  Value existing(Value lines, Value points, int64_t i, Value j, Value mask);

 private:
  void set_buffer(Value buffers, unsigned i, Value buffer);

  MatmulIr& ir_;
  const WinogradImage& image_;
  WinogradTransforms transforms_;
};

/// Element (i, j) of a matrix of `columns` columns, whose elements lie `apart` elements apart, for
/// in_both_directions().
inline std::function<Value(int64_t, Value)> load_places(MatmulIr& ir, Value source, int64_t columns,
                                                        int64_t apart, Value mask) {
  return [=, &ir](int64_t i, Value j) {
    return ir.load(ir.at(ir.at(source, ir.mul(j, apart)), i * columns * apart), mask);
  };
}
/// Stores row i of such a matrix.
inline std::function<void(Value, const Values&)> store_places(MatmulIr& ir, Value target,
                                                              int64_t columns, int64_t apart,
                                                              Value mask) {
  return [=, &ir](Value i, const Values& row) {
    Value first = ir.at(target, ir.mul(i, columns * apart));
    for (size_t j = 0; j < row.size(); ++j)
      ir.store(row[j], ir.at(first, static_cast<int64_t>(j) * apart), mask);
  };
}

}  // namespace sinter::codegen
