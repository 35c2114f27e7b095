/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The lock of a depot: a mutex of pthreads or of Windows, or the program's own.
 * It guards the depot's full magazines and its store.
 */

#if defined PROTOPOOL_NO_THREADS
#define PROTOPOOL_LOCK(lock) ((void)(lock))
#define PROTOPOOL_UNLOCK(lock) ((void)(lock))
#elif !defined PROTOPOOL_LOCK
#define PP_HAS_MUTEX 1

/* A mutex of the system. */
#ifdef _WIN32
typedef SRWLOCK pp_mutex;
#define PP_MUTEX_INITIALIZER SRWLOCK_INIT
#define PP_MUTEX_INIT(mutex) (InitializeSRWLock(mutex), true)
#define PP_MUTEX_TRY(mutex) (TryAcquireSRWLockExclusive(mutex) != 0)
#define PP_MUTEX_LOCK(mutex) AcquireSRWLockExclusive(mutex)
#define PP_MUTEX_UNLOCK(mutex) ReleaseSRWLockExclusive(mutex)
#define PP_MUTEX_FINI(mutex) ((void)(mutex))
#else
typedef pthread_mutex_t pp_mutex;
#define PP_MUTEX_INITIALIZER PTHREAD_MUTEX_INITIALIZER
#define PP_MUTEX_INIT(mutex) (pthread_mutex_init(mutex, NULL) == 0)
#define PP_MUTEX_TRY(mutex) (pthread_mutex_trylock(mutex) == 0)
#define PP_MUTEX_LOCK(mutex) (void)pthread_mutex_lock(mutex)
#define PP_MUTEX_UNLOCK(mutex) (void)pthread_mutex_unlock(mutex)
#define PP_MUTEX_FINI(mutex) (void)pthread_mutex_destroy(mutex)
#endif
static_assert(sizeof(pp_mutex) <= sizeof(union protopool_lock), "a mutex fits");
static_assert(alignof(pp_mutex) <= alignof(union protopool_lock), "a mutex is aligned");

static pp_mutex *pp_mutex_of(union protopool_lock *lock)
{
    return (pp_mutex *)(void *)lock;
}

/* Lets the thread that holds the lock work: the processor waits for a moment. */
static void pp_pause(void)
{
#if defined __GNUC__ && (defined __x86_64__ || defined __i386__)
    __builtin_ia32_pause();
#elif defined __GNUC__ && defined __aarch64__
    __asm__ volatile("yield");
#elif defined _WIN32
    YieldProcessor();
#endif
}

/* Tries more and more seldom, so that the threads that wait do not slow down the one that holds the lock; then sleeps. */
static void pp_take_lock(union protopool_lock *lock)
{
    int pauses = 1;

    for (int i = 0; i < PP_LOCK_TRIES; i++) {
        if (PP_MUTEX_TRY(pp_mutex_of(lock)))
            return;
        for (int pause = 0; pause < pauses; pause++)
            pp_pause();
        pauses = PROTOPOOL_MIN_(2 * pauses, PP_PAUSES_MAX);
    }
    PP_MUTEX_LOCK(pp_mutex_of(lock));
}

#define PROTOPOOL_LOCK(lock) pp_take_lock(lock)
#define PROTOPOOL_UNLOCK(lock) PP_MUTEX_UNLOCK(pp_mutex_of(lock))
#define PROTOPOOL_LOCK_INIT(lock) PP_MUTEX_INIT(pp_mutex_of(lock))
#define PROTOPOOL_LOCK_FINI(lock) PP_MUTEX_FINI(pp_mutex_of(lock))
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
