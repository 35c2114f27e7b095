# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool generate`, which is also what `protopool SCHEMA...` does. Knows the flags that are short for other commands."""

import argparse
from pathlib import Path

from .. import depfile, files, outputs, report

SUMMARY = "write the C of schemas (the default: `protopool SCHEMA...` does the same)"
EXAMPLES = "protopool generate -o src calc.yaml"
EPILOG = """\
Writes NAME.h and NAME.c for each schema, where NAME is its protocol, and the engine: protopool.h and protopool.c.
An output whose text has not changed is left as it is, unless --touch is given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    outputs.add_arguments(parser)
    _add_build_system(parser)
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    loudness.add_argument("-v", "--verbose", action="store_true", help="print every output, also the unchanged ones")
    _add_modes(parser)


def run(options: argparse.Namespace) -> int:
    if options.list_outputs:
        print(*outputs.texts(options)[0], sep="\n")
        return 0
    texts, imported = outputs.texts(options)
    rule = {options.depfile: _depfile(options, texts, imported)} if options.depfile else {}
    changed = files.write(texts | rule, touched=texts if options.touch else ())
    if options.format != "text":
        report.show([], options.format)
        return 0
    for path in texts:
        if options.verbose or path in changed and not options.quiet:
            print(f"{path}{'' if path in changed else ' (unchanged)'}")
    return 0


def alias_of(options: argparse.Namespace, parser: argparse.ArgumentParser) -> list[str] | None:
    """The arguments of the command that a flag such as --plan is short for; None if there is no such flag.

    Exits with status 2 if the options do not go together.
    """
    flag = next((flag for flag in ("check", "plan", "diff", "doc", "list_outputs") if vars(options)[flag]), None)
    if options.diff and len(options.schemas) != 2:
        parser.error("--diff takes two schemas: the old one and the new one")
    if options.target and not options.depfile:
        parser.error("--target needs --depfile")
    if flag is None:
        return None
    for option in ("depfile", "touch"):
        if vars(options)[option]:
            parser.error(f"--{flag.replace('_', '-')} writes nothing: it does not go with --{option}")
    schemas = [f"--format={options.format}", "--", *options.schemas]
    return {"check": ["check", *outputs.arguments(options), *(["-q"] if options.quiet else []), *schemas],
            "plan": ["plan", *(["--json"] if options.plan == "json" else []), *schemas],
            "diff": ["breaking", *schemas],
            "doc": ["doc", *schemas]}.get(flag)


def join_plan(arguments: list[str]) -> list[str]:
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


def _depfile(options: argparse.Namespace, texts: dict[Path, str], imported: list[str]) -> str:
    schemas = [path for path in dict.fromkeys((*options.schemas, *imported)) if path != files.STDIN]
    return depfile.rule(options.target or str(next(iter(texts))), schemas)


def _add_build_system(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--touch", action="store_true",
                        help="also update the time of unchanged outputs, for build systems that compare times")
    parser.add_argument("--depfile", metavar="FILE", type=Path,
                        help="also write a make rule that names every file that was read: schemas, imports, the generator, its templates")
    parser.add_argument("--target", metavar="PATH",
                        help="the target of that rule, for example a stamp (default: the first NAME.h)")


def _add_modes(parser: argparse.ArgumentParser) -> None:
    modes = parser.add_argument_group("instead of writing").add_mutually_exclusive_group()
    modes.add_argument("--list-outputs", action="store_true", help="print the paths of the outputs")
    modes.add_argument("--check", action="store_true", help="the same as the command check")
    modes.add_argument("--plan", choices=("text", "json"), help="the same as the command plan (default: text)")
    modes.add_argument("--diff", action="store_true", help="the same as the command breaking")
    modes.add_argument("--doc", action="store_true", help="the same as the command doc")
