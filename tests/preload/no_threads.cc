// With LD_PRELOAD: a system that starts no threads (a limit of processes, in a container or by
// ulimit -u).
#include <pthread.h>

#include <cerrno>

extern "C" __attribute__((visibility("default"))) int pthread_create(pthread_t*,
                                                                     const pthread_attr_t*,
                                                                     void* (*)(void*), void*) {
  return EAGAIN;
}
