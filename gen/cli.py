# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The command line: its options, one function for each mode, and how errors are shown.

Exit status: 0 success, 1 a schema is wrong or an output is stale, 2 wrong usage or a file cannot be read or written.
"""

import argparse
import os
import sys
from pathlib import Path

from . import __version__, depfile, files
from .diagnostics import SchemaError, visible
from .emit import engine, render
from .generate import lay_out
from .views import diff, markdown, plan

SHOWN_ERRORS = 100
_EPILOG = """\
Writes NAME.h and NAME.c for each schema, where NAME is its protocol, and the engine: protopool.h and protopool.c.
An output whose text has not changed is left as it is, unless --touch is given.
Exit status: 0 success, 1 a schema is wrong or an output is stale, 2 wrong usage or a file cannot be read or written."""


def main(arguments: list[str] | None = None) -> int:
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    try:
        status = _MODES[options.mode](options)
        print(end="", flush=True)
        return status
    except SchemaError as error:
        _print_errors(error)
        return 1
    except BrokenPipeError:
        _discard_output()
        return 2
    except UnicodeError:
        print("protopool: a path has a character that this terminal's encoding cannot show", file=sys.stderr)
        return 2
    except OSError as error:
        _discard_output()
        place = f"{visible(str(error.filename))}: " if error.filename is not None else ""
        print(f"protopool: {place}{error.strerror or error}", file=sys.stderr)
        return 2


def _print_errors(error: SchemaError) -> None:
    for diagnostic in error.diagnostics[:SHOWN_ERRORS]:
        print(diagnostic, file=sys.stderr)
    more = len(error.diagnostics) - SHOWN_ERRORS
    if more > 0:
        print(f"protopool: {more} more error{'s' if more > 1 else ''}", file=sys.stderr)


def _discard_output() -> None:
    """Keeps Python from writing the rest of standard output again at exit, where it would fail again."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# The modes: each takes the options, does its work and returns the exit status.

def _write(options: argparse.Namespace) -> int:
    texts, imported = _outputs(options)
    rule = {options.depfile: _depfile(options, texts, imported)} if options.depfile else {}
    changed = files.write(texts | rule, touched=texts if options.touch else ())
    for path in texts:
        if options.verbose or path in changed and not options.quiet:
            print(f"{path}{'' if path in changed else ' (unchanged)'}")
    return 0


def _check(options: argparse.Namespace) -> int:
    stale = files.stale(_outputs(options)[0])
    if not options.quiet:
        for path in stale:
            print(f"protopool: {path} is {'stale' if path.exists() else 'missing'}", file=sys.stderr)
    return 1 if stale else 0


def _list_outputs(options: argparse.Namespace) -> int:
    print(*_outputs(options)[0], sep="\n")
    return 0


def _plan(options: argparse.Namespace) -> int:
    schemas = _schemas(options)
    show = plan.as_json if options.plan == "json" else plan.as_text
    print(show(lay_out(schemas), [name for name, _ in schemas]), end="")
    return 0


def _diff(options: argparse.Namespace) -> int:
    old, new = _schemas(options)
    layouts = lay_out([old])[0], lay_out([new])[0]
    differences = diff.compare(*layouts)
    print(diff.as_text(differences, old[0], new[0]) + diff.advice(*layouts), end="")
    return 1 if diff.is_breaking(differences) else 0


def _doc(options: argparse.Namespace) -> int:
    print("\n".join(markdown.markdown(layout) for layout in lay_out(_schemas(options))), end="")
    return 0


_MODES = {"write": _write, "check": _check, "plan": _plan, "diff": _diff, "doc": _doc, "list_outputs": _list_outputs}


def _schemas(options: argparse.Namespace) -> list[tuple[str, bytes]]:
    return [files.read_schema(path) for path in options.schemas]


