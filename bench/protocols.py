# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The protocols to measure: the user's or ours, with the files that the driver needs, and made-up ones of any size."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .contenders import ROOT

# Small messages, an exchange's, and those of a vehicle, some with a tail.
OURS = [ROOT / "schema/calc.yaml", ROOT / "schema/itch.yaml", ROOT / "schema/telemetry.yaml"]


@dataclass(frozen=True)
class Protocol:
    """one: the variant for workloads of one variant, by its C name and its name. variants: how many are allocated at all."""

    name: str
    folder: Path
    one: tuple[str, str]
    one_bytes: int
    mean_bytes: float
    variants: int

    def bytes_of(self, kind: str) -> float:
        return self.one_bytes if kind == "one" else self.mean_bytes


def generate(schema: Path, folder: Path) -> list[Protocol]:
    """Generates the schema's protocol into the folder. Empty if no variant is ever allocated."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.o"):
        stale.unlink()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    generated = subprocess.run([sys.executable, "-m", "gen", "-q", "--bench", "-o", folder, schema], env=environment)
    if generated.returncode != 0:
        sys.exit(generated.returncode)
    plan = json.loads(subprocess.run([sys.executable, "-m", "gen", "--plan", "json", schema], env=environment,
                                     capture_output=True, check=True).stdout)[0]
    allocated = [message for message in plan["messages"] if message["members"]]
    if not allocated:
        return []
    measured = _bytes_measured(folder / f"{plan['c_name']}_bench.h")
    weights = [message["weight"] for message in allocated]
    if sum(weights) == 0:
        weights = [1] * len(allocated)
    mean = sum(w * measured[message["name"]] for w, message in zip(weights, allocated)) / sum(weights)
    one = max(allocated, key=lambda message: message["weight"])
    return [Protocol(plan["c_name"], folder, (one["c_name"], one["name"]), measured[one["name"]], mean, len(allocated))]


def _bytes_measured(header: Path) -> dict[str, int]:
    """The bytes of each message by name, including the tail that the benchmark gives it."""
    table = re.findall(r'^    \{ "(\w+)", [^,]+, (\d+), \d+ \},$', header.read_text(encoding="utf-8"), re.M)
    return {name: int(size) for name, size in table}


def made_up(variants: int, folder: Path) -> Protocol:
    """A protocol of this many variants, of 16 to about 270 bytes, all of the same weight."""
    folder.mkdir(parents=True, exist_ok=True)
    messages = "".join(f"  Message{i}: {{fields: {{number: u64, rest: 'u8[{1 + i * 256 // variants}]'}}}}\n" for i in range(variants))
    schema = folder / "made_up.yaml"
    schema.write_text(f"protocol: made_up\nmessages:\n{messages}", encoding="utf-8")
    return generate(schema, folder)[0]
