// erf in pieces: the coefficients of a polynomial around each of 16 centers, one lane of a vector
// register a piece.
#pragma once

#include <array>
#include <cstddef>

namespace sinter::codegen {

constexpr int kErfPieces = 16;
constexpr size_t kErfTerms = 6;
constexpr double kErfEnd = 3.9375;  // the last center: erf rounds to 1 from 3.92 on

/// erf(center + t) = sum of [piece][term] t^term for |t| up to half the distance of centers.
using ErfPieces = std::array<std::array<double, kErfTerms>, kErfPieces>;
ErfPieces fit_erf();

}  // namespace sinter::codegen
