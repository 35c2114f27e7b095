# SPDX-License-Identifier: Apache-2.0 OR MIT
"""MAVLink's XML definitions of messages -> drafts. A dialect becomes a protocol with the messages of the files that it includes; their
enums are in files of their own, which the protocol imports."""

import itertools
import os
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..diagnostics import Place, quoted
from ..language.numbers import fits
from ..scalars import SCALARS
from .draft import Draft, Enum, Field, Record, Value, lost, plain, where, wrong
from .limits import highest, lowest
from .names import Unique, camel, identifier, stripped
from .tags import tagged
from .writer import scalar
from .xml_tree import Element, integer, read

_SCALARS = {"char": "char", "float": "f32", "double": "f64", "int8_t": "i8", "int16_t": "i16", "int32_t": "i32", "int64_t": "i64",
            "uint8_t": "u8", "uint16_t": "u16", "uint32_t": "u32", "uint64_t": "u64", "uint8_t_mavlink_version": "u8"}
_TYPE = re.compile(r"(?P<scalar>\w+)\s*(?:\[\s*(?P<count>[0-9]{1,3})\s*\])?\Z")
_PACKED = "{order: little, packed: true, tag: none}"
_LIMIT = re.compile(r"(?P<sign>U?)INT(?P<bits>8|16|32|64)_(?P<end>MAX|MIN)\Z")
_KNOWN = frozenset(("name", "type", "enum", "units", "invalid", "minValue", "maxValue", "default", "instance", "display", "print_format"))


@dataclass
class _File:
    """One XML file. includes: the files that it names, in order."""

    path: str
    root: Element
    includes: list[str] = field(default_factory=list)

    @property
    def stem(self) -> str:
        return identifier(Path(self.path).stem, "dialect")


def drafts(paths: list[str], include: list[str], is_packed: bool = False) -> list[Draft]:
    """A protocol for each path, and the files that they share. is_packed: messages are sent as payloads of MAVLink 2. Raises OSError, and
    SchemaError with places of the source."""
    files: dict[str, _File] = {}
    for path in paths:
        _load(path, include, files)
    named = list(dict.fromkeys(os.path.realpath(path) for path in paths))
    included = {name for of in named for name in _reached(of, files)[:-1]}
    merged = frozenset(name for name, parts in _Enums(list(files.values())).parts.items() if len({part.place.source for part in parts}) > 1)
    bases = _bases(list(files.values())) if is_packed else None
    found = {name: _shared(files[name], merged, bases) for name in files if name in included}
    shared = {name: draft for name, draft in found.items() if draft.enums or draft.flags}
    return [*shared.values(), *(_protocol(name, files, shared, bases) for name in named)]


def _load(path: str, folders: list[str], files: dict[str, _File]) -> str:
    name = os.path.realpath(path)
    if name in files:
        return name
    root = read(path)
    if root.name != "mavlink":
        raise wrong(root.place, f"the root of a MAVLink definition is <mavlink>, not <{root.name}>")
    files[name] = this = _File(path, root)
    for include in root.all("include"):
        tried = [os.path.join(folder, include.text.strip()) for folder in (os.path.dirname(path), *folders)]
        other = next((one for one in tried if os.path.exists(one)), tried[0])
        try:
            this.includes.append(_load(other, folders, files))
        except OSError as error:
            raise wrong(include.place, f"{other}: {error.strerror}") from None
    return name


def _reached(name: str, files: dict[str, _File]) -> list[str]:
    """The file and all that it includes, these first."""
    found: dict[str, None] = {}
    begun: set[str] = set()

    def visit(at: str) -> None:
        if at not in begun:
            begun.add(at)
            for other in files[at].includes:
                visit(other)
            found[at] = None

    visit(name)
    return list(found)


# Enums. Several files may add values to one enum: such an enum is merged, and written into each protocol.

def _shared(file: _File, merged: frozenset[str], bases: dict[str, str] | None) -> Draft:
    """The enums that this file alone defines."""
    return Draft(f"{file.stem}_types", "", file.root.place, f"The enums of MAVLink's {Path(file.path).name}.",
                 _head(file), **_Enums([file], bases).sections(merged))


def _head(file: _File) -> tuple[str, ...]:
    return (f"Imported from {Path(file.path).name} (MAVLink).",)


def _bases(files: list[_File]) -> dict[str, str]:
    """The bases of enums in packed messages, by the names of the XML: of the types that their fields have, the one of most fields that holds
    all values; of two such, the smaller. An enum without such a field has none."""
    enums = _Enums(files)
    numbers = {name: enums.numbers(name) for name in enums.parts}
    used: dict[str, Counter[str]] = {}
    for file in files:
        for section in file.root.all("messages"):
            for element in (field for message in section.all("message") for field in message.all("field")):
                name, base = element.get("enum"), _base(element)
                if name in enums.spelling and base[:1] in "iu":
                    used.setdefault(name, Counter())[f"u{base[1:]}" if enums.spelling[name][1] else base] += 1
    fitting = {name: [base for base in _most_frequent(of) if all(fits(SCALARS[base], number) for number in numbers[name])] for name, of in used.items()}
    return {name: bases[0] for name, bases in fitting.items() if bases}


