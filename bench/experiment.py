# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The whole run: which programs do which workloads, and for how long. Returns the results as one JSON object."""

import platform
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from . import contenders, generator, instructions, measure, protocols, sized_free, workloads
from .contenders import Contender
from .protocols import Protocol
from .workloads import Workload

FORMAT = 1
KINDS = ("one", "mixed")
SLICES = 3                      # of one process
MOST_FAILURES = 3               # measurements that a contender may fail before it is left out of all that follow


@dataclass(frozen=True)
class Effort:
    """seconds: for one workload with all contenders, at most. fewest: the rounds to do even if they take longer. total: the seconds
    to share among the workloads and all else."""

    seconds: float
    slice_ms: int
    fewest: int
    is_quick: bool
    total: float = float("inf")


QUICK = Effort(2.6, 4, 8, True)
FULL = Effort(14, 12, 5, False, 840)
EXTRA_SECONDS = 130             # what a protocol's extras take, about
WITH_EXTRAS = 2                 # protocols: the first ones


@dataclass(frozen=True)
class Built:
    """days: the programs of bench/day.c, only for our schema of an exchange."""

    protocol: Protocol
    programs: measure.Programs
    days: measure.Programs


class Run:
    """A run under way: its results so far, and who has failed."""

    def __init__(self, effort: Effort, keep: Callable[[dict], None]) -> None:
        self._began, self._keep = time.monotonic(), keep
        self._failures: Counter = Counter()
        self.effort = effort
        self.results: dict = {"format": FORMAT, "finished": False, "quick": effort.is_quick, "machine": machine(), "contenders": [],
                              "left_out": [], "protocols": [], "cells": [], "memory": [], "phases": [], "latency": [], "by_live": [],
                              "by_variants": [], "instructions": [], "generator": []}

    def share(self, cells: int, extras: int) -> float:
        """The seconds for the next workload, from the numbers of workloads and of protocols with extras that are left."""
        left = self.effort.total - (time.monotonic() - self._began) - extras * EXTRA_SECONDS
        return max(0.0, min(self.effort.seconds, left / cells))

    def keep(self) -> None:
        self.results["seconds"] = round(time.monotonic() - self._began)
        self._keep(self.results)

    def leave_out(self, *whats: str) -> None:
        self.results["left_out"] += [what for what in whats if what not in self.results["left_out"]]

    def able(self, programs: measure.Programs) -> measure.Programs:
        """Those that have not failed too often."""
        return {name: program for name, program in programs.items() if self._failures[name] < MOST_FAILURES}

    def printed(self, measured: measure.Measured, what: str) -> dict[str, list]:
        """What the programs have printed. Notes those that have failed."""
        for name, why in measured.failed.items():
            self._failures[name] += 1
            out_for_good = ", and of all that follows" if self._failures[name] == MOST_FAILURES else ""
            self.leave_out(f"{name}, of {what}{out_for_good}: {why}")
        return measured.printed


def run(schemas: list[Path], taking_part: list[Contender], effort: Effort, folder: Path, only: list[str],
        keep: Callable[[dict], None] = lambda results: None, left_out: Sequence[str] = ()) -> dict:
    """keep: called with the results so far after each measurement. left_out: who cannot take part, and why. Progress is shown on
    standard error."""
    run = Run(effort, keep)
    run.leave_out(*left_out)
    has_extras = not effort.is_quick and not only and contenders.GLIBC.name in {c.name for c in taking_part}
    built, taking_part = _build(run, schemas, taking_part, has_extras, folder)
    chosen = [w for w in (workloads.quick() if effort.is_quick else workloads.WORKLOADS) if not only or w.name in only]
    steps = [(of, workload, kind) for of in built for workload in chosen for kind in KINDS]
    more = built[:WITH_EXTRAS] if has_extras else []
    with tqdm(total=len(steps) + 8 * len(more), unit="measurement", disable=None) as progress:
        for done, (of, workload, kind) in enumerate(steps):
            progress.set_description(f"{of.protocol.name}: {workload.title}, {kind}")
            run.results["cells"].append(_cell(run, of, taking_part, workload, kind, run.share(len(steps) - done, len(more))))
            run.keep()
            progress.update()
        for of in more:
            _extras(run, of, taking_part, folder, progress)
    run.results["finished"] = True
    run.keep()
    return run.results


