// The optimizers of Keras. Defaults and formulas: keras.optimizers (Keras 3). g is the gradient, t
// the step from 1.
//
// Each takes the learning rate alone, Adam(1e-3), or keyword arguments, Adam({.learning_rate =
// 1e-3, .amsgrad = true}).
#pragma once

#include "frontend/number_arguments.h"
#include "frontend/optimizers/optimizer.h"

namespace sinter {

/// m = momentum m - lr g; w += m. nesterov: w += momentum m - lr g with the new m. Without
/// momentum: w -= lr g.
struct SGDOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0.0;
  bool nesterov = false;
  SINTER_OPTIMIZER_OPTIONS;
};
struct SGD : Optimizer {
  explicit SGD(SGDOptions options = {}, SourceLocation where = SourceLocation::current());
  explicit SGD(LearningRate learning_rate, RealNumber momentum = 0.0, bool nesterov = false,
               SourceLocation where = SourceLocation::current());
};

/// a += g^2; w -= lr g / sqrt(a + epsilon)
struct AdagradOptions {
  LearningRate learning_rate = 0.001;
  double initial_accumulator_value = 0.1;
  double epsilon = 1e-7;
  SINTER_OPTIMIZER_OPTIONS;
};
struct Adagrad : Optimizer {
  explicit Adagrad(AdagradOptions options = {}, SourceLocation where = SourceLocation::current());
  explicit Adagrad(LearningRate learning_rate, SourceLocation where = SourceLocation::current());
};

/// v = rho v + (1 - rho) g^2; centered: a = rho a + (1 - rho) g and d = max(v - a^2, 0) + epsilon,
/// else d = v + epsilon; i = lr g / sqrt(d); with momentum m = momentum m + i, w -= m, else w -= i.
/// (Keras has no max: where gradients stay the same, rounding makes v - a^2 negative and weights
/// NaN.)
struct RMSpropOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.9;
  double momentum = 0.0;
  double epsilon = 1e-7;
  bool centered = false;
  SINTER_OPTIMIZER_OPTIONS;
};
struct RMSprop : Optimizer {
  explicit RMSprop(RMSpropOptions options = {}, SourceLocation where = SourceLocation::current());
  explicit RMSprop(LearningRate learning_rate, SourceLocation where = SourceLocation::current());
};

/// G = rho G + (1 - rho) g^2; x = -sqrt(D + epsilon) / sqrt(G + epsilon) g; D = rho D + (1 - rho)
/// x^2; w += lr x
struct AdadeltaOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.95;
  double epsilon = 1e-7;
  SINTER_OPTIMIZER_OPTIONS;
};
struct Adadelta : Optimizer {
  explicit Adadelta(AdadeltaOptions options = {}, SourceLocation where = SourceLocation::current());
  explicit Adadelta(LearningRate learning_rate, SourceLocation where = SourceLocation::current());
};

/// a = lr sqrt(1 - beta_2^t) / (1 - beta_1^t); m += (g - m)(1 - beta_1); v += (g^2 - v)(1 -
/// beta_2); amsgrad: v' = max(v', v); w -= a m / (sqrt(v) + epsilon), epsilon added after the root
/// and not corrected for the start ("epsilon hat").
struct AdamOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
  SINTER_OPTIMIZER_OPTIONS;
};
struct Adam : Optimizer {
  explicit Adam(AdamOptions options = {}, SourceLocation where = SourceLocation::current());
  explicit Adam(LearningRate learning_rate, SourceLocation where = SourceLocation::current());
};

/// Adam with decoupled weight decay, 0.004 by default.
struct AdamW : Optimizer {
  explicit AdamW(AdamOptions options = {}, SourceLocation where = SourceLocation::current());
  explicit AdamW(LearningRate learning_rate, SourceLocation where = SourceLocation::current());
};

/// m as Adam; u = max(beta_2 u, |g|); w -= lr m / ((1 - beta_1^t) (u + epsilon))
struct AdamaxOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  SINTER_OPTIMIZER_OPTIONS;
};
struct Adamax : Optimizer {
  explicit Adamax(AdamaxOptions options = {}, SourceLocation where = SourceLocation::current());
  explicit Adamax(LearningRate learning_rate, SourceLocation where = SourceLocation::current());
};

/// u(t) = beta_1 (1 - 0.96^t / 2), P = product of u(1..t); m, v as Adam;
/// w -= lr (u(t+1) m / (1 - P u(t+1)) + (1 - u(t)) g / (1 - P)) / (sqrt(v / (1 - beta_2^t)) +
/// epsilon)
struct Nadam : Optimizer {
  explicit Nadam(AdamaxOptions options = {}, SourceLocation where = SourceLocation::current());
  explicit Nadam(LearningRate learning_rate, SourceLocation where = SourceLocation::current());
};

/// n' = n + g^2; z += g + 2 l2_shrinkage w - (n'^-p - n^-p) w / lr with p = learning_rate_power;
/// w = (clip(z, -l1, l1) - z) / (n'^-p / lr + 2 (l2 + beta / (2 lr)))
struct FtrlOptions {
  LearningRate learning_rate = 0.001;
  double learning_rate_power = -0.5;
  double initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0.0;
  double l2_regularization_strength = 0.0;
  double l2_shrinkage_regularization_strength = 0.0;
  double beta = 0.0;
  SINTER_OPTIMIZER_OPTIONS;
};
struct Ftrl : Optimizer {
  explicit Ftrl(FtrlOptions options = {}, SourceLocation where = SourceLocation::current());
  explicit Ftrl(LearningRate learning_rate, SourceLocation where = SourceLocation::current());
};

/// w -= lr sign(beta_1 m + (1 - beta_1) g); then m = beta_2 m + (1 - beta_2) g
struct LionOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.99;
  SINTER_OPTIMIZER_OPTIONS;
};
struct Lion : Optimizer {
  explicit Lion(LionOptions options = {}, SourceLocation where = SourceLocation::current());
  explicit Lion(LearningRate learning_rate, SourceLocation where = SourceLocation::current());
};

/// Registers all of these by name.
void register_optimizers();
void register_sgd();
void register_adaptive();
void register_adam_family();
void register_ftrl_and_lion();

namespace optimizers {
using sinter::Adadelta;
using sinter::Adagrad;
using sinter::Adam;
using sinter::Adamax;
using sinter::AdamW;
using sinter::Ftrl;
using sinter::Lion;
using sinter::Nadam;
using sinter::RMSprop;
using sinter::SGD;
}  // namespace optimizers

}  // namespace sinter
