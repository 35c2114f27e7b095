// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * What a constructor that returns NULL reports: refused or exhausted at every level; from level 1 which field breaks which
 * rule of the schema, to a handler, and at level 2 with the place, on stderr.
 */

#define PROTOPOOL_NO_ANALYSIS
#include "telemetry.h"
#include "support.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct telemetry_pool pool;
TELEMETRY_POOL_STORAGE(memory);

static const char long_text[] = "a name of more than 31 characters";
static const struct telemetry_waypoint points[17] = { { .hold = 1 }, { .at = { .latitude = 91 } } };

/* ---- Each way to be refused ------------------------------------------------------------------------------------------ */

static struct telemetry *number_out_of_range(void)
{
    return telemetry_new_heartbeat(&pool, 1, TELEMETRY_MODE_HOLD, 0, 150);
}

static struct telemetry *undeclared_value(void)
{
    return telemetry_new_heartbeat(&pool, 1, (enum telemetry_mode)9, 0, 100);
}

static struct telemetry *undeclared_bits(void)
{
    return telemetry_new_heartbeat(&pool, 1, TELEMETRY_MODE_HOLD, TELEMETRY_SENSORS_GPS | 0x30, 100);
}

static struct telemetry *text_too_long(void)
{
    return telemetry_new_mission(&pool, long_text, 1, NULL, 0);
}

static struct telemetry *no_text(void)
{
    return telemetry_new_mission(&pool, NULL, 1, NULL, 0);
}

static struct telemetry *real_out_of_range(void)
{
    return telemetry_new_mission(&pool, "m", 0.25F, NULL, 0);
}

static struct telemetry *list_too_long(void)
{
    return telemetry_new_mission(&pool, "m", 1, points, 17);
}

static struct telemetry *wrong_field_of_a_struct_of_a_list(void)
{
    return telemetry_new_mission(&pool, "m", 1, points, 2);
}

static struct telemetry *wrong_field_of_a_struct(void)
{
    const struct telemetry_position at = { .longitude = -181 };
    return telemetry_new_moved(&pool, 1, &at, NULL);
}

static struct telemetry *wrong_field_of_an_optional_struct(void)
{
    const struct telemetry_position at = { 0 }, target = { .latitude = -90.5 };
    return telemetry_new_moved(&pool, 1, &at, &target);
}

static struct telemetry *tail_with_a_nul(void)
{
    return telemetry_new_log(&pool, 1, 2, "a\0b", 3);
}

static struct telemetry *tail_too_long(void)
{
    static const uint8_t bytes[600];
    return telemetry_new_chunk(&pool, 1, 2, bytes, sizeof bytes);
}

static struct telemetry *wrong_element_of_a_tail(void)
{
    const struct telemetry_position track[3] = { [2] = { .latitude = 100 } };
    return telemetry_new_track(&pool, 10, track, 3);
}

static struct telemetry *copy_of_a_number_out_of_range(void)
{
    return telemetry_copy_text(&pool, &(struct telemetry_text){ .severity = 8 });
}

static struct telemetry *copy_of_another_message(void)
{
    struct telemetry_text from = telemetry_default_text();
    from.base.tag = TELEMETRY_LOG;
    return telemetry_copy_text(&pool, &from);
}

static struct telemetry *copy_of_a_text_of_another_length(void)
{
    return telemetry_copy_text(&pool, &(struct telemetry_text){ .text_len = 5, .text = "abc" });
}

static struct telemetry *copy_of_a_text_without_end(void)
{
    struct telemetry_text from = telemetry_default_text();
    memset(from.text, 'x', sizeof from.text);
    from.text_len = sizeof from.text - 1;
    return telemetry_copy_text(&pool, &from);
}

static struct telemetry *copy_of_a_list_too_long(void)
{
    struct telemetry_mission from = telemetry_default_mission();
    from.waypoints_len = 17;
    return telemetry_copy_mission(&pool, &from);
}

static struct telemetry *copy_with_a_wrong_tail(void)
{
    const struct telemetry_log from = telemetry_default_log();
    return telemetry_copy_log(&pool, &from, "a\0b", 3);
}

