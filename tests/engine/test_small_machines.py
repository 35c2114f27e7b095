# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What small C libraries and freestanding compilers do, as far as this machine can play them. firmware/ runs on one."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, WARNINGS, compilers, long

CC = os.environ.get("CC", "gcc").split()
GENERATED = ROOT / "generated"
STRICT = ["-std=c11", *(flag for flag in WARNINGS if "cast-align" not in flag), "-I", str(GENERATED)]

NO_LOCK = ["-DPROTOPOOL_LOCK(l)=((void)(l))", "-DPROTOPOOL_UNLOCK(l)=((void)(l))"]


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def build(self, *arguments) -> Path:
        program = self.folder / "program"
        subprocess.run([*CC, *STRICT, *map(str, arguments), "-o", program], check=True)
        return program


# Of tests/engine/printing.c: with a C library that prints numbers, and with one that does not.
DECIMAL = """0.0 1.0 0.1 -1.5 255.0 1000000000000000.0 1e16 12345.0 0.3333333333333333 5e-324 0.0001 1e-5 -2.5e-10
1.7976931348623157e308 1e22 1e23 2.2e-308 123456.7 9007199254740992.0 0.30000000000000004
0.1 1.5 3.4028235e38 1e-45 16777216.0 0.33333334 -0.0 -inf NaN""".split()
BITS = """0.0 0x1p+0 0x1.999999999999ap-4 -0x1.8p+0 0x1.fep+7 0x1.c6bf52634p+49 0x1.1c37937e08p+53 0x1.81c8p+13
0x1.5555555555555p-2 0x0.0000000000001p-1022 0x1.a36e2eb1c432dp-14 0x1.4f8b588e368f1p-17 -0x1.12e0be826d695p-32
0x1.fffffffffffffp+1023 0x1.0f0cf064dd592p+73 0x1.52d02c7e14af6p+76 0x0.fd1d7d505cd02p-1022 0x1.e240b33333333p+16 0x1p+53
0x1.3333333333334p-2
0x1.99999ap-4 0x1.8p+0 0x1.fffffep+127 0x1p-149 0x1p+24 0x1.555556p-2 -0.0 -inf NaN""".split()
INTEGERS = """0 0 0
9 9 0x9
10 10 0xa
4294967295 4294967295 0xffffffff
4294967296 4294967296 0x100000000
18446744073709551615 -1 high | 0x7fffffffffffffff
-9223372036854775808""".split("\n")


