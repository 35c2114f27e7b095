/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The lock of a depot: a mutex of pthreads, or the program's own.
 * It guards the depot's full magazines and its store.
 */

#if defined PROTOPOOL_NO_THREADS
#define PROTOPOOL_LOCK(lock) ((void)(lock))
#define PROTOPOOL_UNLOCK(lock) ((void)(lock))
#elif !defined PROTOPOOL_LOCK
static_assert(sizeof(pthread_mutex_t) <= sizeof(union protopool_lock), "a mutex fits");
static_assert(alignof(pthread_mutex_t) <= alignof(union protopool_lock), "a mutex is aligned");

/* Lets the thread that holds the lock work: the processor waits for a moment. */
static void pp_pause(void)
{
#if defined __GNUC__ && (defined __x86_64__ || defined __i386__)
    __builtin_ia32_pause();
#elif defined __GNUC__ && defined __aarch64__
    __asm__ volatile("yield");
#endif
}

/* Tries more and more seldom, so that the threads that wait do not slow down the one that holds the lock; then sleeps. */
static void pp_take_lock(union protopool_lock *lock)
{
    int pauses = 1;

    for (int i = 0; i < PP_LOCK_TRIES; i++) {
        if (pthread_mutex_trylock((pthread_mutex_t *)(void *)lock) == 0)
            return;
        for (int pause = 0; pause < pauses; pause++)
            pp_pause();
        pauses = PROTOPOOL_MIN_(2 * pauses, PP_PAUSES_MAX);
    }
    (void)pthread_mutex_lock((pthread_mutex_t *)(void *)lock);
}

#define PP_HAS_PTHREAD 1
#define PROTOPOOL_LOCK(lock) pp_take_lock(lock)
#define PROTOPOOL_UNLOCK(lock) (void)pthread_mutex_unlock((pthread_mutex_t *)(void *)(lock))
#define PROTOPOOL_LOCK_INIT(lock) (pthread_mutex_init((pthread_mutex_t *)(void *)(lock), NULL) == 0)
#define PROTOPOOL_LOCK_FINI(lock) (void)pthread_mutex_destroy((pthread_mutex_t *)(void *)(lock))
#endif

#ifdef PROTOPOOL_LOCK_INIT
#define PP_HAS_LOCK_INIT 1
#else
#define PROTOPOOL_LOCK_INIT(lock) (memset((lock), 0, sizeof *(lock)), true)
#endif
#ifndef PROTOPOOL_LOCK_FINI
#define PROTOPOOL_LOCK_FINI(lock) ((void)(lock))
#endif

static void pp_lock_store(struct protopool *pool)
{
    if (pool->depot != NULL)
        PROTOPOOL_LOCK(&pool->depot->lock);
}

static void pp_unlock_store(struct protopool *pool)
{
    if (pool->depot != NULL)
        PROTOPOOL_UNLOCK(&pool->depot->lock);
}
