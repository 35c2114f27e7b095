// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * The misuse matrix: each bug that a caller can make, and the verdict of the build level (PROTOPOOL_CHECK), of ASan where it
 * comes first. A bug runs in a process of its own, with the default handler; its verdict is what that says.
 * Prints a row for each. RACES in the environment is the number of racing double frees.
 */

#define PROTOPOOL_NO_ANALYSIS /* the bugs are on purpose */
#include "calc.h"
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

CALC_POOL_STORAGE(memory);
CALC_POOL_STORAGE(more_memory);
static struct calc_pool pool, other;
static struct calc_depot depot, other_depot;

/* Of messages that are lost on purpose. */
static void ignore(const struct calc *msg)
{
    (void)msg;
}

static struct calc *start(void)
{
    if (!calc_pool_init(&pool, memory, sizeof memory))
        abort();
    return calc_new_add(&pool, 5, 6);
}

/* Writes a byte as a wild pointer does. */
static void scribble(void *at, ptrdiff_t offset)
{
    ((volatile unsigned char *)at)[offset] = 7;
}

/* ---- The bugs --------------------------------------------------------------------------------------------------------- */

static void double_free(void)
{
    struct calc *const msg = start();
    calc_free(&pool, msg);
    calc_free(&pool, msg);
}

static void double_free_of_other_threads(void)
{
    struct calc *msg;
    if (!calc_depot_init(&depot, NULL) || !calc_pool_join(&pool, &depot) || !calc_pool_join(&other, &depot))
        abort();
    msg = calc_new_add(&pool, 5, 6);
    calc_free(&pool, msg);
    calc_free(&other, msg);
}

static void tag_is_none(void)
{
    struct calc *const msg = start();
    msg->tag = 200;
    calc_free(&pool, msg);
}

static void tag_is_zero(void)
{
    struct calc *const msg = start();
    msg->tag = 0;
    calc_free(&pool, msg);
}

static void tag_of_another_size(void)
{
    struct calc *const msg = start();
    msg->tag = CALC_STORE;
    calc_free(&pool, msg);
    calc_pool_flush(&pool); /* where level 1 finds it at the latest */
}

static void make_before_init(void)
{
    ignore(calc_new_add(&pool, 5, 6));
}

static void free_before_init(void)
{
    struct calc_add add = calc_make_add(5, 6);
    calc_free(&pool, &add.base);
}

static void make_after_fini(void)
{
    calc_free(&pool, start());
    calc_pool_fini(&pool);
    ignore(calc_new_add(&pool, 5, 6));
}

static void free_after_fini(void)
{
    struct calc_add add = calc_make_add(5, 6);
    calc_free(&pool, start());
    calc_pool_fini(&pool);
    calc_free(&pool, &add.base);
}

static void fini_twice(void)
{
    calc_free(&pool, start());
    calc_pool_fini(&pool);
    calc_pool_fini(&pool);
}

static void fini_with_live_messages(void)
{
    (void)start();
    ignore(calc_new_negate(&pool, 7));
    calc_pool_fini(&pool);
}

static void depot_fini_with_live_messages(void)
{
    if (!calc_depot_init(&depot, NULL) || !calc_pool_join(&pool, &depot))
        abort();
    ignore(calc_new_add(&pool, 5, 6));
    calc_pool_fini(&pool);
    calc_depot_fini(&depot);
}

static void depot_fini_while_joined(void)
{
    if (!calc_depot_init(&depot, NULL) || !calc_pool_join(&pool, &depot))
        abort();
    calc_depot_fini(&depot);
}

static void write_of_a_freed_tag(void)
{
    struct calc *const msg = start();
    calc_free(&pool, msg);
    scribble(msg, 0);
    ignore(calc_new_add(&pool, 1, 2));
}

static void write_of_a_freed_field(void)
{
    struct calc *const msg = start();
    calc_free(&pool, msg);
    scribble(msg, 9);
    ignore(calc_new_add(&pool, 1, 2));
}

static void read_as_another_variant(void)
{
    if (calc_as_negate(start()) != NULL)
        abort();
}

static void free_as_another_variant(void)
{
    calc_free_negate(&pool, start());
}

static void free_of_a_message_as_one_without_fields(void)
{
    calc_free_quit(&pool, start());
}

static void free_of_a_message_without_fields_as_another(void)
{
    (void)start();
    calc_free_add(&pool, calc_new_quit(&pool));
}

static void typed_double_free(void)
{
    struct calc *const msg = start();
    calc_free_add(&pool, msg);
    calc_free_add(&pool, msg);
}

static void edit_as_another_variant(void)
{
    if (calc_edit_negate(start()) != NULL)
        abort();
}