class Printing(Program):
    @long
    def test_numbers_print_whatever_snprintf_does(self):
        program = self.build("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", ROOT / "tests/engine/printing.c")
        for library in ("real", "three digits", "empty", "nothing", "digits", "letters", "no exponent", "empty exponent", "zero"):
            with self.subTest(library):
                done = subprocess.run([program, library], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                numbers = DECIMAL if library in ("real", "three digits") else BITS
                self.assertEqual(done.stdout.splitlines(), numbers + INTEGERS)

    @long
    def test_the_digits_are_those_that_trying_each_count_finds(self):
        program = self.build("-O0", ROOT / "tests/engine/printing.c")
        done = subprocess.run([program, "random", "100000"], capture_output=True, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_bits_read_back_as_they_were(self):
        for decimal, bits in zip(DECIMAL, BITS):
            if "e-45" not in decimal and decimal not in ("0.1", "0.33333334", "3.4028235e38", "NaN"):    # floats
                self.assertEqual(float.fromhex(bits), float(decimal))


DEPOT = """
#include "calc.h"
int main(void)
{
    static struct calc_depot depot;
    return sizeof depot == 0;
}
"""

LOCK_H = """
#include <stdbool.h>
bool make_lock(void *lock);
void end_lock(void *lock);
void take_lock(void *lock);
void release_lock(void *lock);
#define PROTOPOOL_LOCK(lock) take_lock(lock)
#define PROTOPOOL_UNLOCK(lock) release_lock(lock)
#define PROTOPOOL_LOCK_INIT(lock) make_lock(lock)
#define PROTOPOOL_LOCK_FINI(lock) end_lock(lock)
"""

LOCK_C = """
#include "calc.h"
#include <stdio.h>
#include <stdlib.h>

static int made, ended, taken, given_back;
static bool is_refused;

bool make_lock(void *lock)
{
    if (is_refused)
        return false;
    *(int *)lock = 4711; /* no lock is used without it */
    made++;
    return true;
}

static void expect(void *lock, int content, int next, int *count)
{
    if (*(int *)lock != content) {
        printf("a lock is %d, not %d\\n", *(int *)lock, content);
        exit(2);
    }
    *(int *)lock = next;
    ++*count;
}

void end_lock(void *lock) { expect(lock, 4711, 0, &ended); }
void take_lock(void *lock) { expect(lock, 4711, 4712, &taken); }
void release_lock(void *lock) { expect(lock, 4712, 4711, &given_back); }

CALC_DEPOT_STORAGE(memory, 2);

int main(void)
{
    static struct calc_depot depot;
    static struct calc_pool pools[2];
    struct calc *msg;

    is_refused = true;
    if (calc_depot_init_fixed(&depot, memory, sizeof memory) || calc_pool_join(&pools[0], &depot))
        return 3;
    is_refused = false;
    for (int i = 0; i < 3; i++) {
        if (!calc_depot_init_fixed(&depot, memory, sizeof memory) || !calc_pool_join(&pools[0], &depot)
            || !calc_pool_join(&pools[1], &depot) || (msg = calc_new_add(&pools[0], 1, 2)) == NULL)
            return 4;
        calc_free(&pools[1], msg);
        if (calc_pool_fini(&pools[0]) != 0 || calc_pool_fini(&pools[1]) != 0 || calc_depot_fini(&depot) != 0)
            return 5;
    }
    printf("%d made, %d ended\\n", made, ended);
    return taken == 0 || taken != given_back;
}
"""


class Locks(Program):
    def write(self, **files: str):
        for name, text in files.items():
            (self.folder / name.replace("_", ".")).write_text(text)

    def errors(self, *arguments, compiler=CC) -> list[str]:
        done = subprocess.run([*compiler, "-std=c++17" if "++" in compiler[0] else "-std=c11", *map(str, arguments), "-I", GENERATED,
                               "-fsyntax-only"], capture_output=True, text=True)
        return [line for line in done.stderr.splitlines() if "error:" in line or "warning:" in line]

    @long
    def test_there_is_no_depot_without_a_lock_and_its_use_says_so(self):
        self.write(depot_c=DEPOT, depot_cpp=DEPOT)
        for compiler in compilers("gcc", "clang", "g++", "clang++"):
            source = self.folder / ("depot.cpp" if "++" in compiler else "depot.c")
            self.assertEqual(self.errors(source, compiler=[compiler]), [])
            self.assertEqual(self.errors(source, "-ffreestanding", *NO_LOCK, compiler=[compiler]), [])
            for setting in ("-DPROTOPOOL_NO_THREADS", "-ffreestanding"):
                with self.subTest(compiler + setting):
                    errors = self.errors(source, setting, compiler=[compiler])
                    self.assertEqual(len(errors), 1, errors)
                    self.assertIn("a depot needs a lock: define PROTOPOOL_LOCK and PROTOPOOL_UNLOCK", errors[0])

    def test_settings_that_contradict_are_one_error(self):
        for settings, text in ((["-DPROTOPOOL_LOCK(l)=((void)(l))"], "are defined together"),
                               (["-DPROTOPOOL_LOCK_INIT(l)=true"], "belong to a PROTOPOOL_LOCK"),
                               ([*NO_LOCK, "-DPROTOPOOL_NO_THREADS"], "removes depots"),
                               (["-ffreestanding", "-DPROTOPOOL_TRACE"], "PROTOPOOL_TRACE prints")):
            with self.subTest(settings):
                errors = self.errors(GENERATED / "calc.c", *settings)
                self.assertTrue(errors and text in errors[0], errors)

    def test_a_machine_without_pthreads_is_one_error(self):
        self.write(pthread_h="")
        for level in range(3):
            errors = self.errors(GENERATED / "protopool.c", "-I", self.folder, f"-DPROTOPOOL_CHECK={level}")
            self.assertEqual(len(errors), 1, errors)
            self.assertIn("no pthreads here: define PROTOPOOL_LOCK and PROTOPOOL_UNLOCK, or PROTOPOOL_NO_THREADS", errors[0])
            for settings in (["-DPROTOPOOL_NO_THREADS"], NO_LOCK):
                self.assertEqual(self.errors(GENERATED / "protopool.c", "-I", self.folder, f"-DPROTOPOOL_CHECK={level}", *settings), [])

    def test_freestanding_asks_for_nothing_more(self):
        for source in ("protopool.c", "calc.c", "telemetry.c"):
            for level in range(3):
                for settings in ([], NO_LOCK):
                    self.assertEqual(self.errors(GENERATED / source, "-ffreestanding", f"-DPROTOPOOL_CHECK={level}", *settings,
                                                 *STRICT), [])

    @long
    def test_a_lock_is_made_before_its_use_and_ended(self):
        self.write(lock_h=LOCK_H, lock_c=LOCK_C)
        for level in range(3):
            for setting in ("-DNDEBUG", "-ffreestanding"):
                program = self.build("-I", self.folder, '-DPROTOPOOL_PORT="lock.h"', f"-DPROTOPOOL_CHECK={level}", setting,
                                     self.folder / "lock.c", GENERATED / "calc.c", GENERATED / "protopool.c", "-Wno-cast-qual")
                done = subprocess.run([program], capture_output=True, text=True)
                made = 4 if level == 2 else 3       # level 2 has one of the whole program, which is not ended
                self.assertEqual((done.stdout, done.returncode), (f"{made} made, 3 ended\n", 0), (level, setting))


class Interrupts(Program):
    """firmware/ on this machine: signals are the interrupts, and the lock masks them."""

    def run_firmware(self, *settings) -> subprocess.CompletedProcess:
        folder = ROOT / "tests/engine/firmware"
        program = self.build("-D_XOPEN_SOURCE=700", "-I", folder, '-DPROTOPOOL_PORT="port.h"', *settings, folder / "firmware.c",
                             folder / "host.c", GENERATED / "calc.c", GENERATED / "protopool.c")
        return subprocess.run([program], capture_output=True, text=True, timeout=300)

    @long
    def test_no_message_is_lost_where_the_lock_masks_interrupts(self):
        for level in range(3):
            for setting in ("-DPROTOPOOL_MAGAZINE=1", "-ffreestanding"):    # the lock is in PROTOPOOL_PORT's header alone
                done = self.run_firmware(f"-DPROTOPOOL_CHECK={level}", setting)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn("5000 messages from an interrupt and as many to it, 0 failures", done.stdout)

    @long
    def test_that_is_noticed_where_it_does_not(self):
        for setting in ("-DPROTOPOOL_MAGAZINE=1", "-ffreestanding"):
            results = [self.run_firmware("-DWITHOUT_MASK", "-DPROTOPOOL_CHECK=1", setting).returncode for _ in range(3)]
            self.assertNotEqual(results, [0, 0, 0])


if __name__ == "__main__":
    unittest.main()