def _outputs(options: argparse.Namespace) -> tuple[dict[Path, str], list[str]]:
    """The text of each output, and the paths of the files that the schemas import."""
    imported: dict[str, None] = {}

    def load(path: str) -> tuple[str, bytes]:
        imported[path] = None
        return files.read_imported(path)

    def placed(folder: Path, texts: dict[str, str]) -> dict[Path, str]:
        return {folder / name: text for name, text in texts.items()}

    on_demand = [kind for kind in ("bench", "cpp") if vars(options)[kind]]
    layouts = lay_out(_schemas(options), load)
    outputs: dict[Path, str] = {}
    for layout in layouts:
        outputs |= placed(options.output_dir, render.render(layout, on_demand))
    for layout in layouts if options.tests is not None else ():
        outputs |= placed(options.tests, render.suite(layout))
    if not options.no_engine:
        outputs |= placed(options.output_dir, engine.engine(on_demand))
    return outputs, list(imported)


def _depfile(options: argparse.Namespace, outputs: dict[Path, str], imported: list[str]) -> str:
    schemas = [path for path in dict.fromkeys((*options.schemas, *imported)) if path != files.STDIN]
    return depfile.rule(options.target or str(next(iter(outputs))), schemas)


# Parsing the arguments.

def _parse(arguments: list[str]) -> argparse.Namespace:
    """The options, and their mode as options.mode. Exits with status 2 if they do not go together."""
    parser = argparse.ArgumentParser(
        prog="protopool", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=_EPILOG,
        description="Generate C tagged unions, constructors and a size-exact pool from schemas of messages.")
    parser.add_argument("schemas", metavar="SCHEMA", nargs="+", help='a schema in YAML; "-" for standard input')
    _add_outputs(parser)
    _add_modes(parser)
    _add_build_system(parser)
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    loudness.add_argument("-v", "--verbose", action="store_true", help="print every output, also the unchanged ones")
    parser.add_argument("--version", action="version", version=f"protopool {__version__}")

    options = parser.parse_args(_join_plan(arguments))
    options.mode = next((mode for mode in _MODES if vars(options).get(mode)), "write")
    if options.diff and len(options.schemas) != 2:
        parser.error("--diff takes two schemas: the old one and the new one")
    if options.target and not options.depfile:
        parser.error("--target needs --depfile")
    if options.mode != "write":
        for option in ("depfile", "touch"):
            if vars(options)[option]:
                parser.error(f"--{options.mode.replace('_', '-')} writes nothing: it does not go with --{option}")
    return options


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output-dir", metavar="DIR", type=Path, default=Path("."),
                        help="the folder for the outputs (default: the current folder)")
    parser.add_argument("--no-engine", action="store_true",
                        help="do not write the engine (protopool.h, .c, .hpp): a program needs one copy of it")
    parser.add_argument("--cpp", action="store_true",
                        help="also write NAME.hpp and protopool.hpp for C++17: pools, handles, match and views")
    parser.add_argument("--tests", metavar="DIR", type=Path,
                        help="also write NAME_check.c to DIR: a program, for libcheck, that tests the generated code")
    parser.add_argument("--bench", action="store_true", help="also write NAME_bench.h, which the benchmark uses")


def _add_modes(parser: argparse.ArgumentParser) -> None:
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--check", action="store_true", help="write nothing; exit 1 if an output is missing or stale")
    modes.add_argument("--plan", choices=("text", "json"),
                       help="write nothing; print slot sizes, padding and the bytes saved (default: text)")
    modes.add_argument("--diff", action="store_true",
                       help="write nothing; compare two versions of a schema, OLD NEW; exit 1 if a change breaks programs")
    modes.add_argument("--doc", action="store_true", help="write nothing; print a reference of the protocol in Markdown")
    modes.add_argument("--list-outputs", action="store_true", help="write nothing; print the paths of the outputs")


def _add_build_system(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--touch", action="store_true",
                        help="also update the time of unchanged outputs: for make and CMake, which compare times")
    parser.add_argument("--depfile", metavar="FILE", type=Path,
                        help="also write a make rule that names every file read: schemas, imports, the generator, its templates")
    parser.add_argument("--target", metavar="PATH",
                        help="the target of that rule, for example a stamp (default: the first NAME.h)")


def _join_plan(arguments: list[str]) -> list[str]:
    """Makes `--plan` alone mean `--plan=text`: argparse would take the schema for its value."""
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
