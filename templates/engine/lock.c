/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The lock of a depot: a mutex of pthreads or of Windows, or the program's own.
 * It guards the depot's full magazines and its store. The depot's source has a lock of its own.
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

static void pp_lock_depot(struct protopool_depot *depot)
{
    PROTOPOOL_LOCK(&depot->lock);
}

/* Removes what has been collected for the source. */
static struct protopool_block *pp_take_given(struct protopool_growth *growth)
{
    struct protopool_block *const given = growth->given;
    growth->given = NULL;
    return given;
}

/* Releases the lock, and then gives to the source what has been collected. */
static void pp_unlock_depot(struct protopool_depot *depot)
{
    struct protopool_growth *const growth = depot->store->growth;
    struct protopool_block *const given = growth != NULL ? pp_take_given(growth) : NULL;

    PROTOPOOL_UNLOCK(&depot->lock);
    if (given != NULL)
        growth->calls->give(growth, given);
}

static void pp_lock_store(struct protopool *pool)
{
    if (pool->depot != NULL)
        pp_lock_depot(pool->depot);
}

static void pp_unlock_store(struct protopool *pool)
{
    if (pool->depot != NULL)
        pp_unlock_depot(pool->depot);
}

/* The lock under which the source is called, one thread at a time. The thread does not hold the depot's lock. */
static void pp_lock_source(struct protopool_growth *growth)
{
    if (growth->lock != NULL)
        PROTOPOOL_LOCK(&growth->source_lock);
}

static void pp_unlock_source(struct protopool_growth *growth)
{
    if (growth->lock != NULL)
        PROTOPOOL_UNLOCK(&growth->source_lock);
}
