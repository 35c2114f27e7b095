/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Printing, in the form of Rust's Debug. */

#ifndef PROTOPOOL_NO_STDIO

/* Where the output goes: to `out`, or, if that is NULL, into the buffer of `room` bytes, by the rules of snprintf. */
struct protopool_printer {
    FILE *out;
    char *buffer;
    size_t room;
    int written;    /* characters so far; if a write has failed, what fprintf returned: negative */
    bool is_pretty; /* a line for each field and element */
    bool is_first;  /* the next item is the first in its brackets */
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
/* Prints the shortest digits that read back as the same number, with a decimal point in any locale. If the C library's printf
 * or strtod has no floating point, it prints the number in hexadecimal, as C's "%a" does. */
PROTOPOOL_API void protopool_print_f16(struct protopool_printer *to, struct protopool_f16 value);
PROTOPOOL_API void protopool_print_float(struct protopool_printer *to, float value);
PROTOPOOL_API void protopool_print_double(struct protopool_printer *to, double value);
/* Prints the names of the bits, `read | write`, and bits without a name in hexadecimal. If no bit is set: the
 * name of the mask 0, or 0. values: masks. */
PROTOPOOL_API void protopool_print_flags(struct protopool_printer *to, uint64_t value,
                                         const struct protopool_value *values, size_t count);
/* Prints the text in quotes. Bytes that are not UTF-8 and characters that control a terminal are escaped. */
PROTOPOOL_API void protopool_print_text(struct protopool_printer *to, const char *text, size_t length);

/* Prints a message by its description, as `Name { field: value, ... }`. "<no message>" if the description is NULL. */
PROTOPOOL_API void protopool_print_message(struct protopool_printer *to, const struct protopool_record *record,
                                           const void *msg);

#ifdef PROTOPOOL_TRACE
/* Prints "what: address [bytes in hexadecimal]" on standard output. */
PROTOPOOL_API void protopool_trace_bytes(const char *what, const void *slot, size_t bytes);
#endif
#endif
