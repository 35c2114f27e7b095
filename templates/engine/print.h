/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Printing, in the form of Rust's Debug. */

#ifndef PROTOPOOL_NO_STDIO

/* Where to: `out`, or if that is NULL the buffer, of `room` bytes, by the rules of snprintf. */
struct protopool_printer {
    FILE *out;
    char *buffer;
    size_t room;
    int written;    /* characters so far; negative once a write has failed, as fprintf returns */
    bool is_pretty; /* a line for each field and element */
    bool is_first;  /* what is printed next is the first thing in its brackets */
    unsigned depth; /* of brackets */
};

/* `Name { field: value, ... }` and `[value, ...]`: begin (name is NULL for the latter), item before each value, end. */
PROTOPOOL_API void protopool_print_begin(struct protopool_printer *to, const char *name, const char *bracket);
PROTOPOOL_API void protopool_print_item(struct protopool_printer *to, const char *name);
PROTOPOOL_API void protopool_print_end(struct protopool_printer *to, const char *bracket);

PROTOPOOL_API void protopool_print(struct protopool_printer *to, const char *as_it_is);
PROTOPOOL_API void protopool_print_bool(struct protopool_printer *to, bool value);
PROTOPOOL_API void protopool_print_unsigned(struct protopool_printer *to, uint64_t value);
PROTOPOOL_API void protopool_print_signed(struct protopool_printer *to, int64_t value);
PROTOPOOL_API void protopool_print_char(struct protopool_printer *to, char value);
/* The shortest digits that read back as the same number; a decimal point in any locale. Where the C library's printf or
 * strtod has no floating point, the number in hexadecimal, as C's "%a" prints it. */
PROTOPOOL_API void protopool_print_float(struct protopool_printer *to, float value);
PROTOPOOL_API void protopool_print_double(struct protopool_printer *to, double value);
/* The names of the bits, `read | write`, and in hexadecimal those without a name; 0 for none. values: masks. */
PROTOPOOL_API void protopool_print_flags(struct protopool_printer *to, uint64_t value,
                                         const struct protopool_value *values, size_t count);
/* In quotes. UTF-8 passes, but what acts on a terminal or is not UTF-8 is escaped. */
PROTOPOOL_API void protopool_print_text(struct protopool_printer *to, const char *text, size_t length);

/* `Name { field: value, ... }` of a message by its description; "<no message>" if that is NULL. */
PROTOPOOL_API void protopool_print_message(struct protopool_printer *to, const struct protopool_record *record,
                                           const void *msg);

#ifdef PROTOPOOL_TRACE
/* Prints "what: address [bytes in hexadecimal]" on standard output. */
PROTOPOOL_API void protopool_trace_bytes(const char *what, const void *slot, size_t bytes);
#endif
#endif
