/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Settings, the same for the whole program.
 * Each symbol's name contains the version of the interface, and the settings that change a layout or inlined code: files that
 * disagree in them do not link.
 */

/* The build level. Bugs that it finds are passed to the fault handler (see below).
 * 0: release. No operation is checked.
 * 1: checking, for production. A freed message gets a reserved tag. Free and allocation test for this tag.
 * 2: debug. Each pointer is looked up before it is used. There are red zones, fill patterns, and the places in the program
 *    that allocated and freed each slot. ASan and valgrind know which slots are live. Each operation takes the depot's
 *    lock. */
#ifndef PROTOPOOL_CHECK
#define PROTOPOOL_CHECK 0
#endif
#if PROTOPOOL_CHECK < 0 || PROTOPOOL_CHECK > 2
#error "protopool: PROTOPOOL_CHECK is 0, 1 or 2"
#endif

/* With PROTOPOOL_NO_INLINE, new, copy and free are calls: less code, more time. It is a setting of a file: files with and without it
 * link. */

/* PROTOPOOL_SCRUB: new, copy and clone set each byte that holds no value to 0, so that no message has old bytes of its slot. It is a
 * setting of a file, too. Without it, scrub does the same for one message, and encode for the bytes that it writes. */

/* PROTOPOOL_FREE_WRITES: at level 0, free writes the tag of a freed message, as at level 1. On some processors a message that another
 * thread allocates next is then faster to write. It is a setting of a file, too. */

/* Slots in a magazine: a plain decimal from 1 to 65535. It should exceed the usual burst of allocations or frees. On a
 * microcontroller (a 32-bit machine without a system that the compiler knows) they are small. */
#ifndef PROTOPOOL_MAGAZINE
#if UINTPTR_MAX > 0xffffffffU || defined __unix__ || defined __APPLE__ || defined _WIN32
#define PROTOPOOL_MAGAZINE 64
#else
#define PROTOPOOL_MAGAZINE 4
#endif
#endif

/* PROTOPOOL_NO_STDIO removes printing, PROTOPOOL_NO_HEAP the default source. A freestanding build has neither.
 * PROTOPOOL_TRACE prints each allocation and each free on standard output. */
#ifdef PROTOPOOL_NO_STDIO
#define PROTOPOOL_STDIO_ _nostdio
#ifdef PROTOPOOL_TRACE
#error "protopool: PROTOPOOL_TRACE prints, but PROTOPOOL_NO_STDIO or a freestanding build removes printing"
#endif
#else
#define PROTOPOOL_STDIO_
#endif

/*
 * A depot's lock is a mutex of pthreads, on Windows an SRW lock, or yours:
 *
 *   PROTOPOOL_LOCK(lock)        waits for the lock: a mutex of the RTOS, or masking interrupts (docs/firmware.md)
 *   PROTOPOOL_UNLOCK(lock)
 *   PROTOPOOL_LOCK_INIT(lock)   before its first use; false if the system has none. The default fills it with zeros
 *   PROTOPOOL_LOCK_FINI(lock)   after its last use. The default does nothing
 *
 * Each gets a pointer to a union protopool_lock, in which it can keep what it needs. PROTOPOOL_NO_THREADS removes depots,
 * which need a lock. A freestanding build without PROTOPOOL_LOCK has no depots either. For depots in a program of one
 * thread, define a lock that does nothing.
 */
#if defined PROTOPOOL_LOCK != defined PROTOPOOL_UNLOCK
#error "protopool: PROTOPOOL_LOCK and PROTOPOOL_UNLOCK are defined together"
#endif
#if (defined PROTOPOOL_LOCK_INIT || defined PROTOPOOL_LOCK_FINI) && !defined PROTOPOOL_LOCK
#error "protopool: PROTOPOOL_LOCK_INIT and PROTOPOOL_LOCK_FINI belong to a PROTOPOOL_LOCK"
#endif
#if defined PROTOPOOL_LOCK && defined PROTOPOOL_NO_THREADS
#error "protopool: PROTOPOOL_NO_THREADS removes depots, and only depots use PROTOPOOL_LOCK: define one of them"
#endif
#if !defined PROTOPOOL_NO_THREADS && !defined PROTOPOOL_LOCK && defined __STDC_HOSTED__ && __STDC_HOSTED__ == 0
#define PROTOPOOL_NO_THREADS
#endif
#ifdef PROTOPOOL_NO_THREADS
#define PROTOPOOL_THREADS_ _nothreads
#else
#define PROTOPOOL_THREADS_
#endif