static struct telemetry *made_by_value(void)
{
    ck_assert_int_eq(telemetry_make_text(9, "").base.tag, 0);
    return NULL;
}

static const struct {
    const char *name;
    struct telemetry *(*bug)(void);
    enum protopool_rule rule;
    const char *message, *field, *text;
} refusals[] = {
#define BUG(name) #name, name
    { BUG(number_out_of_range), PROTOPOOL_RULE_RANGE, "Heartbeat", "battery", "battery 150 is not in 0..100" },
    { BUG(undeclared_value), PROTOPOOL_RULE_ENUM, "Heartbeat", "mode",
      "mode 9 is not declared: it has manual, hold, mission, land" },
    { BUG(undeclared_bits), PROTOPOOL_RULE_FLAGS, "Heartbeat", "working",
      "working has bits that are not declared: 0x30" },
    { BUG(text_too_long), PROTOPOOL_RULE_LENGTH, "Mission", "name", "name has more than 31 characters" },
    { BUG(no_text), PROTOPOOL_RULE_NULL, "Mission", "name", "name is NULL" },
    { BUG(real_out_of_range), PROTOPOOL_RULE_RANGE, "Mission", "speed", "speed 0.25 is not in 0.5..40.0" },
    { BUG(list_too_long), PROTOPOOL_RULE_LENGTH, "Mission", "waypoints", "waypoints has 17 elements, at most 16" },
    { BUG(wrong_field_of_a_struct_of_a_list), PROTOPOOL_RULE_RANGE, "Mission", "waypoints[1].at.latitude",
      "waypoints[1].at.latitude 91.0 is not in -90.0..90.0" },
    { BUG(wrong_field_of_a_struct), PROTOPOOL_RULE_RANGE, "Moved", "at.longitude",
      "at.longitude -181.0 is not in -180.0..180.0" },
    { BUG(wrong_field_of_an_optional_struct), PROTOPOOL_RULE_RANGE, "Moved", "target.latitude",
      "target.latitude -90.5 is not in -90.0..90.0" },
    { BUG(tail_with_a_nul), PROTOPOOL_RULE_TEXT, "Log", "text", "text has a NUL at 1" },
    { BUG(tail_too_long), PROTOPOOL_RULE_LENGTH, "Chunk", "data", "data has 600 elements, at most 512" },
    { BUG(wrong_element_of_a_tail), PROTOPOOL_RULE_RANGE, "Track", "points[2].latitude",
      "points[2].latitude 100.0 is not in -90.0..90.0" },
    { BUG(copy_of_a_number_out_of_range), PROTOPOOL_RULE_RANGE, "Text", "severity", "severity 8 is not in 0..7" },
    { BUG(copy_of_another_message), PROTOPOOL_RULE_TAG, "Text", "tag", "tag is not that of Text" },
    { BUG(copy_of_a_text_of_another_length), PROTOPOOL_RULE_TEXT, "Text", "text",
      "text has 3 characters, and its length is 5" },
    { BUG(copy_of_a_text_without_end), PROTOPOOL_RULE_TEXT, "Text", "text",
      "text is not terminated within 100 characters" },
    { BUG(copy_of_a_list_too_long), PROTOPOOL_RULE_LENGTH, "Mission", "waypoints",
      "waypoints has 17 elements, at most 16" },
    { BUG(copy_with_a_wrong_tail), PROTOPOOL_RULE_TEXT, "Log", "text", "text has a NUL at 1" },
    { BUG(made_by_value), PROTOPOOL_RULE_RANGE, "Text", "severity", "severity 9 is not in 0..7" },
};

enum { REFUSALS = sizeof refusals / sizeof refusals[0] };

static struct protopool_refusal noted;
static char noted_text[300], noted_field[100];
static unsigned notes;

static void note(const struct protopool_refusal *refusal)
{
    noted = *refusal;
    notes++;
    (void)snprintf(noted_text, sizeof noted_text, "%s", refusal->text);
    (void)snprintf(noted_field, sizeof noted_field, "%s", refusal->field);
}

