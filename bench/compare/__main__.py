# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Builds a program for each way to have the messages of schema/calc.yaml, measures them, and prints the tables of docs/compare.md.

`python3 -m bench.compare [--qpc DIR] [--into docs/compare.md]`. DIR has QP/C's sources, which Debian does not package. What is
not installed is left out, and named.
"""

import argparse
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from bench import medians

ROOT = Path(__file__).resolve().parent.parent.parent
HERE, BUILD = Path(__file__).resolve().parent, ROOT / "build/compare"
BEGIN, END = "<!-- Written by python3 -m bench.compare. -->", "<!-- The end of what bench.compare writes. -->"
CFLAGS = ["-O2", f"-I{HERE}", f"-I{BUILD}"]
PROTOPOOL = [ROOT / "generated/calc.c", ROOT / "generated/protopool.c"]
MISTAKES = {"long text": "a text longer than its bound", "wrong number": "a number that the enum lacks",
            "wrong variant": "a Store read as an Add", "double free": "a double free", "leak": "a leak"}
FEW, MANY = 3_000, 13_000           # messages; the difference leaves out what happens once


@dataclass(frozen=True)
class Way:
    """source: the program in this folder. schema: the files that its users write besides. generated: what a generator makes of them.
    needs: a program of its package, or a header."""

    name: str
    source: str
    flags: tuple = ()
    more: tuple = ()
    schema: tuple = ()
    generated: tuple = ()
    package: str = ""
    needs: str = ""


def _ways(qpc: Path | None) -> list[Way]:
    calc = {"schema": (ROOT / "schema/calc.yaml",), "more": (*PROTOPOOL, f"-I{ROOT / 'generated'}")}
    size = tuple(ROOT / f"generated/calc.{suffix}" for suffix in "hc")
    return [
        *(Way("protopool" + (f", level {level}" if level else ""), "protopool.c", (f"-DPROTOPOOL_CHECK={level}",), generated=size, **calc)
          for level in (0, 1, 2)),
        Way("structs by hand, `malloc` of each size", "union.c", ("-DEXACT",)),
        Way("union by hand, `malloc` of the union", "union.c"),
        Way("`unique_ptr` of `std::variant`", "variant.cpp", package="g++", needs="g++"),
        Way("nanopb", "nanopb.c", more=(BUILD / "calc.pb.c", "-lprotobuf-nanopb"), schema=(HERE / "calc.proto", HERE / "calc.options"),
            generated=(BUILD / "calc.pb.h", BUILD / "calc.pb.c"), package="nanopb", needs="protoc-gen-nanopb"),
        Way("protobuf-c", "protobuf_c.c", more=(BUILD / "calc.pb-c.c", "-lprotobuf-c"), schema=(HERE / "calc.proto",),
            generated=(BUILD / "calc.pb-c.h", BUILD / "calc.pb-c.c"), package="protobuf-c-compiler", needs="protoc-c"),
        *([Way("QP/C", "qpc.c", (f"-I{qpc / 'include'}", f"-I{qpc / 'ports/posix'}"),
               (*sorted((qpc / "src/qf").glob("*.c")), qpc / "ports/posix/qf_port.c", "-lpthread"))] if qpc else []),
    ]


def _run(*command, **options) -> subprocess.CompletedProcess:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, errors="replace", timeout=300, **options)


def _must(*command) -> str:
    done = _run(*command)
    if done.returncode != 0:
        sys.exit(f"bench.compare: {' '.join(map(str, command[:4]))} ...\n{done.stdout}{done.stderr}")
    return done.stdout


def _prepare() -> None:
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "qp_config.h").write_text("#define QF_MAX_ACTIVE 8U\n#define QF_MPOOL_CTR_SIZE 4U\n")
    for name in ("calc.proto", "calc.options"):
        shutil.copy(HERE / name, BUILD)
    if shutil.which("protoc-gen-nanopb") and shutil.which("protoc"):
        _must("protoc", f"-I{BUILD}", f"--nanopb_opt=-I{BUILD}", f"--nanopb_out={BUILD}", BUILD / "calc.proto")
    if shutil.which("protoc-c"):
        _must("protoc-c", f"-I{BUILD}", f"--c_out={BUILD}", BUILD / "calc.proto")
    _must("gcc", "-std=gnu11", *CFLAGS, "-c", HERE / "driver.c", "-o", BUILD / "driver.o")


def _build(way: Way) -> Path:
    program = BUILD / re.sub(r"\W+", "_", way.name).strip("_").lower()
    compiler = ["g++", "-std=c++17"] if way.source.endswith(".cpp") else ["gcc", "-std=gnu11"]
    _must(*compiler, *CFLAGS, "-w", *way.flags, HERE / way.source, BUILD / "driver.o", *way.more, "-o", program)
    return program


def _instructions(program: Path, kind: str) -> float:
    counts = []
    for turns in (FEW, MANY):
        done = _run("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "turns", kind, turns)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode != 0 or found is None:
            sys.exit(f"bench.compare: {program.name} does not run under callgrind\n{done.stderr}")
        counts.append(int(found[1]))
    return (counts[1] - counts[0]) / (MANY - FEW)


def _lines_of(text: str) -> int:
    """Lines with something on them besides a comment or an include."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return sum(1 for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("//", "# ", "#include")))


