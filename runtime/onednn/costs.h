// What the kernels of the onednn backend cost.
#pragma once

#include "runtime/cost_model.h"

namespace sinter::onednn {

// From bench_kernels (tests/bench), one thread, AMD EPYC (Zen 4, AVX-512), 2026-11-24,
// oneDNN 2.6.3. Other machines scale these and those of llvm alike, more or less: only the
// comparison counts.
//
// oneDNN is given no products of bfloat16: its own matmul took 0.97 to 1.22 times as long as llvm's
// in 16 cases, and 2.3 to 4.8 times with 10 columns, without what follows a product. Normalisations
// and elementwise ops have no figures: llvm fuses them with what stands around them.
inline constexpr Cost kCosts[] = {
    {CostFamily::kProduct, 0.5, 0.0182, 0.0226},
    {CostFamily::kTransposedProduct, 0.5, 0.0208, 0.0219},
    {CostFamily::kRowProduct, 0.4, 0.0095, 0.0330},
    {CostFamily::kTransposedRowProduct, 0.4, 0.0290, 0.0390},
    {CostFamily::kRowReduction, 1.0, 0.0370, 0.0520},
    {CostFamily::kTranspose, 0.4, 0.33, 0.42},
};

}  // namespace sinter::onednn
