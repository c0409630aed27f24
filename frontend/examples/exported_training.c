/* Trains on a machine that has neither Sinter nor LLVM: C and the object file that
       sinter export exported_training.json --output spirals --batch 64 --training
   has made of the network beside this file. Two spirals, which no line tells apart. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "spirals.h"

enum { kRows = 64, kSteps = 1500 };

/* All memory of the training: weights, the optimizer's, and the workspace. */
static _Alignas(64) unsigned char state[spirals_STATE_SIZE];
static _Alignas(64) unsigned char workspace[spirals_WORKSPACE_SIZE];
static float points[kRows][2], labels[kRows][2], predicted[kRows][2];

static float uniform(void) {
  static uint32_t random_state = 1; /* Marsaglia 2003, "Xorshift RNGs" */
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return (float)(random_state >> 8) / 16777216.0f;
}

static void draw_batch(void) {
  for (int r = 0; r < kRows; ++r) {
    const int spiral = r % 2;
    const float t = 0.5f + 6.0f * uniform();
    const float angle = t + (spiral == 0 ? 0.0f : 3.14159265f);
    points[r][0] = 0.15f * t * cosf(angle) + 0.02f * uniform();
    points[r][1] = 0.15f * t * sinf(angle) + 0.02f * uniform();
    labels[r][0] = spiral == 0 ? 1.0f : 0.0f;
    labels[r][1] = spiral == 1 ? 1.0f : 0.0f;
  }
}

/* The part of 1024 new points that the network tells rightly. */
static float accuracy(void) {
  int right = 0;
  for (int batch = 0; batch < 1024 / kRows; ++batch) {
    draw_batch();
    if (spirals_predict(state, &points[0][0], &predicted[0][0], workspace) != 0) return -1.0f;
    for (int r = 0; r < kRows; ++r)
      right += (predicted[r][0] > predicted[r][1]) == (labels[r][0] > labels[r][1]);
  }
  return (float)right / 1024.0f;
}

int main(void) {
  if (spirals_initialize(state, 0) != 0) return 1;
  printf("accuracy before training: %.3f\n", (double)accuracy());
  float loss = 0;
  for (int step = 1; step <= kSteps; ++step) {
    draw_batch();
    if (spirals_train_step(state, &points[0][0], &labels[0][0], &loss, workspace) != 0) return 2;
    if (step % 300 == 0) printf("step %4d: loss %.4f\n", step, (double)loss);
  }
  const float after = accuracy();
  printf("accuracy after training: %.3f\n", (double)after);
  return after > 0.95f ? 0 : 3;
}
