// Lines of a plan's text that emitters name by what they are (Emitter::kProductLine, kNodeLines).
#pragma once

#include <cstdint>
#include <string_view>

namespace sinter::codegen {

class PlanLines {
 public:
  explicit PlanLines(std::string_view text);
  /// The line, counted from 1, of what an emitter called `line`; 0 for none.
  int32_t number(int32_t line) const;

 private:
  int32_t product_ = 0, region_ = 0;  // the region's nodes stand one a line below its name
};

}  // namespace sinter::codegen
