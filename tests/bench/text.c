// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Loops whose instructions are counted.
 * text length CHARACTERS N    allocates and frees a message with a text
 * text NAME print|format N    prints a message into a buffer; by its protocol, and by snprintf with a format for it
 * text                        prints the names. Fails if a message and its format do not print the same
 */

#include "calc.h"
#include "itch.h"
#include "telemetry.h"

#include <inttypes.h>
#include <stdlib.h>

/* Hides the pointer from the optimiser, as a queue between the steps would. */
#define HIDE(pointer) __asm__ volatile("" : "+r"(pointer) : : "memory")

/* hot: a program calls it often. Otherwise gcc copies texts with few but slow instructions. */
__attribute__((noinline, hot)) static int turns_of_length(size_t length, uint64_t n)
{
    static struct calc_pool pool;
    static char characters[256];
    const char *text = characters;
    uint64_t allocated = 0;

    if (length >= sizeof characters || !calc_pool_init_growing(&pool, NULL))
        return EXIT_FAILURE;
    memset(characters, 'x', length);
    for (uint64_t i = 0; i < n; i++) {
        struct calc *msg;
        HIDE(text);
        msg = length > 31 ? calc_new_log(&pool, i, text) : calc_new_recall(&pool, text);
        HIDE(msg);
        allocated += msg != NULL;
        calc_free(&pool, msg);
    }
    return calc_pool_fini(&pool) == 0 && allocated == n ? EXIT_SUCCESS : EXIT_FAILURE;
}

struct printed {
    const char *name;
    const void *msg;
    int (*print)(char *buffer, size_t room, const void *msg);
    int (*format)(char *buffer, size_t room, const void *msg);
};

static int print_calc(char *buffer, size_t room, const void *msg)
{
    return calc_snprint(buffer, room, (const struct calc *)msg);
}

static int print_itch(char *buffer, size_t room, const void *msg)
{
    return itch_snprint(buffer, room, (const struct itch *)msg);
}

static int print_telemetry(char *buffer, size_t room, const void *msg)
{
    return telemetry_snprint(buffer, room, (const struct telemetry *)msg);
}

/* A function that formats a message m of this type. */
#define FORMAT(type, ...) \
    static int format_##type(char *buffer, size_t room, const void *msg) \
    { \
        const struct type *const m = (const struct type *)msg; \
        (void)m; \
        return snprintf(buffer, room, __VA_ARGS__); \
    }

FORMAT(calc_add, "Add { left: %" PRIu64 ", right: %" PRIu64 " }", m->left, m->right)
FORMAT(calc_negate, "Negate { value: %" PRId64 " }", m->value)
FORMAT(calc_apply, "Apply { operation: %s, left: %.1f, right: %.2f }",
       m->operation == CALC_OPERATION_DIVIDE ? "divide" : "?", m->left, m->right)
FORMAT(calc_sum,
       "Sum { count: %u, operands: [%" PRId32 ", %" PRId32 ", %" PRId32 ", %" PRId32 ", %" PRId32 ", %" PRId32
       ", %" PRId32 ", %" PRId32 ", %" PRId32 ", %" PRId32 ", %" PRId32 ", %" PRId32 "] }",
       m->count, m->operands[0], m->operands[1], m->operands[2], m->operands[3], m->operands[4], m->operands[5],
       m->operands[6], m->operands[7], m->operands[8], m->operands[9], m->operands[10], m->operands[11])
FORMAT(calc_store, "Store { name: \"%s\", value: %.16g }", m->name, m->value)
FORMAT(calc_recall, "Recall { name: \"%s\" }", m->name)
FORMAT(calc_log, "Log { time: %" PRIu64 ", text: \"%s\" }", m->time, m->text)
FORMAT(calc_quit, "Quit")
FORMAT(itch_system_event,
       "SystemEvent { stock_locate: %u, tracking_number: %u, timestamp: %" PRIu64 ", event_code: '%c' }",
       m->stock_locate, m->tracking_number, m->timestamp, m->event_code)
FORMAT(itch_trading_action,
       "TradingAction { stock_locate: %u, tracking_number: %u, timestamp: %" PRIu64
       ", stock: \"%.4s\", state: '%c', reserved: '%c', reason: \"%.3s\" }",
       m->stock_locate, m->tracking_number, m->timestamp, m->stock, m->state, m->reserved, m->reason)
FORMAT(itch_add_order,
       "AddOrder { stock_locate: %u, tracking_number: %u, timestamp: %" PRIu64 ", order_ref: %" PRIu64
       ", side: '%c', shares: %" PRIu32 ", stock: \"%.4s\", price: %" PRIu32 " }",
       m->stock_locate, m->tracking_number, m->timestamp, m->order_ref, m->side, m->shares, m->stock, m->price)
