# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool init`: writes a first schema, a program that uses it, and a build file. The texts are in ../../templates/init."""

import argparse
import os
import shlex
import shutil
import sys
from pathlib import Path

from .. import files, generate, report
from ..diagnostics import Diagnostic, SchemaError, Source
from ..emit.render import TEMPLATES
from ..language.names import LONGEST, SCHEMA_NAME, snake

SUMMARY = "write a first schema, a program that uses it, and a build file"
EXAMPLES = """\
protopool init mine --build=make
make test"""
EPILOG = """\
Writes NAME.yaml, main.c and the build file into DIR, and overwrites nothing: if one of them exists already, it writes none.
The build file generates the C, builds the program, and tests it and the schema.
Exit status: 0 success, 2 NAME cannot be a protocol's name, or a file exists already or cannot be written."""

_FOLDER = TEMPLATES / "init"
_LANGUAGE = Path(__file__).resolve().parents[1] / "language/schema.json"
_OWN = Path(__file__).resolve().parents[2] / "bin/protopool"        # missing in a copy that pip has installed
_BUILDS = {"make": ("Makefile", ("make test",)),
           "cmake": ("CMakeLists.txt", ("cmake -B build", "cmake --build build", "ctest --test-dir build")),
           "meson": ("meson.build", ("meson setup build", "meson test -C build"))}
_BY_HAND = ("protopool generate -o build {name}.yaml",
            "cc -std=c11 -Wall -Ibuild main.c build/{c}.c build/protopool.c -o build/main -pthread",
            "./build/main")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the name of the protocol, for example mine: the prefix of every C name")
    parser.add_argument("directory", metavar="DIR", nargs="?", type=Path, default=Path("."),
                        help="the folder to write into (default: the current folder)")
    parser.add_argument("--build", choices=_BUILDS, help="also write a build file: Makefile, CMakeLists.txt or meson.build")


def run(options: argparse.Namespace) -> int:
    name, folder = options.name, options.directory
    c_name, why_not = _c_name(name)
    if options.build == "cmake" and not _OWN.exists():
        why_not = ("this copy was installed with pip, which installs no CMake package: use a checkout, or `make install` in one, "
                   "or --build=make")
    if why_not:
        report.show([Diagnostic(Source(""), None, why_not, rule="init")], options.format)
        return 2
    build_file, steps = _BUILDS.get(options.build, (None, _BY_HAND))
    wanted = {f"{name}.yaml": "schema.yaml", "main.c": "main.c", **({build_file: build_file} if build_file else {})}
    texts = {folder / path: _rendered(template, name, c_name) for path, template in wanted.items()}
    advice = f"choose another folder, for example protopool init {name} {folder / name}; in a project of yours, use protopool generate"
    there = [Diagnostic(Source(str(path)), None, f"{path} exists already. No file was written: {advice}", rule="file")
             for path in texts if os.path.lexists(path)]
    if there:
        report.show(there, options.format)
        return 2
    files.create(texts)
    print(*texts, "", "next:", *(f"  {step}" for step in (*_way(folder), *(step.format(name=name, c=c_name) for step in steps))), sep="\n")
    return 0


def _c_name(name: str) -> tuple[str, str]:
    """The protocol's C name, and why the name cannot be a protocol's: one of them is empty."""
    if not SCHEMA_NAME.match(name):
        why = f"it must have only ASCII letters, digits and underscores, begin with a letter, and have at most {LONGEST} characters"
    elif snake(name) == "main":
        why = "its files would clash with main.c"
    else:
        try:
            return generate.lay_out([("", _rendered("schema.yaml", name, "").encode())])[0].protocol.name.c, ""
        except SchemaError as error:
            why = error.diagnostics[0].message
    return "", f"{name} cannot be the name of a protocol: {why}"


def _rendered(template: str, name: str, c_name: str) -> str:
    from jinja2 import Environment, StrictUndefined
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    source = (_FOLDER / f"{template}.j2").read_text(encoding="utf-8")
    return environment.from_string(source).render(name=name, c=c_name, language=_language())


def _language() -> str:
    """The JSON Schema for editors: its path, or its address if the path has characters that end a word."""
    path = str(_LANGUAGE)
    return path if path.isascii() and not set(path) & set(" \t#%?") else _LANGUAGE.as_uri()


def _way(folder: Path) -> list[str]:
    """What to type before the first step: where the command is, and the folder."""
    steps = []
    if shutil.which("protopool") is None:
        command = _OWN if _OWN.exists() else Path(sys.argv[0]).resolve()
        steps.append(f"export PATH={shlex.quote(str(command.parent))}:$PATH")
    if folder.resolve() != Path.cwd():
        steps.append(f"cd {shlex.quote(str(folder))}")
    return steps
