# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool fmt`: writes schemas in their canonical form."""

import argparse
import errno
import os
import sys
from pathlib import Path

from .. import files, report
from ..diagnostics import Diagnostic, SchemaError, Source

SUMMARY = "format schemas: the order of keys, indentation, spaces; comments stay"
EXAMPLES = """\
protopool fmt calc.yaml
protopool fmt --check calc.yaml
protopool fmt - <calc.yaml"""
EPILOG = """\
A file that is formatted is left as it is. If one cannot be formatted, none is written. "-" prints to standard output.
Before it writes, fmt makes sure that the formatted schema means the same as before."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("schemas", metavar="SCHEMA", nargs="+", help='a schema, or a file that schemas import; "-" for standard input')
    parser.add_argument("--check", action="store_true", help="write nothing; print the files that are not formatted, and fail if there are any")


def run(options: argparse.Namespace) -> int:
    from ..fmt.formatted import formatted

    changed: dict[str, bytes] = {}
    errors: list[Diagnostic] = []
    for path in options.schemas:
        try:
            name, before = files.read_schema(path)
            after = formatted(name, before)
        except SchemaError as error:
            errors += error.diagnostics
            continue
        if path == files.STDIN and not options.check:
            if sys.stdout is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF), "<stdout>")
            sys.stdout.buffer.write(after)
            sys.stdout.buffer.flush()
        elif after != before:
            changed[path] = after
    if errors:
        raise SchemaError(errors)
    if options.check:
        report.show([Diagnostic(Source(name), None, f"{name} is not formatted", "protopool fmt formats it", rule="fmt")
                     for name in ("<stdin>" if path == files.STDIN else path for path in changed)], options.format)
        return 1 if changed else 0
    for path in changed:
        if not os.access(path, os.W_OK):        # a file that is replaced needs no permission to write to it
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    files.write({Path(os.path.realpath(path)): after.decode() for path, after in changed.items()})     # a link stays one
    if options.format == "text" and changed:
        print(*changed, sep="\n")
    elif options.format != "text" and files.STDIN not in options.schemas:
        report.show([], options.format)
    return 0
