// What holds for the whole process, as in keras.backend and keras.utils: automatic names, the
// random seed, floatx, the backend.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/dtype.h"
#include "core/source_location.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// Forgets all automatic names and starts the random numbers anew: a program that builds its model
/// after clear_session() gets the same names and the same weights each time.
void clear_session();

/// The seed of initial weights, dropout and shuffling. Sinter starts with seed 0, so programs
/// repeat their results unless this is called with something that differs.
void set_random_seed(WholeNumber seed);
int64_t random_seed();
/// A number that is different at each call and depends on the seed and the count of calls alone.
uint64_t next_random_key();

/// The dtype of inputs, weights and losses: "float32" (default) or "float64".
void set_floatx(std::string_view dtype, SourceLocation where = SourceLocation::current());
DType floatx();

/// The backend of models compiled from now on, where compile() names none: auto (default),
/// reference, onednn, llvm.
void set_backend(std::string_view backend, SourceLocation where = SourceLocation::current());
std::string default_backend();

/// Whether compiled code of models is kept on disk from now on (default: yes).
void set_code_cache(bool on);
bool code_cache();

/// Whether models compiled from now on choose between backends (backend "auto") by trying what each
/// node costs on this machine, rather than by estimates (default: no). What was measured is kept
/// beside the compiled code.
void set_tuning(bool on);
bool tuning();

/// How many programs a model keeps, at most, for predictions of different numbers of rows (default:
/// what the environment's SINTER_PREDICTION_PROGRAMS says, or 96). With few, sizes are coarser and
/// more rows are computed that nobody asked for: at most an eighth more from 96 on, a quarter from
/// 52, a half from 28, as many again below. Raises Error below 1.
void set_prediction_programs(int64_t programs, SourceLocation where = SourceLocation::current());
int64_t prediction_programs();

/// While one lives, weights and slots of optimizers that its thread makes hold zeros: their values
/// come from a file, and drawing initial ones takes longer than reading them.
class WithoutInitialValues {
 public:
  WithoutInitialValues() { ++depth(); }
  ~WithoutInitialValues() { --depth(); }
  WithoutInitialValues(const WithoutInitialValues&) = delete;
  WithoutInitialValues& operator=(const WithoutInitialValues&) = delete;
  static bool is_active() { return depth() > 0; }

 private:
  static int& depth();
};

/// "dense", then "dense_1", "dense_2": names for objects that the user gave none.
std::string automatic_name(std::string_view base);

}  // namespace sinter
