# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Message schemas of SBE (FIX Simple Binary Encoding) -> drafts. A group becomes a list of structs, data becomes a text or bytes. Only
the types that messages use are written. Types of included files are in files of their own, which the protocol imports."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

from ..diagnostics import Place, quoted
from ..language.types import BUILT_IN
from .draft import Draft, Enum, Field, Record, Value, lost, plain, where, wrong
from .names import Unique, camel, identifier, lower
from .sbe_types import SCALARS, Simple, absent, constant, keys_of, most, simple, unit
from .tags import tagged
from .writer import reason, scalar
from .xml_tree import Element, integer, read

_LONGEST = 65535                # a larger bound of the source is no bound that anybody means
_NOT_IN_MEMORY = ("semanticType", "offset", "epoch")


def drafts(paths: list[str], include: list[str]) -> list[Draft]:
    """A protocol for each path, and the files that they include. Raises OSError, and SchemaError with places of the source."""
    found: dict[str, Draft] = {}
    for path in paths:
        for draft in _Schema(path, include).drafts():
            if draft.stem in found and found[draft.stem].place != draft.place:
                raise wrong(draft.place, f"another file also gives {draft.file}", "import it into another folder")
            found[draft.stem] = _joined(found[draft.stem], draft) if draft.stem in found else draft
    return list(found.values())


def _joined(one: Draft, other: Draft) -> Draft:
    """A file of types, with what either of two protocols uses of it."""
    def both(first: tuple, second: tuple) -> tuple:
        return tuple({thing.name: thing for thing in (*first, *second)}.values())

    return replace(one, enums=both(one.enums, other.enums), flags=both(one.flags, other.flags), types=both(one.types, other.types),
                   structs=both(one.structs, other.structs))


