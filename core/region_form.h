// The form of fused regions, which the passes fuse_elementwise and fuse_epilogues make and backends
// generate code from; and its checker, which is asked before code for a product's region is
// generated.
//
// A `fusion` node runs its body as one kernel. Every body has one iteration space, D, of two or more
// dimensions, and every value in it has their rank. Along each dimension it is as long as D, or 1
// where all indices see the same. In two dimensions those are
//
//   full [R,C]     row [R,1]     column [1,C]     scalar [1,1]
//
// and in general a value is full when it has all of D, and one a row when it has all but the last.
//
// 1. Inputs have the types that the surrounding graph gives them. One `reshape` (no data moves) or
//    one `as_strided` (any other view, core/view.h: slices, transposes, diagonals) brings each into
//    the space, unless it lies there already; nothing else reads the input as it is. The int64[2]
//    state of a `random` node is used as it is. There are no constants: they are inputs.
// 2. Interior nodes, in topological order:
//      map        full or one a row; all operands and results have that one shape
//      broadcast  {dims=[0,1,...]}: to full or to one a row
//      reduce     {keepdims=true}: of the last axis, full -> one a row; of any axes, full; of axes
//                 other than the last, one a row
//      arg_reduce {keepdims=true}: of the last axis
//      iota       {shape=D}, along any axis
//      random     {shape=D}: element numbers count as in the tensor
// 3. Reductions of other axes than the last alone end the region: nothing but an output reads them.
//    So one pass over the rows, each row on its own, computes everything; rows may be shared out
//    between threads and the partial sums combined in a second phase.
// 4. Outputs are interior values, each through one `reshape` to the type that the graph sees, where
//    that differs; or a `concat` of several such, all full, which nothing else reads. No output is
//    an input, no value is an output twice.
// 5. A region without rows or columns to tell apart has D = [1,C]: its work may be cut anywhere.
//
// Kinds:
//   "map"       no reduce
//   "reduce"    at least one reduce or arg_reduce
//   "contract"  without concat. Inputs 0 and 1 are the operands of a `contract`, each as it is or
//               through one as_strided of any rank. It is the first interior node. D is the shape of
//               its result, where the right side has one free dimension; or [R,C], to which a
//               reshape brings the result (R = product of the batch dimensions and the left side's
//               free ones, C of the right side's free ones). All dimensions but the last are rows,
//               walked as one: a value has all of them or none, and a reduction takes all of them,
//               or the last, or everything. The rest is as above, but views by strides of other
//               inputs step by 0 or 1 along a row, by one stride from row to row, and by 1 there
//               where they have one value a row. Reductions over rows are sums, column sums in the
//               contract's floating dtype. The contract's own result may be an output too.
//               Reductions over columns, totals, maps over rows and iota (along columns, or rows of
//               [R,C]) are there only where rows are short (Target::whole_row_columns), random never.
#pragma once

#include <string>

#include "core/graph.h"

namespace sinter {

/// Is the node a region of kind "contract"?
bool is_product_region(const Node& node);
/// Is it a contraction, alone or at the beginning of such a region?
bool is_contraction(const Node& node);
/// "" or the first of the rules above that fusion node `node` breaks.
std::string why_no_region(const Graph& graph, int32_t node);
/// Raises InternalError when a fusion node of the graph breaks one of the rules.
void check_regions(const Graph& graph);

}  // namespace sinter
