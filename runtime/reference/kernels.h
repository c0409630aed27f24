// The reference kernels: plain loops over kernel ops, one piece each. They define what every other
// backend must compute.
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "core/graph.h"
#include "core/sizes.h"
#include "runtime/kernel.h"

namespace sinter::reference {

using Index = std::array<int64_t, kMaxValueRank>;

/// Integers wrap around (as signed numbers C++ leaves their overflow undefined).
template <typename T>
T wrapping_add(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  else
    return a + b;
}
template <typename T>
T wrapping_multiply(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  else
    return a * b;
}

/// `buffers`: inputs, results, scratch.
using LoopBody = std::function<void(void* const* buffers)>;

class LoopKernel final : public Kernel {
 public:
  LoopKernel(LoopBody body, int64_t scratch_bytes = 0)
      : body_(std::move(body)), scratch_bytes_(scratch_bytes) {}
  int pieces(int) const override { return 1; }
  void run(int, int, void* const* buffers) const override { body_(buffers); }
  int64_t scratch_bytes() const override { return scratch_bytes_; }
  std::string description() const override { return "plain loops"; }

 private:
  LoopBody body_;
  int64_t scratch_bytes_;
};

std::unique_ptr<Kernel> make_map(const Graph& graph, int32_t node);
std::unique_ptr<Kernel> make_reduce(const Graph& graph, int32_t node);
std::unique_ptr<Kernel> make_contract(const Graph& graph, int32_t node);
std::unique_ptr<Kernel> make_move(const Graph& graph, int32_t node);
std::unique_ptr<Kernel> make_gather(const Graph& graph, int32_t node);
std::unique_ptr<Kernel> make_random(const Graph& graph, int32_t node);
std::unique_ptr<Kernel> make_fusion(const Graph& graph, int32_t node);
/// Any of the above, by kernel kind.
std::unique_ptr<Kernel> make_kernel(const Graph& graph, int32_t node);

/// Walks the indices of `shape` in row-major order: f(number, index).
template <typename F>
void for_each_index(const Shape& shape, F&& f) {
  Index index{};
  const int64_t count = shape.elements();
  for (int64_t n = 0; n < count; ++n) {
    f(n, index);
    for (int d = shape.rank() - 1; d >= 0; --d) {
      if (++index[static_cast<size_t>(d)] < shape[d]) break;
      index[static_cast<size_t>(d)] = 0;
    }
  }
}

}  // namespace sinter::reference
