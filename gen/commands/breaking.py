# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool breaking`: compares two versions of a schema, and fails if the new one breaks programs."""

import argparse
import os
import sys

from .. import files, report, versions
from ..diagnostics import Diagnostic
from ..views import breaking, difference

SUMMARY = "compare two versions of a schema; fail if the new one breaks programs"
EXAMPLES = """\
protopool breaking old.yaml new.yaml
protopool breaking --against '.git#ref=main' calc.yaml"""
EPILOG = "categories:\n" + "".join(f"  {name:6}  {what}\n" for name, what in difference.CATEGORIES.items())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("schemas", metavar="SCHEMA", nargs="+",
                        help='the old version and the new one; with --against, only new ones. "-" for standard input, not with --against')
    parser.add_argument("--against", metavar="OLD", help="where the old versions are: a file, a folder, or a commit: .git#ref=NAME, "
                        ".git#branch=NAME or .git#tag=NAME. A branch can also be one of the remote origin")
    parser.add_argument("--category", metavar="NAMES", type=_categories, default=difference.DEFAULT,
                        help="the categories that fail, with commas between them (default: %s)" % ",".join(difference.DEFAULT))


def run(options: argparse.Namespace) -> int:
    wrong = _wrong(options)
    if wrong:
        print(f"protopool breaking: error: {wrong}", file=sys.stderr)
        return 2
    pairs, absent = _pairs(options)
    compared = [(old, new, breaking.compare(old.layout, new.layout)) for old, new in pairs]
    if options.format == "text":
        report.show(absent, "text")
        for old, new, found in compared:
            if len(options.schemas) > 1 and options.against is not None:
                print(f"{new.source.name}:")
            print(difference.as_text(found, old.source.name, new.source.name, options.category) + difference.advice(old.layout, new.layout), end="")
    else:
        report.show([*absent, *(d for old, new, found in compared
                                for d in difference.as_diagnostics(found, old.source, new.source, options.category,
                                                                        only_new=options.format in ("github", "sarif")))], options.format)
    return 1 if any(d.is_breaking(options.category) for _, _, found in compared for d in found) else 0


def _categories(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip().upper() for part in text.split(",")))
    wrong = [name for name in names if name not in difference.CATEGORIES]
    if wrong:
        raise argparse.ArgumentTypeError(f"there is no category {wrong[0]!r}; the categories are {', '.join(difference.CATEGORIES)}")
    return names


def _wrong(options: argparse.Namespace) -> str:
    """Why the arguments do not go together; empty if they do."""
    if options.against is None:
        return "" if len(options.schemas) == 2 else "it takes two schemas, OLD NEW, or --against OLD NEW..."
    if files.STDIN in options.schemas:
        return "with --against, a schema has a path: by it the old version is found"
    return "" if len(options.schemas) == 1 or not os.path.isfile(options.against) else "one file is the old version of one schema"


def _pairs(options: argparse.Namespace) -> tuple[list[tuple[versions.Version, versions.Version]], list[Diagnostic]]:
    """The versions to compare, and a note for each schema that has no old version."""
    if options.against is None:
        old, new = options.schemas
        return [(versions.read(old), versions.read(new))], []
    commit = versions.commit(options.against)
    pairs, absent = [], []
    for path in options.schemas:
        if commit is not None:
            old = versions.of_commit(commit, path)
        elif os.path.isdir(options.against):
            old = versions.of_folder(options.against, path)
        else:
            old = versions.read(options.against)
        new = versions.read(path)
        if old is not None:
            pairs.append((old, new))
        else:
            absent.append(Diagnostic(new.source, None, f"{path} is not in {commit.name if commit else options.against}: it is new",
                                     severity="note", rule="compatible"))
    return pairs, absent
