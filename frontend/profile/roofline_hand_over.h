// What it costs to share a kernel between threads, measured: the constant by which small kernels
// stay on one thread (runtime/cost_model.h).
#pragma once

namespace sinter::roofline {

/// Microseconds that a kernel of one piece a thread takes beyond the time of a piece, when each
/// piece reads and writes 4 KiB.
struct HandOver {
  int threads = 2;
  double parked = 0;  // the first kernel of a run, its data written by the calling thread, when the
                      // threads have parked
  double awake = 0;   // the same while they still spin
  double next = 0;    // each further kernel of a run, on data that the same thread has written
};

/// By runs of an Executable, about `seconds` for each figure; sets the number of threads of the
/// pool for as long as it takes.
HandOver measure_hand_over(int threads, double seconds);

}  // namespace sinter::roofline
