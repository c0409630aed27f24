#include "core/graph.h"
#include "tests/contract/samples/samples.h"

#include <memory>

namespace sinter::contract {

void matmul_samples(Samples& out) {
  using Ints = std::vector<int64_t>;
  const auto contract = [&](Shape a, Shape b, Ints lb, Ints rb, Ints lc, Ints rc,
                            DType dtype = DType::kFloat32) {
    out.push_back(
        {"contract",
         {{a, -1, 1, dtype}, {b, -1, 1, dtype}},
         {{"lhs_batch", lb}, {"rhs_batch", rb}, {"lhs_contract", lc}, {"rhs_contract", rc}},
         1e-5});
  };
  contract(Shape{3, 4}, Shape{4, 5}, {}, {}, {1}, {0});
  contract(Shape{4, 3}, Shape{4, 5}, {}, {}, {0}, {0});
  contract(Shape{3, 4}, Shape{5, 4}, {}, {}, {1}, {1});
  contract(Shape{1, 17}, Shape{17, 33}, {}, {}, {1}, {0});
  contract(Shape{17, 31}, Shape{31, 1}, {}, {}, {1}, {0});
  contract(Shape{2, 3, 4}, Shape{2, 4, 5}, {0}, {0}, {2}, {1});
  contract(Shape{2, 3, 4}, Shape{4, 6}, {}, {}, {2}, {0});
  contract(Shape{3, 2, 4}, Shape{4, 2, 5}, {}, {}, {1, 2}, {1, 0});
  contract(Shape{4}, Shape{4}, {}, {}, {0}, {0});
  contract(Shape{3}, Shape{2}, {}, {}, {}, {});
  contract(Shape{2, 3}, Shape{3, 2}, {}, {}, {1}, {0}, DType::kInt32);
  // Gradients of bfloat16 are rounded to it: no finite differences.
  const auto rounded = [&](Shape a, Shape b, Ints lc, Ints rc) {
    out.push_back({.op = "contract",
                   .inputs = {{a, -1, 1, DType::kBFloat16}, {b, -1, 1, DType::kBFloat16}},
                   .attributes = {{"lhs_contract", lc}, {"rhs_contract", rc}},
                   .tolerance = 1e-5,
                   .orders = 0,
                   .note = "bfloat16"});
  };
  rounded(Shape{5, 33}, Shape{33, 20}, {1}, {0});
  rounded(Shape{31, 16}, Shape{31, 17}, {0}, {0});
  rounded(Shape{1, 7}, Shape{18, 7}, {1}, {1});
  contract(Shape{0, 3}, Shape{3, 2}, {}, {}, {1}, {0});
  contract(Shape{2, 0}, Shape{0, 3}, {}, {}, {1}, {0});
  const auto op = [](const char* name, Attributes a = {}) {
    return OpCall{name, a.values().empty() ? nullptr : std::make_shared<const Attributes>(a)};
  };
  out.push_back({"dense", {{Shape{3, 4}}, {Shape{4, 5}}, {Shape{5}}}, {}, 1e-5});
  out.push_back({"dense", {{Shape{3, 4}}, {Shape{4, 5}}}, {}, 1e-5});
  out.push_back({"dense",
                 {{Shape{2, 3, 4}}, {Shape{4, 17}}, {Shape{17}}},
                 {{"activation", op("relu")}},
                 1e-5});
  out.push_back({"dense",
                 {{Shape{7, 3}}, {Shape{3, 2}}, {Shape{2}}},
                 {{"activation", op("leaky_relu", {{"negative_slope", 0.1}})}},
                 1e-5});
  out.push_back(
      {"dense", {{Shape{6, 3}}, {Shape{3, 2}}, {Shape{2}}}, {{"activation", op("tanh")}}, 1e-5});
  // An activation's attributes at their defaults, given or not, are one graph in text and in files.
  out.push_back(
      {"dense", {{Shape{6, 3}}, {Shape{3, 2}}, {Shape{2}}}, {{"activation", op("elu")}}, 1e-5});
}

}  // namespace sinter::contract
