// Eigenvalues and eigenvectors of a symmetric matrix.
#pragma once

#include <cstddef>
#include <vector>

namespace sinter {

struct Eigen {
  std::vector<double> values;   // n, in no order
  std::vector<double> vectors;  // n x n: row i belongs to value i; rows are orthonormal
};

/// Of `matrix`, n x n row by row, finite and symmetric. Errors are of the order of the rounding of
/// the largest value (Golub and Van Loan, Matrix Computations, 8.3: Householder's reduction to
/// three diagonals, then QR steps with Wilkinson's shift). Takes about 8 n^3 operations.
Eigen symmetric_eigen(std::vector<double> matrix, size_t n);

}  // namespace sinter
