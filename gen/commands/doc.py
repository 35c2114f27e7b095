# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool doc`: prints a reference of the protocol in Markdown."""

import argparse

from .. import outputs
from ..generate import lay_out
from ..views import markdown

SUMMARY = "print a reference of the protocol in Markdown"
EXAMPLES = "protopool doc calc.yaml >calc.md"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    outputs.add_schemas(parser)


def run(options: argparse.Namespace) -> int:
    print("\n".join(markdown.markdown(layout) for layout in lay_out(outputs.schemas(options))), end="")
    return 0
