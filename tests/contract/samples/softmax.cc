#include "core/graph.h"
#include "tests/contract/samples/samples.h"

namespace sinter::contract {

void softmax_samples(Samples& out) {
  for (const char* op : {"softmax", "log_softmax"}) {
    for (int64_t axis : {0, 1})
      out.push_back({op, {{Shape{4, 10}, -3, 3}}, {{"axis", axis}}, 4e-6});
    out.push_back({op, {{Shape{3, 33}, -3, 3}}, {{"axis", int64_t{1}}}, 4e-6});
    out.push_back({op, {{Shape{2, 3, 4}, -3, 3}}, {{"axis", int64_t{1}}}, 4e-6});
    out.push_back({.op = op,
                   .inputs = {{Shape{2, 3}, 0, 0, DType::kFloat32, {1000, 999, -1000}}},
                   .attributes = {{"axis", int64_t{1}}},
                   .tolerance = 4e-6,
                   .orders = 0,
                   .note = "large values do not overflow"});
  }
}

}  // namespace sinter::contract
