/* Starts a program on a Cortex-M7 of QEMU (-M mps2-an500): its vectors, its FPU, then newlib. */
#include <stdint.h>

extern unsigned char stack_top[];
void _start(void);

void reset(void) {
  *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: full access to the FPU */
  __asm__ volatile("dsb\n isb");
  _start();
}

static void fault(void) {
  for (;;) __asm__ volatile("bkpt 0xff");
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top, reset, fault, fault, fault, fault, fault};
