# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The first half of pass 1: bytes -> a tree of YAML nodes with their places. Knows YAML but no key of a schema.

A schema uses only a part of YAML: mappings, sequences and scalars, which stay text (`No` and `010` are what they look
like). This module reads PyYAML's events: they have places, and PyYAML's loaders recurse. It tries the C parser first, which
is 20 times as fast. A text that the C parser refuses, or reads differently, goes to the pure-Python parser, which defines the
language. The messages are our own, because PyYAML's change from version to version.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from ..diagnostics import Diagnostic, Place, Reporter, SchemaError, Source, at, quoted

MAX_BYTES = 4 << 20
MAX_DEPTH = 64
MAX_NODES = 200_000             # names and values
_READ_AGAIN = 256 << 10         # characters: the pure-Python parser reads these in seconds; longer texts are left to the C parser
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_UNQUOTED_TYPE = re.compile(r"(?<!\w)[A-Za-z]\w*[\[?][^,}\r\n]{0,99}")
_FIRST_OF_VALUE = re.compile(r"(?:^|[:{,-] )\s*(?P<first>[&*!|>%@`-])[^:{}]*\Z")
_LARGE_NUMBER = re.compile(r"\\U(?!000|0010)[0-9A-Fa-f]{8}|^%YAML.*", re.MULTILINE)
_LONG_LINE = 1000               # characters: beyond them, the beginning of a value is not searched
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*", re.MULTILINE)
_KEYS = 'end each key in ": ", and indent all keys of one mapping by the same number of spaces'


@dataclass(frozen=True)
class Node:
    place: Place


@dataclass(frozen=True)
class Scalar(Node):
    text: str
    quoted: bool
    block: bool = False     # after | or >: its characters have no places of their own


