# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool check`: fails if an output is missing or stale. Writes nothing."""

import argparse

from .. import files, outputs, report
from ..diagnostics import Diagnostic, Source

SUMMARY = "fail if an output is missing or stale: for CI"
EXAMPLES = "protopool check -o src calc.yaml"
EPILOG = "Give check the options with which generate wrote the outputs. check itself writes nothing."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    outputs.add_arguments(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="print errors of schemas only")


def run(options: argparse.Namespace) -> int:
    stale = files.stale(outputs.texts(options)[0])
    if not options.quiet:
        report.show([Diagnostic(Source(str(path)), None, f"{path} is {'stale' if path.exists() else 'missing'}", rule="stale")
                     for path in stale], options.format)
    return 1 if stale else 0
