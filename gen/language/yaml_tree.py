# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The first half of pass 1: bytes -> a tree of YAML nodes with their places. Knows YAML but no key of a schema.

A schema uses only a part of YAML: mappings, sequences and scalars, which stay text (`No` and `010` are what they look
like). This module reads PyYAML's events: they have places, and PyYAML's loaders recurse. It tries the C parser first, which
is 20 times as fast. A text that the C parser refuses, or reads differently, goes to the pure-Python parser, which defines the
language.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml

from ..diagnostics import Diagnostic, Place, Reporter, SchemaError, Source, at, quoted
from .yaml_errors import place_of, why_no_number, why_not_yaml

MAX_BYTES = 4 << 20
MAX_DEPTH = 64
MAX_NODES = 200_000             # names and values
_READ_AGAIN = 256 << 10         # characters: the pure-Python parser reads these in seconds; longer texts are left to the C parser
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE
_QUOTES, _BLOCKS = ("'", '"'), ("|", ">")
_new = tuple.__new__            # makes a NamedTuple of all its fields, without a call in Python
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*", re.MULTILINE)


class Scalar(NamedTuple):
    place: Place
    text: str
    quoted: bool
    block: bool = False     # after | or >: its characters have no places of their own


class Sequence(NamedTuple):
    place: Place
    items: tuple["Node", ...]


class Mapping(NamedTuple):
    place: Place
    entries: tuple[tuple[Scalar, "Node"], ...]


Node = Scalar | Sequence | Mapping


def read(name: str, raw: bytes, is_imported: bool = False) -> tuple[Node, Reporter]:
    """The document's root, and a reporter with the errors that did not stop the reading. Places in an imported file refer to it.

    Raises SchemaError if the text cannot be read at all.
    """
    source = Source(name, _decode(name, raw), is_imported)
    reporter = Reporter(source)
    unprintable = _UNPRINTABLE.search(source.text)
    if unprintable:
        _fail(source, place_of(source.text, unprintable.start()),
              f"{_described(unprintable)} is not allowed in a schema", "remove it")
    if yaml.__with_libyaml__:
        try:
            return _Tree(reporter, _c_events(source.text)).build(), reporter
        except yaml.YAMLError as error:
            if len(source.text) > _READ_AGAIN:
                reporter.diagnostics.append(why_not_yaml(source, error))
                reporter.raise_if_any()
        reporter = Reporter(source)
    try:
        return _Tree(reporter, yaml.parse(source.text, Loader=yaml.SafeLoader)).build(), reporter
    except yaml.YAMLError as error:
        reporter.diagnostics.append(why_not_yaml(source, error))
    except (ValueError, OverflowError):         # PyYAML raises these for numbers that Python cannot convert
        reporter.diagnostics.append(why_no_number(source))
    reporter.raise_if_any()
    raise AssertionError("not reached: a YAML error was reported")


def _c_events(text: str) -> Iterator[yaml.Event]:
    """The C parser's events. Like the pure-Python parser, raises YAMLError for a tab between tokens, and for a question
    mark in an unquoted text inside brackets."""
    events = iter(yaml.CSafeLoader(text).get_event, None)
    if "\t" in text:
        events = _without_tabs(events, text)
    return _without_questions(events, text) if "?" in text else events


def _without_tabs(events: Iterator[yaml.Event], text: str) -> Iterator[yaml.Event]:
    end = 0
    for event in events:
        is_plain = isinstance(event, yaml.ScalarEvent) and not event.style
        if "\t" in _COMMENT.sub("", text[end:event.end_mark.index if is_plain else event.start_mark.index]):
            raise yaml.scanner.ScannerError(None, None, None, _mark(text, text.index("\t", end)))
        end = event.end_mark.index
        yield event


def _without_questions(events: Iterator[yaml.Event], text: str) -> Iterator[yaml.Event]:
    brackets: list[yaml.Mark | None] = []       # for each open collection where its bracket is; None: it has none
    for event in events:
        if isinstance(event, yaml.ScalarEvent):
            if "?" in event.value and not event.style and brackets and brackets[-1]:
                raise yaml.parser.ParserError(None, brackets[-1], None, _mark(text, text.index("?", event.start_mark.index)))
        elif isinstance(event, yaml.CollectionStartEvent):
            brackets.append(event.start_mark if event.flow_style else None)
        elif isinstance(event, yaml.CollectionEndEvent):
            brackets.pop()
        yield event


def _mark(text: str, index: int) -> yaml.Mark:
    place = place_of(text, index)
    return yaml.Mark(None, index, place.line - 1, place.column - 1, None, None)