def _most_frequent(used: Counter[str]) -> list[str]:
    return sorted(used, key=lambda base: (-used[base], _size(base), base))


class _Enums:
    """The enums of some files. spelling: what a field's "enum" names, with the name in the schema and whether it is flags. bases: of
    packed messages, None if they are not packed."""

    def __init__(self, files: list[_File], bases: dict[str, str] | None = None):
        self.bases = bases
        self.parts: dict[str, list[Element]] = {}
        for file in files:
            for section in file.root.all("enums"):
                for enum in section.all("enum"):
                    self.parts.setdefault(enum.needed("name"), []).append(enum)
        unique = Unique(_SCALARS.values())
        self.spelling = {name: (unique(identifier(name, "enum")), _is_bitmask(parts)) for name, parts in self.parts.items()}

    def sections(self, without: frozenset[str]) -> dict[str, tuple[Enum, ...]]:
        made = [(self.spelling[name][1], self.enum(name, parts)) for name, parts in self.parts.items() if name not in without]
        made = [(is_flags, enum) for is_flags, enum in made if enum.values]
        return {"enums": tuple(e for is_flags, e in made if not is_flags), "flags": tuple(e for is_flags, e in made if is_flags)}

    def numbers(self, name: str) -> list[int]:
        values = self.enum(name, self.parts[name]).values
        return [1 << value.number if self.spelling[name][1] else value.number for value in values]

    def enum(self, name: str, parts: list[Element]) -> Enum:
        entries = [entry for part in parts for entry in part.all("entry")]
        names = Unique()
        words = [names(word) for word in stripped(name, [entry.needed("name") for entry in entries])]
        is_flags, notes = self.spelling[name][1], _status(parts[0])
        values: dict[int, Value] = {}
        number = -1
        for entry, word in zip(entries, words):
            number = entry.integer("value") if entry.get("value") else number + 1
            what = f"{entry.get('name')} = {number}"
            if is_flags and (number <= 0 or number & (number - 1) or number >= 2**64):
                notes += (lost(f"{what}, which is not one bit", entry.place),)
                continue
            key = number.bit_length() - 1 if is_flags else number
            if key in values:
                notes += (lost(f"{what}, another name of {values[key].name}", entry.place),)
                continue
            values[key] = Value(word, key, entry.place, _described(entry), _status(entry), deprecated=_deprecation(entry))
        return Enum(self.spelling[name][0], tuple(values.values()), parts[0].place, " ".join(filter(None, map(_described, parts))), notes,
                    (self.bases or {}).get(name, ""))


def _is_bitmask(parts: list[Element]) -> bool:
    return any(part.get("bitmask") == "true" for part in parts)


def _described(element: Element) -> str:
    """The description, with the parameters of a command in it."""
    found = element.first("description")
    text = plain(found.text if found is not None else "")
    params = [_parameter(p) for p in element.all("param") if p.get("label")]
    return f"{text} Parameters: {'; '.join(params)}." if params else text


def _parameter(param: Element) -> str:
    limits = [f"{what} {param.get(key)}" for key, what in (("minValue", "from"), ("maxValue", "to"), ("enum", "a")) if param.get(key)]
    about = ", ".join(filter(None, [param.get("units"), " ".join(limits)]))
    return plain(f"{param.get('index')} {param.get('label')}{f' ({about})' if about else ''}")


def _deprecation(element: Element) -> str:
    found = element.first("deprecated")
    return "" if found is None else _sentences(_since(found, "deprecated"), found.text)


def _since(status: Element, word: str) -> str:
    since = f" since {status.get('since')}" if status.get("since") else ""
    other = f", replaced by {status.get('replaced_by')}" if status.get("replaced_by") else ""
    return plain(f"{word}{since}{other}")


def _sentences(first: str, second: str) -> str:
    return f"{first}. {plain(second)}" if plain(second) else first


def _status(element: Element) -> tuple[str, ...]:
    """What a schema cannot say, as comments."""
    notes = []
    for status in element.all("deprecated", "superseded", "wip"):
        if status.name == "wip":
            notes.append("work in progress in the source")
        elif status.name == "superseded" or element.name not in ("message", "entry"):
            notes.append(f"{_sentences(_since(status, status.name), status.text).rstrip('.')}, {where(status.place)}")
    return tuple(notes)


# Messages.

