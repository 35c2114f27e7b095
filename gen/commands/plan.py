# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool plan`: prints the memory that messages take."""

import argparse

from .. import outputs, report
from ..generate import lay_out
from ..views import plan

SUMMARY = "print slot sizes, padding, budgets, and the bytes saved"
EXAMPLES = "protopool plan calc.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    outputs.add_schemas(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON, for programs")


def run(options: argparse.Namespace) -> int:
    schemas = outputs.schemas(options)
    layouts, names = lay_out(schemas), [name for name, _ in schemas]
    if options.json:
        print(plan.as_json(layouts, names), end="")
        return 0
    of_github = options.format == "github"          # its lines can stand among others
    print(plan.as_text(layouts, names, with_warnings=not of_github), end="")
    if of_github:
        report.show([warning for layout, name in zip(layouts, names) for warning in plan.warnings(layout, name)], options.format)
    return 0
