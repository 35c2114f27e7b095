# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The whole run: which programs do which workloads, and for how long. Returns the results as one JSON object."""

import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from . import contenders, generator, instructions, measure, protocols, workloads
from .contenders import Contender
from .protocols import Protocol
from .workloads import Workload

FORMAT = 1
KINDS = ("one", "mixed")
SLICES = 3                      # of one process


@dataclass(frozen=True)
class Effort:
    """seconds: for one workload with all contenders. fewest: the rounds to do even if they take longer."""

    seconds: float
    slice_ms: int
    fewest: int
    is_quick: bool


QUICK = Effort(2.6, 4, 8, True)
FULL = Effort(14, 12, 5, False)


@dataclass(frozen=True)
class Built:
    """days: the programs of bench/day.c, only for our schema of an exchange."""

    protocol: Protocol
    programs: measure.Programs
    days: measure.Programs


def run(schemas: list[Path], taking_part: list[Contender], effort: Effort, folder: Path, only: list[str],
        keep: Callable[[dict], None] = lambda results: None) -> dict:
    """keep: called with the results so far after each measurement. Progress is shown on standard error."""
    began = time.monotonic()

    def keep_so_far() -> None:
        results["seconds"] = round(time.monotonic() - began)
        keep(results)

    results: dict = {"format": FORMAT, "finished": False, "quick": effort.is_quick, "machine": machine(), "contenders": [], "left_out": [],
                     "protocols": [], "cells": [], "memory": [], "phases": [], "latency": [], "by_live": [],
                     "by_variants": [], "instructions": [], "generator": []}
    has_extras = not effort.is_quick and not only and contenders.GLIBC in taking_part
    built = _build(schemas, taking_part, has_extras, folder, results)
    if built:
        results["contenders"] = [{"name": c.name, "what": c.what, "general": c.general} for c in taking_part
                                 if c.name in built[0].programs]
    chosen = [w for w in (workloads.quick() if effort.is_quick else workloads.WORKLOADS) if not only or w.name in only]
    steps = [(of, workload, kind) for of in built for workload in chosen for kind in KINDS]
    with tqdm(total=len(steps) + (8 * len(built) if has_extras else 0), unit="measurement", disable=None) as progress:
        for of, workload, kind in steps:
            progress.set_description(f"{of.protocol.name}: {workload.title}, {kind}")
            results["cells"].append(_cell(of.protocol, of.programs, taking_part, workload, kind, effort))
            keep_so_far()
            progress.update()
        for of in built if has_extras else []:
            _extras(results, of.protocol, of.programs, of.days, taking_part, folder, progress, keep_so_far)
    results["finished"] = True
    keep_so_far()
    return results


def _build(schemas: list[Path], taking_part: list[Contender], has_extras: bool, folder: Path, results: dict) -> list[Built]:
    built = []
    for schema in schemas:
        generated = protocols.generate(schema, folder / schema.stem)
        if not generated:
            print(f"bench: {schema}: no variant has fields, so there is nothing to allocate", file=sys.stderr)
        for protocol in generated:
            programs, left_out = contenders.build(taking_part, protocol.name, protocol.one, protocol.folder)
            results["left_out"] += [what for what in left_out if what not in results["left_out"]]
            is_exchange = schema.resolve() == contenders.ROOT / "schema/itch.yaml"
            days = _days(protocol, programs, taking_part) if has_extras and is_exchange else {}
            built.append(Built(protocol, programs, days))
            results["protocols"].append({"name": protocol.name, "one": protocol.one[1], "one_bytes": protocol.one_bytes,
                                         "mean_bytes": protocol.mean_bytes, "variants": protocol.variants})
    return built


def _fit(programs: measure.Programs, taking_part: list[Contender], threads: int) -> measure.Programs:
    one_thread_only = {c.name for c in taking_part if c.one_thread_only}
    return {name: program for name, program in programs.items() if threads == 1 or name not in one_thread_only}


def _cell(protocol: Protocol, programs: measure.Programs, taking_part: list[Contender], workload: Workload, kind: str,
          effort: Effort) -> dict:
    live = workload.live_of(protocol.bytes_of(kind))
    slices = 1 if workload.whole else SLICES
    arguments = ["time", workload.name, kind, live, effort.slice_ms]
    fit = _fit(programs, taking_part, workload.threads)
    return asdict(workload) | {"protocol": protocol.name, "kind": kind, "live": live,
                               "printed": measure.times(fit, effort.seconds, effort.fewest, arguments, slices)}


# ---- What a full run measures besides time

def _days(protocol: Protocol, programs: measure.Programs, taking_part: list[Contender]) -> measure.Programs:
    able = [c for c in taking_part if c.name in programs and c.name not in ("limit", "pool-depot")]
    return contenders.build(able, protocol.name, protocol.one, protocol.folder, driver="day")[0]


def _extras(results: dict, protocol: Protocol, programs: measure.Programs, days: measure.Programs,
            taking_part: list[Contender], folder: Path, progress: tqdm, keep_so_far: Callable[[], None]) -> None:
    def step(what: str) -> None:
        keep_so_far()
        progress.update()
        progress.set_description(f"{protocol.name}: {what}")

    named = {"protocol": protocol.name}
    allocators = {name: program for name, program in programs.items() if name not in ("limit", "pool-depot")}
    swept = {name: program for name, program in programs.items() if name in contenders.SWEPT or name not in
             {c.name for c in contenders.CONTENDERS}}
    step("memory")
    for live in (workloads.SMALL_LIVE, workloads.LARGE_LIVE):
        fit = min(live, int(workloads.MOST_BYTES / protocol.mean_bytes))
        results["memory"].append(named | {"live": fit, "printed": measure.rounds(allocators, 3, ["memory", "mixed", fit])})
    step("phases")
    for order in ("forward", "random"):
        results["phases"].append(named | {"order": order, "printed": measure.rounds(allocators, 1, ["phases", order, 2**25])})
    step("latency")
    for kind in KINDS:
        results["latency"].append(named | {"kind": kind, "live": workloads.SMALL_LIVE, "printed": measure.rounds(
            swept, 3, ["latency", kind, workloads.SMALL_LIVE, 300_000])})
    step("number of live messages")
    for live in (100, 1000, 10_000, 100_000, 1_000_000):
        fit = min(live, int(workloads.MOST_BYTES / protocol.one_bytes))
        results["by_live"].append(named | {"kind": "one", "live": fit, "printed": measure.times(
            swept, 0, 5, ["time", "replace", "one", fit, 6], SLICES)})
    step("instructions")
    counted, left_out = instructions.count(protocol, programs)
    results["instructions"] += counted
    results["left_out"] += left_out
    if protocol.name == results["cells"][0]["protocol"]:
        step("number of variants")
        for variants in (1, 8, 64, 256):
            made_up = protocols.made_up(variants, folder / f"made_up_{variants}")
            some = [c for c in taking_part if c.name in swept and c.name in programs]
            built, _ = contenders.build(some, made_up.name, made_up.one, made_up.folder)
            results["by_variants"].append({"variants": variants, "printed": measure.times(
                built, 0, 5, ["time", "replace", "mixed", workloads.SMALL_LIVE, 6], SLICES)})
        step("generator")
        results["generator"] = generator.measure_apart(generator.FULL)
    else:
        progress.update(2)
    if days:
        step("a day of the exchange")
        day = Workload("day", "a day of the exchange", "examples/order_book.c: 1 million messages, orders rest", live=1, whole=True)
        results["cells"].append(asdict(day) | named | {"kind": "mixed", "printed": measure.rounds(days, 12, [1_000_000])})
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
