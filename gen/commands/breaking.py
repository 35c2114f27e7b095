# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool breaking`: compares two versions of a schema, and fails if the new one breaks programs."""

import argparse

from .. import files
from ..generate import lay_out
from ..views import diff

SUMMARY = "compare two versions of a schema; fail if the new one breaks programs"
EXAMPLES = "protopool breaking old.yaml new.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD", help='the old schema; "-" for standard input')
    parser.add_argument("new", metavar="NEW", help='the new schema; "-" for standard input')


def run(options: argparse.Namespace) -> int:
    old, new = files.read_schema(options.old), files.read_schema(options.new)
    layouts = lay_out([old])[0], lay_out([new])[0]
    differences = diff.compare(*layouts)
    print(diff.as_text(differences, old[0], new[0]) + diff.advice(*layouts), end="")
    return 1 if diff.is_breaking(differences) else 0