def _protocol(name: str, files: dict[str, _File], shared: dict[str, Draft], bases: dict[str, str] | None) -> Draft:
    this, reached = files[name], _reached(name, files)
    enums = _Enums([files[at] for at in reached], bases)
    imported = [shared[at] for at in reached if at in shared]
    elsewhere = {enum.place for draft in imported for enum in (*draft.enums, *draft.flags)}
    sections = enums.sections(frozenset(of for of, parts in enums.parts.items() if parts[0].place in elsewhere))
    messages = _Messages(enums)
    made = [messages.message(element) for at in reached for section in files[at].root.all("messages") for element in section.all("message")]
    if not made:
        raise wrong(this.root.place, "the definition has no messages, and those that it includes have none")
    return Draft(this.stem, this.stem, this.root.place, f"MAVLink's {Path(this.path).name}.", _head(this),
                 tuple(draft.stem for draft in imported), **sections, messages=tagged(made), wire="" if bases is None else _PACKED)


class _Messages:
    def __init__(self, enums: _Enums):
        self.spelling, self.bases = enums.spelling, enums.bases
        self.numbers = {enums.spelling[name][0]: numbers for name in enums.parts if (numbers := enums.numbers(name))}
        self.values = {name: {entry.get("name"): entry.get("value").strip() for part in parts for entry in part.all("entry")}
                       for name, parts in enums.parts.items()}

    def message(self, element: Element) -> tuple[int, Record]:
        fields: list[tuple[int, Field]] = []            # the bytes of an element; 0: it is an extension
        constants = () if self.bases is None else (_crc_extra(element),)
        names = Unique(made.name for made in constants)
        extends: Element | None = None
        is_extension = False
        for child in element.children:
            if child.name == "extensions":
                extends, is_extension = child, True
            elif child.name == "field":
                made = replace(self.field(child, is_extension), name=names(identifier(child.needed("name"), "field")))
                if extends is not None:
                    made = replace(made, notes=(f"the fields from here on are extensions of MAVLink 2, {where(extends.place)}", *made.notes))
                    extends = None
                fields.append((0 if is_extension else _size(_base(child)), made))
        if self.bases is not None:                      # the order of MAVLink's payloads
            fields.sort(key=lambda of: -of[0])
        return element.integer("id"), Record(camel(element.needed("name")), (*constants, *(made for _, made in fields)), element.place,
                                             _described(element), _status(element), deprecated=_deprecation(element))

    def field(self, element: Element, is_extension: bool) -> Field:
        base, count = _base(element), _TYPE.match(element.get("type"))["count"]
        notes, kind = [], base
        if element.get("enum"):
            kind, more = self.enum_of(element, base, is_extension)
            notes += more
        brackets = f"[{count}]" if count else ""
        units = plain(element.get("units"))
        keys = {"unit": units and scalar(units), "range": self.range(element, kind, notes), "default": self.default(element, kind, brackets, notes)}
        optional = ""
        if element.get("invalid").strip():
            absent = "" if brackets else self.absent(element, kind)
            if absent:
                optional, keys["absent"] = "?", absent
                if keys["default"]:
                    notes.append(lost(f"the default {keys.pop('default')}: the field is absent", element.place))
            elif element.get("enum") not in self.values or not self.is_value(element):
                notes.append(lost(f"the value that means \"invalid\", {plain(element.get('invalid'))}", element.place))
        sent = [number for number in self.sent(element, is_extension) if number != keys.get("absent")]
        if keys["range"] and (refused := [number for number in sent if _is_outside(number, keys["range"])]):
            notes.append(lost(f"the range {keys.pop('range')}: payloads have {' or '.join(refused)}, too", element.place))
        if element.get("instance") == "true":
            notes.append(lost("this field identifies an instance, such as one of several sensors", element.place))
        for key in sorted(set(element.attributes) - _KNOWN):
            notes.append(lost(f"{key} {plain(element.get(key))}", element.place))
        return Field("", kind + brackets + optional, element.place, plain(element.text), tuple(notes), tuple((k, v) for k, v in keys.items() if v))

    def sent(self, element: Element, is_extension: bool) -> list[str]:
        """The numbers that packed messages have for this field, whatever its enum or range allows: those that mean "invalid", and 0 in an
        extension, from a sender that does not know it."""
        if self.bases is None:
            return []
        text = element.get("invalid").strip("[]:, ")
        invalid = "nan" if text.lower() == "nan" else _number(text, element.place)
        return [number for number in ("0" if is_extension else None, invalid) if number is not None]

    def enum_of(self, element: Element, base: str, is_extension: bool) -> tuple[str, list[str]]:
        name = element.get("enum")
        if name not in self.spelling:
            raise wrong(element.place, f"there is no enum {quoted(name)}", "it may be in a file that this one should include")
        spelling, is_flags = self.spelling[name]
        if base in ("f32", "f64", "char"):
            return base, [lost(f"its values are those of {spelling}", element.place)]
        if spelling not in self.numbers:
            return base, [lost(f"the enum {name}, which has no values", element.place)]
        if self.bases is not None:
            numbers = self.numbers[spelling]
            known = {str(number) for number in numbers} | ({"0", str(sum(numbers))} if is_flags else set())
            if _size(self.bases.get(name, "")) == _size(base) and known.issuperset(self.sent(element, is_extension)):
                return spelling, []
            return base, [lost(f"its values are those of {spelling}", element.place)]
        if not all(fits(SCALARS[base], number) for number in self.numbers[spelling]):
            return spelling, [lost(f"its type {base}, which does not hold all values of {spelling}", element.place)]
        return spelling, []

    def absent(self, element: Element, kind: str) -> str:
        """The number that means "invalid"; empty if the field cannot have it."""
        text = element.get("invalid").strip()
        if kind in ("f32", "f64") and text.lower() == "nan":
            return "nan"
        number = _number(text, element.place) if kind in _SCALARS.values() and kind != "char" else None
        if number is None or kind not in ("f32", "f64") and ("." in number or not fits(SCALARS[kind], int(number))):
            return ""
        return number

    def is_value(self, element: Element) -> bool:
        """Whether the value that means "invalid" is one of the field's enum."""
        text, values = element.get("invalid").strip(), self.values[element.get("enum")]
        number = _number(text, element.place)
        return text in values or number is not None and number in values.values()

    @staticmethod
    def range(element: Element, kind: str, notes: list[str]) -> str:
        low, high = element.get("minValue"), element.get("maxValue")
        if not low and not high:
            return ""
        if kind[:1] in "iu" and kind in SCALARS:           # the other end is that of the type
            return f"[{low or lowest(kind)}, {high or highest(kind)}]"
        if low and high and kind in ("f32", "f64"):
            return f"[{low}, {high}]"
        notes.append(lost(f"the range from {low or 'its least'} to {high or 'its most'}", element.place))
        return ""

    @staticmethod
    def default(element: Element, kind: str, brackets: str, notes: list[str]) -> str:
        text = element.get("default").strip()
        if text and (brackets or kind not in _SCALARS.values() or kind == "char" or _number(text, element.place) is None):
            notes.append(lost(f"the default {plain(text)}", element.place))
            return ""
        return text


