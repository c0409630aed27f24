/* Reads rows of floats, predicts one after the other, writes what came out. Allocates nothing. */
#include <stdio.h>

#include "net.h"

static _Alignas(64) unsigned char workspace[net_WORKSPACE_SIZE + 1];
static float x[COLUMNS_IN], y[COLUMNS_OUT];

int main(void) {
  if (net_workspace_size() > sizeof workspace) return 3;
  while (fread(x, sizeof x, 1, stdin) == 1) {
    if (net_predict(x, y, workspace) != 0) return 4;
    if (fwrite(y, sizeof y, 1, stdout) != 1) return 5;
  }
  return fflush(stdout) == 0 ? 0 : 6;
}
