/* run_graph LIBRARY WORKSPACE-BYTES STATE-BYTES INPUT-BYTES... : OUTPUT-BYTES...
   Calls net_run of a library on a state (where it has bytes) and arrays from standard input, and writes
   what came out, the state last. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { most = 24 };
typedef void *p;
typedef int (*function)(p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p);

static void *array(const char *bytes) { return aligned_alloc(64, (strtoull(bytes, 0, 10) / 64 + 1) * 64); }

int main(int count, char **words) {
  void *a[most] = {0}, *library = dlopen(words[1], RTLD_NOW);
  int n = 0, is_output = 0, first_output = 0;
  if (library == 0) return fprintf(stderr, "%s\n", dlerror()), 2;
  for (int w = 3; w < count; ++w) {
    if (w == 3 && strcmp(words[w], "0") == 0) continue;
    if (strcmp(words[w], ":") == 0) {
      is_output = 1;
      first_output = w + 1;
      continue;
    }
    a[n] = array(words[w]);
    size_t bytes = strtoull(words[w], 0, 10);
    if (!is_output && fread(a[n], 1, bytes, stdin) != bytes) return 3;
    ++n;
  }
  a[n] = array(words[2]);
  memset(a[n], 0xff, strtoull(words[2], 0, 10));
  function run = (function)(intptr_t)dlsym(library, "net_run");
  int code = run(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14],
                 a[15], a[16], a[17], a[18], a[19], a[20], a[21], a[22], a[23]);
  if (code != 0) return 16 + code;
  int outputs = count - first_output;
  for (int o = 0; o < outputs; ++o)
    fwrite(a[n - outputs + o], 1, strtoull(words[first_output + o], 0, 10), stdout);
  fwrite(a[0], 1, strtoull(words[3], 0, 10), stdout);
  return fflush(stdout) != 0;
}
