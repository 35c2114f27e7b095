# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A schema that is being imported: the data between a reader and the writer. Names are those of the schema to write; places are
those of the source."""

import os
import re
from dataclasses import dataclass, replace

from ..diagnostics import Diagnostic, Place, SchemaError, Source, visible


@dataclass(frozen=True)
class Value:
    """A value of an enum, or a flag, whose number is that of its bit. A constant, too.

    Here and below: place is where the source defines it; notes are comments, without "# ".
    """

    name: str
    number: int
    place: Place
    doc: str = ""
    notes: tuple[str, ...] = ()
    since: str = ""
    deprecated: str = ""
    is_letter: bool = False         # its number is the code of a character


@dataclass(frozen=True)
class Enum:
    """An enum, or flags."""

    name: str
    values: tuple[Value, ...]
    place: Place
    doc: str = ""
    notes: tuple[str, ...] = ()
    base: str = ""


@dataclass(frozen=True)
class Field:
    """A field, or a name for a type. keys: what the long form has besides type, max and doc, as it is written. most: the most elements or
    characters of a type of any length (string, bytes, T[]), None if the source does not say. one_of: its alternatives, in place of a type."""

    name: str
    type: str
    place: Place
    doc: str = ""
    notes: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    most: int | None = None
    one_of: tuple["Field", ...] = ()

    @property
    def typed(self) -> tuple["Field", ...]:
        """What has a type: the alternatives, or itself."""
        return self.one_of or (self,)

    def noting(self, *notes: str) -> "Field":
        return replace(self, notes=self.notes + notes)


@dataclass(frozen=True)
class Record:
    """A struct, or a message, which has a tag; 0 is one that the schema does not write."""

    name: str
    fields: tuple[Field, ...]
    place: Place
    doc: str = ""
    notes: tuple[str, ...] = ()
    tag: int = 0
    since: str = ""
    deprecated: str = ""
    replies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """A file to write. protocol: empty for a file that others import. wire: the key's value; empty if messages are sent as they lie in
    memory."""

    stem: str
    protocol: str
    place: Place
    doc: str = ""
    notes: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()           # stems
    constants: tuple[Value, ...] = ()
    enums: tuple[Enum, ...] = ()
    flags: tuple[Enum, ...] = ()
    types: tuple[Field, ...] = ()
    structs: tuple[Record, ...] = ()
    messages: tuple[Record, ...] = ()
    wire: str = ""

    @property
    def file(self) -> str:
        return f"{self.stem}.yaml"


def lost(what: str, place: Place) -> str:
    """The comment that says what the schema does not have, and where the source has it."""
    return f"lost: {what}, {where(place)}"


def where(place: Place) -> str:
    return f"{visible(os.path.basename(place.source.name))}:{place.line}"


def plain(text: str | None) -> str:
    """A text as one paragraph, without characters that YAML does not allow."""
    return " ".join(visible(text or "", keep="\n\t\r").split())


def paragraphs(text: str) -> str:
    """A text of several paragraphs, with a line break between each two."""
    return "\n".join(part for block in re.split(r"\n\s*\n", text) if (part := plain(block)))


def wrong(place: Place, message: str, hint: str = "") -> SchemaError:
    """An error in the source."""
    return SchemaError([diagnostic(place, message, hint)])


def diagnostic(place: Place, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(place.source or Source(""), place, message, hint, rule="import")
