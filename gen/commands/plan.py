# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool plan`: prints the memory that messages take."""

import argparse

from .. import outputs
from ..generate import lay_out
from ..views import plan

SUMMARY = "print slot sizes, padding, budgets, and the bytes saved"
EXAMPLES = "protopool plan calc.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    outputs.add_schemas(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON, for programs")


def run(options: argparse.Namespace) -> int:
    schemas = outputs.schemas(options)
    show = plan.as_json if options.json else plan.as_text
    print(show(lay_out(schemas), [name for name, _ in schemas]), end="")
    return 0
