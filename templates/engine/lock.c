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

static void pp_take_lock(union protopool_lock *lock)
{
    for (int i = 0; i < PP_LOCK_TRIES; i++)
        if (pthread_mutex_trylock((pthread_mutex_t *)(void *)lock) == 0)
            return;
    (void)pthread_mutex_lock((pthread_mutex_t *)(void *)lock);
}

#define PP_HAS_PTHREAD 1
#define PROTOPOOL_LOCK(lock) pp_take_lock(lock)
#define PROTOPOOL_UNLOCK(lock) (void)pthread_mutex_unlock((pthread_mutex_t *)(void *)(lock))
#define PROTOPOOL_LOCK_INIT(lock) (pthread_mutex_init((pthread_mutex_t *)(void *)(lock), NULL) == 0)
#define PROTOPOOL_LOCK_FINI(lock) (void)pthread_mutex_destroy((pthread_mutex_t *)(void *)(lock))
#endif

#if PROTOPOOL_CHECK == 2
/* The list of stores has a lock that is never ended. */
#ifdef PP_HAS_PTHREAD
static pthread_mutex_t pp_stores_lock = PTHREAD_MUTEX_INITIALIZER;
#define PP_HAS_STORES() true
#define PP_LOCK_STORES() (void)pthread_mutex_lock(&pp_stores_lock)
#define PP_UNLOCK_STORES() (void)pthread_mutex_unlock(&pp_stores_lock)
#else
static union protopool_lock pp_stores_lock;
#define PP_LOCK_STORES() PROTOPOOL_LOCK(&pp_stores_lock)
#define PP_UNLOCK_STORES() PROTOPOOL_UNLOCK(&pp_stores_lock)
#ifdef PROTOPOOL_LOCK_INIT
static bool pp_has_stores_lock;
#define PP_HAS_STORES() (pp_has_stores_lock || (pp_has_stores_lock = PROTOPOOL_LOCK_INIT(&pp_stores_lock)))
#else
#define PP_HAS_STORES() true
#endif
#endif
#endif

#ifndef PROTOPOOL_LOCK_INIT
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