START_TEST(refusal_names_its_field_and_rule)
{
    ck_assert(telemetry_pool_init_growing(&pool, NULL));
    ck_assert_int_eq(telemetry_pool_failure(&pool), PROTOPOOL_NO_FAILURE);
    protopool_set_refusal_handler(note);
    ck_assert_ptr_null(refusals[_i].bug());
    ck_assert_int_eq(telemetry_pool_failure(&pool),
                     refusals[_i].bug == made_by_value ? PROTOPOOL_NO_FAILURE : PROTOPOOL_REFUSED);
    ck_assert_uint_eq(telemetry_pool_fini(&pool), 0);
#if PROTOPOOL_CHECK >= 1
    ck_assert_uint_eq(notes, 1);
    ck_assert_ptr_eq(noted.pool, refusals[_i].bug == made_by_value ? NULL : &pool.engine_);
    ck_assert_str_eq(noted.message, refusals[_i].message);
    ck_assert_str_eq(noted_field, refusals[_i].field);
    ck_assert_str_eq(noted_text, refusals[_i].text);
    ck_assert_int_eq(noted.rule, refusals[_i].rule);
#else
    ck_assert_uint_eq(notes, 0);
#endif
#if PROTOPOOL_CHECK == 2
    if (refusals[_i].bug != made_by_value) {
        ck_assert_str_eq(noted.site.file, __FILE__);
        ck_assert_int_gt(noted.site.line, 20);
    }
#endif
}
END_TEST

START_TEST(exhaustion_is_not_a_refusal)
{
    struct telemetry *last = NULL, *msg;

    ck_assert(telemetry_pool_init(&pool, memory, sizeof memory));
    protopool_set_refusal_handler(note);
    while ((msg = telemetry_new_set_mode(&pool, TELEMETRY_MODE_HOLD)) != NULL)
        last = msg;
    ck_assert_int_eq(telemetry_pool_failure(&pool), PROTOPOOL_EXHAUSTED);
    ck_assert_ptr_null(telemetry_new_set_mode(&pool, (enum telemetry_mode)9));
    ck_assert_int_eq(telemetry_pool_failure(&pool), PROTOPOOL_REFUSED);
    ck_assert_ptr_null(telemetry_clone(&pool, last));
    ck_assert_int_eq(telemetry_pool_failure(&pool), PROTOPOOL_EXHAUSTED);
    telemetry_free(&pool, last);
    ck_assert_ptr_nonnull(telemetry_new_set_mode(&pool, TELEMETRY_MODE_HOLD));
    ck_assert_int_eq(telemetry_pool_failure(&pool), PROTOPOOL_EXHAUSTED); /* as before */
    ck_assert_uint_eq(notes, PROTOPOOL_CHECK >= 1);
}
END_TEST

/* What the default handler prints of the first refusal; the program goes on. */
START_TEST(default_handler_prints_at_level_2_alone)
{
    FILE *const file = tmpfile();
    char said[300];
    int status;
    size_t length;
    pid_t child;

    ck_assert_ptr_nonnull(file);
    protopool_set_refusal_handler(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)dup2(fileno(file), STDERR_FILENO);
        _exit(telemetry_pool_init_growing(&pool, NULL) && number_out_of_range() == NULL ? 7 : 0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    rewind(file);
    length = fread(said, 1, sizeof said - 1, file);
    said[length] = '\0';
    (void)fclose(file);
#if PROTOPOOL_CHECK == 2
    ck_assert_ptr_eq(
        strstr(said, "protopool: refused: Heartbeat: battery 150 is not in 0..100, at tests/engine/test_refusals.c:"),
        said);
#else
    ck_assert_str_eq(said, "");
#endif
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("refusals");
    SRunner *const runner = srunner_create(suite);
    int failed;

    if (srunner_fork_status(runner) == CK_FORK)
        ADD_LOOP_TEST(suite, refusal_names_its_field_and_rule, 0, REFUSALS);
    if (srunner_fork_status(runner) == CK_FORK)
        ADD_TEST(suite, exhaustion_is_not_a_refusal);
    ADD_TEST(suite, default_handler_prints_at_level_2_alone);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
