# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Diagnostics as text, JSON, GitHub's workflow commands, or SARIF. Knows these formats and nothing of schemas."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from . import __version__
from .diagnostics import Diagnostic, visible

FORMATS = ("text", "json", "github", "sarif")
SHOWN_ERRORS = 100              # as text: nobody reads more
_NO_RULE = "schema"             # the rule of an error that names none: the language itself
_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}        # GitHub's words


def show(diagnostics: Sequence[Diagnostic], form: str) -> None:
    """Prints all diagnostics of a run: call it once. As text they go to standard error, in other formats to standard output.

    JSON and SARIF are also printed if there are none. Raises OSError.
    """
    if form == "text":
        _print_text(diagnostics)
    else:
        print({"json": as_json, "github": as_github, "sarif": as_sarif}[form](diagnostics), end="", flush=True)


def _print_text(diagnostics: Sequence[Diagnostic]) -> None:
    for diagnostic in diagnostics[:SHOWN_ERRORS]:
        print(diagnostic, file=sys.stderr)
    more = diagnostics[SHOWN_ERRORS:]
    if more:
        print(f"protopool: {len(more)} more {more[0].severity}{'s' if len(more) > 1 else ''}", file=sys.stderr)


def as_json(diagnostics: Sequence[Diagnostic]) -> str:
    """An array of objects. line, column and end_column are null if the diagnostic is about no line; hint may be null."""
    return json.dumps([_object(diagnostic) for diagnostic in diagnostics], indent=2) + "\n"


def _object(diagnostic: Diagnostic) -> dict:
    place = diagnostic.place
    return {"file": diagnostic.file or None,
            "line": place.line if place else None,
            "column": place.column if place else None,
            "end_column": place.column + place.width if place else None,
            "severity": diagnostic.severity,
            "rule": diagnostic.rule or _NO_RULE,
            "message": diagnostic.message,
            "hint": diagnostic.hint or None}


def as_github(diagnostics: Sequence[Diagnostic]) -> str:
    """A workflow command a line: GitHub shows each at its line of the pull request."""
    return "".join(f"{_command(diagnostic)}\n" for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    place = diagnostic.place
    properties = {"file": diagnostic.file} if diagnostic.file else {}
    if place:
        properties |= {"line": place.line, "col": place.column, "endColumn": place.column + place.width}
    properties["title"] = f"protopool {diagnostic.rule or _NO_RULE}"
    listed = ",".join(f"{key}={_escaped(str(value)).replace(':', '%3A').replace(',', '%2C')}" for key, value in properties.items())
    return f"::{_LEVELS[diagnostic.severity]} {listed}::{_escaped(_with_hint(diagnostic))}"


def _escaped(text: str) -> str:
    """As GitHub reads it. A character that would act on a terminal is shown as "?", as in text."""
    return visible(text, keep="\r\n").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def as_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """A SARIF 2.1.0 log with one run."""
    rules = sorted({diagnostic.rule or _NO_RULE for diagnostic in diagnostics})
    run = {"tool": {"driver": {"name": "protopool", "version": __version__, "semanticVersion": __version__,
                               "rules": [{"id": rule} for rule in rules]}},
           "columnKind": "unicodeCodePoints",
           "results": [_result(diagnostic, rules) for diagnostic in diagnostics]}
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _result(diagnostic: Diagnostic, rules: list[str]) -> dict:
    rule = diagnostic.rule or _NO_RULE
    result = {"ruleId": rule, "ruleIndex": rules.index(rule), "level": diagnostic.severity, "message": {"text": _with_hint(diagnostic)}}
    if diagnostic.file:
        place = diagnostic.place
        region = {"region": {"startLine": place.line, "startColumn": place.column, "endColumn": place.column + place.width}} if place else {}
        result["locations"] = [{"physicalLocation": {"artifactLocation": {"uri": _uri(diagnostic.file)}, **region}}]
    return result


def _uri(path: str) -> str:
    """A relative reference for a relative path, so that a log means the same on another machine."""
    return Path(path).as_uri() if os.path.isabs(path) else quote(os.fsencode(path))


def _with_hint(diagnostic: Diagnostic) -> str:
    return diagnostic.message + (f"\nhint: {diagnostic.hint}" if diagnostic.hint else "")