def _build(run: Run, schemas: list[Path], taking_part: list[Contender], has_extras: bool,
           folder: Path) -> tuple[list[Built], list[Contender]]:
    """The programs of each protocol, and the contenders with the function that frees the faster for each."""
    built: list[Built] = []
    for schema in schemas:
        generated = protocols.generate(schema, folder / schema.stem)
        if not generated:
            print(f"bench: {schema}: no variant has fields, so there is nothing to allocate", file=sys.stderr)
        for protocol in generated:
            if not built:
                taking_part = sized_free.chosen(taking_part, protocol)
            programs, left_out = contenders.build(taking_part, protocol.name, protocol.one, protocol.folder)
            run.leave_out(*left_out)
            programs = _those_that_run(run, programs)
            is_exchange = schema.resolve() == contenders.ROOT / "schema/itch.yaml"
            days = _days(protocol, programs, taking_part) if has_extras and is_exchange else {}
            built.append(Built(protocol, programs, days))
            run.results["protocols"].append({"name": protocol.name, "one": protocol.one[1], "one_bytes": protocol.one_bytes,
                                             "mean_bytes": protocol.mean_bytes, "variants": protocol.variants})
    if built:
        run.results["contenders"] = [
            {"name": c.name, "what": c.described(), "general": c.general, "version": c.version, "frees": c.frees,
             "part_of": c.part_of}
            for c in taking_part if c.name in built[0].programs and c is not contenders.LIMIT_WRITING]
    return built, taking_part


def _those_that_run(run: Run, programs: measure.Programs) -> measure.Programs:
    """The programs that can do anything at all."""
    failed = {name: measure.why_not(program, "count", "pair", "mixed", 1, 3200) for name, program in programs.items()}
    run.leave_out(*(f"{name}: {why}" for name, why in failed.items() if why is not None))
    return {name: program for name, program in programs.items() if failed[name] is None}


def _fit(programs: measure.Programs, taking_part: list[Contender], workload: Workload) -> measure.Programs:
    """Those that can do the work. Of a long one: without ways to use an allocator, and without designs that are far behind."""
    unfit = {c.name for c in taking_part if (c.one_thread_only if workload.threads > 1 else c.two_threads_only)
             or workload.is_long and (c.part_of or c.is_aside)}
    return {name: program for name, program in programs.items() if name not in unfit}


def _cell(run: Run, of: Built, taking_part: list[Contender], workload: Workload, kind: str, seconds: float) -> dict:
    live = workload.live_of(of.protocol.bytes_of(kind))
    slices = 1 if workload.whole else SLICES
    arguments = ["time", workload.name, kind, live, run.effort.slice_ms]
    fit = run.able(_fit(of.programs, taking_part, workload))
    measured = measure.times(fit, seconds, run.effort.fewest, arguments, slices)
    return asdict(workload) | {"protocol": of.protocol.name, "kind": kind, "live": live,
                               "printed": run.printed(measured, f"{of.protocol.name}'s {workload.title}, {kind}")}


# ---- What a full run measures besides time

def _days(protocol: Protocol, programs: measure.Programs, taking_part: list[Contender]) -> measure.Programs:
    able = [c for c in _once(taking_part) if c.name in programs and c.name not in ("limit", "pool-depot")]
    return contenders.build(able, protocol.name, protocol.one, protocol.folder, driver="day")[0]


def _once(taking_part: list[Contender]) -> list[Contender]:
    """Those that the extras have: an allocator once, not in each way to use it."""
    return [c for c in taking_part if not c.two_threads_only and not c.part_of]


