#include "runtime/llvm/matmul/sums.h"

#include <algorithm>

#include "runtime/llvm/loops/program.h"
#include "runtime/llvm/matmul/tiling.h"

namespace sinter::codegen {

MatmulSums matmul_sums(const MatmulPlan& plan, const MatmulRegion& region) {
  const int64_t unit = plan.lanes_along_rows ? plan.machine.lanes : 1;
  const int64_t tile = plan.row_tiles.largest() * unit;
  int64_t term = 1;  // rows that are added up before they come to a sum in memory
  if (region.whole_rows)
    term = unit;
  else if (plan.lanes_along_rows)
    term = 16 / dtype_size(plan.problem.dtype);
  else if (region.in_registers())
    term = tile;
  MatmulSums sums;
  // A run ends with a tile where sums settle tile by tile.
  sums.run = region.whole_rows ? kRunTerms * term : std::max(kRunTerms * term, tile);
  const int64_t rows = ceil_div(plan.row_tiles.count, plan.row_pieces) * tile;
  for (int64_t most = 2 * sums.run; rows > most; most *= kRunTerms) ++sums.levels;
  return sums;
}

}  // namespace sinter::codegen
