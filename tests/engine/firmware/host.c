// SPDX-License-Identifier: Apache-2.0 OR MIT
/* A host as a machine with interrupts: signals of a timer. */

#include "machine.h"
#include "port.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static void (*the_handler)(void);

static void set_timer(long microseconds)
{
    const struct itimerval once = { { 0, 0 }, { 0, microseconds } };
    if (setitimer(ITIMER_REAL, &once, NULL) != 0)
        abort();
}

static void interrupt(int signal)
{
    static unsigned random = 1;
    (void)signal;
    the_handler();
    random = random * 1103515245 + 12345;
    set_timer(1 + (random >> 16) % 50);
}

void start_interrupts(void (*handler)(void))
{
    struct sigaction action = { .sa_handler = interrupt };
    the_handler = handler;
    if (sigaction(SIGALRM, &action, NULL) != 0)
        abort();
    set_timer(1);
}

void stop_interrupts(void)
{
    (void)mask_interrupts();
}

static int mask(int how)
{
    sigset_t alarm, before;
    if (sigemptyset(&alarm) != 0 || sigaddset(&alarm, SIGALRM) != 0 || sigprocmask(how, &alarm, &before) != 0)
        abort();
    return sigismember(&before, SIGALRM);
}

int mask_interrupts(void)
{
    return mask(SIG_BLOCK);
}

void restore_interrupts(int were_masked)
{
    if (!were_masked)
        (void)mask(SIG_UNBLOCK);
}

/* Stands in for snprintf where the engine is to be as with a C library without floating point. */
int no_snprintf(char *text, size_t room, const char *format, ...);
int no_snprintf(char *text, size_t room, const char *format, ...)
{
    (void)format;
    if (room != 0)
        text[0] = '\0';
    return 0;
}