def _decode(name: str, raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        _fail(Source(name), Place(1, 1), f"the file is larger than {MAX_BYTES >> 20} MiB", "split it into several schemas")
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = raw[:error.start].decode("utf-8").removeprefix("\ufeff")
        source = Source(name, before + raw[error.start:error.start + 200].decode("utf-8", "replace"))
        _fail(source, place_of(before, len(before)), f"the byte 0x{raw[error.start]:02x} is not UTF-8",
              "save the file as UTF-8")
    raise AssertionError("not reached: the bytes did not decode")


def _fail(source: Source, place: Place, message: str, hint: str = "") -> None:
    raise SchemaError([Diagnostic(source, place, message, hint)])


def _described(unprintable: re.Match) -> str:
    character = ord(unprintable.group())
    return "a NUL character" if character == 0 else f"the {'control ' * (character < 0xA0)}character U+{character:04X}"


class _Tree:
    """Builds nodes from events, without recursion. Reports what a schema does not use. nodes: those of the innermost collection that
    is open. open: for each open collection its place, its class, and the nodes around it."""

    def __init__(self, reporter: Reporter, events: Iterator[yaml.Event]):
        self.reporter = reporter
        self.events = events
        self.imported = reporter.source if reporter.source.is_imported else None
        self.count = 0
        self.nodes: list[Node] = []
        self.open: list[tuple[Place, type[Node], list[Node]]] = []

    def build(self) -> Node:
        for event in self.events:
            if isinstance(event, yaml.ScalarEvent):
                self.scalar(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self.begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.end()
            elif isinstance(event, yaml.AliasEvent):
                self.alias(event)
            elif isinstance(event, yaml.DocumentStartEvent) and self.nodes:
                _fail(self.reporter.source, self.place(event), "a second document begins here, and a schema is one document",
                      "move it to a file of its own")
        if not self.nodes or self.nodes[0] == Scalar(self.nodes[0].place, "", False) and not self.reporter.diagnostics:
            _fail(self.reporter.source, Place(1, 1), "the schema is empty", 'begin it with "protocol: name"')
        return self.nodes[0]

    def scalar(self, event: yaml.ScalarEvent) -> None:
        """As most nodes are scalars, this calls little."""
        begin, end, style = event.start_mark, event.end_mark, event.style
        line, column = begin.line, begin.column
        width = end.column - column
        if width == 0 or end.line != line:
            place = self.place_of_word(event)
        else:
            place = _new(Place, (line + 1, column + 1, width, self.imported))
        self.count += 1
        if self.count > MAX_NODES or event.anchor is not None or event.tag is not None:
            self.look_at(event, place)
        if style == '"' and (unprintable := _UNPRINTABLE.search(event.value)):      # only there can be escapes
            self.reporter.error(place, f"this text has an escape for {_described(unprintable)}, "
                                "which is not allowed in a schema", "remove the escape")
        self.nodes.append(_new(Scalar, (place, event.value, style in _QUOTES, style in _BLOCKS)))

    def begin(self, event: yaml.CollectionStartEvent) -> None:
        place = self.place(event)
        self.count += 1
        self.look_at(event, place)
        if len(self.open) == MAX_DEPTH:
            _fail(self.reporter.source, place, f"this is nested more than {MAX_DEPTH} levels deep")
        self.open.append((place, Mapping if isinstance(event, yaml.MappingStartEvent) else Sequence, self.nodes))
        self.nodes = []

    def end(self) -> None:
        inner = self.nodes
        place, kind, self.nodes = self.open.pop()
        self.nodes.append(Sequence(place, tuple(inner)) if kind is Sequence else Mapping(place, self.entries(inner)))

    def alias(self, event: yaml.AliasEvent) -> None:
        place = self.place_of_word(event)
        self.reporter.error(place, f"the alias {quoted('*' + event.anchor)} is not allowed", "write the value itself")
        self.nodes.append(Scalar(place, "", False))

    def look_at(self, event: yaml.NodeEvent, place: Place) -> None:
        """What all nodes have in common. count: with this one."""
        if self.count > MAX_NODES:
            _fail(self.reporter.source, place, f"a schema has at most {MAX_NODES} names and values")
        if event.anchor is not None:
            self.reporter.error(place, f"the anchor {quoted('&' + event.anchor)} is not allowed", "remove it")
        if event.tag is not None:
            self.reporter.error(place, f"the YAML tag {quoted(_as_written(event.tag))} is not allowed", "remove it")

    def place(self, event: yaml.Event) -> Place:
        begin = event.start_mark
        return _new(Place, (begin.line + 1, begin.column + 1, 1, self.imported))

    def place_of_word(self, event: yaml.ScalarEvent | yaml.AliasEvent) -> Place:
        begin, end = event.start_mark, event.end_mark
        line, column = begin.line, begin.column
        width = end.column - column if end.line == line else 1
        if width == 0:
            column, width = column - _spaces_before(self.reporter.source.text, begin.index), 1
        return Place(line + 1, column + 1, width, self.imported)

    def entries(self, children: list[Node]) -> tuple[tuple[Scalar, Node], ...]:
        first: dict[str, Scalar] = {}
        entries = []
        for key, value in zip(children[::2], children[1::2]):
            if isinstance(key, Scalar) and not key.block and (text := key.text) not in first and text != "<<":
                first[text] = key
                entries.append((key, value))
            elif not isinstance(key, Scalar):
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


def _spaces_before(text: str, index: int) -> int:
    """The spaces between a colon and an empty value, which the C parser places after them."""
    begin = index
    while text[begin - 1:begin] == " ":
        begin -= 1
    return index - begin if text[begin - 1:begin] == ":" else 0


def _as_written(tag: str) -> str:
    return re.sub(r"\Atag:yaml\.org,2002:", "!!", tag)