class _Schema:
    """One schema with the files that it includes. files: the roots, by path. types: each named type. made: the enums, flags, structs
    and named types that messages use, by the element that defines each; None while it is being made."""

    def __init__(self, path: str, include: list[str]):
        self.root = read(path)
        if self.root.name != "messageSchema":
            raise wrong(self.root.place, f"the root of an SBE schema is <messageSchema>, not <{self.root.name}>")
        self.path, self.folders = path, include
        self.files: dict[str, Element] = {os.path.realpath(path): self.root}
        self.types: dict[str, Element] = {}
        self.collect(path, self.root)
        self.made: dict[int, Enum | Record | Field | None] = {}
        self.names = Unique(BUILT_IN)
        self.dropped: Counter[str] = Counter()

    def drafts(self) -> list[Draft]:
        stem = identifier(Path(self.path).stem, "schema")
        protocol = identifier(self.root.get("package").rpartition(".")[2], "") or stem
        messages = tagged([self.message(element) for element in self.root.all("message")])
        notes = [f"Imported from {Path(self.path).name} (SBE, id {self.root.get('id', '?')}, version {self.root.get('version', '0')})."]
        if self.root.get("byteOrder") == "bigEndian":
            notes.append(lost("the byte order, bigEndian: in memory it is that of the machine", self.root.place))
        notes += [lost(f"{what} of {count} element{'s' * (count > 1)}", self.root.place) for what, count in self.dropped.items()]
        found = []
        for root in list(self.files.values())[1:]:
            draft = self.draft(identifier(Path(root.place.source.name).stem, "types"), "", root, ())
            if draft.enums or draft.flags or draft.types or draft.structs:
                found.append(draft)
        main = self.draft(stem, protocol, self.root, tuple(notes))
        return [*found, replace(main, imports=tuple(draft.stem for draft in found), messages=messages, doc=plain(self.root.get("description")))]

    def draft(self, stem: str, protocol: str, root: Element, notes: tuple[str, ...]) -> Draft:
        made = [thing for thing in self.made.values() if thing.place.source == root.place.source and (isinstance(thing, Field) or _parts(thing))]
        made.sort(key=lambda thing: thing.place[:2])
        enums = [thing for thing in made if isinstance(thing, Enum)]
        sets = {element.place for element in self.everything(root) if element.name == "set"}
        return Draft(stem, protocol, root.place, "" if protocol else f"Types of {Path(root.place.source.name).name}.",
                     notes or (f"Imported from {Path(root.place.source.name).name} (SBE).",),
                     enums=tuple(e for e in enums if e.place not in sets), flags=tuple(e for e in enums if e.place in sets),
                     types=tuple(thing for thing in made if isinstance(thing, Field)),
                     structs=tuple(thing for thing in made if isinstance(thing, Record)))

    def everything(self, element: Element):
        yield element
        for child in element.children:
            yield from self.everything(child)

    # Files and types.

    def collect(self, path: str, root: Element) -> None:
        for element in root.children:
            if element.name == "include":
                self.include(path, element)
            elif element.name == "types":
                self.collect(path, element)
            elif element.name in ("type", "composite", "enum", "set"):
                name = element.needed("name")
                if name in self.types:
                    raise wrong(element.place, f"the type {quoted(name)} appears twice",
                                f"the first is {where(self.types[name].place)}")
                self.types[name] = element

    def include(self, path: str, element: Element) -> None:
        href = element.needed("href")
        tried = [os.path.join(folder, href) for folder in (os.path.dirname(path), *self.folders)]
        found = next((one for one in tried if os.path.exists(one)), tried[0])
        if os.path.realpath(found) in self.files:
            return
        try:
            root = read(found)
        except OSError as error:
            raise wrong(element.place, f"{found}: {error.strerror}") from None
        self.files[os.path.realpath(found)] = root
        self.collect(found, root)

    def type_named(self, name: str, place: Place) -> Element:
        if name in self.types:
            return self.types[name]
        if name in SCALARS:
            return Element("type", {"name": name, "primitiveType": name}, place)
        raise wrong(place, f"there is no type {quoted(name)}", "it may be in a file that the schema should include")

    # What messages use.

    def message(self, element: Element) -> tuple[int, Record]:
        name = camel(element.needed("name"))
        return element.integer("id"), Record(name, self.fields(element, lower(element.get("name"))), element.place,
                                             plain(element.get("description")), **self.history(element))

    @staticmethod
    def history(element: Element) -> dict[str, str]:
        """"since" and "deprecated", as a schema has them."""
        since = element.integer("sinceVersion") if element.get("sinceVersion").strip() else 0
        deprecated = f"deprecated since version {plain(element.get('deprecated'))}" if element.get("deprecated") else ""
        return {"since": str(since) if since else "", "deprecated": deprecated}

    def keys_of_history(self, element: Element) -> tuple[tuple[str, str], ...]:
        history = self.history(element)
        return tuple((key, value) for key, value in {**history, "deprecated": reason(history["deprecated"])}.items() if value)

    def lost_history(self, element: Element) -> tuple[str, ...]:
        """The same as comments, for what has no history in a schema: enums and flags."""
        history = self.history(element)
        return tuple(lost(text, element.place) for text in (history["since"] and f"since version {history['since']}", history["deprecated"]) if text)

    def fields(self, of: Element, prefix: str) -> tuple[Field, ...]:
        """The fields of a message or a group."""
        names, found, notes = Unique(), [], ()
        for element in of.all("field", "group", "data"):
            name = identifier(element.needed("name"), "field")
            if element.name == "group":
                made = self.group(element, f"{prefix}_{name}")
            elif element.name == "data":
                made = self.data(element)
            else:
                made = self.member(element, self.type_named(element.needed("type"), element.place))
            if isinstance(made, str):           # it has no place in a struct
                notes += (made,)
            else:
                found.append(replace(made, name=names(name), notes=(*notes, *made.notes)))
                notes = ()
        return (*found[:-1], found[-1].noting(*notes)) if found else ()

    def member(self, element: Element, of: Element) -> Field | str:
        """A field, or a member of a composite, of this type; or the comment that says why it has none."""
        self.dropped.update(key for key in _NOT_IN_MEMORY if element.get(key))
        presence = element.get("presence") or of.get("presence")
        notes: list[str] = []
        doc = plain(element.get("description"))
        if presence == "constant":
            return self.constant(element, of, doc)
        keys: tuple[tuple[str, str], ...] = ()
        given, null = element.get("nullValue") or of.get("nullValue"), ""
        if of.name == "type":
            it = simple(of)
            if it.length == 0:
                raise wrong(element.place, f"{quoted(of.get('name'))} is a type of data: only <data> can have it")
            of_type = ""                        # the number that its type says by itself
            if self.types.get(of.get("name")) is of:
                named = self.named(of, it)
                kind, keys, of_type = named.name, unit(element), dict(named.keys).get("absent", "")
            else:
                kind, keys, doc = self.spelling(it), unit(element) or keys_of(it, notes), doc or plain(of.get("description"))
            null = absent(it, given) if presence == "optional" else ""
            keys += (("absent", null),) if null and null != of_type else ()
        else:
            thing = self.thing(of)
            if not _parts(thing):
                return lost(f"{plain(element.get('name'))}: {plain(of.get('name'))} has nothing that a message holds", element.place)
            kind = thing.name
        if presence == "optional" and given and not null:
            notes.append(lost(f"the value that means \"absent\", {quoted(given)}", element.place))
        return Field("", kind + "?" * (presence == "optional"), element.place, doc, tuple(notes), keys + self.keys_of_history(element))

    def constant(self, element: Element, of: Element, doc: str) -> Field | str:
        """A field with the same value in each message."""
        reference = element.get("valueRef") or of.get("valueRef")
        text = reference or element.text.strip() or of.text.strip()
        kind, value = "", ""
        if reference:
            enum, number = self.referred(element, reference)
            if of.name == "enum":
                kind, value = enum.name, scalar(next(v.name for v in enum.values if v.number == number))
            elif simple(of).length in (None, 1):
                kind, value = simple(of).scalar, str(number)
        elif of.name == "type":
            kind, value = constant(simple(of), text)
        if not value:
            return lost(f"the constant {plain(element.get('name'))} = {plain(text)}", element.place)
        doc = doc or plain(of.get("description") if of.name == "type" else "")
        return Field("", kind, element.place, doc, (), (("constant", value), *self.keys_of_history(element)))

    def referred(self, element: Element, reference: str) -> tuple[Enum, int]:
        """The enum and the number that a "valueRef" names."""
        name, _, value = reference.partition(".")
        of = self.types.get(name)
        found = next((v for v in of.all("validValue") if v.get("name") == value), None) if of is not None and of.name == "enum" else None
        if found is None:
            raise wrong(element.place, f"there is no value {quoted(reference)}", "write it as the name of an enum, a dot, and the name of a value")
        text = found.text.strip()
        encoding = simple(self.type_named(of.needed("encodingType"), of.place)).scalar
        return self.thing(of), ord(text) if encoding == "char" and len(text) == 1 else integer(text, found.place, f"the value of {quoted(value)}")

    @staticmethod
    def spelling(of: Simple) -> str:
        return of.scalar if of.length is None or of.length == 1 else f"{of.scalar}[{of.length}]"

    def named(self, of: Element, it: Simple) -> Field:
        """The name of a simple type."""
        if id(of) not in self.made:
            notes: list[str] = []
            keys = keys_of(it, notes)
            if of.get("presence") == "optional" or of.get("nullValue"):
                keys += (("absent", null),) if (null := absent(it, of.get("nullValue"))) else ()
            keys += self.keys_of_history(of)
            name = self.names(identifier(of.get("name"), "type"))
            self.made[id(of)] = Field(name, self.spelling(it), of.place, plain(of.get("description")), tuple(notes), keys)
        return self.made[id(of)]

    def thing(self, of: Element) -> Enum | Record:
        """The enum, the flags or the struct of a type."""
        key = id(of)
        if key not in self.made:
            self.made[key] = None
            name = self.names(identifier(of.needed("name"), "type"))
            self.made[key] = self.composite(of, name) if of.name == "composite" else self.enum(of, name)
        elif self.made[key] is None:
            raise wrong(of.place, f"the composite {quoted(of.get('name'))} contains itself")
        return self.made[key]

    def enum(self, of: Element, name: str) -> Enum:
        encoding = of.needed("encodingType")
        base = simple(self.type_named(encoding, of.place)).scalar
        if base in ("f32", "f64"):
            raise wrong(of.place, f"the encoding of {quoted(of.get('name'))} is {encoding}, which is not an integer")
        notes, unique = list(self.lost_history(of)), Unique()
        values: dict[int, Value] = {}
        for element in of.all("choice" if of.name == "set" else "validValue"):
            text = element.text.strip()
            what = f"{plain(element.needed('name'))} = {plain(text)}"
            if base == "char" and len(text) != 1:
                raise wrong(element.place, f"a value of the type char is one character, not {quoted(text)}")
            is_letter = base == "char" and " " <= text <= "~"
            number = ord(text) if base == "char" else integer(text, element.place, f"the value of {quoted(element.get('name'))}")
            if number in values:
                notes.append(lost(f"{what}, another name of {values[number].name}", element.place))
                continue
            values[number] = Value(unique(lower(element.get("name")) or "none"), number, element.place, plain(element.get("description")),
                                   is_letter=is_letter, **self.history(element))
        is_letters = values and all(value.is_letter for value in values.values())
        return Enum(name, tuple(values.values()), of.place, plain(of.get("description")), tuple(notes), "char" if is_letters else "")

    def composite(self, of: Element, name: str) -> Record:
        names, found, notes = Unique(), [], ()
        for element in of.all("type", "ref", "enum", "set", "composite"):
            made = self.member(element, self.type_named(element.needed("type"), element.place) if element.name == "ref" else element)
            if isinstance(made, str):
                notes += (made,)
            else:
                found.append(replace(made, name=names(identifier(element.needed("name"), "field")), notes=(*notes, *made.notes)))
                notes = ()
        return Record(name, tuple(found), of.place, plain(of.get("description")), notes, **self.history(of))

    # What has any length.

    def group(self, element: Element, name: str) -> Field | str:
        count = self.part(element, element.get("dimensionType", "groupSizeEncoding"), "numInGroup")
        notes = []
        if count.get("minValue") not in ("", "0"):
            notes.append(lost(f"at least {plain(count.get('minValue'))} of them", element.place))
        struct = Record(self.names(f"{name}_entry"), self.fields(element, name), element.place, plain(element.get("description")))
        if not _parts(struct):
            return lost(f"the group {plain(element.get('name'))}, whose elements hold nothing", element.place)
        self.made[id(element)] = struct
        longest = most(count)
        if longest > _LONGEST:
            notes.append(f"the source allows {longest} elements")
        return Field("", f"{struct.name}[]", element.place, plain(element.get("description")), tuple(notes),
                     self.keys_of_history(element), longest if longest <= _LONGEST else None)

    def data(self, element: Element) -> Field:
        length = self.part(element, element.needed("type"), "length")
        data = self.part(element, element.needed("type"), "varData")
        is_text = data.get("characterEncoding") or data.get("primitiveType") == "char"
        longest, notes = most(length), []
        if longest > _LONGEST:
            notes.append(f"the source allows {longest} bytes")
        doc = plain(element.get("description"))
        return Field("", "string" if is_text else "bytes", element.place, doc, tuple(notes),
                     self.keys_of_history(element), longest if longest <= _LONGEST else None)

    def part(self, element: Element, name: str, part: str) -> Element:
        """A member of the composite that says how a group or data is encoded."""
        composite = self.type_named(name, element.place)
        found = next((child for child in composite.children if child.get("name") == part), None)
        if found is None:
            raise wrong(element.place, f"{quoted(name)} has no member \"{part}\"", f"<{element.name}> needs it: {quoted(name)} is its encoding")
        return self.type_named(found.needed("type"), found.place) if found.name == "ref" else found


def _parts(of: Enum | Record) -> tuple:
    """What a message holds of it. Constants take no bytes."""
    return of.values if isinstance(of, Enum) else tuple(field for field in of.fields if "constant" not in dict(field.keys))