static void read_of_a_freed_message(void)
{
    struct calc *const msg = start();
    calc_free(&pool, msg);
    if (calc_as_add(msg) != NULL)
        abort();
}

static void free_of_the_stack(void)
{
    struct calc_add add = calc_make_add(5, 6);
    (void)start();
    calc_free(&pool, &add.base);
}

static void free_of_malloc(void)
{
    static struct calc_add *add; /* the process ends with it */
    add = (struct calc_add *)malloc(sizeof *add);
    (void)start();
    if (add == NULL)
        abort();
    *add = calc_make_add(5, 6);
    calc_free(&pool, &add->base);
}

static void free_of_a_pointer_inside(void)
{
    struct calc *const msg = start();
    calc_free(&pool, (struct calc *)((unsigned char *)msg + 8));
}

static void free_into_another_pool(void)
{
    struct calc *const msg = start();
    if (!calc_pool_init(&other, more_memory, sizeof more_memory))
        abort();
    calc_free(&other, msg);
    calc_pool_flush(&other); /* where level 1 finds it at the latest */
}

static void free_into_another_depot(void)
{
    if (!calc_depot_init(&depot, NULL) || !calc_pool_join(&pool, &depot) || !calc_depot_init(&other_depot, NULL)
        || !calc_pool_join(&other, &other_depot))
        abort();
    calc_free(&other, calc_new_add(&other, 1, 2));
    calc_free(&other, calc_new_add(&pool, 5, 6));
    calc_pool_flush(&other);
}

static void free_into_another_growing_pool(void)
{
    if (!calc_pool_init_growing(&pool, NULL) || !calc_pool_init_growing(&other, NULL))
        abort();
    calc_free(&other, calc_new_add(&other, 1, 2));
    calc_free(&other, calc_new_add(&pool, 5, 6));
    calc_pool_flush(&other); /* where level 1 finds it at the latest */
}

static void meet(void *ctx, const struct calc *msg)
{
    (void)ctx;
    (void)msg;
}

static void join(void)
{
    if (!calc_depot_init(&depot, NULL) || !calc_pool_join(&pool, &depot))
        abort();
}

static void reset_of_a_joined_pool(void)
{
    join();
    calc_pool_reset(&pool);
}

static void each_of_a_joined_pool(void)
{
    join();
    calc_pool_each(&pool, meet, NULL);
}

static void *hammer(void *ctx)
{
    (void)ctx;
    for (unsigned long i = 0; i < 20000000; i++)
        calc_free(&pool, calc_new_add(&pool, 5, 6));
    return NULL;
}

static void two_threads_in_one_pool(void)
{
    pthread_t thread;
    if (!calc_pool_init_growing(&pool, NULL) || pthread_create(&thread, NULL, hammer, NULL) != 0)
        abort();
    (void)hammer(NULL);
    (void)pthread_join(thread, NULL);
}

static void write_behind_a_message(void)
{
    struct calc *const msg = start();
    scribble(msg, (ptrdiff_t)sizeof(struct calc_add));
    calc_free(&pool, msg);
}

static void write_before_a_message(void)
{
    struct calc *const msg = start();
    scribble(msg, -1);
    calc_free(&pool, msg);
}

/* ---- The verdicts: a part of what is printed; NULL: not promised, and not run ---------------------------------------- */

#define ADD "Add { left: 5, right: 6 }"
#define AT " at tests/engine/test_misuse.c:"
#define POISON "AddressSanitizer: use-after-poison"
#define ASAN_OR(verdict) (UNDER_ASAN ? POISON : (verdict))