#ifdef PROTOPOOL_TRACE
#define PROTOPOOL_TRACE_ _trace
#else
#define PROTOPOOL_TRACE_
#endif

/* The version of the interface between the engine, this header and emitted code. It changes whenever a layout or a contract
 * between them changes. Emitted code requires its own version, and each symbol's name contains it. */
#define PROTOPOOL_ABI 13

/* The name with the version and the settings. */
#define PROTOPOOL_PASTE_(name, abi, check, magazine, stdio, threads, trace) \
    name##_abi##abi##_check##check##_magazine##magazine##stdio##threads##trace
#define PROTOPOOL_EXPAND_(name, abi, check, magazine, stdio, threads, trace) \
    PROTOPOOL_PASTE_(name, abi, check, magazine, stdio, threads, trace)
#define PROTOPOOL_NAMED_(name) \
    PROTOPOOL_EXPAND_(name, PROTOPOOL_ABI, PROTOPOOL_CHECK, PROTOPOOL_MAGAZINE, PROTOPOOL_STDIO_, PROTOPOOL_THREADS_, \
                      PROTOPOOL_TRACE_)

#define protopool_init_fixed PROTOPOOL_NAMED_(protopool_init_fixed)
#define protopool_init_growing PROTOPOOL_NAMED_(protopool_init_growing)
#define protopool_init_fixed_shared PROTOPOOL_NAMED_(protopool_init_fixed_shared)
#define protopool_init_growing_shared PROTOPOOL_NAMED_(protopool_init_growing_shared)
#define protopool_fini PROTOPOOL_NAMED_(protopool_fini)
#define protopool_reset PROTOPOOL_NAMED_(protopool_reset)
#define protopool_reset_shared PROTOPOOL_NAMED_(protopool_reset_shared)
#define protopool_reserve PROTOPOOL_NAMED_(protopool_reserve)
#define protopool_prefill PROTOPOOL_NAMED_(protopool_prefill)
#define protopool_each PROTOPOOL_NAMED_(protopool_each)
#define protopool_stats PROTOPOOL_NAMED_(protopool_stats)
#define protopool_flush PROTOPOOL_NAMED_(protopool_flush)
#define protopool_trim PROTOPOOL_NAMED_(protopool_trim)
#define protopool_depot_init PROTOPOOL_NAMED_(protopool_depot_init)
#define protopool_depot_init_fixed PROTOPOOL_NAMED_(protopool_depot_init_fixed)
#define protopool_depot_init_shared PROTOPOOL_NAMED_(protopool_depot_init_shared)
#define protopool_depot_init_fixed_shared PROTOPOOL_NAMED_(protopool_depot_init_fixed_shared)
#define protopool_depot_fini PROTOPOOL_NAMED_(protopool_depot_fini)
#define protopool_depot_each PROTOPOOL_NAMED_(protopool_depot_each)
#define protopool_depot_trim PROTOPOOL_NAMED_(protopool_depot_trim)
#define protopool_depot_stats PROTOPOOL_NAMED_(protopool_depot_stats)
#define protopool_join PROTOPOOL_NAMED_(protopool_join)
#define protopool_take_slow PROTOPOOL_NAMED_(protopool_take_slow)
#define protopool_take_called PROTOPOOL_NAMED_(protopool_take_called)
#define protopool_report_fault PROTOPOOL_NAMED_(protopool_report_fault)
#define protopool_serves PROTOPOOL_NAMED_(protopool_serves)
#define protopool_explain_new PROTOPOOL_NAMED_(protopool_explain_new)
#define protopool_explain_copy PROTOPOOL_NAMED_(protopool_explain_copy)
#define protopool_explain_copy_of PROTOPOOL_NAMED_(protopool_explain_copy_of)
#define protopool_take_checked PROTOPOOL_NAMED_(protopool_take_checked)
#define protopool_report_variant PROTOPOOL_NAMED_(protopool_report_variant)
#define protopool_check_free PROTOPOOL_NAMED_(protopool_check_free)
#define protopool_check_free_as PROTOPOOL_NAMED_(protopool_check_free_as)
#define protopool_finish_free PROTOPOOL_NAMED_(protopool_finish_free)
#define protopool_hold PROTOPOOL_NAMED_(protopool_hold)
#define protopool_release PROTOPOOL_NAMED_(protopool_release)
#define protopool_holders PROTOPOOL_NAMED_(protopool_holders)
#define protopool_may_edit PROTOPOOL_NAMED_(protopool_may_edit)
#define protopool_put_slow PROTOPOOL_NAMED_(protopool_put_slow)
#define protopool_set_fault_handler PROTOPOOL_NAMED_(protopool_set_fault_handler)
#define protopool_fault_text PROTOPOOL_NAMED_(protopool_fault_text)
#define protopool_number_is_absent PROTOPOOL_NAMED_(protopool_number_is_absent)
#define protopool_hash_u64 PROTOPOOL_NAMED_(protopool_hash_u64)
#define protopool_hash_numbers PROTOPOOL_NAMED_(protopool_hash_numbers)
#define protopool_hash_list PROTOPOOL_NAMED_(protopool_hash_list)
#define protopool_print_begin PROTOPOOL_NAMED_(protopool_print_begin)
#define protopool_print_item PROTOPOOL_NAMED_(protopool_print_item)
#define protopool_print_end PROTOPOOL_NAMED_(protopool_print_end)
#define protopool_print PROTOPOOL_NAMED_(protopool_print)
#define protopool_print_bool PROTOPOOL_NAMED_(protopool_print_bool)
#define protopool_print_unsigned PROTOPOOL_NAMED_(protopool_print_unsigned)
#define protopool_print_signed PROTOPOOL_NAMED_(protopool_print_signed)
#define protopool_print_char PROTOPOOL_NAMED_(protopool_print_char)
#define protopool_print_f16 PROTOPOOL_NAMED_(protopool_print_f16)
#define protopool_print_float PROTOPOOL_NAMED_(protopool_print_float)
#define protopool_print_double PROTOPOOL_NAMED_(protopool_print_double)
#define protopool_print_flags PROTOPOOL_NAMED_(protopool_print_flags)
#define protopool_print_text PROTOPOOL_NAMED_(protopool_print_text)
#define protopool_print_message PROTOPOOL_NAMED_(protopool_print_message)
#define protopool_trace_bytes PROTOPOOL_NAMED_(protopool_trace_bytes)
#define protopool_set_refusal_handler PROTOPOOL_NAMED_(protopool_set_refusal_handler)
#define protopool_visit_small PROTOPOOL_NAMED_(protopool_visit_small)
#define protopool_scrub_varying PROTOPOOL_NAMED_(protopool_scrub_varying)
#define protopool_store_texts PROTOPOOL_NAMED_(protopool_store_texts)
#define protopool_texts_bytes PROTOPOOL_NAMED_(protopool_texts_bytes)
#define protopool_valid_texts PROTOPOOL_NAMED_(protopool_valid_texts)
#define protopool_is_varying_scrubbed PROTOPOOL_NAMED_(protopool_is_varying_scrubbed)
#define protopool_encode_any PROTOPOOL_NAMED_(protopool_encode_any)
#define protopool_measure PROTOPOOL_NAMED_(protopool_measure)
#define protopool_from_wire PROTOPOOL_NAMED_(protopool_from_wire)
#define protopool_pack PROTOPOOL_NAMED_(protopool_pack)
#define protopool_measure_packed PROTOPOOL_NAMED_(protopool_measure_packed)
#define protopool_unpack PROTOPOOL_NAMED_(protopool_unpack)
#define protopool_note_incomplete PROTOPOOL_NAMED_(protopool_note_incomplete)
#define protopool_note_no_memory PROTOPOOL_NAMED_(protopool_note_no_memory)
#define protopool_note_unknown_tag PROTOPOOL_NAMED_(protopool_note_unknown_tag)
#define protopool_note_invalid PROTOPOOL_NAMED_(protopool_note_invalid)
#define protopool_discard PROTOPOOL_NAMED_(protopool_discard)
