# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool import`: writes schemas from definitions in other languages."""

import argparse
import os
from pathlib import Path

from .. import files, report
from ..diagnostics import Diagnostic, Source

SUMMARY = "write schemas from MAVLink, SBE or Protocol Buffers definitions"
EXAMPLES = """\
protopool import mavlink -o schema common.xml
protopool import sbe -o schema example-schema.xml
protopool import proto -o schema person.proto"""
EPILOG = """\
Writes a schema for each file, and files for the types that they share. What a schema cannot say is a comment, "# lost: ...", with
its place in the source. If one of the schemas exists already, import writes none, unless --force is given.
proto needs protoc, and Python's package protobuf."""

LANGUAGES = ("mavlink", "sbe", "proto")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("language", metavar="LANGUAGE", choices=LANGUAGES, help="the language of the files: mavlink, sbe or proto")
    parser.add_argument("files", metavar="FILE", nargs="+", help="a definition of messages: XML, or .proto")
    parser.add_argument("-o", "--output-dir", metavar="DIR", type=Path, default=Path("."),
                        help="the folder for the schemas (default: the current folder)")
    parser.add_argument("-I", "--include", metavar="DIR", action="append", default=[],
                        help="also look for included files in this folder; may be given several times")
    parser.add_argument("--packed", action="store_true",
                        help="of MAVLink: schemas whose messages are sent and received as payloads of MAVLink 2")
    parser.add_argument("--force", action="store_true", help="overwrite schemas that exist already")


def run(options: argparse.Namespace) -> int:
    from ..importers import imported

    if options.packed and options.language != "mavlink":
        report.show([Diagnostic(Source(""), None, f"import {options.language} has no --packed: only the payloads of MAVLink can be packed messages", rule="usage")],
                    options.format)
        return 2
    choices = {"is_packed": True} if options.packed else {}
    found = imported(options.language, options.files, options.include, **choices)
    texts = {options.output_dir / name: text for name, text in found.items()}
    there = [Diagnostic(Source(str(path)), None, f"{path} exists already; with --force, import overwrites it. No file was written", rule="file")
             for path in texts if os.path.lexists(path) and not options.force]
    if there:
        report.show(there, options.format)
        return 2
    files.write(texts) if options.force else files.create(texts)
    if options.format == "text":
        print(*texts, sep="\n")
    else:
        report.show([], options.format)
    return 0
