/* Trains on batches that standard input holds, x then y, and writes the loss of each step, then what
   the model predicts for the last x. */
#include <stdio.h>

#include "net.h"

static _Alignas(64) unsigned char workspace[net_WORKSPACE_SIZE + 1], state[net_STATE_SIZE];
static float x[ROWS * COLUMNS_IN], y[ROWS * COLUMNS_OUT], predicted[ROWS * COLUMNS_OUT];

int main(void) {
  float loss;
  if (net_state_size() != sizeof state || net_initialize(state, 0) != 0) return 3;
  while (fread(x, sizeof x, 1, stdin) == 1 && fread(y, sizeof y, 1, stdin) == 1) {
    if (net_train_step(state, x, y, &loss, workspace) != 0) return 4;
    if (fwrite(&loss, sizeof loss, 1, stdout) != 1) return 5;
  }
  if (net_predict(state, x, predicted, workspace) != 0) return 6;
  if (fwrite(predicted, sizeof predicted, 1, stdout) != 1) return 7;
  return fflush(stdout) == 0 ? 0 : 8;
}
