// Process-wide settings behind one mutex.
#include "frontend/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>

#include "core/error.h"
#include "core/fork.h"
#include "core/philox.h"
#include "frontend/origin.h"
#include "runtime/load.h"

namespace sinter {
namespace {

struct Session {
  ForkMutex mutex;
  std::map<std::string, int64_t, std::less<>> names;
  int64_t seed = 0;
  int64_t draws = 0;
  DType floatx = DType::kFloat32;
  std::string backend = "auto";
  bool code_cache = true;
  bool tuning = false;
  int64_t prediction_programs = 0;  // 0: not yet known
};

Session& session() {
  static Session instance;
  return instance;
}

template <typename T>
T get(T Session::*field) {
  Session& s = session();
  const std::lock_guard lock(s.mutex);
  return s.*field;
}

template <typename T>
void set(T Session::*field, const T& value) {
  Session& s = session();
  const std::lock_guard lock(s.mutex);
  s.*field = value;
}

int64_t prediction_programs_of_environment() {
  const char* text = std::getenv("SINTER_PREDICTION_PROGRAMS");
  if (text == nullptr || *text == 0) return 96;
  int64_t value = 0;
  const char* end = text + std::strlen(text);
  const auto [last, error] = std::from_chars(text, end, value);
  if (error != std::errc() || last != end || value < 1) {
    throw Error(
        fmt::format("SINTER_PREDICTION_PROGRAMS must be a number of at least 1, found '{}'", text));
  }
  return value;
}

}  // namespace

void clear_session() {
  Session& s = session();
  const std::lock_guard lock(s.mutex);
  s.names.clear();
  s.draws = 0;
}

void set_random_seed(WholeNumber seed) {
  Session& s = session();
  const std::lock_guard lock(s.mutex);
  s.seed = seed;
  s.draws = 0;
}

int64_t random_seed() { return get(&Session::seed); }

int& WithoutInitialValues::depth() {
  thread_local int depth = 0;
  return depth;
}

uint64_t next_random_key() {
  Session& s = session();
  const std::lock_guard lock(s.mutex);
  const int64_t draw = s.draws++;
  const uint64_t high = philox_bits(s.seed, draw, 0x5eed, 0);
  return high << 32 | philox_bits(s.seed, draw, 0x5eed, 16);
}

void set_floatx(std::string_view dtype, SourceLocation where) {
  at_line(where, [&] {
    const DType parsed = parse_dtype(dtype);
    if (parsed != DType::kFloat32 && parsed != DType::kFloat64) {
      throw Error("set_floatx takes \"float32\" or \"float64\", found \"" + std::string(dtype) +
                  "\"");
    }
    set(&Session::floatx, parsed);
  });
}

DType floatx() { return get(&Session::floatx); }

void set_backend(std::string_view backend, SourceLocation where) {
  const std::vector<std::string> known = backend_names();
  if (std::find(known.begin(), known.end(), backend) == known.end()) {
    raise_unknown_name("backend", backend, known, where);
  }
  set(&Session::backend, std::string(backend));
}

std::string default_backend() { return get(&Session::backend); }

void set_code_cache(bool on) { set(&Session::code_cache, on); }

bool code_cache() { return get(&Session::code_cache); }

void set_tuning(bool on) { set(&Session::tuning, on); }

bool tuning() { return get(&Session::tuning); }

void set_prediction_programs(int64_t programs, SourceLocation where) {
  at_line(where, [&] {
    if (programs < 1)
      throw Error(fmt::format("set_prediction_programs: at least 1 is needed, found {}", programs));
    set(&Session::prediction_programs, programs);
  });
}

int64_t prediction_programs() {
  Session& s = session();
  const std::lock_guard lock(s.mutex);
  if (s.prediction_programs == 0) s.prediction_programs = prediction_programs_of_environment();
  return s.prediction_programs;
}

std::string automatic_name(std::string_view base) {
  Session& s = session();
  const std::lock_guard lock(s.mutex);
  const int64_t count = s.names[std::string(base)]++;
  return count == 0 ? std::string(base) : std::string(base) + "_" + std::to_string(count);
}

}  // namespace sinter
