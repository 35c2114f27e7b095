# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Schemas and outputs as arguments of a command, and the texts of the outputs: what `generate` and `check` share."""

import argparse
from pathlib import Path

from . import files
from .emit import engine, render
from .generate import lay_out

_SWITCHES = {                           # each also writes more, or less
    "no_engine": "do not write the engine (protopool.h, .c, .hpp, protopool_runtime.py): a program needs one copy of it",
    "cpp": "also write NAME.hpp and protopool.hpp for C++17: pools, handles, match and views",
    "python": "also write NAME.py and protopool_runtime.py for Python 3.10: messages as classes",
    "wireshark": "also write NAME.lua, a dissector for Wireshark",
    "fuzz": "also write NAME_fuzz.c, a harness for libFuzzer that tests a function of yours with valid messages",
    "bench": "also write NAME_bench.h, which the benchmark uses",
}


def add_schemas(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("schemas", metavar="SCHEMA", nargs="+", help='a schema in YAML; "-" for standard input')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The schemas, and what is written for them."""
    add_schemas(parser)
    parser.add_argument("-o", "--output-dir", metavar="DIR", type=Path, default=Path("."),
                        help="the folder for the outputs (default: the current folder)")
    parser.add_argument("--tests", metavar="DIR", type=Path,
                        help="also write NAME_check.c to DIR: a program, for libcheck, that tests the generated code")
    for name, what in _SWITCHES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", action="store_true", help=what)


def arguments(options: argparse.Namespace) -> list[str]:
    """The arguments that gave these options, without the schemas."""
    tests = [f"--tests={options.tests}"] if options.tests is not None else []
    return [f"--output-dir={options.output_dir}", *tests, *(f"--{name.replace('_', '-')}" for name in _SWITCHES if vars(options)[name])]


def schemas(options: argparse.Namespace) -> list[tuple[str, bytes]]:
    return [files.read_schema(path) for path in options.schemas]


def texts(options: argparse.Namespace) -> tuple[dict[Path, str], list[str]]:
    """The text of each output, and the paths of the files that the schemas import."""
    imported: dict[str, None] = {}

    def load(path: str) -> tuple[str, bytes]:
        imported[path] = None
        return files.read_imported(path)

    def placed(folder: Path, named: dict[str, str]) -> dict[Path, str]:
        return {folder / name: text for name, text in named.items()}

    on_demand = [kind for kind in ("bench", "cpp", "python", "fuzz", "wireshark") if vars(options)[kind]]
    layouts = lay_out(schemas(options), load)
    found: dict[Path, str] = {}
    for layout in layouts:
        found |= placed(options.output_dir, render.render(layout, on_demand))
    for layout in layouts if options.tests is not None else ():
        found |= placed(options.tests, render.suite(layout))
    if not options.no_engine:
        found |= placed(options.output_dir, engine.engine(on_demand))
    return found, list(imported)
