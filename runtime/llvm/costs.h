// What products cost on the llvm backend.
#pragma once

#include "runtime/cost_model.h"

namespace sinter::codegen {

// From bench_kernels (tests/bench), one thread, AMD EPYC (Zen 4, AVX-512), 2026-11-24. Measure
// again when the kernels change.
//
// A product of bfloat16 is one of pairs, half as deep, and costs what one of float32 does that is:
// `bench_matmul --benchmark_filter=^matmul_bfloat16/` is within 13 % of these figures (128x784x128:
// 114 us, 110 estimated; 1024x1024x1024: 9.9 ms, 10.8; its transposed form 10.0 ms, 10.6; one row,
// packed: 1.74 us, 1.76).
inline constexpr Cost kCosts[] = {
    {CostFamily::kProduct, 0.1, 0.0172, 0.0202},
    {CostFamily::kTransposedProduct, 0.1, 0.0190, 0.0197},
    {CostFamily::kRowProduct, 0.05, 0.0085, 0.0130},
    {CostFamily::kTransposedRowProduct, 0.05, 0.0360, 0.0500},
};

}  // namespace sinter::codegen
