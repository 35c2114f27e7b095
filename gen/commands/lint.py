# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool lint`: reports what a schema may contain, but should perhaps not."""

import argparse

from .. import files, outputs, report
from ..diagnostics import SchemaError
from ..lint.names import RULES

SUMMARY = "report what a schema may contain, but should perhaps not"
EXAMPLES = """\
protopool lint calc.yaml
protopool lint --disable=naming,missing-doc calc.yaml"""
EPILOG = "rules:\n" + "".join(f"  {name:16}  {what}\n" for name, what in RULES.items()) + """
A schema switches rules off with the key lint, for itself, a variant or a struct: lint: {disable: [missing-doc]}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    outputs.add_schemas(parser)
    rules = parser.add_mutually_exclusive_group()
    rules.add_argument("--disable", "--off", metavar="RULES", type=_rules, action="extend", default=[], help="the rules to leave out, with commas between them")
    rules.add_argument("--only", metavar="RULES", type=_rules, action="extend", default=[], help="the rules to use, with commas between them")


def run(options: argparse.Namespace) -> int:
    from ..lint.lint import lint

    rules = options.only or [rule for rule in RULES if rule not in options.disable]
    found, errors = [], []
    for path in options.schemas:
        try:
            found += lint(*files.read_schema(path), files.read_imported, rules)
        except SchemaError as error:
            errors += error.diagnostics
    if errors:
        raise SchemaError(errors)
    found = list(dict.fromkeys(found))          # several schemas may import one file
    report.show(found, options.format)
    return 1 if found else 0


def _rules(text: str) -> list[str]:
    rules = [part.strip() for part in text.split(",")]
    wrong = [rule for rule in rules if rule not in RULES]
    if wrong:
        raise argparse.ArgumentTypeError(f"there is no rule {wrong[0]!r}; the rules are {', '.join(RULES)}")
    return rules
