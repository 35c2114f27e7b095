# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The command line: finds the command, parses its arguments, runs it, and shows its errors.

Exit status: 0 success; 1 a schema is wrong, an output is stale, or the command found something; 2 wrong usage, or a file cannot
be read or written.
"""

import argparse
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

from . import __version__, report
from .commands import NAMES, generate
from .diagnostics import Diagnostic, SchemaError, Source, did_you_mean, quoted, visible

_STATUS = """\
Exit status: 0 success; 1 a schema is wrong, an output is stale, or the command found something; 2 wrong usage, or a file
cannot be read or written."""
_HELP_END = f"""\
`protopool help COMMAND` or `protopool COMMAND -h` explains a command, and begins with an example.
`protopool SCHEMA...` is `protopool generate SCHEMA...`.

options:
  -h, --help   print this help
  --version    print the version

{_STATUS}"""


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and returns its exit status. Wrong usage, -h and --version end the process, as argparse does."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["help"]:       # as git has it
        arguments = [*arguments[1:2], "-h"]
    if not arguments:
        print(_help(), file=sys.stderr)
        return 2
    if arguments[0] in ("-h", "--help"):
        return _run(lambda: print(_help()) or 0, "text")
    if arguments[0] == "--version":
        return _run(lambda: print(f"protopool {__version__}") or 0, "text")
    if _is_unknown(arguments[0]):
        return _refuse(arguments[0])
    name, rest = (arguments[0], arguments[1:]) if arguments[0] in NAMES else ("generate", arguments)
    module, options = _parse(name, rest)
    return _run(lambda: module.run(options), options.format)


class _Parser(argparse.ArgumentParser):
    """A parser whose help begins with examples."""

    examples = ""

    def format_help(self) -> str:
        return f"{self.examples}\n{super().format_help()}"


def _parse(name: str, arguments: list[str]) -> tuple[ModuleType, argparse.Namespace]:
    """The command and its options. Exits with status 2 if they do not go together."""
    module = command(name)
    of_command = parser(name)
    parse = of_command.parse_args if "--" in arguments else of_command.parse_intermixed_args    # which loses a "--"
    options = parse(generate.join_plan(arguments) if module is generate else arguments)
    if module is generate and (late := [word for word in options.schemas if word in NAMES and not Path(word).exists()]):
        of_command.error(f"{quoted(late[0])} is a command: it comes before all options")
    alias = generate.alias_of(options, of_command) if module is generate else None
    return (module, options) if alias is None else _parse(alias[0], alias[1:])


def parser(name: str) -> argparse.ArgumentParser:
    """The parser of a command's arguments. The manual page and the completion of the shell are made from it."""
    module = command(name)
    made = _Parser(prog=f"protopool {name}", formatter_class=argparse.RawDescriptionHelpFormatter,
                   description=f"{module.SUMMARY[0].upper()}{module.SUMMARY[1:]}.", epilog=_epilog(module))
    made.examples = "".join(f"{'example:' if i == 0 else '        '} {line}\n" for i, line in enumerate(module.EXAMPLES.splitlines()))
    module.add_arguments(made)
    made.add_argument("--format", choices=report.FORMATS, default="text", metavar="FORMAT",
                      help="how errors are printed: text, on standard error; json, github or sarif, on standard output")
    return made


def _epilog(module: ModuleType) -> str:
    own = getattr(module, "EPILOG", "").rstrip("\n")
    return own if "Exit status:" in own else f"{own}\n{_STATUS}".lstrip("\n")


def command(name: str) -> ModuleType:
    return importlib.import_module(f".commands.{name}", __package__)


def _run(work, form: str) -> int:
    try:
        status = work()
        print(end="", flush=True)
        return status
    except SchemaError as error:
        diagnostics = error.diagnostics
        return _run(lambda: report.show(diagnostics, form) or 1, "text")
    except BrokenPipeError:
        _discard_output()
        return 2
    except UnicodeError:
        print("protopool: a path has a character that this terminal's encoding cannot show", file=sys.stderr)
        return 2
    except OSError as error:
        _print_trouble(error, form)
        _discard_output()
        return 2


def _print_trouble(error: OSError, form: str) -> None:
    name = "" if error.filename is None else str(error.filename)
    trouble = Diagnostic(Source(name), None, f"{f'{visible(name)}: ' if name else ''}{error.strerror or error}", rule="file")
    try:
        report.show([trouble], form)
    except OSError:                     # standard output is the trouble
        _discard_output()
        report.show([trouble], "text")


def _discard_output() -> None:
    """Keeps Python from writing the rest of standard output again at exit, where it would fail again."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# Finding the command.

def _is_unknown(word: str) -> bool:
    """Whether the word is meant as a command and is none. A schema's path has a dot or a slash, or exists."""
    return word.isprintable() and not (word in NAMES or word.startswith("-") or "." in word or os.sep in word or Path(word).exists())


def _refuse(word: str) -> int:
    hint = did_you_mean(word, NAMES)
    print(f"protopool: {quoted(word)} is not a command, and there is no such file" + (f"; {hint}" if hint else "")
          + "\nprotopool -h lists the commands", file=sys.stderr)
    return 2


def _help() -> str:
    width = max(map(len, NAMES))
    return "\n".join(("example: protopool init mine --build=make", "         protopool generate -o src mine.yaml", "",
                      "usage: protopool COMMAND [ARGUMENTS]", "       protopool [OPTIONS] SCHEMA...", "",
                      "Generates C tagged unions, constructors and a size-exact pool from schemas of messages.", "", "commands:",
                      *(f"  {name:{width}}  {command(name).SUMMARY}" for name in NAMES), "", _HELP_END))