static const struct {
    const char *name;
    void (*bug)(void);
    const char *verdicts[3]; /* by build level */
} bugs[] = {
    { "double free", double_free, { NULL, "double free: ", "double free: Add, " } },
    { "double free of a known variant", typed_double_free, { NULL, "double free: ", "double free: Add, " } },
    { "double free by two threads' pools",
      double_free_of_other_threads,
      { NULL, "double free: ", "double free: Add, " } },
    { "free with a tag that is none", tag_is_none, { NULL, "bad tag: ", "bad tag: " } },
    { "free with tag 0", tag_is_zero, { NULL, "bad tag: ", "bad tag: " } },
    { "free with the tag of another size", tag_of_another_size, { NULL, "bad tag: ", "bad tag: " } },
    { "make before init", make_before_init, { NULL, "used before init", "used before init" } },
    { "free before init", free_before_init, { NULL, "used before init", "used before init" } },
    { "make after fini", make_after_fini, { NULL, "or after fini", "or after fini" } },
    { "free after fini", free_after_fini, { NULL, "or after fini", "or after fini" } },
    { "fini twice", fini_twice, { NULL, "or after fini", "or after fini" } },
    { "fini with live messages",
      fini_with_live_messages,
      { NULL, "leak: 1 of Negate\nprotopool: leak: 0x", "leak: 1 of Negate\n" } },
    { "depot fini with live messages", depot_fini_with_live_messages, { NULL, "leak: " ADD ", ", "leak: " ADD ", " } },
    { "depot fini while a pool is joined",
      depot_fini_while_joined,
      { "depot ended while", "depot ended while", "depot ended while" } },
    { "write after free, of the tag",
      write_of_a_freed_tag,
      { NULL, "use after free (write): ", ASAN_OR("use after free (write): Add, ") } },
    { "write after free, of a field",
      write_of_a_freed_field,
      { NULL, NULL, ASAN_OR("use after free (write): Add, ") } },
    { "as of another variant", read_as_another_variant, { NULL, "wrong variant: ", "wrong variant: " ADD ", " } },
    { "edit of another variant", edit_as_another_variant, { NULL, "wrong variant: ", "wrong variant: " ADD ", " } },
    { "free as another variant", free_as_another_variant, { NULL, "wrong variant: ", "wrong variant: " ADD ", " } },
    { "free as one without fields",
      free_of_a_message_as_one_without_fields,
      { NULL, "wrong variant: ", "wrong variant: " ADD ", " } },
    { "free of one without fields as another",
      free_of_a_message_without_fields_as_another,
      { NULL, "wrong variant: ", "wrong variant: " } },
    { "as of a freed message",
      read_of_a_freed_message,
      { NULL, "use after free: ", ASAN_OR("use after free: Add, ") } },
    { "free of a message on the stack", free_of_the_stack, { NULL, NULL, "foreign pointer: " } },
    { "free of malloc's", free_of_malloc, { NULL, NULL, "foreign pointer: " } },
    { "free of a pointer inside", free_of_a_pointer_inside, { NULL, NULL, "interior pointer: " } },
    { "free into another pool", free_into_another_pool, { NULL, "wrong pool: ", "wrong pool: " ADD } },
    { "free into another growing pool", free_into_another_growing_pool, { NULL, "wrong pool: ", "wrong pool: " ADD } },
    { "free into another depot's pool", free_into_another_depot, { NULL, "wrong pool: ", "wrong pool: " ADD } },
    { "reset of a joined pool",
      reset_of_a_joined_pool,
      { "reset or each of a joined", "reset or each of a joined", "reset or each of a joined" } },
    { "each of a joined pool",
      each_of_a_joined_pool,
      { "reset or each of a joined", "reset or each of a joined", "reset or each of a joined" } },
    { "two threads in one pool", two_threads_in_one_pool, { NULL, NULL, "concurrent use: " } },
    { "write behind a message", write_behind_a_message, { NULL, NULL, ASAN_OR("overrun: " ADD) } },
    { "write before a message", write_before_a_message, { NULL, NULL, ASAN_OR("underrun: " ADD) } },
};

enum { BUGS = sizeof bugs / sizeof bugs[0] };

/* Runs the bug in a process of its own; what that printed on stderr, and how it ended. */
static int run(void (*bug)(void), char *said, size_t room)
{
    FILE *const file = tmpfile();
    int status;
    size_t length;
    pid_t child;

    ck_assert_ptr_nonnull(file);
    (void)fflush(stdout);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)dup2(fileno(file), STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        protopool_set_fault_handler(NULL);
        bug();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    rewind(file);
    length = fread(said, 1, room - 1, file);
    said[length] = '\0';
    (void)fclose(file);
    return status;
}

START_TEST(bug_gets_its_verdict)
{
    const char *const verdict = bugs[_i].verdicts[PROTOPOOL_CHECK];
    static char said[100000];
    int status;

    if (verdict == NULL) {
        printf("level %d: %-36s not promised\n", PROTOPOOL_CHECK, bugs[_i].name);
        return;
    }
    status = run(bugs[_i].bug, said, sizeof said);
    if (strstr(said, verdict) == NULL)
        ck_abort_msg("%s: \"%s\" is not in what was said: %s", bugs[_i].name, verdict, said);
    if (strcmp(verdict, POISON) != 0)
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s: status %d", bugs[_i].name, status);
    else
        ck_assert_msg(status != 0, "%s", bugs[_i].name);
    printf("level %d: %-36s %s\n", PROTOPOOL_CHECK, bugs[_i].name, strcmp(verdict, POISON) == 0 ? "ASan's" : "found");
}
END_TEST

