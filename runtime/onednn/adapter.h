// The one place that knows oneDNN's headers and the differences between its versions 2.6 (Debian
// 12) and 3.x.
//
// Primitives are made for one thread and run on Sinter's own pool: OneThread holds OpenMP at one
// thread while they are made or run, and gives the calling thread its own setting back.
#pragma once

#include <omp.h>

#include <dnnl.hpp>
#include <optional>

namespace sinter::onednn {

// 3.2 gives NaN for the exact gelu of infinity.
inline constexpr bool kGeluKeepsInfinity = DNNL_VERSION_MAJOR < 3;

class OneThread {
 public:
  OneThread() : saved_(omp_get_max_threads()) {
    if (saved_ != 1) omp_set_num_threads(1);
  }
  ~OneThread() {
    if (saved_ != 1) omp_set_num_threads(saved_);
  }
  OneThread(const OneThread&) = delete;

 private:
  int saved_;
};

inline const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

/// May it use AVX-512 here?
inline bool has_avx512() {
  static const bool has = (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) &
                           static_cast<unsigned>(dnnl::cpu_isa::avx512_core)) ==
                          static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return has;
}

using Desc = dnnl::memory::desc;

/// Attributes with a scratchpad of ours: oneDNN's own belongs to the thread that made the primitive
/// and is not safe to share.
inline dnnl::primitive_attr own_scratchpad(dnnl::primitive_attr attr = {}) {
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

#if DNNL_VERSION_MAJOR >= 3
template <typename P, typename... Args>
typename P::primitive_desc make_desc(const dnnl::primitive_attr& attr, const Args&... args) {
  return typename P::primitive_desc(engine(), args..., own_scratchpad(attr));
}
/// Of a gradient, whose forward primitive is `hint`.
template <typename P, typename Hint, typename... Args>
typename P::primitive_desc make_backward_desc(const Hint& hint, const Args&... args) {
  return typename P::primitive_desc(engine(), args..., hint, own_scratchpad());
}
using Pooling = dnnl::pooling_forward;
inline Pooling::primitive_desc pooling_desc(dnnl::algorithm a, const Desc& from, const Desc& to,
                                            const dnnl::memory::dims& strides,
                                            const dnnl::memory::dims& size,
                                            const dnnl::memory::dims& low,
                                            const dnnl::memory::dims& high) {
  const dnnl::memory::dims dense(size.size(), 0);
  return {engine(),
          dnnl::prop_kind::forward_inference,
          a,
          from,
          to,
          strides,
          size,
          dense,
          low,
          high,
          own_scratchpad()};
}
inline dnnl::eltwise_forward::primitive_desc eltwise_desc(dnnl::algorithm a, const Desc& d,
                                                          float alpha, float beta) {
  return {engine(), dnnl::prop_kind::forward_inference, a, d, d, alpha, beta, own_scratchpad()};
}
inline dnnl::batch_normalization_forward::primitive_desc batch_norm_desc(
    const Desc& d, float epsilon, dnnl::normalization_flags f) {
  return {engine(), dnnl::prop_kind::forward_inference, d, d, epsilon, f, own_scratchpad()};
}
inline void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm a, float alpha, float beta) {
  ops.append_eltwise(a, alpha, beta);
}
#else
template <typename P, typename... Args>
typename P::primitive_desc make_desc(const dnnl::primitive_attr& attr, const Args&... args) {
  return typename P::primitive_desc(typename P::desc(args...), own_scratchpad(attr), engine());
}
template <typename P, typename Hint, typename... Args>
typename P::primitive_desc make_backward_desc(const Hint& hint, const Args&... args) {
  return typename P::primitive_desc(typename P::desc(args...), own_scratchpad(), engine(), hint);
}
using Pooling = dnnl::pooling_v2_forward;
inline Pooling::primitive_desc pooling_desc(dnnl::algorithm a, const Desc& from, const Desc& to,
                                            const dnnl::memory::dims& strides,
                                            const dnnl::memory::dims& size,
                                            const dnnl::memory::dims& low,
                                            const dnnl::memory::dims& high) {
  const dnnl::memory::dims dense(size.size(), 0);
  return {{dnnl::prop_kind::forward_inference, a, from, to, strides, size, dense, low, high},
          own_scratchpad(),
          engine()};
}
inline dnnl::eltwise_forward::primitive_desc eltwise_desc(dnnl::algorithm a, const Desc& d,
                                                          float alpha, float beta) {
  return {{dnnl::prop_kind::forward_inference, a, d, alpha, beta}, own_scratchpad(), engine()};
}
inline dnnl::batch_normalization_forward::primitive_desc batch_norm_desc(
    const Desc& d, float epsilon, dnnl::normalization_flags f) {
  return {{dnnl::prop_kind::forward_inference, d, epsilon, f}, own_scratchpad(), engine()};
}
inline void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm a, float alpha, float beta) {
  ops.append_eltwise(1.0f, a, alpha, beta);
}
#endif

}  // namespace sinter::onednn
