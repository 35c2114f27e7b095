# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A draft as YAML. Knows how a schema is written by hand: short things on one line, long texts folded, comments above their thing."""

import re
import textwrap
from collections.abc import Collection, Mapping

from .draft import Draft, Enum, Field, Record, Value

Path = tuple[str, ...]          # of a named thing: its section, its name, and that of its field or value

_WIDTH, _TEXT = 118, 100
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ ./()+*=;<>^$~@-]*\Z")
_PLAIN_IN_BLOCK = re.compile(r"[A-Za-z0-9_](?:[^:#\\\t]|:(?=[^ ])|(?<=[^ ])#)*\Z")
_UNCLEAR = re.compile(r"(?:~|null|no|n|off|yes|y|on|true|false|[-+.0-9].*)\Z", re.IGNORECASE)     # what YAML readers take for no text


class Writer:
    """Writes one draft. lines: which thing is named in which line, counted from 1.

    c_names, lint: what is given to the things at these paths; () is the schema.
    """

    def __init__(self, draft: Draft, c_names: Mapping[Path, str], lint: Mapping[Path, Collection[str]]):
        self.draft, self.c_names, self.lint = draft, c_names, lint
        self.out: list[str] = []
        self.lines: dict[int, Path] = {}

    def text(self) -> str:
        draft = self.draft
        self.notes(0, draft.notes)
        if draft.protocol:
            self.lines[len(self.out) + 1] = ()
            self.out.append(f"protocol: {scalar(draft.protocol)}")
        self.keys(0, {"doc": draft.doc, "c_name": self.c_names.get((), ""), "wire": draft.wire, "lint": self.switched((),)})
        if draft.imports:
            files = [scalar(f"{stem}.yaml") for stem in draft.imports]
            self.out.append(f"import: {files[0]}" if len(files) == 1 else f"import: [{', '.join(files)}]")
        self.section("constants", draft.constants, self.value)
        self.section("enums", draft.enums, self.enum)
        self.section("flags", draft.flags, self.enum)
        self.section("types", draft.types, self.field)
        self.section("structs", draft.structs, self.record)
        self.section("messages", draft.messages, self.record)
        return "\n".join(self.out) + "\n"

    def section(self, name: str, things: tuple, write) -> None:
        if things:
            self.out += ["", f"{name}:"]
        for thing in things:
            write(2, (name, thing.name), thing)

    def value(self, indent: int, path: Path, value: Value) -> None:
        number = quoted(chr(value.number)) if value.is_letter else str(value.number)
        self.entry(indent, path, value, {"value": number, "since": value.since, "deprecated": reason(value.deprecated)}, short="value")

    def enum(self, indent: int, path: Path, enum: Enum) -> None:
        self.begin(indent, path, enum)
        self.keys(indent + 2, {"doc": enum.doc, "c_name": self.c_names.get(path, ""), "base": enum.base})
        self.out.append(" " * (indent + 2) + "values:")
        for value in enum.values:
            self.value(indent + 4, (*path, value.name), value)

    def record(self, indent: int, path: Path, record: Record) -> None:
        keys = {"doc": record.doc, "tag": str(record.tag) if record.tag else "", "since": record.since, "c_name": self.c_names.get(path, ""),
                "deprecated": reason(record.deprecated), "lint": self.switched(path),
                "replies": f"[{', '.join(record.replies)}]" if len(record.replies) > 1 else "".join(record.replies)}
        self.begin(indent, path, record, "" if any(keys.values()) or record.fields else " {}")
        self.keys(indent + 2, keys)
        if record.fields:
            self.out.append(" " * (indent + 2) + "fields:")
        for field in record.fields:
            self.field(indent + 4, (*path, field.name), field)

    def field(self, indent: int, path: Path, field: Field) -> None:
        if field.one_of:
            self.one_of(indent, path, field)
            return
        most = {"max": str(field.most)} if field.most is not None else {}
        self.entry(indent, path, field, {"type": scalar(field.type), **most, **dict(field.keys)}, short="type")

    def one_of(self, indent: int, path: Path, field: Field) -> None:
        """A line for each alternative, so that each has a place of its own."""
        self.begin(indent, path, field)
        self.out.append(" " * (indent + 2) + "one_of:")
        for alternative in field.one_of:
            self.field(indent + 4, (*path, alternative.name), alternative)
        self.keys(indent + 2, {**dict(field.keys), "c_name": self.c_names.get(path, ""), "doc": field.doc})

    def switched(self, path: Path) -> str:
        rules = sorted(self.lint.get(path, ()))
        return f"{{disable: [{', '.join(rules)}]}}" if rules else ""

    def entry(self, indent: int, path: Path, thing: Value | Field, keys: dict[str, str], short: str) -> None:
        """A thing on one line if it fits: `name: value`, or `name: {key: value, ...}`."""
        keys = {**keys, "c_name": self.c_names.get(path, "")}
        given = {key: value for key, value in keys.items() if value}
        doc = scalar(thing.doc) if thing.doc else ""
        line = ", ".join(f"{key}: {value}" for key, value in (*given.items(), *([("doc", doc)] if doc else [])))
        line = given[short] if list(given) == [short] and not doc else f"{{{line}}}"
        head = " " * indent + scalar(thing.name) + ": "
        if len(head) + len(line) <= _WIDTH and "\n" not in line:
            self.begin(indent, path, thing, f" {line}")
        else:
            self.begin(indent, path, thing)
            self.keys(indent + 2, {**given, "doc": thing.doc})

    def begin(self, indent: int, path: Path, thing, rest: str = "") -> None:
        self.notes(indent, thing.notes)
        self.lines[len(self.out) + 1] = path
        self.out.append(" " * indent + f"{scalar(thing.name)}:{rest}")

    def keys(self, indent: int, keys: dict[str, str]) -> None:
        for key, value in keys.items():
            if value and key == "doc":
                self.doc(indent, value)
            elif value:
                self.out.append(" " * indent + f"{key}: {value}")

    def doc(self, indent: int, text: str) -> None:
        line = " " * indent + f"doc: {text if _PLAIN_IN_BLOCK.match(text) and _is_text(text) else quoted(text)}"
        if len(line) <= _WIDTH and "\n" not in text:
            self.out.append(line)
            return
        self.out.append(" " * indent + "doc: >-")
        for number, paragraph in enumerate(text.split("\n")):
            lines = textwrap.wrap(paragraph, _TEXT, break_long_words=False, break_on_hyphens=False)
            self.out += [""] * (number > 0) + [" " * (indent + 2) + line for line in lines]

    def notes(self, indent: int, notes: tuple[str, ...]) -> None:
        for note in notes:
            lines = textwrap.wrap(note, _WIDTH - 2 - indent, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
            self.out += [" " * indent + f"# {line}" for line in lines]


def reason(text: str) -> str:
    """The value of "deprecated"."""
    return text if text in ("", "true") else quoted(text)


def scalar(text: str) -> str:
    """The text as YAML, on one line, also in { }. Quoted only where it must be, or where a reader could take it for something else."""
    return text if _PLAIN.match(text) and _is_text(text) else quoted(text)


def _is_text(text: str) -> bool:
    """Whether a reader takes it for a text, unless it has a character with a meaning."""
    return not _UNCLEAR.match(text) and text[-1:] not in (" ", ":")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
