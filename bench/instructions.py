# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Instructions per message, counted by callgrind: exact, and the same in each run, so that CI can compare them."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import contenders, protocols
from .contenders import ROOT
from .measure import Programs
from .process import ending
from .protocols import Protocol

WORSE = 1.05
FEW, MANY = 3_200, 35_200       # messages; the difference of the two counts leaves out what happens once
WORKLOADS = (("pair", 1), ("batch", 1), ("replace", 1_000))
KINDS = ("one", "mixed")
PATIENCE = 120                  # seconds for one count


class CannotCount(Exception):
    """Why callgrind cannot count a program."""


def _collected(program: Path, workload: str, kind: str, live: int, messages: int) -> int:
    try:
        run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "count", workload, kind,
                              str(live), str(messages)], capture_output=True, text=True, errors="replace", timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise CannotCount(f"it does not end within {PATIENCE} s") from None
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or found is None:
        raise CannotCount(ending(run.returncode))
    return int(found[1])


def count(protocol: Protocol, programs: Programs) -> tuple[list[dict], list[str]]:
    """The instructions per message, for each workload, kind and contender; and which contenders are left out and why: some
    allocators do not run under callgrind. Both are empty without valgrind."""
    if shutil.which("valgrind") is None:
        return [], []
    cells = [(workload, live, kind) for workload, live in WORKLOADS for kind in KINDS]
    failed: dict[str, str] = {}

    def one(asked: tuple) -> float | None:
        (workload, live, kind), name = asked
        if name in failed:
            return None
        try:
            many, few = (_collected(programs[name], workload, kind, live, messages) for messages in (MANY, FEW))
        except CannotCount as why:
            failed.setdefault(name, str(why))
            return None
        return round((many - few) / (MANY - FEW), 2)

    asked = [(cell, name) for cell in cells for name in programs]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted = dict(zip(asked, pool.map(one, asked)))
    return [{"protocol": protocol.name, "workload": workload, "kind": kind, "live": live,
             "counted": {name: counted[(workload, live, kind), name] for name in programs if name not in failed}}
            for workload, live, kind in cells], [f"{name}, of {protocol.name}'s instructions: under callgrind {why}"
                                                 for name, why in failed.items()]


def _key(cell: dict) -> tuple:
    return cell["protocol"], cell["workload"], cell["kind"], cell["live"]


def compare(before: dict, after: dict) -> int:
    """Prints a line for each workload in both. Returns how many need over 5 % more."""
    old = {_key(cell): cell["counted"] for cell in before.get("instructions", [])}
    worse = 0
    for cell in after.get("instructions", []):
        was, now = old.get(_key(cell)), cell["counted"]
        if was is None or not {"pool", "limit"} <= was.keys() & now.keys():
            continue
        is_worse = now["pool"] > WORSE * was["pool"]
        worse += is_worse
        print(f"{cell['protocol']}, {cell['workload']}, {cell['kind']}: {now['pool']:.1f} instructions, {now['limit']:.1f} without "
              f"an allocator; before {was['pool']:.1f}, {was['limit']:.1f}{': MORE' if is_worse else ''}")
    return worse


def count_ours() -> dict:
    """Counts the pool and the limit for our schemas."""
    counted = []
    with tempfile.TemporaryDirectory() as folder:
        for schema in protocols.OURS[:2]:
            for protocol in protocols.generate(schema, Path(folder, schema.stem)):
                programs, _ = contenders.build([contenders.LIMIT, contenders.POOL], protocol.name, protocol.one, protocol.folder)
                of_protocol, left_out = count(protocol, programs)
                if left_out:
                    contenders.give_up("; ".join(left_out))
                counted += of_protocol
    return {"compiler": contenders.version(), "instructions": counted}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m bench.instructions", description=__doc__)
    parser.add_argument("--save", action="store_true", help="keep today's counts as the baseline for later runs")
    baseline = ROOT / "bench/instructions.json"
    today = count_ours()
    if not today["instructions"]:
        contenders.give_up("valgrind is missing: run make deps")
    if parser.parse_args().save:
        baseline.write_text(json.dumps(today, indent=1) + "\n", encoding="utf-8")
        return 0
    before = json.loads(baseline.read_text(encoding="utf-8"))
    if before["compiler"] != today["compiler"]:
        print(f"not compared: {baseline.name} was counted with {before['compiler']}, this is {today['compiler']}")
        return 0
    worse = compare(before, today)
    print(f"{worse} need over 5 % more" if worse else "none needs over 5 % more")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
