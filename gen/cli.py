# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The command line. Exit status: 0 good, 1 a schema is wrong or an output stale, 2 wrong usage or a file's trouble."""

import argparse
import os
import sys
from pathlib import Path

from . import __version__, files as output
from .diagnostics import SchemaError, visible
from .emit import engine, render
from .generate import lay_out
from .layout import Layout
from .views import diff, markdown, plan

SHOWN_ERRORS = 100
_EPILOG = """\
Writes NAME.h and NAME.c for each schema, NAME being its protocol, and the engine, protopool.h and protopool.c;
--tests writes NAME_check.c too. A file whose text is unchanged is left untouched, but for --touch. "-" reads standard input.
Exit status: 0 good, 1 a schema is wrong or an output stale, 2 wrong usage or a file cannot be read or written."""


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(_join_plan(sys.argv[1:] if arguments is None else arguments))
    if options.diff and len(options.schemas) != 2:
        parser.error("--diff takes two schemas: the old one and the new one")
    if options.target and not options.depfile:
        parser.error("--target is for --depfile")
    for instead in ("check", "plan", "diff", "doc", "list_outputs"):
        for written in ("depfile", "touch"):
            if vars(options)[instead] and vars(options)[written]:
                parser.error(f"--{instead.replace('_', '-')} writes nothing: --{written} has no use there")
    try:
        status = _run(options)
        print(end="", flush=True)
        return status
    except SchemaError as error:
        _show(error)
        return 1
    except BrokenPipeError:
        _forget_output()
        return 2
    except UnicodeError:
        print("protopool: a path holds a character that this terminal's encoding lacks", file=sys.stderr)
        return 2
    except OSError as error:
        _forget_output()
        place = f"{visible(str(error.filename))}: " if error.filename is not None else ""
        print(f"protopool: {place}{error.strerror or error}", file=sys.stderr)
        return 2


