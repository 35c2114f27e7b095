# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The canonical form of a schema, and the proof that it means the same: the only entrance to this folder."""

import dataclasses
import re

from . import printer, tree
from ..diagnostics import Diagnostic, Place, Reporter, SchemaError, Source
from ..files import read_imported
from ..generate import lay_out
from ..language import yaml_tree
from ..language.keys import Reader
from ..language.yaml_errors import place_of

_BOM = b"\xef\xbb\xbf"


def formatted(name: str, raw: bytes) -> bytes:
    """The schema, or a file that a schema imports, in its canonical form. A schema with errors of the language is formatted, too.

    Raises SchemaError if the YAML cannot be read or cannot be formatted.
    """
    text = raw.removeprefix(_BOM).decode("utf-8", "replace")
    line_break = "\r\n" if re.search(r"\A[^\n]*\r\n", text) else "\n"
    raw_lines = raw.removeprefix(_BOM).replace(b"\r\n", b"\n")
    once = _once(name, raw_lines)
    result = once.encode()
    _prove(name, raw_lines, result)
    if _once(name, result) != once:
        raise _failure(name, raw_lines, "formatting it twice gives another text than formatting it once")
    return (_BOM if raw.startswith(_BOM) else b"") + once.replace("\n", line_break).encode()


def _once(name: str, raw: bytes) -> str:
    root, reporter = yaml_tree.read(name, raw)
    reporter.raise_if_any()
    source = reporter.source
    odd = re.search("[\r\x85\u2028\u2029]", source.text)
    if odd:
        raise SchemaError([Diagnostic(source, place_of(source.text, odd.start()), f"a line ends with the character U+{ord(odd.group()):04X}",
                                      "end it with a line feed", rule="fmt")])
    if not isinstance(root, yaml_tree.Mapping):
        Reader(reporter).schema(root)
        reporter.raise_if_any()
    return printer.as_text(*tree.read(source))


def _prove(name: str, before: bytes, after: bytes) -> None:
    """Raises SchemaError if the two texts differ in their meaning or their comments."""
    if _meaning(name, before) != _meaning(name, after):
        raise _failure(name, before, "formatting it would change what it means")
    if _comments(name, before) != _comments(name, after):
        raise _failure(name, before, "formatting it would lose a comment")


def _failure(name: str, raw: bytes, what: str) -> SchemaError:
    return SchemaError([Diagnostic(Source(name, raw.decode()), Place(1, 1), f"{what}: it is left as it is",
                                   "this is a fault of protopool: please report it, with the file", rule="fmt")])


def _meaning(name: str, raw: bytes) -> tuple:
    """The schema as it is written, its errors, and its layout if it has one; all without places."""
    root, reporter = yaml_tree.read(name, raw)
    keys = {key.text for key, _ in root.entries} if isinstance(root, yaml_tree.Mapping) else set()
    is_schema = bool(keys & {"protocol", "messages"})
    schema = Reader(reporter).schema(root) if is_schema else Reader(reporter).shared(root)
    written = _without_places(schema), sorted(_words(d) for d in reporter.diagnostics)
    if not is_schema or reporter.diagnostics:
        return written
    try:
        return *written, _without_places(lay_out([(name, raw)], read_imported)[0])
    except SchemaError as error:
        return *written, sorted(_words(d) for d in error.diagnostics)


def _words(diagnostic: Diagnostic) -> tuple[str, str]:
    """An error without its place, and without the places that it names."""
    return tuple(re.sub(r"line \d+, column \d+", "", text) for text in (diagnostic.message, diagnostic.hint))


def _without_places(value, known: dict[int, tuple] | None = None):
    """known: what has been seen, by its identity: a layout refers to the same types again and again."""
    known = {} if known is None else known
    if id(value) in known:
        return known[id(value)]
    if isinstance(value, (Place, Source, Reporter)):
        return None
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        found = type(value).__name__, *[_without_places(part, known) for part in value]
    elif isinstance(value, (tuple, list)):
        found = tuple([_without_places(part, known) for part in value])
    elif dataclasses.is_dataclass(value):
        found = type(value).__name__, *[_without_places(getattr(value, f.name), known) for f in dataclasses.fields(value)]
    else:
        return value
    known[id(value)] = found
    return found


def _comments(name: str, raw: bytes) -> list[str]:
    """Every comment, in any order."""
    root, reporter = yaml_tree.read(name, raw)
    head, node = tree.read(reporter.source)
    found = [line[line.index("#"):].rstrip() for line in head.split("\n") if "#" in line]

    def walk(collection: tree.Collection) -> None:
        for comments in (collection.end, *(part for entry in collection.entries for part in (entry.lead, entry.trail))):
            found.extend(comment.text for comment in comments if comment.text)
        for entry in collection.entries:
            if isinstance(entry.value, tree.Collection):
                walk(entry.value)

    walk(node)
    return sorted(found)