FORMAT(telemetry_heartbeat, "Heartbeat { time: %" PRIu64 ", mode: %s, working: %s | %s, battery: %u }", m->time,
       m->mode == TELEMETRY_MODE_LAND ? "land" : "?", m->working &TELEMETRY_SENSORS_GYRO ? "gyro" : "?",
       m->working &TELEMETRY_SENSORS_GPS ? "gps" : "?", m->battery)
FORMAT(telemetry_attitude,
       "Attitude { time: %" PRIu64 ", angles: [%.1f, %.2f, %.8g], rates: Some([%.1f, %.7f, %.3f]) }", m->time,
       (double)m->angles[0], (double)m->angles[1], (double)m->angles[2], (double)m->rates[0], (double)m->rates[1],
       (double)m->rates[2])
FORMAT(telemetry_moved,
       "Moved { time: %" PRIu64 ", at: position { latitude: %.6f, longitude: %.17g, altitude: %.2f }, target: None }",
       m->time, m->at.latitude, m->at.longitude, (double)m->at.altitude)
FORMAT(telemetry_mission,
       "Mission { name: \"%s\", speed: %.1f, waypoints: [waypoint { at: position { latitude: %.17g, longitude: %.2g, "
       "altitude: %.8g }, speed: Some(%.2f), hold: %u }] }",
       m->name, (double)m->speed, m->waypoints[0].at.latitude, m->waypoints[0].at.longitude,
       (double)m->waypoints[0].at.altitude, (double)m->waypoints[0].speed, m->waypoints[0].hold)
FORMAT(telemetry_text, "Text { severity: %u, text: \"%s\" }", m->severity, m->text)
FORMAT(telemetry_log, "Log { time: %" PRIu64 ", severity: %u, text: \"%s\" }", m->time, m->severity,
       telemetry_log_text(m, NULL))
FORMAT(telemetry_chunk, "Chunk { file: %u, offset: %" PRIu32 ", data: [%u, %u, %u] }", m->file, m->offset,
       telemetry_chunk_data(m, NULL)[0], telemetry_chunk_data(m, NULL)[1], telemetry_chunk_data(m, NULL)[2])
FORMAT(
    telemetry_track,
    "Track { period: %u, points: [position { latitude: %.3f, longitude: %.2f, altitude: %.1f }, position { latitude: "
    "%.17g, longitude: %.2g, altitude: %.8g }] }",
    m->period, telemetry_track_points(m, NULL)[0].latitude, telemetry_track_points(m, NULL)[0].longitude,
    (double)telemetry_track_points(m, NULL)[0].altitude, telemetry_track_points(m, NULL)[1].latitude,
    telemetry_track_points(m, NULL)[1].longitude, (double)telemetry_track_points(m, NULL)[1].altitude)
FORMAT(telemetry_set_mode, "SetMode { mode: %s }", m->mode == TELEMETRY_MODE_HOLD ? "hold" : "?")

#define OF(protocol, message) \
    { \
#protocol "." #message, &message, print_##protocol, format_##protocol##_##message \
    }
#define MOST 1024

/* Runs one of them; or, without arguments, prints all names. */
static int run(const struct printed *printed, size_t count, char **arguments)
{
    char text[MOST], formatted[MOST];
    int status = EXIT_FAILURE;

    for (size_t i = 0; i < count; i++) {
        const struct printed *const one = &printed[i];
        if (arguments[1] == NULL) {
            (void)one->print(text, sizeof text, one->msg);
            (void)one->format(formatted, sizeof formatted, one->msg);
            if (strcmp(text, formatted) != 0) {
                fprintf(stderr, "%s prints\n%s and not\n%s\n", one->name, text, formatted);
                return EXIT_FAILURE;
            }
            status = puts(one->name) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        } else if (strcmp(arguments[1], one->name) == 0) {
            int (*const print)(char *, size_t, const void *) =
                strcmp(arguments[2], "print") == 0 ? one->print : one->format;
            for (uint64_t n = strtoull(arguments[3], NULL, 10); n > 0; n--) {
                if (print(text, sizeof text, one->msg) <= 0)
                    return EXIT_FAILURE;
            }
            return EXIT_SUCCESS;
        }
    }
    return status;
}

