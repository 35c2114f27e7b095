# SPDX-License-Identifier: Apache-2.0 OR MIT
"""interleavings.c: the engine keeps its promises in every interleaving of two threads on a depot, and an engine with a fault does not."""

import resource
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, long
from weaken_locks import weakened

ENGINE = (ROOT / "generated/protopool.c").read_text(encoding="utf-8")

# Seeded faults: name, what stands in the engine, what shall stand there.
FAULTS = (
    ("an array is given to two magazines", "    pp_push_array(&exchange->full, previous->slots);\n    pp_set_array(previous, pp_pop_array(&exchange->empty), capacity);",
     "    pp_push_array(&exchange->full, previous->slots);\n    previous->top = previous->slots;"),
    ("a batch is left twice", "        pp_push_batch(&pool->depot->classes[c].full, &exchange->full);",
     "        { struct protopool_arrays twice = exchange->full; pp_push_batch(&pool->depot->classes[c].full, &twice); }"),
    ("a thread that leaves keeps its slots", "    pp_flush_magazines(pool);\n    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {\n"
     "        pp_return_array", "    for (unsigned c = 1; c <= pool->store->geometry->count; c++) {\n        pp_return_array"),
    ("the depot's magazines are not counted", "depot != NULL ? (size_t)depot->classes[c].full.count * store_class->magazine : 0", "0"),
)

# Functions of the engine whose lock is taken out.
MISSING = ("pp_take_with_slabs", "pp_put_with_slabs", "pp_reserve", "pp_flush_pool", "pp_leave_depot")

# The same in the counts of holders.
COUNT_FAULTS = (
    ("a holder is counted twice", "    return __atomic_fetch_sub(count, (pp_count)1, __ATOMIC_ACQ_REL);",
     "    const uint32_t before = pp_read_count(count);\n    *count = (pp_count)(pp_read_count(count) - pp_read_count(count) + before - 1);\n    return before;"),
    ("the last but one frees", "    if (pp_subtract_from_count(count) != 0)", "    if (pp_subtract_from_count(count) > 1)"),
)

# What only looks at what a pool has alone: nothing new can happen between these calls and others.
EXCEPT = "-finstrument-functions-exclude-function-list=pp_has_part,pp_class,pp_exchange_of,pp_exchanges"


class Interleavings(unittest.TestCase):
    def program(self, engine: str, magazine: int) -> Path:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        source, program = Path(folder.name) / "protopool.c", Path(folder.name) / "interleavings"
        source.write_text(engine, encoding="utf-8")
        subprocess.run(["gcc", "-std=gnu11", "-g", "-O1", "-fno-inline", "-w", "-finstrument-functions", EXCEPT, f"-DPROTOPOOL_MAGAZINE={magazine}",
                        "-D_GNU_SOURCE", "-I", folder.name, "-I", ROOT / "generated", ROOT / "tests/engine/interleavings.c",
                        "-o", program], check=True)
        return program

    def run_with(self, program: Path, *arguments: str) -> subprocess.CompletedProcess:
        """Exit status 0: no violation. A fault may also crash it, or keep it from ending: four minutes of the processor end it,
        whatever else the machine does."""
        return subprocess.run(["timeout", "2400", program, *arguments], capture_output=True, text=True,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (240, 240)))

    @long
    def test_every_order_of_locks(self):
        for magazine in (1, 2):
            done = self.run_with(self.program(ENGINE, magazine), "locks", "0")
            print(f"magazines of {magazine}: {done.stdout.strip()}")
            self.assertEqual(done.returncode, 0, done.stdout)

    @long
    def test_every_two_preemptions_at_calls(self):
        for magazine in (1, 2):
            done = self.run_with(self.program(ENGINE, magazine), "calls", "2")
            print(f"magazines of {magazine}, 2 preemptions: {done.stdout.strip()}")
            self.assertEqual(done.returncode, 0, done.stdout)

    @long
    def test_seeded_faults_are_found(self):
        for name, good, bad in FAULTS:
            with self.subTest(name):
                self.assertIn(good, ENGINE)
                done = self.run_with(self.program(ENGINE.replace(good, bad), 1), "locks", "0")
                self.assertNotEqual(done.returncode, 0, name)

    @long
    def test_seeded_faults_in_the_counts_are_found(self):
        for name, good, bad in COUNT_FAULTS:
            with self.subTest(name):
                self.assertIn(good, ENGINE)
                self.assert_found(self.program(ENGINE.replace(good, bad), 1), name)

    @long
    def test_missing_locks_are_found(self):
        for _, name, level, engine in weakened(ENGINE):
            if level == 0 and name in MISSING:
                with self.subTest(name):
                    self.assert_found(self.program(engine, 1), name)

    def assert_found(self, program: Path, name: str) -> None:
        """One preemption is tried first: it finds most faults, in a hundredth of the time. Without a fault, two find nothing."""
        self.assertTrue(any(self.run_with(program, "calls", most).returncode != 0 for most in "12"), name)


if __name__ == "__main__":
    unittest.main()
