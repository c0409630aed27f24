/* A million predictions under a guard that ends the process at its first system call; prints how long
   they took. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "net.h"

enum { runs = 1000000, buckets = 1 << 16 };
static _Alignas(64) unsigned char workspace[net_WORKSPACE_SIZE + 1];
static float x[COLUMNS_IN], y[COLUMNS_OUT];
static uint32_t histogram[buckets + 1]; /* by nanoseconds */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* From here on write() and exit() alone. (The strict mode would forbid to read the clock, too.) */
static int guard(void) {
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof rules / sizeof rules[0], rules};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int quantile(double part) {
  double seen = 0;
  for (int b = 0; b <= buckets; ++b) {
    seen += histogram[b];
    if (seen >= part * runs) return b;
  }
  return buckets;
}

int main(void) {
  if (fread(x, sizeof x, 1, stdin) != 1) return 3;
  const double start = now();
  const uint64_t first = __rdtsc();
  while (now() - start < 2e7) continue;
  const double per_tick = (now() - start) / (double)(__rdtsc() - first);
  uint64_t longest = 0;
  if (!guard()) return 4;
#ifdef MAKES_ONE
  getppid();
#endif
  int wrong = 0;
  for (int i = 0; i < runs; ++i) {
    const uint64_t before = __rdtsc();
    wrong |= net_predict(x, y, workspace);
    const uint64_t ticks = __rdtsc() - before;
    if (ticks > longest) longest = ticks;
    const double ns = (double)ticks * per_tick;
    ++histogram[ns < buckets ? (int)ns : buckets];
  }
  char text[200];
  const int length = snprintf(text, sizeof text, "%d runs: p50 %d ns, p99.9 %d ns, maximum %.0f ns\n", runs,
                              quantile(0.5), quantile(0.999), (double)longest * per_tick);
  if (write(1, text, (size_t)length) != length) wrong = 1;
  syscall(SYS_exit, wrong); /* exit_group() is another system call */
  return 5;
}