def _extras(run: Run, of: Built, taking_part: list[Contender], folder: Path, progress: tqdm) -> None:
    results, protocol = run.results, of.protocol
    once = {c.name for c in _once(taking_part)}

    def step(what: str) -> None:
        run.keep()
        progress.update()
        progress.set_description(f"{protocol.name}: {what}")

    def of_rounds(programs: measure.Programs, fewest: int, what: str, *arguments) -> dict[str, list]:
        return run.printed(measure.rounds(run.able(programs), fewest, list(arguments)), f"{protocol.name}'s {what}")

    def of_times(programs: measure.Programs, what: str, *arguments) -> dict[str, list]:
        return run.printed(measure.times(run.able(programs), 0, 5, list(arguments), SLICES), f"{protocol.name}'s {what}")

    named = {"protocol": protocol.name}
    programs = {name: program for name, program in of.programs.items() if name in once}
    allocators = {name: program for name, program in programs.items() if name not in ("limit", "pool-depot")}
    swept = {name: program for name, program in programs.items() if name in contenders.SWEPT or name not in
             {c.name for c in contenders.CONTENDERS}}
    step("memory")
    for live in (workloads.SMALL_LIVE, workloads.LARGE_LIVE):
        fit = min(live, int(workloads.MOST_BYTES / protocol.mean_bytes))
        results["memory"].append(named | {"live": fit, "printed": of_rounds(allocators, 3, "memory", "memory", "mixed", fit)})
    step("phases")
    for order in ("forward", "random"):
        results["phases"].append(named | {"order": order, "printed": of_rounds(allocators, 1, "phases", "phases", order, 2**25)})
    step("latency")
    for kind in KINDS:
        results["latency"].append(named | {"kind": kind, "live": workloads.SMALL_LIVE, "printed": of_rounds(
            swept, 3, "latency", "latency", kind, workloads.SMALL_LIVE, 300_000)})
    step("number of live messages")
    for live in (100, 1000, 10_000, 100_000, 1_000_000):
        fit = min(live, int(workloads.MOST_BYTES / protocol.one_bytes))
        results["by_live"].append(named | {"kind": "one", "live": fit, "printed": of_times(
            swept, f"random replace, {fit} live", "time", "replace", "one", fit, 6)})
    step("instructions")
    counted, left_out = instructions.count(protocol, run.able(programs))
    results["instructions"] += counted
    run.leave_out(*left_out)
    if protocol.name == results["cells"][0]["protocol"]:
        step("number of variants")
        for variants in (1, 8, 64, 256):
            made_up = protocols.made_up(variants, folder / f"made_up_{variants}")
            built, _ = contenders.build([c for c in taking_part if c.name in swept], made_up.name, made_up.one, made_up.folder)
            results["by_variants"].append({"variants": variants, "printed": of_times(
                built, f"random replace, {variants} variants", "time", "replace", "mixed", workloads.SMALL_LIVE, 6)})
        step("generator")
        results["generator"] = generator.measure_apart(generator.FULL)
    else:
        progress.update(2)
    if of.days:
        step("a day of the exchange")
        day = Workload("day", "a day of the exchange", "examples/order_book.c: 1 million messages, orders rest", live=1, whole=True)
        results["cells"].append(asdict(day) | named | {"kind": "mixed", "printed": of_rounds(of.days, 12, "day", 1_000_000)})
    run.keep()
    progress.update()


# ---- The machine

def machine() -> dict:
    """What readers need to compare results. Facts that cannot be found out are left out."""
    described = {"system": platform.platform(), "compiler": contenders.version(),
                 "flags": " ".join(contenders.CFLAGS), "cores": len(_cores())}
    facts = _lscpu()
    for key, name in (("Model name", "processor"), ("Hypervisor vendor", "hypervisor"), ("L1d cache", "L1d"), ("L2 cache", "L2"),
                      ("L3 cache", "L3"), ("Thread(s) per core", "threads per core")):
        if key in facts:
            described[name] = facts[key]
    described["turbo"] = _turbo()
    described["C library"] = " ".join(platform.libc_ver())
    return described


def _cores() -> list[int]:
    import os
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def _lscpu() -> dict[str, str]:
    if shutil.which("lscpu") is None:
        return {}
    lines = subprocess.run(["lscpu"], capture_output=True, text=True).stdout.splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _turbo() -> str:
    for path, on in (("/sys/devices/system/cpu/cpufreq/boost", "1"), ("/sys/devices/system/cpu/intel_pstate/no_turbo", "0")):
        if Path(path).exists():
            return "on" if Path(path).read_text().strip() == on else "off"
    return "unknown (no cpufreq here)"
