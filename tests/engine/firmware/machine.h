/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What firmware.c needs of a machine: host.c has it with signals, cortex_m3.c with a timer. */

#ifndef MACHINE_H_
#define MACHINE_H_

/* Calls the handler as an interrupt at odd times, again and again, until stop_interrupts. */
void start_interrupts(void (*handler)(void));
void stop_interrupts(void);

#endif
