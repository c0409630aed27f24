// Initial values of weights: Keras's initializers, their defaults and statistics. Values come from
// Philox, a function of the seed and the position alone, so they are the same on every machine.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "core/callable.h"
#include "core/handle.h"
#include "core/source_location.h"
#include "core/tensor.h"
#include "frontend/config.h"
#include "frontend/number_arguments.h"

namespace sinter {

struct SeedOption {
  std::optional<int64_t> seed = std::nullopt;
};

class Initializer {
 public:
  using Function = Callable<Tensor(const Shape& shape, DType dtype, uint64_t key)>;
  /// What a user writes: shape and dtype to a tensor of just these.
  using Plain = Callable<Tensor(const Shape& shape, DType dtype)>;

  /// By Keras's name, snake case or class: "glorot_uniform", "HeNormal", "zeros", "normal" ...
  /// Raises NameError.
  Initializer(const std::string& name, SourceLocation where = SourceLocation::current());  // NOLINT
  Initializer(const char* name, SourceLocation where = SourceLocation::current());         // NOLINT
  Initializer(std::string class_name, Config config, std::optional<int64_t> seed,
              Function function);
  /// A function of your own under a name, by which files know it: see register_initializer(). This
  /// and those below raise Error for an empty one.
  Initializer(std::string name, Plain function, SourceLocation where = SourceLocation::current());
  template <typename F>
  requires(std::is_class_v<F> && !std::is_base_of_v<Initializer, F> &&
           std::is_invocable_r_v<Tensor, const F&, const Shape&, DType>)
      Initializer(F function, SourceLocation where = SourceLocation::current())  // NOLINT
      : Initializer("custom_initializer", Plain(std::move(function)), where) {}
  Initializer(Tensor (*function)(const Shape&, DType),
              SourceLocation where = SourceLocation::current());  // NOLINT

  /// With the initializer's own seed when it has one, else with `key` (see next_random_key).
  Tensor operator()(const Shape& shape, DType dtype, uint64_t key) const;
  ConfigValue to_config() const;
  static Initializer from_config(const ConfigValue& value);

 private:
  struct Spec;
  Handle<const Spec> spec_;
};

std::vector<std::string> initializer_names();
/// Makes a function of your own known under `name` in the process, for strings and for files that
/// use it; custom_objects of load_model hold for one load. One that was given without a name is
/// "custom_initializer" in files, which can hold but one such.
void register_initializer(const std::string& name, Initializer::Plain function,
                          SourceLocation where = SourceLocation::current());

class Zeros : public Initializer {
 public:
  Zeros();
};
class Ones : public Initializer {
 public:
  Ones();
};
class Constant : public Initializer {
 public:
  explicit Constant(RealNumber value = 0.0);
};
// Settings that are not finite raise Error, and so do those that the distributions below do not
// have.

/// Needs minval <= maxval.
struct RandomUniformOptions {
  double minval = -0.05;
  double maxval = 0.05;
  std::optional<int64_t> seed = std::nullopt;
};
class RandomUniform : public Initializer {
 public:
  explicit RandomUniform(RandomUniformOptions options = {},
                         SourceLocation where = SourceLocation::current());
};
/// Needs stddev >= 0.
struct RandomNormalOptions {
  double mean = 0.0;
  double stddev = 0.05;
  std::optional<int64_t> seed = std::nullopt;
};
class RandomNormal : public Initializer {
 public:
  explicit RandomNormal(RandomNormalOptions options = {},
                        SourceLocation where = SourceLocation::current());
};
/// Normal, drawn again beyond two standard deviations.
class TruncatedNormal : public Initializer {
 public:
  explicit TruncatedNormal(RandomNormalOptions options = {},
                           SourceLocation where = SourceLocation::current());
};
struct VarianceScalingOptions {
  double scale = 1.0;
  std::string mode = "fan_in";                    // fan_in, fan_out, fan_avg
  std::string distribution = "truncated_normal";  // truncated_normal, untruncated_normal, uniform
  std::optional<int64_t> seed = std::nullopt;
};
/// s = scale / max(1, fan). truncated_normal: stddev sqrt(s) / 0.87962566103423978 (so that the cut
/// distribution has sqrt(s)), untruncated_normal: sqrt(s), uniform: +-sqrt(3 s).
class VarianceScaling : public Initializer {
 public:
  explicit VarianceScaling(VarianceScalingOptions options = {},
                           SourceLocation where = SourceLocation::current());
};
class GlorotUniform : public Initializer {
 public:
  explicit GlorotUniform(SeedOption options = {});
};
class GlorotNormal : public Initializer {
 public:
  explicit GlorotNormal(SeedOption options = {});
};
class HeUniform : public Initializer {
 public:
  explicit HeUniform(SeedOption options = {});
};
class HeNormal : public Initializer {
 public:
  explicit HeNormal(SeedOption options = {});
};
class LecunUniform : public Initializer {
 public:
  explicit LecunUniform(SeedOption options = {});
};
class LecunNormal : public Initializer {
 public:
  explicit LecunNormal(SeedOption options = {});
};
struct OrthogonalOptions {
  double gain = 1.0;
  std::optional<int64_t> seed = std::nullopt;
};
/// gain Q, with orthonormal columns or rows: QR of a normal matrix [all but the last dimension, the
/// last], signs such that R has a positive diagonal, so that Q is uniform (Saxe et al. 2014).
/// Raises ShapeError below rank 2.
class Orthogonal : public Initializer {
 public:
  explicit Orthogonal(OrthogonalOptions options = {},
                      SourceLocation where = SourceLocation::current());
};
/// gain on the diagonal of a matrix.
class Identity : public Initializer {
 public:
  explicit Identity(RealNumber gain = 1.0, SourceLocation where = SourceLocation::current());
};

/// (fan_in, fan_out): rank 2 rows and columns; rank 3 and more: the last two dimensions times the
/// rest; rank 1 the length twice.
std::pair<double, double> compute_fans(const Shape& shape);

}  // namespace sinter
