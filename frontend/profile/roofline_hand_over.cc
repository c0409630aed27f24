#include "frontend/profile/roofline_hand_over.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/executable.h"
#include "runtime/thread_pool.h"

namespace sinter::roofline {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kPieceBytes = 4096;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// One piece a thread. A piece reads a few lines, goes through a chain of integer steps, a few
// microseconds long, that no other thread can slow down, and writes the lines.
class Chains final : public Kernel {
 public:
  explicit Chains(int pieces) : pieces_(pieces), data_(static_cast<size_t>(pieces)) {}
  int pieces(int) const override { return pieces_; }
  void run(int, int piece, void* const*) const override {
    Lines& lines = data_[static_cast<size_t>(piece)];
    uint64_t state = std::accumulate(lines.begin(), lines.end(), uint64_t{1});
    for (int i = 0; i < kSteps; ++i) state = state * 6364136223846793005u + 1442695040888963407u;
    lines.fill(state);
  }
  /// The lines are the calling thread's, as those of a run's inputs and outputs are.
  void write() {
    for (Lines& lines : data_) lines.fill(1);
  }

 private:
  static constexpr int kSteps = 4000;
  using Lines = std::array<uint64_t, kPieceBytes / sizeof(uint64_t)>;
  int pieces_;
  mutable std::vector<Lines> data_;
};

// `kernels` such kernels, one after the other, as one run.
struct Run {
  Run(int pieces, int kernels) : kernel(std::make_shared<Chains>(pieces)) {
    Program program{
        .graph = Graph("hand over"), .steps = {}, .stages = {}, .copies = {}, .constants = {}};
    for (int k = 0; k < kernels; ++k) {
      Step step;
      step.kernel = kernel;
      program.steps.push_back(std::move(step));
      program.stages.push_back({{k, 0}});
    }
    executable = std::make_unique<Executable>(std::move(program));
  }

  std::shared_ptr<Chains> kernel;
  std::unique_ptr<Executable> executable;
};

double usual_microseconds(const Run& run, double seconds, std::chrono::microseconds pause) {
  constexpr size_t kFewest = 11;
  std::vector<double> times;
  for (const auto start = Clock::now();
       times.size() < kFewest || microseconds_since(start) < seconds * 1e6;) {
    if (pause.count() > 0) std::this_thread::sleep_for(pause);
    run.kernel->write();
    const auto begin = Clock::now();
    run.executable->run({}, {});
    times.push_back(microseconds_since(begin));
  }
  // The fastest tenth: the others tell what else the machine was doing.
  const auto tenth = times.begin() + static_cast<int64_t>(times.size() / 10);
  std::ranges::nth_element(times, tenth);
  return *tenth;
}

}  // namespace

HandOver measure_hand_over(int count, double seconds) {
  constexpr int kKernels = 33;
  constexpr std::chrono::microseconds kNone{0}, kLongEnoughToPark{500};
  const int before = threads();
  const Run alone(1, 1), one(count, 1), many(count, kKernels);
  set_threads(count);
  // Runs of one piece do not touch the pool.
  const double piece = usual_microseconds(alone, seconds, kNone);
  const double piece_after_pause = usual_microseconds(alone, seconds, kLongEnoughToPark);
  HandOver result{.threads = count};
  const double first = usual_microseconds(one, seconds, kNone);
  result.awake = first - piece;
  result.next = (usual_microseconds(many, seconds, kNone) - first) / (kKernels - 1) - piece;
  result.parked = usual_microseconds(one, seconds, kLongEnoughToPark) - piece_after_pause;
  set_threads(before);
  return result;
}

}  // namespace sinter::roofline
