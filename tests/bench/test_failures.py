# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A contender that crashes, hangs or prints garbage is left out, with a reason, and the benchmark goes on without it."""

import contextlib
import importlib.util
import io
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from support import ROOT, long

sys.path.insert(0, str(ROOT))

from bench import contenders, libraries, measure, process  # noqa: E402
from unoptimised import UNOPTIMISED  # noqa: E402

HAS_SCIPY = all(importlib.util.find_spec(name) for name in ("scipy", "matplotlib", "tqdm"))
if HAS_SCIPY:
    from bench import analysis, experiment, report, table, verdict  # noqa: E402

# An allocator that does its work for 20,000 messages.
ALLOCATOR = """
#include <stdlib.h>
#include <unistd.h>
void *__libc_malloc(size_t bytes);
void __libc_free(void *block);
void free(void *block) { __libc_free(block); }
void *malloc(size_t bytes)
{
    static unsigned long calls;
    if (++calls == 20000)
        THEN;
    return __libc_malloc(bytes);
}
"""
WORKS = "calls = 0"
ABORTS = "abort()"
ILLEGAL = "__builtin_trap()"
HANGS = "for (;;) (void)pause()"
GARBLES = 'if (write(1, "it works\\n", 9) != 9) abort()'
AT_ONCE = "__attribute__((constructor)) static void at_once(void) { __builtin_trap(); }\n"