/* All kinds of fields; numbers with few digits and with many. */
static int run_messages(struct telemetry_pool *pool, char **arguments)
{
    static const char sentence[] = "the quick brown fox jumps over the lazy dog, and the dog does not care about that";
    static const int32_t operands[] = { 1, -2, 300, 4000, -50000, 600000, 7, 8, INT32_MAX, 0, 11, 12 };
    static const float angles[] = { 0.5F, -1.25F, 0.33333334F }, rates[] = { 0.1F, 0.0123456F, 2.718F };
    static const uint8_t bytes[] = { 1, 20, 255 };
    const struct telemetry_position at = telemetry_make_position(48.137154, 11.576124000000002, 519.25F);
    const struct telemetry_position points[] = { telemetry_make_position(48.137, 11.57, 519.5F),
                                                 telemetry_make_position(0.1 + 0.2, 2.5e-10, 3.3000002F) };
    const struct telemetry_waypoint waypoint = telemetry_make_waypoint(&points[1], &(const float){ 7.25F }, 30);
    const struct calc_add add = calc_make_add(5, UINT64_MAX);
    const struct calc_negate negate = calc_make_negate(-1234567);
    const struct calc_apply apply = calc_make_apply(CALC_OPERATION_DIVIDE, 1.5, -20.25);
    const struct calc_sum sum = calc_make_sum(12, operands);
    const struct calc_store store = calc_make_store("pi", 3.1415926535897931);
    const struct calc_recall recall = calc_make_recall("total");
    const struct calc_log log = calc_make_log(1700000000000000000, sentence);
    const struct calc_quit quit = calc_make_quit();
    const struct itch_system_event system_event = itch_make_system_event(0, 1, 34200000000000, 'Q');
    const struct itch_trading_action trading_action =
        itch_make_trading_action(7, 0, 34200000000001, "ACME", 'H', ' ', "LUD");
    const struct itch_add_order add_order =
        itch_make_add_order(7, 2, 34200000000002, 123456789, 'B', 100, "ACME", 1234500);
    const struct telemetry_heartbeat heartbeat =
        telemetry_make_heartbeat(123456, TELEMETRY_MODE_LAND, TELEMETRY_SENSORS_GYRO | TELEMETRY_SENSORS_GPS, 87);
    const struct telemetry_attitude attitude = telemetry_make_attitude(123456, angles, rates);
    const struct telemetry_moved moved = telemetry_make_moved(123456, &at, NULL);
    const struct telemetry_mission mission = telemetry_make_mission("north", 12.5F, &waypoint, 1);
    const struct telemetry_text text = telemetry_make_text(3, sentence);
    const struct telemetry_set_mode set_mode = telemetry_make_set_mode(TELEMETRY_MODE_HOLD);
    struct telemetry *const log_of_any_length = telemetry_new_log(pool, 123456, 6, sentence, sizeof sentence - 1);
    struct telemetry *const chunk = telemetry_new_chunk(pool, 2, 65536, bytes, 3);
    struct telemetry *const track = telemetry_new_track(pool, 100, points, 2);
    const struct printed printed[] = {
        OF(calc, add),
        OF(calc, negate),
        OF(calc, apply),
        OF(calc, sum),
        OF(calc, store),
        OF(calc, recall),
        OF(calc, log),
        OF(calc, quit),
        OF(itch, system_event),
        OF(itch, trading_action),
        OF(itch, add_order),
        OF(telemetry, heartbeat),
        OF(telemetry, attitude),
        OF(telemetry, moved),
        OF(telemetry, mission),
        OF(telemetry, text),
        OF(telemetry, set_mode),
        { "telemetry.log", log_of_any_length, print_telemetry, format_telemetry_log },
        { "telemetry.chunk", chunk, print_telemetry, format_telemetry_chunk },
        { "telemetry.track", track, print_telemetry, format_telemetry_track },
    };
    int status = EXIT_FAILURE;

    if (log_of_any_length != NULL && chunk != NULL && track != NULL)
        status = run(printed, sizeof printed / sizeof printed[0], arguments);
    telemetry_free(pool, log_of_any_length);
    telemetry_free(pool, chunk);
    telemetry_free(pool, track);
    return status;
}

int main(int argc, char **argv)
{
    static struct telemetry_pool pool;
    int status;

    if (argc != 1 && argc != 4)
        return EXIT_FAILURE;
    if (argc == 4 && strcmp(argv[1], "length") == 0)
        return turns_of_length((size_t)strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    if (!telemetry_pool_init_growing(&pool, NULL))
        return EXIT_FAILURE;
    status = run_messages(&pool, argv);
    return telemetry_pool_fini(&pool) == 0 ? status : EXIT_FAILURE;
}
