// Windows that slide over the spatial dimensions of a value [batch, spatial.., channels]: where
// they lie, and the views that convolution and pooling are made of. Internal to ops/.
//
// Window o reads element o * stride + t * dilation - low for each of its taps t, in every spatial
// dimension; what lies outside is padding. Its transpose, from windows back to elements, reads too,
// and writes nothing twice: element j = stride * q + phase - low gets what the windows q - m have
// at tap stride * m + phase.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "ops/define.h"

namespace sinter::ops {

/// One entry a spatial dimension in each.
struct Windows {
  std::vector<int64_t> size, strides, dilations, low, high;

  int rank() const { return static_cast<int>(size.size()); }
  int64_t taps() const;
  /// Index of a tap in each dimension, the last one fastest.
  std::vector<int64_t> tap(int64_t number) const;
  /// Raises ShapeError where there is not one entry for each of the spatial dimensions, or one that
  /// cannot be.
  void check(size_t dimensions) const;
  /// How many windows there are along spatial extents. Raises ShapeError where a window is larger
  /// than the padded value, and for extents and numbers that cannot be.
  std::vector<int64_t> counts(std::span<const int64_t> spatial) const;
};

/// The attributes "strides", "dilations" (if the op has them), "low" and "high" of an op with
/// windows of this size.
Windows windows_of(const Attributes& attributes, std::vector<int64_t> size);
std::vector<AttributeSpec> window_attributes(bool dilations);
/// `given` as attributes of windows over `rank` spatial dimensions: what is not given is 1 or 0.
Attributes window_attributes(const Window& given, int rank, bool dilations);

/// The extents of x between the first dimension and the last.
std::vector<int64_t> spatial_extents(const Shape& x);
/// [batch, spatial.., rest..] of x's batch and last dimension.
Shape with_spatial(const Shape& x, std::span<const int64_t> spatial,
                   std::span<const int64_t> rest);

/// x with padding of `value` around its spatial dimensions; what is negative is cut off.
Symbol pad_spatial(Symbol x, std::span<const int64_t> low, std::span<const int64_t> high,
                   double value = 0);
/// [batch, counts.., size.., rest..] of x [batch, spatial.., rest..]: a view of the padded value.
Symbol all_windows(Symbol x, const Windows& windows, double padding = 0);
/// [batch, counts.., rest..] for each tap: what it reads in all windows.
std::vector<Symbol> tap_views(Symbol x, const Windows& windows, double padding = 0);

/// Zeros of a shape without elements, where one of the extents is 0: no window goes back to it.
std::optional<Symbol> if_empty(Symbol like, const Shape& shape, std::span<const int64_t> spatial);

/// The transpose's geometry in each spatial dimension.
struct Phases {
  std::vector<int64_t> count;  // of q
  std::vector<int64_t> crop;   // elements of the first q that lie before the value
  Windows over;  // over the windows, padded_over(): for each q those that an element may be in, the
                 // last m first
  std::vector<int64_t> low, high;  // what is padded, or cut where it is negative
};
/// Of windows without dilation, or of strides 1, over extents that are not 0.
Phases phases_of(const Windows& windows, std::span<const int64_t> spatial,
                 std::span<const int64_t> counts);
/// Values [batch, counts.., rest..] with padding of `value` where `over` reaches beyond the windows;
/// windows that nothing reaches are cut off.
Symbol padded_over(Symbol values, const Phases& phases, double value = 0);
/// [batch, spatial.., channels] of z [batch, count.., strides.., channels].
Symbol interleave(Symbol z, const Windows& windows, const Phases& phases,
                  std::span<const int64_t> spatial);
/// Sums over all windows that an element is in: `at(tap, views)` is what the element gets as tap
/// number `tap` of a window, made of views of `values` [batch, counts.., channels] that belong to
/// that window. Strides may be anything, dilations where they are 1.
Symbol sum_over_windows(
    std::span<const Symbol> values, std::span<const double> padding, const Windows& windows,
    std::span<const int64_t> spatial,
    const std::function<Symbol(int64_t tap, std::span<const Symbol> views)>& at);
/// The same for windows of so many taps that they are not written out: `at` is called once, with the
/// numbers of all taps and views of the values that broadcast to them.
Symbol sum_over_large_windows(
    std::span<const Symbol> values, std::span<const double> padding, const Windows& windows,
    std::span<const int64_t> spatial,
    const std::function<Symbol(Symbol taps, std::span<const Symbol> views)>& at);
/// 0, 1 .. as int32 of this shape: the numbers of taps.
Symbol tap_numbers(Graph& graph, const Shape& shape);
/// Do windows lie beside each other, so that no element is in two of them?
bool are_disjoint(const Windows& windows);
/// The same for such windows: there is nothing to sum, so all is elementwise, over the elements of
/// all windows.
Symbol spread_over_windows(
    std::span<const Symbol> values, const Windows& windows, std::span<const int64_t> spatial,
    const std::function<Symbol(Symbol taps, std::span<const Symbol> views)>& at);

}  // namespace sinter::ops