@dataclass(frozen=True)
class Sequence(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Mapping(Node):
    entries: tuple[tuple[Scalar, Node], ...]


def read(name: str, raw: bytes, is_imported: bool = False) -> tuple[Node, Reporter]:
    """The document's root, and a reporter with the errors that did not stop the reading. Places in an imported file refer to it.

    Raises SchemaError if the text cannot be read at all.
    """
    source = Source(name, _decode(name, raw), is_imported)
    reporter = Reporter(source)
    unprintable = _UNPRINTABLE.search(source.text)
    if unprintable:
        _fail(source, _place_of(source.text, unprintable.start()),
              f"{_described(unprintable)} is not allowed in a schema", "remove it")
    if yaml.__with_libyaml__:
        try:
            return _Tree(reporter, _c_events(source.text)).build(), reporter
        except yaml.YAMLError as error:
            if len(source.text) > _READ_AGAIN:
                reporter.diagnostics.append(_explain(source, error))
                reporter.raise_if_any()
        reporter = Reporter(source)
    try:
        return _Tree(reporter, yaml.parse(source.text, Loader=yaml.SafeLoader)).build(), reporter
    except yaml.YAMLError as error:
        reporter.diagnostics.append(_explain(source, error))
    except (ValueError, OverflowError):         # PyYAML raises these for numbers that Python cannot convert
        reporter.diagnostics.append(_explain_number(source))
    reporter.raise_if_any()
    raise AssertionError("not reached: a YAML error was reported")


def _c_events(text: str) -> Iterator[yaml.Event]:
    """The C parser's events. Like the pure-Python parser, raises YAMLError for a tab between tokens, and for a question
    mark in an unquoted text inside brackets."""
    has_tabs, end, flow = "\t" in text, 0, []
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        begin, is_plain = event.start_mark.index, isinstance(event, yaml.ScalarEvent) and not event.style
        if has_tabs and "\t" in _COMMENT.sub("", text[end:event.end_mark.index if is_plain else begin]):
            raise yaml.scanner.ScannerError(None, None, None, _mark(text, text.index("\t", end)))
        end = event.end_mark.index
        if isinstance(event, yaml.CollectionStartEvent):
            flow.append(event.start_mark if event.flow_style else None)
        elif isinstance(event, yaml.CollectionEndEvent):
            flow.pop()
        elif is_plain and flow and flow[-1] and "?" in event.value:
            raise yaml.parser.ParserError(None, flow[-1], None, _mark(text, text.index("?", begin)))
        yield event


def _mark(text: str, index: int) -> yaml.Mark:
    place = _place_of(text, index)
    return yaml.Mark(None, index, place.line - 1, place.column - 1, None, None)


def _decode(name: str, raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        _fail(Source(name), Place(1, 1), f"the file is larger than {MAX_BYTES >> 20} MiB", "split it into several schemas")
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = raw[:error.start].decode("utf-8").removeprefix("\ufeff")
        source = Source(name, before + raw[error.start:error.start + 200].decode("utf-8", "replace"))
        _fail(source, _place_of(before, len(before)), f"the byte 0x{raw[error.start]:02x} is not UTF-8",
              "save the file as UTF-8")
    raise AssertionError("not reached: the bytes did not decode")


def _fail(source: Source, place: Place, message: str, hint: str = "") -> None:
    raise SchemaError([Diagnostic(source, place, message, hint)])


def _described(unprintable: re.Match) -> str:
    character = ord(unprintable.group())
    return "a NUL character" if character == 0 else f"the {'control ' * (character < 0xA0)}character U+{character:04X}"


def _place_of(text: str, index: int) -> Place:
    line, begin = 1, 0
    for line_break in _LINE_BREAK.finditer(text, 0, index):
        line, begin = line + 1, line_break.end()
    return Place(line, index - begin + 1)


class _Tree:
    """Builds nodes from events, without recursion. Reports what a schema does not use."""

    def __init__(self, reporter: Reporter, events: Iterator[yaml.Event]):
        self.reporter = reporter
        self.events = events
        self.nodes = 0
        self.root: Node | None = None
        self.open: list[tuple[Place, type[Node], list[Node]]] = []

    def build(self) -> Node:
        for event in self.events:
            place = _event_place(event, self.reporter.source)
            if isinstance(event, yaml.AliasEvent):
                self.reporter.error(place, f"the alias {quoted('*' + event.anchor)} is not allowed", "write the value itself")
                self.add(Scalar(place, "", False))
            elif isinstance(event, yaml.DocumentStartEvent):
                if self.root is not None:
                    _fail(self.reporter.source, place, "a second document begins here, and a schema is one document",
                          "move it to a file of its own")
            elif isinstance(event, yaml.NodeEvent):
                self.begin(event, place)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.end()
        if self.root is None or self.root == Scalar(self.root.place, "", False) and not self.reporter.diagnostics:
            _fail(self.reporter.source, Place(1, 1), "the schema is empty", 'begin it with "protocol: name"')
        return self.root

    def begin(self, event: yaml.NodeEvent, place: Place) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            _fail(self.reporter.source, place, f"a schema has at most {MAX_NODES} names and values")
        if event.anchor is not None:
            self.reporter.error(place, f"the anchor {quoted('&' + event.anchor)} is not allowed", "remove it")
        if event.tag is not None:
            self.reporter.error(place, f"the YAML tag {quoted(_as_written(event.tag))} is not allowed", "remove it")
        if isinstance(event, yaml.ScalarEvent):
            unprintable = _UNPRINTABLE.search(event.value)
            if unprintable:
                self.reporter.error(place, f"this text has an escape for {_described(unprintable)}, "
                                    "which is not allowed in a schema", "remove the escape")
            self.add(Scalar(place, event.value, event.style in ("'", '"'), event.style in ("|", ">")))
            return
        if len(self.open) == MAX_DEPTH:
            _fail(self.reporter.source, place, f"this is nested more than {MAX_DEPTH} levels deep")
        self.open.append((place, Mapping if isinstance(event, yaml.MappingStartEvent) else Sequence, []))

    def end(self) -> None:
        place, kind, children = self.open.pop()
        if kind is Sequence:
            self.add(Sequence(place, tuple(children)))
        else:
            self.add(Mapping(place, self.entries(children)))

    def add(self, node: Node) -> None:
        if self.open:
            self.open[-1][2].append(node)
        else:
            self.root = node

    def entries(self, children: list[Node]) -> tuple[tuple[Scalar, Node], ...]:
        first: dict[str, Scalar] = {}
        entries = []
        for key, value in zip(children[::2], children[1::2]):
            if not isinstance(key, Scalar):
                self.reporter.error(key.place, "a key must be a name, not a list or a mapping",
                                    "each entry of a mapping is a name, a colon and a value")
            elif key.block:
                self.reporter.error(key.place, "a key must be a name, not a block of text",
                                    "each entry of a mapping is a name, a colon and a value")
            elif key.text == "<<" and not key.quoted:
                self.reporter.error(key.place, 'the merge key "<<" is not allowed', "write the keys themselves")
            elif key.text in first:
                self.reporter.error(key.place, f"{quoted(key.text)} appears twice",
                                    f"the first is at {at(first[key.text].place)}: remove or rename one of the two")
            else:
                first[key.text] = key
                entries.append((key, value))
        return tuple(entries)


def _event_place(event: yaml.Event, source: Source) -> Place:
    begin, end = event.start_mark, event.end_mark
    column, width = begin.column + 1, 1
    if begin.index == end.index and isinstance(event, yaml.ScalarEvent):
        column -= _spaces_before(source.text, begin.index)
    elif isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent)) and begin.line == end.line:
        width = max(1, end.column - begin.column)
    return Place(begin.line + 1, column, width, source if source.is_imported else None)


def _spaces_before(text: str, index: int) -> int:
    """The spaces between a colon and an empty value, which the C parser places after them."""
    begin = index
    while text[begin - 1:begin] == " ":
        begin -= 1
    return index - begin if text[begin - 1:begin] == ":" else 0


def _as_written(tag: str) -> str:
    return re.sub(r"\Atag:yaml\.org,2002:", "!!", tag)


def _explain(source: Source, error: yaml.YAMLError) -> Diagnostic:
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


def _explain_number(source: Source) -> Diagnostic:
    found = _LARGE_NUMBER.search(source.text)
    place = _place_of(source.text, found.start()) if found else Place(1, 1)
    return Diagnostic(source, place, "this number is too large for YAML", "shorten it")
