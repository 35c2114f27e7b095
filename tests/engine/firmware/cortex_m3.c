// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The machine mps2-an385 of qemu, a Cortex-M3: vectors, start, and SysTick as the source of interrupts. Input and output
 * are semihosting's (newlib's rdimon).
 */

#include "machine.h"
#include "port.h"

#include <stdint.h>
#include <stdlib.h>

int main(void);
void initialise_monitor_handles(void);
extern unsigned char stack_end[]; /* firmware.ld */

#define SYST_CSR (*(volatile uint32_t *)0xe000e010U)
#define SYST_RVR (*(volatile uint32_t *)0xe000e014U)
#define SYST_CVR (*(volatile uint32_t *)0xe000e018U)

static void (*the_handler)(void);

static void reset(void) /* qemu has filled .data and .bss */
{
    initialise_monitor_handles();
    exit(main());
}

static void hard_fault(void)
{
    abort();
}

static void sys_tick(void)
{
    static uint32_t random = 1;
    the_handler();
    random = random * 1103515245 + 12345;
    SYST_RVR = 100 + (random >> 16) % 1000;
    SYST_CVR = 0;
}

struct vectors {
    void *stack;
    void (*handlers[15])(void);
};

__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    stack_end, { [0] = reset, [1] = hard_fault, [2] = hard_fault, [14] = sys_tick }
};

void start_interrupts(void (*handler)(void))
{
    the_handler = handler;
    SYST_RVR = 100;
    SYST_CVR = 0;
    SYST_CSR = 7; /* the processor's clock, with an interrupt */
}

void stop_interrupts(void)
{
    SYST_CSR = 0;
}

int mask_interrupts(void)
{
    uint32_t were_masked;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(were_masked) : : "memory");
    return (int)were_masked;
}

void restore_interrupts(int were_masked)
{
    __asm__ volatile("msr primask, %0" : : "r"(were_masked) : "memory");
}