def archive(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.c").write_text(text)
    subprocess.run(["gcc", "-O2", "-fno-builtin", "-c", folder / f"{name}.c", "-o", folder / f"{name}.o"], check=True)
    subprocess.run(["ar", "rc", folder / f"lib{name}.a", folder / f"{name}.o"], check=True)


def peers(folder: Path) -> list:
    """The contenders of the folder's archives, which have to be known."""
    known = [libraries.known(contender) for contender in contenders.named_by_user(folder)]
    return [contender for ways, _ in known for contender in ways]


@unittest.skipUnless(HAS_SCIPY, "scipy or matplotlib is missing: make deps-bench")
class Run(unittest.TestCase):
    @long
    def test_peers_that_fail_are_left_out_with_a_reason_and_the_others_are_compared(self):
        short = experiment.Effort(seconds=0, slice_ms=1, fewest=verdict.FEWEST, is_quick=True)
        with tempfile.TemporaryDirectory() as name, contextlib.redirect_stderr(io.StringIO()):
            folder = Path(name)
            for peer, then in (("sound", WORKS), ("aborts", ABORTS), ("illegal", ILLEGAL), ("hangs", HANGS), ("garbles", GARBLES)):
                archive(folder, peer, ALLOCATOR.replace("THEN", then))
            archive(folder, "alien", ALLOCATOR.replace("THEN", WORKS) + AT_ONCE)
            (folder / "libsound.version").write_text("1.2.3\n")
            with mock.patch.object(process, "PATIENCE", 3), UNOPTIMISED:
                results = experiment.run([ROOT / "schema/calc.yaml"], [contenders.LIMIT, contenders.POOL, contenders.GLIBC, *peers(folder)],
                                         short, folder / "out", ["pair", "batch"])
        self.assertTrue(results["finished"])
        self.assertEqual([set(cell["printed"]) for cell in results["cells"]], [{"limit", "pool", "glibc", "sound"}] * 4)
        for shown in (table.text(results), report.html(results)):
            self.assertIn("malloc(sizeof variant) of libsound.a, linked statically; version 1.2.3", shown)
        left_out = "\n".join(results["left_out"])
        for reason in ("alien: it ends with signal 4 .SIGILL.$",
                       "aborts, of calc's pair, one: it ends with signal 6 .SIGABRT.",
                       "illegal, of calc's pair, mixed: it ends with signal 4 .SIGILL.",
                       "garbles, of calc's pair, one: it prints 'it works', which is no result",
                       "hangs, of calc's batch of 100, one, and of all that follows: it does not answer within 3 s"):
            self.assertRegex(left_out, f"(?m)^{reason}")
        self.assertNotRegex(left_out, "batch of 100, mixed")         # three failures are enough

    def test_a_line_without_the_pool_is_not_shown(self):
        cell = {"protocol": "p", "name": "pair", "title": "pair", "what": "", "kind": "one", "live": 1, "threads": 1,
                "printed": {"limit": []}}
        self.assertEqual(analysis.lines({"contenders": [], "cells": [cell]}), [])


class Libraries(unittest.TestCase):
    def test_an_archive_without_malloc_does_not_take_part(self):
        with tempfile.TemporaryDirectory() as name:
            archive(Path(name), "prefixed", "void *sn_malloc(unsigned long n) { (void)n; return 0; }\nvoid sn_free(void *p) { (void)p; }\n")
            (contender,) = contenders.named_by_user(Path(name))
            ways, why = libraries.known(contender)
        self.assertEqual(ways, [])
        self.assertIn("defines no malloc and free", why)

    def test_what_a_library_can_do_is_told_by_its_symbols(self):
        rest = "".join(f"void {name}(void) {{}}\n" for name in ("free_sized", "mi_free_size", "mi_heap_new", "mi_heap_malloc", "mallctl"))
        with tempfile.TemporaryDirectory() as name:
            archive(Path(name), "rich", ALLOCATOR.replace("THEN", WORKS) + rest)
            ways = peers(Path(name))
        self.assertEqual([(way.name, way.sized, way.define[1:]) for way in ways],
                         [("rich", "free_sized", ()), ("rich-heap", "free_sized", ("-DBENCH_HEAP",))])
        self.assertEqual(ways[0].version, "unknown")
        self.assertEqual(ways[0].sizing().define, ("-DBENCH_MALLOC", "-DBENCH_SIZED_FREE=free_sized"))


class Programs(unittest.TestCase):
    """Programs that are no contenders."""

    def program(self, script: str) -> Path:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name, "program")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def why(self, script: str) -> str:
        with mock.patch.object(process, "PATIENCE", 1), self.assertRaises(process.Failed) as raised:
            measure.ask(self.program(script))
        return str(raised.exception)

    def test_an_answer_is_an_object_of_a_program_that_succeeds(self):
        self.assertEqual(measure.ask(self.program("echo '{\"a\": 1}'")), {"a": 1})

    @long
    def test_each_way_to_fail_has_its_reason(self):
        self.assertEqual(self.why("echo out of memory >&2; exit 2"), "it ends with status 2: out of memory")
        self.assertEqual(self.why("kill -SEGV $$"), "it ends with signal 11 (SIGSEGV)")
        self.assertEqual(self.why("echo '{}'; exit 3"), "it ends with status 3")
        self.assertEqual(self.why("echo hello"), "it prints 'hello', which is no result")
        self.assertEqual(self.why("echo 17"), "it prints 17, which is no result")
        self.assertEqual(self.why("exec sleep 30"), "it does not answer within 1 s")
        self.assertEqual(self.why("echo '{}'; exec sleep 30"), "it does not end within 1 s")
        self.assertEqual(self.why("yes | tr -d '\\n'"), "it prints a line without end")

    def test_a_slice_that_is_none_is_garbage(self):
        for slice_ in ("[1, 2, 3]", "[0, 0, 0, 0]", "[NaN, 0, 0, 0]", "[\"a\", 0, 0, 0]", "{}"):
            sound = self.program("echo '{\"count\": 5}'; while read line; do echo '[1.5, 0, 0, 0]'; done")
            broken = self.program(f"echo '{{\"count\": 5}}'; read line; echo '[1.5, 0, 0, 0]'; read line; echo '{slice_}'; read line")
            measured = measure.times({"sound": sound, "broken": broken}, 0, 2, [], 3)
            self.assertEqual(list(measured.printed), ["sound"])
            self.assertEqual([len(process_["slices"]) for process_ in measured.printed["sound"]], [3, 3])
            self.assertIn("which is no result", measured.failed["broken"])


if __name__ == "__main__":
    unittest.main()
