/* predict.c on threads of its own, as many as the header allows, which take pieces in turn; every call
   is made without threads, too, and must give the same bits. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "net.h"

static _Alignas(64) unsigned char workspace[net_WORKSPACE_SIZE + 1];
static float x[COLUMNS_IN], y[COLUMNS_OUT], alone[COLUMNS_OUT];
static int64_t all_pieces;

struct work {
  int64_t pieces;
  void (*body)(void *task, int64_t piece, int worker);
  void *task;
  int worker;
};

static void *work(void *argument) {
  const struct work *w = argument;
  for (int64_t piece = w->worker; piece < w->pieces; piece += net_THREADS) w->body(w->task, piece, w->worker);
  return 0;
}

static void parallel_for(void *pool, int64_t pieces, void (*body)(void *, int64_t, int), void *task) {
  struct work works[net_THREADS];
  pthread_t threads[net_THREADS];
  *(int64_t *)pool += pieces;
  for (int t = 0; t < net_THREADS; ++t) {
    works[t] = (struct work){pieces, body, task, t};
    if (pthread_create(&threads[t], 0, work, &works[t]) != 0) return;
  }
  for (int t = 0; t < net_THREADS; ++t) pthread_join(threads[t], 0);
}

int main(void) {
  while (fread(x, sizeof x, 1, stdin) == 1) {
    if (net_predict(x, y, workspace, parallel_for, &all_pieces) != 0) return 4;
    if (net_predict(x, alone, workspace, 0, 0) != 0) return 5;
    if (memcmp(y, alone, sizeof y) != 0) return 6;
    if (fwrite(y, sizeof y, 1, stdout) != 1) return 7;
  }
  if (all_pieces == 0) return 8; /* nothing was cut */
  return fflush(stdout) == 0 ? 0 : 9;
}