START_TEST(default_handler_aborts)
{
    protopool_set_fault_handler(NULL);
    depot_fini_while_joined();
}
END_TEST

#if PROTOPOOL_CHECK == 2
START_TEST(report_names_the_allocation_and_both_frees)
{
    static char said[100000];
    const char *at;

    (void)run(double_free, said, sizeof said);
    at = strstr(said, ", allocated" AT);
    ck_assert_ptr_nonnull(at);
    at = strstr(at, ", freed" AT);
    ck_assert_ptr_nonnull(at);
    at = strstr(at, ", found" AT);
    ck_assert_ptr_nonnull(at);
}
END_TEST
#endif

#if PROTOPOOL_CHECK == 2
/* Bugs other than those of a free: name and place. */
static const struct {
    void (*bug)(void);
    const char *name, *places;
} placed[] = {
    { read_as_another_variant, "wrong variant: " ADD ", 0x", "allocated found" },
    { edit_as_another_variant, "wrong variant: " ADD ", 0x", "allocated found" },
    { free_as_another_variant, "wrong variant: " ADD ", 0x", "allocated found" },
#if !UNDER_ASAN
    { read_of_a_freed_message, "use after free: Add, 0x", "allocated freed found" },
#endif
    { make_before_init, "pool used before init or after fini: Add, 0x", "found" },
    { make_after_fini, "pool used before init or after fini: Add, 0x", "found" },
    { free_after_fini, "pool used before init or after fini: 0x", "found" },
    { fini_twice, "pool used before init or after fini: 0x", "found" },
    { reset_of_a_joined_pool, "reset or each of a joined pool: 0x", "found" },
    { each_of_a_joined_pool, "reset or each of a joined pool: 0x", "found" },
    { two_threads_in_one_pool, "concurrent use: ", "found" },
};

START_TEST(report_has_the_name_and_the_place)
{
    static char said[100000];
    char places[40], *rest = NULL;

    (void)run(placed[_i].bug, said, sizeof said);
    if (strstr(said, placed[_i].name) == NULL)
        ck_abort_msg("\"%s\" is not in %s", placed[_i].name, said);
    (void)snprintf(places, sizeof places, "%s", placed[_i].places);
    for (char *place = strtok_r(places, " ", &rest); place != NULL; place = strtok_r(NULL, " ", &rest)) {
        char expected[80];
        (void)snprintf(expected, sizeof expected, ", %s" AT, place);
        if (strstr(said, expected) == NULL)
            ck_abort_msg("\"%s\" is not in %s", expected, said);
    }
}
END_TEST
#endif

#if PROTOPOOL_CHECK >= 1
static enum protopool_fault noted;
static int noted_line;
static atomic_uint faults;

static void note(enum protopool_fault fault, const void *of, const void *pointer, const struct protopool_site *site)
{
    (void)of;
    (void)pointer;
    noted = fault;
    noted_line = site->line;
    atomic_fetch_add(&faults, 1);
}

#if PROTOPOOL_CHECK == 2
static struct calc *after_another_free(struct calc *msg)
{
    calc_free(&pool, calc_new_add(&pool, 1, 2));
    return msg;
}

START_TEST(place_of_a_free_is_its_own_if_its_argument_uses_the_pool)
{
    struct calc *msg;
    int line;

    protopool_set_fault_handler(note);
    msg = start();
    calc_free(&pool, msg);
    line = __LINE__ + 1;
    calc_free(&pool, after_another_free(msg));
    ck_assert_int_eq((int)noted, PROTOPOOL_FAULT_DOUBLE_FREE);
    ck_assert_int_eq(noted_line, line);
    ck_assert_uint_eq(calc_pool_fini(&pool), 0);
}
END_TEST
#endif

START_TEST(operation_is_skipped_when_the_handler_returns)
{
    struct calc *msg, *again;

    protopool_set_fault_handler(note);
    msg = start();
    msg->tag = 200;
    calc_free(&pool, msg);
    ck_assert_int_eq((int)noted, PROTOPOOL_FAULT_BAD_TAG);
    msg->tag = CALC_ADD; /* it was left */
    ck_assert_uint_eq(calc_as_add(msg)->right, 6);
    calc_free(&pool, msg);
    ck_assert_uint_eq(faults, 1);
    calc_free(&pool, msg);
    ck_assert_uint_eq(faults, 2);
    ck_assert_int_eq((int)noted, PROTOPOOL_FAULT_DOUBLE_FREE);
    again = calc_new_add(&pool, 1, 2);
    ck_assert_ptr_eq(again, msg); /* once, not twice */
    ck_assert_ptr_ne(calc_new_add(&pool, 1, 2), msg);
    ck_assert_ptr_null(calc_as_negate(msg));
    ck_assert_int_eq((int)noted, PROTOPOOL_FAULT_WRONG_VARIANT);
    ck_assert_uint_eq(calc_pool_fini(&pool), 2);
    ck_assert_int_eq((int)noted, PROTOPOOL_FAULT_LEAK);
    ck_assert_uint_eq(faults, 4);
    ck_assert_ptr_null(calc_new_add(&pool, 1, 2));
    ck_assert_int_eq((int)noted, PROTOPOOL_FAULT_NOT_ALIVE);
}
END_TEST
#endif