def _lines(paths: tuple) -> int:
    return sum(_lines_of(path.read_text(encoding="utf-8")) for path in paths)


def _own_lines(source: Path) -> int:
    """The lines of a program that define, allocate, read and free the messages."""
    return _lines_of(source.read_text(encoding="utf-8").partition("\nconst char *mistake")[0])


def _mistake(program: Path, mistake: str) -> str:
    """What happens: "refused", "found", "crash" with glibc's words, "not possible", or "not found"."""
    done = _run(program, "mistake", mistake)
    last = (done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["crash"])[-1]
    if done.returncode == 0:
        return last.partition(":")[0]
    if "protopool:" in done.stderr or "Assertion" in done.stderr:
        return "found"
    return "found by glibc" if "double free" in done.stderr else "crash"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def _version(way: Way, qpc: Path | None) -> str:
    if way.name == "QP/C":
        found = re.search(r'QP_VERSION_STR\s+"([^"]+)"', (qpc / "include/qp.h").read_text(encoding="utf-8"))
        return f"QP/C {found[1] if found else ''}".strip()
    return f"{way.package} {_run('dpkg-query', '-W', '-f=${Version}', way.package).stdout}".strip()


def _report(qpc: Path | None) -> str:
    _prepare()
    missing = [way for way in _ways(qpc) if way.needs and not shutil.which(way.needs)]
    ways = [way for way in _ways(qpc) if way not in missing]
    costs, found = [], []
    for way in ways:
        program = _build(way)
        both = [(float(_must(program, "bytes", kind)), _instructions(program, kind)) for kind in ("one", "mixed")]
        costs.append([way.name, str(_lines(way.schema)) if way.schema else "", str(_own_lines(HERE / way.source)),
                      str(_lines(way.generated)) if way.generated else "", *(f"{size:.1f}" for size, _ in both), *(f"{count:.0f}" for _, count in both)])
        found.append([way.name, *(_mistake(program, mistake) for mistake in MISTAKES)])
    versions = [_version(way, qpc) for way in ways if way.package or way.name == "QP/C"]
    compared = f"Compared: {'; '.join(versions)}; {_must('gcc', '--version').splitlines()[0]}, `-O2`; glibc's `malloc`."
    lines = [textwrap.fill(compared, medians.WIDTH, break_long_words=False, break_on_hyphens=False), "",
             _table(["", "lines of schema", "lines of C or C++", "lines generated", "bytes in memory, Add", "mixed", "instructions, Add",
                     "mixed"], costs), "",
             _table(["", *MISTAKES.values()], found)]
    lines += [f"\n{way.name} is not here: {way.package} is not installed." for way in missing]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m bench.compare", description=__doc__.splitlines()[0])
    parser.add_argument("--qpc", metavar="DIR", type=Path, help="QP/C's sources: github.com/QuantumLeaps/qpc")
    parser.add_argument("--into", metavar="FILE", type=Path, help="write the tables into this page, between its two marks")
    options = parser.parse_args()
    if options.qpc and not (options.qpc / "src/qf").is_dir():
        parser.error(f"--qpc: {options.qpc} has no folder src/qf")
    text = _report(options.qpc)
    if options.into:
        medians.write_into(options.into, text + "\n", BEGIN, END)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
