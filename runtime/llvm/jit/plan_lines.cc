#include "runtime/llvm/jit/plan_lines.h"

#include <algorithm>

#include "runtime/llvm/emit/emitter.h"

namespace sinter::codegen {

PlanLines::PlanLines(std::string_view text) {
  for (int32_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    if (product_ == 0 && row.find("acc[row, column] += ") != std::string_view::npos)
      product_ = line;
    if (region_ == 0 && row.starts_with("graph ")) region_ = line;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

int32_t PlanLines::number(int32_t line) const {
  if (line >= Emitter::kNodeLines)
    return region_ == 0 ? 0 : region_ + 1 + line - Emitter::kNodeLines;
  return line >= Emitter::kProductLine ? product_ : line;
}

}  // namespace sinter::codegen