#if PROTOPOOL_CHECK == 2
/* ---- A pool that is handed from thread to thread ---------------------------------------------------------------------- */

static void *use_in_turn(void *ctx)
{
    pthread_mutex_t *const mutex = (pthread_mutex_t *)ctx;
    for (unsigned i = 0; i < 20000; i++) {
        (void)pthread_mutex_lock(mutex);
        calc_free(&pool, calc_new_add(&pool, i, i));
        (void)pthread_mutex_unlock(mutex);
    }
    return NULL;
}

START_TEST(pool_may_be_handed_from_thread_to_thread)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[2];

    protopool_set_fault_handler(note);
    ck_assert(calc_pool_init_growing(&pool, NULL));
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_in_turn, &mutex), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(faults, 0);
    ck_assert_uint_eq(calc_pool_fini(&pool), 0);
}
END_TEST

/* ---- Two threads free the same message at the same time --------------------------------------------------------------- */

static struct calc *volatile contested;
static atomic_ulong turn, ready;

static void wait_for_turn(unsigned long number)
{
    for (unsigned spins = 1; atomic_load(&turn) < number; spins++)
        if (spins % 256 == 0)
            (void)sched_yield();
}

static void *race(void *ctx)
{
    const unsigned long races = *(const unsigned long *)ctx;
    struct calc_pool mine;

    if (!calc_pool_join(&mine, &depot))
        abort();
    for (unsigned long i = 1; i <= races; i++) {
        wait_for_turn(i);
        calc_free(&mine, contested);
        atomic_fetch_add(&ready, 1);
    }
    calc_pool_fini(&mine);
    return NULL;
}

START_TEST(racing_double_free_is_reported_once)
{
    unsigned long races = (unsigned long)from_environment("RACES", 2000);
    pthread_t threads[2];

    protopool_set_fault_handler(note);
    ck_assert(calc_depot_init(&depot, NULL) && calc_pool_join(&pool, &depot));
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, race, &races), 0);
    for (unsigned long i = 1; i <= races; i++) {
        contested = calc_new_add(&pool, i, i);
        atomic_store(&turn, i);
        for (unsigned spins = 1; atomic_load(&ready) < 2 * i; spins++)
            if (spins % 256 == 0)
                (void)sched_yield();
        if (faults != i || noted != PROTOPOOL_FAULT_DOUBLE_FREE)
            ck_abort_msg("race %lu: %u reports", i, faults);
    }
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(calc_pool_fini(&pool), 0);
    ck_assert_uint_eq(calc_depot_fini(&depot), 0);
    printf("level 2: %lu racing double frees, each reported once\n", races);
}
END_TEST
#endif

int main(void)
{
    Suite *const suite = suite_create("misuse");
    SRunner *const runner = srunner_create(suite);
    int failed;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    test_seconds = 300;
    ADD_LOOP_TEST(suite, bug_gets_its_verdict, 0, BUGS);
    if (srunner_fork_status(runner) == CK_FORK)
        ADD_SIGNAL_TEST(suite, default_handler_aborts, SIGABRT);
#if PROTOPOOL_CHECK == 2
    ADD_TEST(suite, report_names_the_allocation_and_both_frees);
    ADD_LOOP_TEST(suite, report_has_the_name_and_the_place, 0, (int)(sizeof placed / sizeof placed[0]));
    if (srunner_fork_status(runner) == CK_FORK)
        ADD_TEST(suite, pool_may_be_handed_from_thread_to_thread);
    ADD_TEST(suite, racing_double_free_is_reported_once);
#endif
#if PROTOPOOL_CHECK == 2
    if (srunner_fork_status(runner) == CK_FORK)
        ADD_TEST(suite, place_of_a_free_is_its_own_if_its_argument_uses_the_pool);
#endif
#if PROTOPOOL_CHECK >= 1
    if (srunner_fork_status(runner) == CK_FORK)
        ADD_TEST(suite, operation_is_skipped_when_the_handler_returns);
#endif

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
