# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool bench`: runs the benchmark of ../../bench on the user's schema. An installed copy does not have it."""

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from .. import files, report
from ..diagnostics import Diagnostic, Source
from ..generate import lay_out

SUMMARY = "measure the pool with your messages, against malloc and other allocators"
EXAMPLES = "protopool bench --quick calc.yaml"
EPILOG = """\
Only a checkout of protopool has the benchmark; it needs gcc, SciPy, Matplotlib and tqdm. docs/benchmark.md explains the results.
Exit status: 0 success, 1 a schema is wrong, 2 the benchmark is not there, lacks something, or fails."""

ROOT = Path(__file__).resolve().parents[2]
_NEEDED = {"scipy": "python3-scipy", "matplotlib": "python3-matplotlib", "tqdm": "python3-tqdm"}     # Debian's names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("schemas", metavar="SCHEMA", nargs="+", help="a schema in YAML")
    parser.add_argument("-o", "--output-dir", metavar="DIR", type=Path, default=Path("build/bench"),
                        help="the folder for the report (default: build/bench)")
    parser.add_argument("--quick", action="store_true", help="measure only the main workloads, in less than a minute per schema")
    parser.add_argument("--peers", metavar="DIR", type=Path, help="a folder of archives (*.a) of other allocators to compare with")


def run(options: argparse.Namespace) -> int:
    if files.STDIN not in options.schemas:
        lay_out([files.read_schema(path) for path in options.schemas])      # its errors come before a long run
    if why_not := _why_not(options):
        report.show([Diagnostic(Source(""), None, why_not, rule="bench")], options.format)
        return 2
    options.output_dir.mkdir(parents=True, exist_ok=True)
    arguments = ["-o", str(options.output_dir.resolve()), *(["--quick"] if options.quick else []),
                 *(["--peers", str(options.peers.resolve())] if options.peers else []),
                 *(f"--schema={Path(schema).resolve()}" for schema in options.schemas)]
    os.chdir(ROOT)                      # where Python finds the package
    os.execv(sys.executable, [sys.executable, "-m", "bench", *arguments])


def _why_not(options: argparse.Namespace) -> str:
    if not (ROOT / "bench/__main__.py").exists():
        return ("the benchmark is not part of an installed protopool: clone its repository, run `make deps-bench` there, "
                "then `bin/protopool bench` with your schema")
    if missing := [package for module, package in _NEEDED.items() if find_spec(module) is None]:
        return f"the benchmark needs Python packages that {sys.executable} does not have: install {' '.join(missing)} (`make deps-bench`)"
    return "the benchmark reads files, not standard input" if files.STDIN in options.schemas else ""