def _base(element: Element) -> str:
    """The scalar that a field consists of."""
    match = _TYPE.match(element.needed("type"))
    base = _SCALARS.get(match["scalar"]) if match else None
    if base is None or match["count"] and not 1 <= int(match["count"]) <= 255:
        raise wrong(element.place, f"{quoted(element.get('type'))} is not a type of MAVLink", "its types are " + ", ".join(_SCALARS))
    return base


def _crc_extra(message: Element) -> Field:
    """The byte that MAVLink computes from the name and the fields of a message, and that the checksum of each frame covers."""
    sent = [child for child in itertools.takewhile(lambda child: child.name != "extensions", message.children) if child.name == "field"]
    crc = _x25(f"{message.needed('name')} ".encode())
    for child in sorted(sent, key=lambda child: -_size(_base(child))):
        match = _TYPE.match(child.get("type"))
        count = bytes([int(match["count"])]) if match["count"] else b""
        crc = _x25(f"{match['scalar'].removesuffix('_mavlink_version')} {child.needed('name')} ".encode() + count, crc)
    return Field("crc_extra", "u8", message.place, "Goes into the checksum of the frame.", (), (("constant", str(crc & 255 ^ crc >> 8)),))


def _x25(data: bytes, crc: int = 0xffff) -> int:
    """The checksum of MAVLink's frames."""
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc


def _is_outside(number: str, range_: str) -> bool:
    low, high = range_.strip("[]").split(", ")
    try:
        return not float(low) <= float(number) <= float(high)
    except ValueError:                                  # the range is no range: the schema's own check reports it
        return False


def _size(base: str) -> int:
    return SCALARS[base].size if base else 0


def _number(text: str, place: Place) -> str | None:
    """A number as a schema has it, from `UINT16_MAX`, `-1` or `NaN`; None for other texts."""
    if limit := _LIMIT.match(text):
        bits = int(limit["bits"])
        if limit["end"] == "MIN":
            return "0" if limit["sign"] else str(-2 ** (bits - 1))
        return str(2 ** bits - 1 if limit["sign"] else 2 ** (bits - 1) - 1)
    if re.match(r"-?[0-9]+(?:\.[0-9]+)?\Z", text):
        return text
    return str(integer(text, place, "a number")) if re.match(r"0[xX][0-9A-Fa-f]+\Z", text) else None
