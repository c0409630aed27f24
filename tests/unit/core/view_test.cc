// Views compose: whatever chain of moves stands between a value and its reader, the view of the
// chain reads the elements that the moves would have copied there.
#include "core/view.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>

#include "core/error.h"
#include "ops/ops.h"
#include "runtime/compile.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

// The elements that a view reads, in order.
Ints elements_of(const View& view) {
  Ints result;
  Ints index(view.extents.size(), 0);
  for (int64_t i = 0; i < view.elements(); ++i) {
    int64_t at = view.offset;
    for (size_t d = 0; d < index.size(); ++d) at += index[d] * view.strides[d];
    result.push_back(at);
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < view.extents[d]) break;
      index[d] = 0;
    }
  }
  return result;
}

Shape random_shape(int rank) {
  Ints dims;
  for (int d = 0; d < rank; ++d) dims.push_back(*rc::gen::inRange<int64_t>(1, 5));
  return Shape(dims);
}

// Any way to write the elements of `shape` as other dimensions.
Ints other_dims(const Shape& shape) {
  Ints dims;
  for (int64_t left = shape.elements(); left > 1;) {
    int64_t d = *rc::gen::inRange<int64_t>(1, left + 1);
    while (left % d != 0) --d;
    dims.push_back(d);
    left /= d;
    if (dims.size() == 5) dims.push_back(left), left = 1;
  }
  return dims;
}

Symbol moved(Symbol x) {
  const int rank = x.rank();
  switch (*rc::gen::inRange(0, 4)) {
    case 0: return reshape(x, Shape(other_dims(x.shape())));
    case 1: {
      Ints perm(static_cast<size_t>(rank));
      std::iota(perm.begin(), perm.end(), 0);
      for (size_t i = perm.size(); i > 1; --i)
        std::swap(perm[i - 1], perm[*rc::gen::inRange<size_t>(0, i)]);
      return transpose(x, perm);
    }
    case 2: {
      Ints shape, dims;
      for (int d = 0; d < rank; ++d) {
        if (*rc::gen::inRange(0, 4) == 0) shape.push_back(*rc::gen::inRange<int64_t>(1, 4));
        dims.push_back(static_cast<int64_t>(shape.size()));
        shape.push_back(x.shape()[d] == 1 ? *rc::gen::inRange<int64_t>(1, 4) : x.shape()[d]);
      }
      return x.graph().add1("broadcast", {x}, {{"shape", Shape(shape)}, {"dims", dims}});
    }
    default: {
      if (rank == 0) return x;
      const int axis = *rc::gen::inRange(0, rank);
      const int64_t n = x.shape()[axis];
      const int64_t begin = *rc::gen::inRange<int64_t>(0, n);
      return slice(x, axis, begin, *rc::gen::inRange<int64_t>(begin + 1, n + 1),
                   *rc::gen::inRange<int64_t>(1, 4));
    }
  }
}

RC_GTEST_PROP(View, ReadsWhatAChainOfMovesWouldCopy, ()) {
  register_ops();
  Graph g("g");
  const Shape shape = random_shape(*rc::gen::inRange(0, 5));
  const Symbol x = g.input("x", {DType::kInt64, shape});
  std::optional<View> view = View::dense(shape);
  Symbol y = x;
  const int moves = *rc::gen::inRange(1, 6);
  for (int k = 0; k < moves && y.shape().elements() < 2000; ++k) {
    const Symbol next = moved(y);
    if (view && next.id() != y.id()) view = view_through(g, g.node(next.id()), *view);
    y = next;
  }
  RC_PRE(view.has_value());
  g.add_output("y", y.id());
  Ints numbers(static_cast<size_t>(shape.elements()));
  std::iota(numbers.begin(), numbers.end(), 0);
  const Tensor input = Tensor::from(shape, numbers);
  const Tensor copied = evaluate_graph(g, std::span(&input, 1))[0];
  const Ints want(copied.data<int64_t>().begin(), copied.data<int64_t>().end());
  RC_ASSERT(elements_of(*view) == want);
  RC_ASSERT(elements_of(view->merged()) == want);
  // What a region writes down, and reads again.
  const Symbol strided =
      g.add1("as_strided", {x},
             {{"shape", y.shape()}, {"strides", view->strides}, {"offset", view->offset}});
  const std::optional<View> again = view_through(g, g.node(strided.id()), View::dense(shape));
  RC_ASSERT(again.has_value() && elements_of(*again) == want);
}

