// A product of row-major float32 matrices by libxsmm, used as its users do: JITed small kernels
// over blocks of the matrices, whose sizes are chosen by trial. libxsmm's matrices are
// column-major, so it computes the transposed result: its A is our right side, its B our left side.
#pragma once

#include <libxsmm.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace sinter {

class XsmmProduct {
 public:
  /// Forms as in matmul.cc: 0 x.W, 1 x^T.dy, 2 dy.W^T, 3 x.W with W packed in blocks ahead.
  XsmmProduct(int form, int64_t rows, int64_t depth, int64_t columns, const float* lhs,
              const float* rhs, float* result)
      : form_(form),
        rows_(rows),
        depth_(depth),
        columns_(columns),
        lhs_(lhs),
        rhs_(rhs),
        result_(result) {
    libxsmm_init();
    if (form == 1) left_.resize(static_cast<size_t>(rows * depth));
    if (form >= 2) right_.resize(static_cast<size_t>(columns * depth));
    Blocks best;
    double best_seconds = 1e30;
    for (const Blocks& blocks : candidates()) {
      if (!choose(blocks)) continue;
      double seconds = 1e30;
      for (int i = 0; i < 3; ++i) {
        const auto start = std::chrono::steady_clock::now();
        run();
        seconds = std::min(
            seconds,
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        if (seconds > 0.05) break;
      }
      if (seconds < best_seconds) {
        best_seconds = seconds;
        best = blocks;
      }
    }
    choose(best);
  }

  /// Blocks that run(): rows x depth x columns.
  std::string description() const {
    return "libxsmm, blocks of " + std::to_string(blocks_.rows) + "x" +
           std::to_string(blocks_.depth) + "x" + std::to_string(blocks_.columns) +
           (form_ == 2 || blocks_.turns_left ? ", transposed by otrans first" : "");
  }

  void run() {
    if (form_ == 2) turn(rhs_, depth_, columns_, right_.data());
    if (blocks_.turns_left) turn(lhs_, rows_, depth_, left_.data());
    for (int64_t k = 0; k < depth_; k += blocks_.depth) {
      for (int64_t j = 0; j < columns_; j += blocks_.columns) {
        for (int64_t i = 0; i < rows_; i += blocks_.rows) {
          kernels_[(k > 0 ? 4 : 0) + (j + blocks_.columns > columns_ ? 2 : 0) +
                   (i + blocks_.rows > rows_ ? 1 : 0)](right(j, k), left(i, k),
                                                       result_ + i * columns_ + j);
        }
      }
    }
  }

 private:
  struct Blocks {
    int64_t rows = 0, depth = 0, columns = 0;
    bool turns_left = false;  // x^T is transposed first, instead of read as it lies
  };

  std::vector<Blocks> candidates() const {
    std::vector<Blocks> all;
    for (int64_t depth : {256, 512, 1024}) {
      // A deep sum ends in equal chunks; one of another size would need further kernels.
      if (depth_ % std::min(depth, depth_) != 0) continue;
      for (int64_t columns : {48, 64, 128, 512}) {
        for (int64_t rows : {48, 128, 512}) {
          for (bool turns : {false, true}) {
            if (!turns || form_ == 1)
              all.push_back({std::min(rows, rows_), std::min(depth, depth_),
                             std::min(columns, columns_), turns});
          }
        }
      }
    }
    if (all.empty()) {
      for (int64_t columns : {48, 64, 128, 512})
        all.push_back(
            {std::min<int64_t>(128, rows_), depth_, std::min(columns, columns_), form_ == 1});
    }
    return all;
  }

  // Makes the kernels of these blocks, and packs W where that is done ahead.
  bool choose(const Blocks& blocks) {
    blocks_ = blocks;
    const auto lda = static_cast<libxsmm_blasint>(form_ == 3 ? blocks.columns : columns_);
    const bool turned = form_ == 1 && !blocks.turns_left;
    const auto ldb = static_cast<libxsmm_blasint>(turned ? rows_ : depth_);
    const auto ldc = static_cast<libxsmm_blasint>(columns_);
    const float alpha = 1;
    const int flags = turned ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
    const int prefetch = LIBXSMM_PREFETCH_NONE;
    for (int i = 0; i < 8; ++i) {
      const auto part = [](int64_t total, int64_t block, bool rest) {
        return static_cast<libxsmm_blasint>(rest ? total % block : block);
      };
      const auto columns = part(columns_, blocks.columns, (i & 2) != 0);
      const auto rows = part(rows_, blocks.rows, (i & 1) != 0);
      const float beta = i >= 4 ? 1 : 0;
      kernels_[i] = nullptr;
      if (columns == 0 || rows == 0) continue;
      kernels_[i] = libxsmm_smmdispatch(columns, rows, static_cast<libxsmm_blasint>(blocks.depth),
                                        &lda, &ldb, &ldc, &alpha, &beta, &flags, &prefetch);
      if (kernels_[i] == nullptr) return false;
    }
    if (form_ == 3) {
      right_.assign(static_cast<size_t>((columns_ + blocks.columns) * depth_), 0);
      for (int64_t k = 0; k < depth_; ++k) {
        for (int64_t j = 0; j < columns_; ++j)
          right_[static_cast<size_t>(j / blocks.columns * blocks.columns * depth_ +
                                     k * blocks.columns + j % blocks.columns)] =
              rhs_[k * columns_ + j];
      }
    }
    return true;
  }

  const float* right(int64_t j, int64_t k) const {
    if (form_ == 3) return right_.data() + j * depth_ + k * blocks_.columns;
    return (form_ == 2 ? right_.data() : rhs_) + k * columns_ + j;
  }

  const float* left(int64_t i, int64_t k) const {
    if (blocks_.turns_left) return left_.data() + i * depth_ + k;
    return form_ == 1 ? lhs_ + k * rows_ + i : lhs_ + i * depth_ + k;
  }

  // A row-major matrix of `rows` columns and `columns` rows becomes one of `rows` rows.
  static void turn(const float* from, int64_t rows, int64_t columns, float* to) {
    libxsmm_otrans(to, from, sizeof(float), static_cast<libxsmm_blasint>(rows),
                   static_cast<libxsmm_blasint>(columns), static_cast<libxsmm_blasint>(rows),
                   static_cast<libxsmm_blasint>(columns));
  }

  int form_;
  int64_t rows_, depth_, columns_;
  const float *lhs_, *rhs_;
  float* result_;
  Blocks blocks_;
  libxsmm_smmfunction kernels_[8] = {};
  std::vector<float> left_, right_;
};

}  // namespace sinter
