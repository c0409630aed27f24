#include "core/graph.h"
#include "tests/contract/samples/samples.h"

namespace sinter::contract {
namespace {

using Ints = std::vector<int64_t>;

// The three values of a convolution, so that each op gets two of them.
struct Case {
  Shape x, kernel, y;
  Ints strides, dilations, low, high;
  int64_t groups = 1;
  const char* note = "";
  // Large ones are not differentiated, and go through Winograd's algorithm, whose bound is 1e-5 of
  // results of variance 1: theirs is 12 to 17.
  bool is_large = false;
};

Attributes attributes_of(const Case& c) {
  return {{"strides", c.strides}, {"dilations", c.dilations}, {"low", c.low}, {"high", c.high},
          {"groups", c.groups}};
}

}  // namespace

void convolution_samples(Samples& out) {
  const Case cases[] = {
      {{2, 5, 6, 3}, {3, 2, 3, 4}, {2, 3, 5, 4}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1, "valid"},
      {{2, 5, 6, 3}, {3, 3, 3, 4}, {2, 5, 6, 4}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1, "same"},
      {{1, 7, 8, 2}, {3, 3, 2, 3}, {1, 4, 4, 3}, {2, 2}, {1, 1}, {1, 0}, {1, 1}, 1, "strides"},
      {{1, 9, 7, 2}, {2, 3, 2, 3}, {1, 3, 3, 3}, {3, 2}, {1, 1}, {0, 0}, {0, 0}, 1,
       "strides beyond the window"},
      {{1, 7, 9, 2}, {3, 2, 2, 3}, {1, 5, 8, 3}, {1, 1}, {2, 3}, {1, 1}, {1, 1}, 1, "dilations"},
      {{2, 5, 4, 6}, {2, 3, 3, 4}, {2, 4, 4, 4}, {1, 1}, {1, 1}, {0, 1}, {0, 1}, 2, "groups"},
      {{1, 6, 5, 4}, {3, 2, 2, 6}, {1, 3, 3, 6}, {2, 2}, {1, 1}, {1, 0}, {0, 1}, 2,
       "groups and strides"},
      {{2, 5, 6, 3}, {3, 3, 1, 3}, {2, 5, 6, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 3, "depthwise"},
      {{1, 6, 7, 3}, {3, 2, 1, 6}, {1, 3, 4, 6}, {2, 2}, {1, 1}, {0, 0}, {1, 1}, 3,
       "depthwise with a multiplier and strides"},
      {{2, 4, 4, 3}, {1, 1, 3, 5}, {2, 4, 4, 5}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 1, "of one element"},
      {{2, 5, 5, 3}, {1, 1, 3, 5}, {2, 3, 3, 5}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 1,
       "of one element, strides"},
      {{2, 3, 2, 1}, {2, 2, 1, 2}, {2, 6, 7, 2}, {1, 1}, {1, 1}, {3, 2}, {1, 4}, 1,
       "padding beyond the window"},
      {{2, 8, 12, 12}, {3, 3, 12, 16}, {2, 8, 12, 16}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1,
       "whole tiles", true},
      {{3, 9, 7, 13}, {3, 3, 13, 17}, {3, 7, 6, 17}, {1, 1}, {1, 1}, {0, 1}, {0, 0}, 1,
       "tiles at the edge", true},
      {{2, 9, 3}, {3, 3, 4}, {2, 9, 4}, {1}, {2}, {4}, {0}, 1, "causal"},
      {{1, 4, 5, 3, 2}, {2, 3, 2, 2, 3}, {1, 2, 3, 2, 3}, {2, 2, 1}, {1, 1, 1}, {0, 1, 0},
       {0, 1, 0}, 1, "of volumes"},
  };
  for (const Case& c : cases) {
    const InputSpec x{c.x, -1, 1}, kernel{c.kernel, -1, 1}, y{c.y, -1, 1};
    const double tolerance = c.is_large ? 4e-5 : 1e-5;
    const int orders = c.is_large ? 0 : 2;
    out.push_back({"convolution", {x, kernel}, attributes_of(c), tolerance, orders, c.note});
    Attributes of_input = attributes_of(c);
    of_input.set("spatial", Ints(c.x.begin() + 1, c.x.end() - 1));
    out.push_back(
        {"convolution_input_gradient", {y, kernel}, of_input, tolerance, orders, c.note});
    Attributes of_kernel = attributes_of(c);
    of_kernel.set("size", Ints(c.kernel.begin(), c.kernel.end() - 2));
    out.push_back({"convolution_kernel_gradient", {x, y}, of_kernel, tolerance, orders, c.note});
  }
}

void pooling_samples(Samples& out) {
  struct Pool {
    Shape x, y;
    Ints size, strides, low, high;
  };
  const Pool cases[] = {
      {{2, 4, 6, 3}, {2, 2, 3, 3}, {2, 2}, {2, 2}, {0, 0}, {0, 0}},
      {{1, 5, 7, 2}, {1, 3, 4, 2}, {2, 2}, {2, 2}, {0, 0}, {1, 1}},
      {{1, 5, 7, 2}, {1, 2, 3, 2}, {2, 2}, {2, 2}, {0, 0}, {0, 0}},
      {{2, 6, 5, 2}, {2, 3, 5, 2}, {3, 3}, {2, 1}, {1, 1}, {0, 1}},
      {{1, 9, 8, 1}, {1, 3, 2, 1}, {2, 3}, {3, 4}, {0, 0}, {0, 0}},
      {{1, 7, 7, 2}, {1, 1, 1, 2}, {7, 7}, {7, 7}, {0, 0}, {0, 0}},
      {{1, 8, 7, 2}, {1, 3, 7, 2}, {6, 6}, {2, 1}, {2, 3}, {1, 2}},
      {{2, 7, 3}, {2, 4, 3}, {3}, {2}, {1}, {1}},
      {{1, 4, 3, 4, 2}, {1, 2, 3, 2, 2}, {2, 1, 2}, {2, 1, 2}, {0, 0, 0}, {0, 0, 0}},
  };
  for (const Pool& c : cases) {
    const Attributes a = {
        {"strides", c.strides}, {"low", c.low}, {"high", c.high}, {"size", c.size}};
    const InputSpec x{c.x}, y{c.y};
    out.push_back({"max_pool", {x}, a});
    out.push_back({"average_pool", {x}, a});
    Attributes spatial = a;
    spatial.set("spatial", Ints(c.x.begin() + 1, c.x.end() - 1));
    out.push_back({"average_pool_gradient", {y}, spatial});
  }
  // Of the maxima that are given: 1 stands twice in the first window, where the first one counts.
  const Attributes pairs = {{"strides", Ints{2}}, {"low", Ints{0}}, {"high", Ints{0}},
                            {"size", Ints{2}}};
  const InputSpec x{Shape{1, 6, 1}, 0, 0, DType::kFloat32, {1, 1, -2, 3, 0.5, -0.5}},
      maxima{Shape{1, 3, 1}, 0, 0, DType::kFloat32, {1, 3, 0.5}}, of_maxima{Shape{1, 3, 1}},
      of_x{Shape{1, 6, 1}};
  out.push_back({"max_pool_gradient", {x, maxima, of_maxima}, pairs, 2e-6, 0, "ties"});
  out.push_back({"max_pool_tangent", {x, maxima, of_x}, pairs, 2e-6, 0, "ties"});
}

}  // namespace sinter::contract
