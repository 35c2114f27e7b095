# SPDX-License-Identifier: Apache-2.0 OR MIT
"""XML -> a tree of elements with their places. Knows no format of messages."""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from ..diagnostics import Place, Source
from ..files import read_imported
from ..language.yaml_tree import MAX_BYTES
from .draft import wrong

_MAX_DEPTH = 64
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9A-Fa-f]+|0[bB][01]+|[0-9]+)\Z")
_POWER = re.compile(r"2\s*\*\*\s*([0-9]{1,2})\Z")


@dataclass
class Element:
    """name: without the prefix of its name space. text: all text directly in it."""

    name: str
    attributes: dict[str, str]
    place: Place
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def all(self, *names: str) -> list["Element"]:
        return [child for child in self.children if child.name in names]

    def first(self, name: str) -> "Element | None":
        return next((child for child in self.children if child.name == name), None)

    def get(self, attribute: str, otherwise: str = "") -> str:
        return self.attributes.get(attribute, otherwise)

    def needed(self, attribute: str) -> str:
        """Raises SchemaError if it is missing or empty."""
        if not self.get(attribute).strip():
            raise wrong(self.place, f"<{self.name}> needs the attribute \"{attribute}\"")
        return self.get(attribute).strip()

    def integer(self, attribute: str) -> int:
        return integer(self.needed(attribute), self.place, f'"{attribute}"')


def integer(text: str, place: Place, what: str) -> int:
    """A whole number: decimal, 0x.., 0b.., or 2**N. Raises SchemaError if the text is none."""
    text = text.strip()
    if power := _POWER.match(text):
        return 2 ** int(power[1])
    if not _INTEGER.match(text) or len(text) > 70:
        raise wrong(place, f"{what} must be a whole number, not \"{text[:64]}\"")
    return int(text, 0) if text.lstrip("+-")[:1] == "0" and len(text.lstrip("+-")) > 1 and not text.lstrip("+-").isdigit() else int(text)


def read(path: str) -> Element:
    """The root of a file. Raises OSError, and SchemaError if the file is no XML."""
    name, raw = read_imported(path)
    source = Source(name, raw.decode("utf-8", "replace"))
    if len(raw) > MAX_BYTES:
        raise wrong(Place(1, 1, 1, source), f"the file is larger than {MAX_BYTES >> 20} MiB")
    return _Reader(source).read(raw)


class _Reader:
    def __init__(self, source: Source):
        self.source = source
        self.open: list[Element] = []
        self.root: Element | None = None
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartDoctypeDeclHandler = self.doctype

    def read(self, raw: bytes) -> Element:
        try:
            self.parser.Parse(raw, True)
        except expat.ExpatError as error:
            place = Place(error.lineno, error.offset + 1, 1, self.source)
            raise wrong(place, f"this is not XML: {expat.errors.messages[error.code]}") from None
        return self.root

    def place(self, width: int = 1) -> Place:
        return Place(self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1, width, self.source)

    def doctype(self, *_) -> None:
        raise wrong(self.place(9), "a DOCTYPE is not allowed: it can define entities of any size", "remove the DOCTYPE")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        element = Element(name.rpartition(":")[2], {key.rpartition(":")[2]: value for key, value in attributes.items()},
                          self.place(len(name) + 1))
        if self.open:
            self.open[-1].children.append(element)
        self.root = self.root or element
        self.open.append(element)
        if len(self.open) > _MAX_DEPTH:
            raise wrong(element.place, f"elements are nested more than {_MAX_DEPTH} levels deep")

    def end(self, _: str) -> None:
        self.open.pop()

    def characters(self, text: str) -> None:
        self.open[-1].text += text
