# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Why a text is not YAML, judged by the place where the parser stopped. The messages are our own, because PyYAML's change from
version to version."""

import re

import yaml

from ..diagnostics import Diagnostic, Place, Source, at, quoted

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_UNQUOTED_TYPE = re.compile(r"(?<!\w)[A-Za-z]\w*[\[?][^,}\r\n]{0,99}")
_FIRST_OF_VALUE = re.compile(r"(?:^|[:{,-] )\s*(?P<first>[&*!|>%@`-])[^:{}]*\Z")
_LARGE_NUMBER = re.compile(r"\\U(?!000|0010)[0-9A-Fa-f]{8}|^%YAML.*", re.MULTILINE)
_LONG_LINE = 1000               # characters: beyond them, the beginning of a value is not searched
_KEYS = 'end each key in ": ", and indent all keys of one mapping by the same number of spaces'


def place_of(text: str, index: int) -> Place:
    line, begin = 1, 0
    for line_break in _LINE_BREAK.finditer(text, 0, index):
        line, begin = line + 1, line_break.end()
    return Place(line, index - begin + 1)


def why_not_yaml(source: Source, error: yaml.YAMLError) -> Diagnostic:
    """Why the text is not YAML, judged by the place where reading stopped."""
    mark, opened = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if mark is None:
        return Diagnostic(source, Place(1, 1), "this is not YAML")
    place = Place(mark.line + 1, mark.column + 1)
    stopped = source.text[mark.index:mark.index + 1]
    line = source.lines[mark.line]
    unquoted = next((m for m in _UNQUOTED_TYPE.finditer(line) if m.start() < mark.column < m.end()), None)
    bracket = source.text[opened.index:opened.index + 1] if opened else ""
    if stopped in ("[", "?") and unquoted:
        word = unquoted.group().rstrip()
        return Diagnostic(source, Place(place.line, unquoted.start() + 1, len(word)),
                          f"{quoted(stopped)} is not allowed in an unquoted text inside {{ }}", f"quote the type: '{word}'")
    if stopped == "" and opened:
        return Diagnostic(source, Place(opened.line + 1, opened.column + 1), "the file ends before this is closed",
                          f"add the closing {quoted({'{': '}', '[': ']'}.get(bracket, bracket))}")
    if bracket in ("{", "[") and mark.index != opened.index:
        closing = {"{": "}", "[": "]"}[bracket]
        return Diagnostic(source, place, f'"," or {quoted(closing)} is missing before this',
                          f"the {quoted(bracket)} is at {at(Place(opened.line + 1, opened.column + 1))}")
    if not line[:mark.column].strip() and opened is None and mark.column == 0 and stopped not in ("%", "\t", "]", "}"):
        return Diagnostic(source, place, 'the schema ends above this line',
                          'if a directive such as %YAML is above, write "---" after it')
    first = _FIRST_OF_VALUE.search(line[:mark.column + 1]) if mark.column < _LONG_LINE else None
    if first and line[:first.start("first")].strip():
        return Diagnostic(source, Place(place.line, first.start("first") + 1),
                          f"a text cannot begin with {quoted(first['first'])}", "quote the whole text")
    return Diagnostic(source, place, *_explain_character(stopped, line[:mark.column], line))


def _explain_character(stopped: str, before: str, line: str) -> tuple[str, str]:
    """Message and hint for a character that is not allowed after the text before it on its line."""
    if line.startswith("%"):
        return "this YAML directive cannot be read", "remove the line: a schema needs no directive"
    if stopped == "\t":
        return "a tab is not allowed here", "use spaces"
    if before.endswith("\\"):
        return f"{quoted(chr(92) + stopped)} is not an escape of YAML", "use single quotes: in them, a backslash has no special meaning"
    if stopped in ("]", "}"):
        return f"{quoted(stopped)} closes nothing", "remove it, or quote the text that contains it"
    if before.rstrip()[-1:] in ('"', "'", "]", "}") and stopped != ":":
        return f"no text is allowed after this {quoted(before.rstrip()[-1])}", "quote the whole text"
    if stopped == ":":
        comma = ", or put a comma between two entries" if "{" in before else ""
        return 'a ":" is not allowed here', f'quote a text that contains ": "{comma}; {_KEYS}'
    if not before.strip() and stopped == "-":
        return "a list cannot begin here", "remove the dash: entries of a mapping have none"
    if not before.strip():
        return "the indentation of this line matches no mapping above it", _KEYS
    return f"this is not YAML from {quoted(stopped)} on", "quote a text that contains characters with a meaning in YAML"


def why_no_number(source: Source) -> Diagnostic:
    found = _LARGE_NUMBER.search(source.text)
    place = place_of(source.text, found.start()) if found else Place(1, 1)
    return Diagnostic(source, place, "this number is too large for YAML", "shorten it")
