# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What the generator costs: time and memory by number of variants, and the time to compile the emitted C and its header alone,
compared with a tagged union of the same variants written by hand."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from gen.language import resolve

from . import contenders

FULL = (10, 100, 1000, 10_000)
QUICK = (10, 100)
COMPILED_UP_TO = 1000           # variants; a file of more takes minutes
FIELDS = (("a", "u64", "uint64_t"), ("b", "u32", "uint32_t"), ("c", "u16", "uint16_t"))


def _schemas(variants: int) -> dict[str, str]:
    """{protocol: its schema}: one protocol, or as many as the language's limit asks for."""
    fields = ", ".join(f"{name}: {type_}" for name, type_, _ in FIELDS)
    most = resolve.MOST["messages"]
    parts = {"many" if variants <= most else f"many{first // most}": range(first, min(first + most, variants))
             for first in range(0, variants, most)}
    return {name: f"protocol: {name}\nmessages:\n" + "".join(f"  Message{i}: {{fields: {{{fields}}}}}\n" for i in part)
            for name, part in parts.items()}


def _by_hand(variants: int) -> str:
    """The same without a generator: an enum, a struct with a union, and a constructor for each variant."""
    members = " ".join(f"{c} {name};" for name, _, c in FIELDS)
    parameters = ", ".join(f"{c} {name}" for name, _, c in FIELDS)
    stores = " ".join(f"m->as.message{{0}}.{name} = {name};" for name, _, _ in FIELDS)
    tags = "".join(f"MESSAGE{i}, " for i in range(variants))
    union = "".join(f"struct {{ {members} }} message{i};\n" for i in range(variants))
    makers = "".join(f"struct many *many_new_message{i}({parameters});\nstruct many *many_new_message{i}({parameters}) {{ "
                     f"struct many *m = malloc(sizeof *m); if (m == NULL) return NULL; m->tag = MESSAGE{i}; "
                     f"{stores.format(i)} return m; }}\n" for i in range(variants))
    return f"#include <stdint.h>\n#include <stdlib.h>\nenum tag {{ {tags} }};\nstruct many {{ enum tag tag; union {{\n{union}}} as; }};\n{makers}"


def _timed(command: list, **options) -> tuple[float, int]:
    """Processor seconds and peak memory in bytes of a command. A command that fails ends the benchmark."""
    process = subprocess.Popen(list(map(str, command)), **options)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        contenders.give_up(f"{command[0]} fails")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def measure_apart(sizes: tuple[int, ...]) -> list[dict]:
    """As measure(), in a small process: the system counts the memory of the process that starts a command as the command's."""
    run = subprocess.run([sys.executable, "-m", "bench.generator", "--json", *map(str, sizes)], cwd=contenders.ROOT,
                         stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)


def measure(sizes: tuple[int, ...]) -> list[dict]:
    measured = []
    for variants in sizes:
        with tempfile.TemporaryDirectory() as folder:
            by_hand, header, schemas = Path(folder, "by_hand.c"), Path(folder, "header.c"), _schemas(variants)
            for name, text in schemas.items():
                Path(folder, f"{name}.yaml").write_text(text, encoding="utf-8")
            by_hand.write_text(_by_hand(variants), encoding="utf-8")
            header.write_text('#include "many.h"\n', encoding="utf-8")
            seconds, peak = _timed([sys.executable, "-m", "gen", "-q", "-o", folder, *(Path(folder, f"{name}.yaml") for name in schemas)],
                                   env=os.environ | {"PYTHONPATH": str(contenders.ROOT)})
            row = {"variants": variants, "seconds": seconds, "peak_bytes": peak,
                   "emitted_bytes": sum(Path(folder, name + end).stat().st_size for name in schemas for end in (".h", ".c"))}
            if variants <= COMPILED_UP_TO:
                for what, source in (("compile", Path(folder, "many.c")), ("header", header), ("by_hand", by_hand)):
                    seconds, peak = _timed([contenders.compiler(), "-std=c11", "-O2", "-c", source, "-o", Path(folder, "out.o")])
                    row |= {f"{what}_seconds": seconds, f"{what}_peak_bytes": peak}
            measured.append(row)
    return measured


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m bench.generator", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=QUICK, help="numbers of variants")
    parser.add_argument("--json", action="store_true", help="print what was measured as JSON")
    options = parser.parse_args()
    if options.json:
        print(json.dumps(measure(tuple(options.sizes))))
        return 0
    print(f"{'variants':>8} {'generate':>10} {'memory':>9} {'emitted':>9} {'each':>7} {'compile':>10} {'memory':>9} {'header':>10} {'by hand':>10}")
    for variants in options.sizes:
        row = measure((variants,))[0]
        line = (f"{variants:8} {row['seconds']:8.2f} s {row['peak_bytes'] / 2**20:6.0f} MB {row['emitted_bytes'] / 2**10:6.0f} KB"
                f" {row['emitted_bytes'] / variants:5.0f} B")
        if "compile_seconds" in row:
            line += (f" {row['compile_seconds']:8.2f} s {row['compile_peak_bytes'] / 2**20:6.0f} MB {row['header_seconds']:8.2f} s"
                     f" {row['by_hand_seconds']:8.2f} s")
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