TEST(View, MergesWhatIsWalkedAsOne) {
  const View rows = View::dense({4, 6, 5}).sliced(Ints{1, 0, 0}, Ints{1, 1, 1}, {2, 6, 5}).merged();
  EXPECT_EQ(rows.extents, Ints({60}));
  EXPECT_EQ(rows.offset, 30);
  const View spread = View::dense({3}).broadcast({2, 3, 4, 5}, Ints{1}).merged();
  EXPECT_EQ(spread.extents, Ints({2, 3, 20}));
  EXPECT_EQ(spread.strides, Ints({0, 1, 0}));
  EXPECT_TRUE(spread.is_in_order(3));
  EXPECT_FALSE(spread.is_in_order(4));
  const View turned = View::dense({2, 3}).transposed(Ints{1, 0});
  EXPECT_FALSE(turned.is_in_order(6));
  EXPECT_EQ(View::dense({1, 7, 1}).merged().extents, Ints({7}));
  EXPECT_TRUE(View::dense({}).merged().extents.empty());
}

TEST(View, ReshapesSplitAndMergeOrAreNone) {
  const View turned = View::dense({4, 6}).transposed(Ints{1, 0});
  const auto split = turned.reshaped(Ints{2, 3, 1, 2, 2});
  ASSERT_TRUE(split.has_value());
  EXPECT_EQ(split->strides, Ints({3, 1, 0, 12, 6}));
  EXPECT_FALSE(turned.reshaped(Ints{24}).has_value());
  EXPECT_FALSE(turned.reshaped(Ints{4, 6}).has_value());
  EXPECT_FALSE(turned.reshaped(Ints{25}).has_value());
  EXPECT_TRUE(View::dense({4, 6}).reshaped(Ints{3, 8}).has_value());
}

TEST(View, AsStridedLiesWithin) {
  register_ops();
  const auto view = [](Shape shape, Ints strides, int64_t offset) {
    Graph g("g");
    const Symbol x = g.input("x", {DType::kFloat32, {4, 5}});
    return g.add1("as_strided", {x}, {{"shape", shape}, {"strides", strides}, {"offset", offset}})
        .shape();
  };
  EXPECT_EQ(view({4, 4}, {5, 1}, 1), (Shape{4, 4}));
  EXPECT_EQ(view({}, {}, 19), Shape{});
  EXPECT_EQ(view({1, 0}, {1 << 30, 1 << 30}, 20), (Shape{1, 0}));
  EXPECT_THROW(view({4, 4}, {5, 1}, 2), ShapeError);
  EXPECT_THROW(view({4, 4}, {5, 1}, -1), ShapeError);
  EXPECT_THROW(view({2}, {-1}, 4), ShapeError);
  EXPECT_THROW(view({}, {}, 20), ShapeError);
  EXPECT_THROW(view({2}, {1, 1}, 0), ShapeError);
  EXPECT_THROW(view({kBatch}, {1}, 0), ShapeError);
  const auto of_batch = [](Shape shape, Ints strides, int64_t offset) {
    Graph g("g");
    const Symbol x = g.input("x", {DType::kFloat32, {kBatch, 4, 5}});
    g.add_output("y", g.add1("as_strided", {x},
                             {{"shape", shape}, {"strides", strides}, {"offset", offset}})
                          .id());
    const Graph three = specialize(g, 3);
    return three.type(three.outputs()[0].value).shape;
  };
  EXPECT_EQ(of_batch({kBatch, 3}, {20, 5}, 9), (Shape{3, 3}));
  EXPECT_EQ(of_batch({kBatch}, {20}, 19), (Shape{3}));
  EXPECT_THROW(of_batch({kBatch, 3}, {20, 5}, 10), ShapeError);  // into the next sample
  EXPECT_THROW(of_batch({kBatch, 3}, {19, 5}, 0), ShapeError);
  EXPECT_THROW(of_batch({3, kBatch}, {5, 20}, 0), ShapeError);
  EXPECT_THROW(of_batch({3, 2}, {5, 1}, 0), ShapeError);
  EXPECT_THROW(view({3, 3}, {int64_t{1} << 62, int64_t{1} << 62}, 0), Error);
}

}  // namespace
}  // namespace sinter
