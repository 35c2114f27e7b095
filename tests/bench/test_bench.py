# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The benchmark: its verdicts on samples that are made up, and its programs on schemas of every kind."""

import contextlib
import importlib.util
import io
import json
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from support import ROOT, long

sys.path.insert(0, str(ROOT))

from bench import contenders, instructions, measure, protocols  # noqa: E402
from unoptimised import UNOPTIMISED  # noqa: E402

HAS_SCIPY = all(importlib.util.find_spec(name) for name in ("scipy", "matplotlib", "tqdm"))
if HAS_SCIPY:
    from bench import __main__ as command_line  # noqa: E402
    from bench import comparison, experiment, report, table, verdict, workloads  # noqa: E402


def rounds(ns: float, count: int = 20, noise: float = 0.03, trip: float = 0, seed: int = 1) -> list[dict]:
    """What this number of processes would have printed if each takes about this long."""
    rng = random.Random(seed)
    return [{"count": 1000, "slices": [[ns * rng.uniform(1 - noise, 1 + noise), trip, trip, 0] for _ in range(3)]}
            for _ in range(count)]


@unittest.skipUnless(HAS_SCIPY, "scipy or matplotlib is missing: make deps-bench")
class Verdict(unittest.TestCase):
    def verdict_of(self, pool_ns, other_ns, **options):
        return verdict.compare(rounds(pool_ns, seed=1, **options), rounds(other_ns, seed=2, **options), 0)

    def test_a_faster_pool_is_supported_with_the_right_factor(self):
        ratio = self.verdict_of(2, 10)
        self.assertEqual(ratio.verdict, "supported")
        self.assertAlmostEqual(ratio.ratio, 5, delta=0.2)
        self.assertTrue(ratio.low < 5 < ratio.high)
        self.assertRegex(verdict.sentence(ratio, "glibc"), r"^supported: [45]\.\d times \[4\.\d, 5\.\d\] faster than glibc$")

    def test_a_slower_pool_is_not_supported(self):
        self.assertEqual(self.verdict_of(10, 9).verdict, "not supported")

    def test_within_five_percent_and_with_too_much_noise_it_is_undecided(self):
        self.assertEqual(self.verdict_of(10, 10).verdict, "undecided")
        self.assertEqual(self.verdict_of(10, 10.4, noise=0.001).verdict, "undecided")
        self.assertEqual(self.verdict_of(10, 11, noise=0.6).verdict, "undecided")

    def test_too_few_rounds_are_undecided(self):
        ratio = self.verdict_of(1, 10, count=verdict.FEWEST - 1)
        self.assertEqual(ratio.verdict, "undecided")
        self.assertIn("only 3 rounds", verdict.sentence(ratio, "glibc"))

    def test_only_slices_with_the_cores_as_far_apart_are_compared(self):
        pool = rounds(10, count=10, trip=50) + rounds(40, count=6, trip=600)
        other = rounds(20, count=6, trip=50, seed=2) + rounds(200, count=10, trip=600, seed=3)
        near, far = verdict.kind_of([1, 50, 50, 0]), verdict.kind_of([1, 600, 600, 0])
        self.assertIn(verdict.common_kind({"pool": pool, "other": other}, to="pool"), (near, far))
        self.assertAlmostEqual(verdict.compare(pool, other, near).ratio, 2, delta=0.2)
        self.assertAlmostEqual(verdict.compare(pool, other, far).ratio, 5, delta=0.4)
        self.assertEqual((verdict.compare(pool, other, near).rounds, verdict.compare(pool, other, far).rounds), (6, 6))

    def test_a_machine_that_slows_down_for_a_while_does_not_decide(self):
        slow = [rounds(100 * 2 ** (i // 5 % 2), count=1, seed=i)[0] for i in range(20)]
        other = [rounds(150 * 2 ** (i // 5 % 2), count=1, seed=100 + i)[0] for i in range(20)]
        ratio = verdict.compare(slow, other, 0)
        self.assertAlmostEqual(ratio.ratio, 1.5, delta=0.05)
        self.assertLess(ratio.high - ratio.low, 0.2)

    def test_a_slice_in_which_the_cores_moved_is_left_out(self):
        self.assertIsNone(verdict.kind_of([1, 50, 200, 0]))
        self.assertIsNotNone(verdict.kind_of([1, 50, 60, 0]))

    def test_nothing_is_rounded_in_our_favour(self):
        self.assertEqual((verdict.down(5.69), verdict.up(5.61), verdict.down(1.059), verdict.up(1.051)), ("5.6", "5.7", "1.05", "1.06"))

    def test_a_comparison_of_runs_finds_what_has_become_slower(self):
        def results(pool_ns):
            cell = {"protocol": "p", "name": "pair", "title": "pair", "kind": "one", "live": 1, "threads": 1,
                    "printed": {"pool": rounds(pool_ns, seed=3), "limit": rounds(1, seed=4)}}
            return {"cells": [cell]}
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            paths = [Path(folder, name) for name in ("old", "same", "worse")]
            for path, ns in zip(paths, (3, 3.05, 3.6)):
                path.write_text(json.dumps(results(ns)))
            self.assertEqual(comparison.main(paths[0], paths[1]), 0)
            self.assertEqual(comparison.main(paths[0], paths[2]), 1)


@unittest.skipUnless(HAS_SCIPY, "scipy or matplotlib is missing: make deps-bench")
@UNOPTIMISED
class Report(unittest.TestCase):
    @long
    def test_a_whole_run_is_shown_in_the_terminal_and_on_a_page_that_needs_nothing_else(self):
        short = experiment.Effort(seconds=0, slice_ms=1, fewest=verdict.FEWEST, is_quick=True)
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            parts = [c for c in contenders.CONTENDERS if c.name in ("limit", "pool", "glibc", "mimalloc", "list")]
            results = experiment.run([ROOT / "schema/calc.yaml"], parts, short, Path(folder), ["pair", "request"])
        results = json.loads(json.dumps(results))
        printed, page = table.text(results), report.html(results)
        self.assertRegex(printed, r"(?m)^pair, one +(\d+\.\d +)+")
        self.assertRegex(printed, r"(?m)^request and reply, mixed: .*glibc.*round trip")
        self.assertLess(page.index("supported</span>"), page.index("<svg"))
        self.assertEqual(page.count("<svg"), 2)
        self.assertLess(page.rindex("<svg"), page.index("<dl>"))
        for shown in (printed, page[:page.index("<dl>")]):          # the words are explained where they are read
            for word in ("one(</em>)?: every message is Add", "mixed(</em>)?: all", "limit(</em>)?: the work without an allocator"):
                self.assertRegex(shown, word)
        self.assertNotRegex(page, r'(src|href)="?http|@import|url\(http')
        self.assertIn("mimalloc", page if not results["left_out"] else " ".join(results["left_out"]))
        self.assertEqual(len(results["cells"]), 2 * len([w for w in workloads.quick() if w.name in ("pair", "request")]))


    @long
    def test_an_interrupted_run_keeps_what_it_has_measured(self):
        short = experiment.Effort(seconds=0, slice_ms=1, fewest=verdict.FEWEST, is_quick=True)
        with tempfile.TemporaryDirectory() as name, contextlib.redirect_stderr(io.StringIO()):
            folder = Path(name)

            def keep(results: dict) -> None:
                command_line._keep(results, folder)
                if len(results["cells"]) == 3:
                    raise KeyboardInterrupt

            parts = [c for c in contenders.CONTENDERS if c.name in ("limit", "pool", "glibc")]
            with self.assertRaises(KeyboardInterrupt):
                experiment.run([ROOT / "schema/calc.yaml"], parts, short, folder, ["pair", "batch"], keep)
            results = json.loads((folder / "results.json").read_text())
        self.assertEqual([(cell["name"], cell["kind"]) for cell in results["cells"]], [("pair", "one"), ("pair", "mixed"), ("batch", "one")])
        for shown in (table.text(results), report.html(results)):
            self.assertIn("This run was interrupted", shown)
            self.assertRegex(shown, "pair, one")


CRASHES_UNDER_VALGRIND = """
#include <stdlib.h>
#include <valgrind/valgrind.h>
__attribute__((constructor)) static void crash(void)
{
    if (RUNNING_ON_VALGRIND)
        abort();
}
"""


@UNOPTIMISED
class Instructions(unittest.TestCase):
    @long
    def test_a_peer_that_callgrind_cannot_run_is_left_out(self):
        for tool in ("gcc", "ar", "valgrind"):
            self.assertIsNotNone(shutil.which(tool), f"{tool} is missing: run make deps")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "peer.c").write_text(CRASHES_UNDER_VALGRIND)
            subprocess.run(["gcc", "-c", folder / "peer.c", "-o", folder / "peer.o"], check=True)
            subprocess.run(["ar", "rc", folder / "libpeer.a", folder / "peer.o"], check=True)
            (protocol,) = protocols.generate(ROOT / "schema/calc.yaml", folder / "calc")
            parts = [contenders.LIMIT, contenders.POOL, *contenders.named_by_user(folder)]
            programs, _ = contenders.build(parts, protocol.name, protocol.one, protocol.folder)
            self.assertIn("peer", programs)
            with mock.patch.multiple(instructions, WORKLOADS=(("pair", 1),), KINDS=("one",), FEW=100, MANY=1100):
                counted, left_out = instructions.count(protocol, programs)
        self.assertEqual([set(cell["counted"]) for cell in counted], [{"limit", "pool"}])
        self.assertEqual(len(left_out), 1)
        self.assertRegex(left_out[0], "^peer, of calc's instructions: under callgrind it ends with s(ignal|tatus)")

    def test_five_percent_more_are_too_many(self):
        def counted(pool, limit):
            return {"instructions": [{"protocol": "p", "workload": "pair", "kind": "one", "live": 1,
                                      "counted": {"pool": pool, "limit": limit}}]}
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(instructions.compare(counted(100, 50), counted(104, 50)), 0)
            self.assertEqual(instructions.compare(counted(100, 50), counted(106, 50)), 1)
            self.assertEqual(instructions.compare(counted(100, 50), counted(120, 70)), 1)    # the limit runs the constructors too


EVERY_TYPE = """
protocol: every
enums: {colour: {values: {red: 1, green: 7}}, sign: {base: i64, values: {minus: -5, plus: 5}}}
messages:
  Scalars: {fields: {a: bool, b: u8, c: i16, d: u32, e: i64, f: f32, g: f64, h: char, i: colour, j: sign}, weight: 3}
  Lists: {fields: {a: 'u16[3]', b: 'char[5]', c: 'string[<=300]', d: 'bytes[<=7]', e: 'colour[2]', f: {type: 'char[4]', pad: ' '}}}
  Large: {fields: {x: 'u64[1000]'}, weight: 0}
  Empty: {}
"""


TWO_THREADS = ("pipeline-each", "pipeline", "request", "local")


@UNOPTIMISED
class Programs(unittest.TestCase):
    def build(self, schema: str, folder: Path, names: tuple = ("limit", "pool", "glibc", "union", "seed", "list")) -> dict[str, Path]:
        path = folder / "schema.yaml"
        path.write_text(schema)
        (protocol,) = protocols.generate(path, folder)
        parts = [c for c in contenders.CONTENDERS if c.name in names]
        return contenders.build(parts, protocol.name, protocol.one, folder)[0]

    def ask(self, program: Path, *arguments: str) -> dict:
        run = subprocess.run([program, *arguments], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def slices_of(self, program: Path, *arguments: str) -> list[list]:
        return measure.times({"it": program}, 0, 1, list(arguments), 2).printed["it"][0]["slices"]

    @long
    def test_every_workload_runs_on_every_type_with_every_contender(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, program in self.build(EVERY_TYPE, Path(folder)).items():
                for workload in ("pair", "batch", "replace", "grow", "pipeline-each", "pipeline", "request", "local"):
                    if name == "list" and workload in TWO_THREADS:
                        continue
                    for kind in ("one", "mixed"):
                        for ns, before, after, _ in self.slices_of(program, "time", workload, kind, "500", "1"):
                            self.assertGreater(ns, 0, (name, workload, kind))
                            self.assertEqual((before > 0, after > 0), (workload in TWO_THREADS,) * 2)
                for workload, most in (("pipeline-each", 32), ("request", 64)) if name != "list" else ():
                    handover = self.ask(program, "handover", workload, "one", "500", "3200")
                    self.assertTrue(1 <= handover["together"] <= most, (name, handover))
                    self.assertTrue(1 / 64 < handover["lines"] <= 1, (name, handover))
                if name != "limit":
                    memory = self.ask(program, "memory", "mixed", "2000")
                    self.assertGreater(memory["resident"], 0.5 * memory["exact"], name)
                    phases = self.ask(program, "phases", "random", "4000000")
                    self.assertEqual(phases["phases"], 3)
                latency = self.ask(program, "latency", "mixed", "100", "1000")["latency"]
                self.assertEqual([q for q, _ in latency], sorted(q for q, _ in latency))

    @long
    def test_bytes_are_those_of_the_messages_that_are_made_with_their_tails(self):
        schema = "protocol: tails\nmessages: {Log: {fields: {time: u64, text: string}, weight: 3}, Ping: {fields: {x: u64}}}\n"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "schema.yaml")
            path.write_text(schema)
            (protocol,) = protocols.generate(path, Path(folder))
            programs, _ = contenders.build([contenders.POOL], protocol.name, protocol.one, Path(folder))
            memory = self.ask(programs["pool"], "memory", "one", "1000")
        self.assertEqual(protocol.one_bytes, memory["exact"] / 1000)
        self.assertEqual(protocol.mean_bytes, (3 * protocol.one_bytes + 16) / 4)

    @long
    def test_one_variant_is_a_mix_too(self):
        with tempfile.TemporaryDirectory() as folder:
            for program in self.build("protocol: one\nmessages: {Only: {fields: {x: u8}}}\n", Path(folder)).values():
                self.slices_of(program, "time", "batch", "mixed", "1", "1")

    @long
    def test_lists_by_hand_keep_messages_apart_that_share_a_slot_size_of_the_pool(self):
        messages = ", ".join(f"M{n}: {{fields: {{a: 'u8[{n}]', text: string}}}}" for n in (2, 10, 18))
        with tempfile.TemporaryDirectory() as folder:
            program = self.build(f"protocol: near\nmessages: {{{messages}}}\n", Path(folder), ("list",))["list"]
            run = subprocess.run(["valgrind", "-q", "--error-exitcode=9", program, "count", "batch", "mixed", "100", "100000"],
                                 capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stderr)

    def test_without_fields_there_is_nothing_to_measure(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "none.yaml")
            path.write_text("protocol: none\nmessages: {Quit: {}}\n")
            self.assertEqual(protocols.generate(path, Path(folder)), [])


if __name__ == "__main__":
    unittest.main()
