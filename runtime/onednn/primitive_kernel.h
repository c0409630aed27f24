// A kernel made of oneDNN primitives: one primitive a piece, on fixed slices of the buffers.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/graph.h"
#include "runtime/kernel.h"
#include "runtime/onednn/adapter.h"
#include "runtime/onednn/plugin.h"

namespace sinter::onednn {

/// One argument of a primitive: which buffer of the node it is, from which byte on.
struct Argument {
  int id = 0;  // DNNL_ARG_...
  Desc desc;
  int buffer = 0;  // index into Kernel::run's buffers
  int64_t offset = 0;
};

/// One primitive and its arguments.
struct Call {
  dnnl::primitive primitive;
  Desc scratchpad;
  std::vector<Argument> arguments;
};
template <typename P>
Call make_call(const typename P::primitive_desc& desc, std::vector<Argument> arguments) {
  return {P(desc), desc.scratchpad_desc(), std::move(arguments)};
}

/// Weights that prepare() brings into the layout the primitive likes.
struct Packing {
  int buffer = 0;  // the node's input
  Desc from, to;
};

class PrimitiveKernel final : public Kernel {
 public:
  /// `packed`: arguments with buffer == kPrepared read the packed copy.
  PrimitiveKernel(std::vector<Call> pieces, int buffers, std::string description,
                  std::optional<Packing> packing = std::nullopt);
  ~PrimitiveKernel() override;

  static constexpr int kPrepared = -1;
  int pieces(int) const override { return static_cast<int>(calls_.size()); }
  void run(int phase, int piece, void* const* buffers) const override;
  int64_t prepared_bytes() const override {
    return packing_ ? static_cast<int64_t>(packing_->to.get_size()) : 0;
  }
  void prepare(void* const* buffers, void* prepared) const override;
  std::string description() const override { return description_; }
  std::optional<double> microseconds() const override { return microseconds_; }
  /// What decided the number of pieces.
  void set_microseconds(double estimate) { microseconds_ = estimate; }

 private:
  struct Bound;  // memory objects and a stream for one running piece
  std::unique_ptr<Bound> bind(const Call& call) const;

  std::vector<Call> calls_;
  int buffers_;
  std::string description_;
  std::optional<double> microseconds_;
  std::optional<Packing> packing_;
  /// Idle memory objects of each piece, so that running allocates nothing; a second concurrent run
  /// makes its own.
  mutable std::vector<std::atomic<Bound*>> idle_;
};

Attempt make_dense(const Graph& graph, int32_t node, const Registry& ops);
Attempt make_contract(const Graph& graph, int32_t node);
Attempt make_eltwise(const Graph& graph, int32_t node);
Attempt make_binary(const Graph& graph, int32_t node);
Attempt make_batch_norm(const Graph& graph, int32_t node);
Attempt make_convolution(const Graph& graph, int32_t node);
Attempt make_pool(const Graph& graph, int32_t node);
Attempt make_transpose(const Graph& graph, int32_t node);

/// oneDNN's name and parameters for an elementwise op; nullopt when it has none that matches.
struct Eltwise {
  dnnl::algorithm algorithm;
  float alpha = 0, beta = 0;
};
std::optional<Eltwise> eltwise_of(std::string_view op, const Attributes& attributes);

/// Row-major dims and strides as oneDNN wants them (float32).
Desc row_major(const std::vector<int64_t>& dims);
/// Begin of piece `i` of `pieces` over `rows`: even, differing by at most one.
inline int64_t piece_begin(int64_t rows, int64_t pieces, int64_t i) { return rows * i / pieces; }

}  // namespace sinter::onednn