def _forget_output() -> None:
    """What could not be written to standard output is not tried again at exit."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="protopool", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=_EPILOG,
        description="Generate C tagged unions, constructors and a size-exact pool from schemas of messages.")
    parser.add_argument("schemas", metavar="SCHEMA", nargs="+", help='a schema in YAML; "-" for standard input')
    parser.add_argument("-o", "--output-dir", metavar="DIR", type=Path, default=Path("."),
                        help="where the outputs go, flat (default: the current directory)")
    parser.add_argument("--no-engine", action="store_true",
                        help="leave protopool.h, .c and .hpp out: one copy serves a whole program")
    parser.add_argument("--cpp", action="store_true", help="also write NAME.hpp and protopool.hpp: pools, handles, match and views for C++17")
    parser.add_argument("--tests", metavar="DIR", type=Path,
                        help="also write NAME_check.c, the tests of the schema (a program, for libcheck), into this folder")
    parser.add_argument("--bench", action="store_true", help="also write NAME_bench.h, which the benchmark drives")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--check", action="store_true", help="write nothing; exit 1 if any output is stale")
    instead.add_argument("--plan", choices=("text", "json"),
                         help="write nothing; print slot sizes, padding and the bytes saved (default: text)")
    instead.add_argument("--diff", action="store_true",
                         help="write nothing; print what has changed between two versions, OLD NEW; exit 1 if it breaks programs")
    instead.add_argument("--doc", action="store_true", help="write nothing; print a reference of the protocol in Markdown")
    instead.add_argument("--list-outputs", action="store_true", help="write nothing; print the outputs' paths")
    parser.add_argument("--touch", action="store_true",
                        help="set the time of unchanged outputs too: for make and CMake, which compare times")
    parser.add_argument("--depfile", metavar="FILE", type=Path,
                        help="also write a make rule of what was read: schemas, imports, the generator and its templates")
    parser.add_argument("--target", metavar="PATH",
                        help="what that rule makes, as the build system calls it: a stamp, say (default: the first NAME.h)")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    loudness.add_argument("-v", "--verbose", action="store_true", help="name every output, also the unchanged")
    parser.add_argument("--version", action="version", version=f"protopool {__version__}")
    return parser


def _join_plan(arguments: list[str]) -> list[str]:
    """`--plan` alone means `--plan=text`: argparse would take the schema for its value."""
    joined, rest = [], iter(arguments)
    for argument in rest:
        if argument == "--":
            return [*joined, argument, *rest]
        if argument == "--plan":
            following = next(rest, None)
            joined.append("--plan=" + (following if following in ("text", "json") else "text"))
            if following in ("text", "json", None):
                continue
            argument = following
        joined.append(argument)
    return joined


def _run(options: argparse.Namespace) -> int:
    schemas = [output.read_schema(path) for path in options.schemas]
    if options.plan:
        as_asked = plan.as_json if options.plan == "json" else plan.as_text
        print(as_asked(lay_out(schemas), [name for name, _ in schemas]), end="")
        return 0
    if options.diff:
        return _diff(*schemas)
    if options.doc:
        print("\n".join(markdown.markdown(laid_out) for laid_out in lay_out(schemas)), end="")
        return 0
    imported: dict[str, None] = {}

    def load(path: str) -> tuple[str, bytes]:
        imported[path] = None
        return output.read_imported(path)

    files = _outputs(options, lay_out(schemas, load))
    if options.list_outputs:
        print(*files, sep="\n")
        return 0
    if options.check:
        return _check(options, files)
    return _write(options, files, list(imported))


def _diff(old: tuple[str, bytes], new: tuple[str, bytes]) -> int:
    layouts = lay_out([old])[0], lay_out([new])[0]
    differences = diff.compare(*layouts)
    print(diff.as_text(differences, old[0], new[0]) + diff.advice(*layouts), end="")
    return 1 if diff.is_breaking(differences) else 0


def _outputs(options: argparse.Namespace, laid_out: list[Layout]) -> dict[Path, str]:
    """The text of each file that is asked for."""
    also = [kind for kind in ("bench", "cpp") if vars(options)[kind]]
    files = {options.output_dir / name: text for protocol in laid_out for name, text in render.render(protocol, also).items()}
    if options.tests is not None:
        files |= {options.tests / name: text for protocol in laid_out for name, text in render.suite(protocol).items()}
    if not options.no_engine:
        files |= {options.output_dir / name: text for name, text in engine.engine(also).items()}
    return files


def _check(options: argparse.Namespace, files: dict[Path, str]) -> int:
    stale = output.stale(files)
    if not options.quiet:
        for path in stale:
            print(f"protopool: {path} is {'stale' if path.exists() else 'missing'}", file=sys.stderr)
    return 1 if stale else 0


def _write(options: argparse.Namespace, files: dict[Path, str], imported: list[str]) -> int:
    rule = {options.depfile: _depfile(options, files, imported)} if options.depfile else {}
    changed = output.write(files | rule, files if options.touch else ())
    for path in files:
        if options.verbose or path in changed and not options.quiet:
            print(f"{path}{'' if path in changed else ' (unchanged)'}")
    return 0


def _depfile(options: argparse.Namespace, files: dict[Path, str], imported: list[str]) -> str:
    def escaped(path: str) -> str:
        return path.replace("$", "$$").replace("#", "\\#").replace(" ", "\\ ")

    target = escaped(options.target or str(next(iter(files))))
    schemas = [escaped(path) for path in dict.fromkeys((*options.schemas, *imported)) if path != output.STDIN]
    own = [escaped(str(path)) for path in sorted(path for folder in (Path(__file__).resolve().parent, render.TEMPLATES) for path in folder.rglob("*.*") if path.is_file() and path.suffix != ".pyc")]
    phony = "".join(f"\n{path}:\n" for path in (*schemas, *own))
    return f"{target}: {' '.join((*schemas, *own))}\n{phony}"


def _show(error: SchemaError) -> None:
    for diagnostic in error.diagnostics[:SHOWN_ERRORS]:
        print(diagnostic, file=sys.stderr)
    more = len(error.diagnostics) - SHOWN_ERRORS
    if more > 0:
        print(f"protopool: {more} more error{'s' if more > 1 else ''}", file=sys.stderr)
