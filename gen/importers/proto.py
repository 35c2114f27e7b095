# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Protocol Buffers -> drafts. The messages that no other message contains become variants, the others structs. If there is one such
message, and it is a single oneof of messages, then its members become the variants."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ..diagnostics import Place
from ..language.one_of import MOST
from ..language.types import BUILT_IN
from .draft import Draft, Enum, Field, Record, Value, lost, plain, where, wrong
from .names import Unique, camel, identifier, stripped
from .protoc import Proto, protos
from .writer import quoted, scalar

_SCALARS = {1: "f64", 2: "f32", 3: "i64", 4: "u64", 5: "i32", 6: "u64", 7: "u32", 8: "bool", 9: "string", 12: "bytes", 13: "u32",
            15: "i32", 16: "i64", 17: "i32", 18: "i64"}
_GROUP, _MESSAGE, _ENUM = 10, 11, 14                        # types, in FieldDescriptorProto
_REQUIRED, _REPEATED = 2, 3                                 # labels
_FILE_MESSAGES, _FILE_ENUMS, _FILE_SERVICES = 4, 5, 6       # numbers of fields, of which the paths of places consist
_FIELDS, _NESTED, _NESTED_ENUMS, _ONEOFS, _VALUES, _METHODS = 2, 3, 4, 8, 2, 2


class _Type(NamedTuple):
    """A message or an enum. path: its place, in the words of descriptors. full: as fields name it, ".package.Outer.Inner"."""

    proto: Proto
    of: object
    path: tuple[int, ...]
    full: str

    @property
    def place(self) -> Place:
        return self.proto.at(self.path).place

    @property
    def local(self) -> str:
        """The name without the package."""
        package = self.proto.descriptor.package
        return self.full[len(package) + 2:] if package else self.full[1:]


def drafts(paths: list[str], include: list[str]) -> list[Draft]:
    """A protocol for each path that has messages, and the files that they import. Raises OSError, and SchemaError."""
    files = protos(paths, include)
    reader = _Reader(files)
    found = {proto.descriptor.name: reader.draft(proto) for proto in files if proto.is_named}
    alone = {name for name, draft in found.items() if draft.protocol and name not in reader.imported}
    shared = [reader.types_draft(proto) for proto in files if proto.descriptor.name not in alone]
    shared = [draft for draft in shared if draft.enums or draft.structs]
    protocols = [draft if name in alone else replace(draft, enums=(), structs=()) for name, draft in found.items() if draft.protocol]
    if not protocols:
        raise wrong(Place(1, 1, 1, files[-1].source), "there is no message in this file", "a protocol has at least one")
    return [*shared, *(reader.importing(draft, shared) for draft in protocols)]


class _Reader:
    """types: all, by their full names. made: what of them is written, by full name; None while a message is being made. imported: the files
    that others import. stems: of the schemas; types_stems: of the files of types, which differ if a file is imported and has a protocol."""

    def __init__(self, files: list[Proto]):
        self.types = {one.full: one for proto in files for one in _types(proto)}
        self.made: dict[str, Enum | Record | None] = {}
        self.imported = {name for proto in files for name in proto.descriptor.dependency}
        self.helpers: dict[tuple[str, str], Record] = {}     # by the file, and "text" or "blob"
        self.names = Unique((*BUILT_IN, "text", "blob"))
        self.stems: dict[str, str] = {}
        stems = Unique()
        for proto in sorted(files, key=lambda proto: not proto.is_named):
            self.stems[proto.descriptor.name] = stems(identifier(Path(proto.descriptor.name).stem, "file"))
        self.referred = self._referred(files)
        self.variants = self._variants(files)
        both = {proto.descriptor.name for proto in files if proto.is_named and self.variants[proto.descriptor.name]} & self.imported
        self.types_stems = {name: stems(f"{stem}_types") if name in both else stem for name, stem in self.stems.items()}

    def _referred(self, files: list[Proto]) -> set[str]:
        """The messages that another message contains, without those that a call sends."""
        inside = {field.type_name for one in self.types.values() if hasattr(one.of, "field") for field in one.of.field if field.type_name != one.full}
        calls = {name for proto in files for service in proto.descriptor.service for method in service.method for name in (method.input_type, method.output_type)}
        return inside - calls

    def _variants(self, files: list[Proto]) -> dict[str, list[_Type]]:
        """The variants of each file: the messages that no other contains. Of messages that contain each other, of which no variant
        contains one, the first is a variant too, so that none is lost."""
        tops = {proto.descriptor.name: [one for one in self.types.values() if one.proto is proto and len(one.path) == 2 and one.path[0] == _FILE_MESSAGES]
                for proto in files}
        found = {name: [one for one in top if one.full not in self.referred] or top for name, top in tops.items()}
        reached: set[str] = set()
        for variants in found.values():
            for one in variants:
                self._reach(one, reached)
        for name, top in tops.items():
            for one in top:
                if one.full not in reached:
                    found[name] = [other for other in top if other in found[name] or other is one]
                    self._reach(one, reached)
        return found

    def _reach(self, one: _Type, reached: set[str]) -> None:
        """Adds a message and all that it contains, directly or not."""
        left = [one.full]
        while left:
            full = left.pop()
            if full not in reached:
                reached.add(full)
                left += [field.type_name for field in getattr(self.types[full].of, "field", ()) if field.type_name]

    # Files.

    def draft(self, proto: Proto) -> Draft:
        """The protocol of a file; without a name if the file has no message that can be a variant."""
        variants = self.variants[proto.descriptor.name]
        notes = [f"Imported from {Path(proto.descriptor.name).name} (Protocol Buffers).",
                 lost("the numbers of fields, and options", Place(1, 1, 1, proto.source))]
        members = self.members_of_union(variants)
        if members:
            notes.append(f"The variants are the members of the oneof in {variants[0].local}, {where(variants[0].place)}.")
            variants = [one for _, one in members]
        unique = Unique()
        names = {one.full: unique(camel(one.local)) for one in variants}
        messages = [self.record(one, names[one.full], True) for one in variants]
        if members:
            messages = [replace(message, tag=number) for message, (number, _) in zip(messages, members)]
        replies, more = self.replies(proto, names)
        messages = [replace(message, replies=replies.get(message.name, ())) for message in messages]
        notes += more
        stem = self.stems[proto.descriptor.name]
        doc = proto.at((2,)).text or proto.at((12,)).text
        made = self.types_draft(proto)
        return replace(made, stem=stem, protocol=stem if messages else "", doc=doc if messages else made.doc, notes=tuple(notes), messages=tuple(messages))

    def members_of_union(self, variants: list[_Type]) -> list[tuple[int, _Type]]:
        """The members of a message that is one oneof of different messages; empty if this is not the only variant."""
        if len(variants) != 1 or len(variants[0].of.oneof_decl) != 1:
            return []
        fields = variants[0].of.field
        is_union = len(fields) > 1 and all(f.HasField("oneof_index") and f.type == _MESSAGE for f in fields) and len({f.type_name for f in fields}) == len(fields)
        return [(field.number, self.types[field.type_name]) for field in fields] if is_union else []

    def types_draft(self, proto: Proto) -> Draft:
        """The enums and structs of a file that messages use."""
        made = [(self.types[full], thing) for full, thing in self.made.items() if self.types[full].proto is proto]
        made = [thing for _, thing in sorted(made, key=lambda pair: pair[0].place[:2])]
        structs = [thing for thing in made if isinstance(thing, Record) and thing.fields]
        helpers = [record for record in self.helpers.values() if record.place.source is proto.source]
        name = Path(proto.descriptor.name).name
        return Draft(self.types_stems[proto.descriptor.name], "", Place(1, 1, 1, proto.source), f"Types of {name}.", (f"Imported from {name} (Protocol Buffers).",),
                     enums=tuple(thing for thing in made if isinstance(thing, Enum)), structs=(*helpers, *structs))

    def importing(self, draft: Draft, shared: list[Draft]) -> Draft:
        """With the files that it needs: those that hold what its types, and theirs, name."""
        by_name = {thing.name: other for other in shared for thing in (*other.enums, *other.structs)}
        needed: dict[str, None] = {}
        wanted = [record for record in (*draft.structs, *draft.messages)]
        while wanted:
            for field in (typed for of in wanted.pop().fields for typed in of.typed):
                other = by_name.get(field.type.partition("[")[0].rstrip("?"))
                if other is not None and other.stem not in needed:
                    needed[other.stem] = None
                    wanted += other.structs
        return replace(draft, imports=tuple(other.stem for other in shared if other.stem in needed))

    def replies(self, proto: Proto, names: dict[str, str]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
        """The variants that answer each variant, by the calls of services, and comments about what a schema cannot say of calls."""
        found: dict[str, dict[str, None]] = {}
        notes = []
        for i, service in enumerate(proto.descriptor.service):
            for k, method in enumerate(service.method):
                ends = [f"{'a stream of ' * is_stream}{self.types[name].local}" for name, is_stream in
                        ((method.input_type, method.client_streaming), (method.output_type, method.server_streaming))]
                if method.input_type in names and method.output_type in names:
                    found.setdefault(names[method.input_type], {})[names[method.output_type]] = None
                if method.client_streaming or method.server_streaming or not (method.input_type in names and method.output_type in names):
                    place = proto.at((_FILE_SERVICES, i, _METHODS, k)).place
                    notes.append(lost(f"the call {service.name}.{method.name}, {ends[0]} -> {ends[1]}", place))
        return {name: tuple(answers) for name, answers in found.items()}, notes

    # Types.

    def thing(self, full: str) -> Enum | Record | None:
        """The enum or struct; None if it is one that is being made, which contains itself."""
        if full not in self.made:
            self.made[full] = None
            one = self.types[full]
            name = self.names(identifier(one.local, "type"))
            self.made[full] = self.record(one, name) if hasattr(one.of, "field") else self.enum(one, name)
        return self.made[full]

    def enum(self, one: _Type, name: str) -> Enum:
        unique, notes = Unique(), []
        words = [unique(word) for word in stripped(one.of.name, [value.name for value in one.of.value])]
        values: dict[int, Value] = {}
        for i, (value, word) in enumerate(zip(one.of.value, words)):
            at = one.proto.at((*one.path, _VALUES, i))
            if value.number in values:
                notes.append(lost(f"{value.name} = {value.number}, another name of {values[value.number].name}", at.place))
                continue
            values[value.number] = Value(word, value.number, at.place, at.text, deprecated="true" if value.options.deprecated else "")
        return Enum(name, tuple(values.values()), one.place, one.proto.at(one.path).text, (*_reserved(one, 1), *notes))

    def record(self, one: _Type, name: str, is_message: bool = False) -> Record:
        names, found, notes = Unique(), [], ()
        sizes = Counter(field.oneof_index for field in one.of.field if field.HasField("oneof_index"))
        oneofs: dict[int, list[Field]] = {}         # the alternatives of each; found has its number at the place of the first
        for i, field in enumerate(one.of.field):
            at = one.proto.at((*one.path, _FIELDS, i))
            made = self.field(one, field, at.place, is_message, sizes)
            if isinstance(made, str):
                notes += (made,)
                continue
            keys = (*made.keys, *((("deprecated", "true"),) if field.options.deprecated else ()))
            named = replace(made, name=names(identifier(field.name, "field")), doc=at.text, notes=(*notes, *made.notes), keys=keys)
            if not _is_alternative(field, sizes):
                found.append(named)
            elif field.oneof_index in oneofs:
                oneofs[field.oneof_index].append(named)
            else:
                oneofs[field.oneof_index] = [named]
                found.append(field.oneof_index)
            notes = ()
        deprecated = one.of.options.deprecated
        about = [*_reserved(one, 0),
                 *(lost(f"extensions {r.start} to {r.end - 1}", one.place) for r in one.of.extension_range), *notes]
        fields = tuple(of if isinstance(of, Field) else self.one_of(one, of, oneofs[of], names) for of in found)
        return Record(name, fields, one.place, one.proto.at(one.path).text, tuple(about),
                      deprecated="true" if deprecated else "")

    @staticmethod
    def one_of(one: _Type, index: int, alternatives: list[Field], names: Unique) -> Field:
        """The field for a oneof. If all alternatives but one are lost, an optional field."""
        if len(alternatives) == 1:
            return replace(alternatives[0], type=alternatives[0].type + "?")
        at = one.proto.at((*one.path, _ONEOFS, index))
        return Field(names(identifier(one.of.oneof_decl[index].name, "choice")), "", at.place, at.text, keys=(("optional", "true"),), one_of=tuple(alternatives))

    def field(self, one: _Type, field, place: Place, is_message: bool, sizes: Counter[int]) -> Field | str:
        """The field, or the comment that says why there is none. sizes: how many fields each oneof has."""
        kind, thing = _SCALARS.get(field.type), None
        notes: list[str] = []
        if field.type_name:
            thing = self.thing(field.type_name)
            if thing is None:
                return lost(f"{field.name}: {self.types[field.type_name].local} contains itself", place)
            kind = thing.name
            if isinstance(thing, Record) and not thing.fields:
                notes.append(lost(f"the type {self.types[field.type_name].local}, which has no fields", place))
                kind = "bool"
        if field.label == _REPEATED:
            return self.repeated(one, field, place, kind, notes, is_message)
        keys: tuple[tuple[str, str], ...] = ()
        if _is_alternative(field, sizes):
            if field.default_value:
                notes.append(lost(f"the default {plain(field.default_value)}", place))
            return Field("", kind, place, notes=tuple(notes))
        is_oneof = field.HasField("oneof_index") and not field.proto3_optional
        if is_oneof and sizes[field.oneof_index] > 1:
            notes.append(lost(f"at most one of the fields of {one.of.oneof_decl[field.oneof_index].name} is there: they are more than {MOST}", place))
        if field.default_value:
            default = "" if kind == "string" and is_message else self.default(field, kind, thing)      # a tail has none
            keys = (("default", default),) if default else ()
            notes.append(lost(f"whether the field is set; {field.default_value} if it is not" if default else f"the default {plain(field.default_value)}", place))
        is_proto2 = one.proto.descriptor.syntax != "proto3"
        is_optional = field.proto3_optional or is_oneof or field.type in (_MESSAGE, _GROUP) or is_proto2
        if kind == "bool" and field.type_name:
            is_optional = False
        return Field("", kind + "?" * (is_optional and field.label != _REQUIRED and not keys), place, notes=tuple(notes), keys=keys)

    def default(self, field, kind: str, thing) -> str:
        """The default as a schema has it; empty if it has none."""
        text = field.default_value
        if isinstance(thing, Enum):
            number = next(value.number for value in self.types[field.type_name].of.value if value.name == text)
            return scalar(next(value.name for value in thing.values if value.number == number))
        if kind == "bytes" or text in ("inf", "-inf", "nan") or not text.isprintable():
            return ""
        return quoted(text) if kind == "string" else text

    def repeated(self, one: _Type, field, place: Place, kind: str, notes: list[str], is_message: bool) -> Field:
        if kind == "bytes" or kind == "string" and not is_message:      # a message can have a list of texts
            kind = self.helper(one, kind)
        if field.type == _MESSAGE and self.types[field.type_name].of.options.map_entry:
            notes.append(lost("a map: that no key is there twice", place))
        return Field("", f"{kind}[]", place, notes=tuple(notes))

    def helper(self, one: _Type, kind: str) -> str:
        """A struct with one text or blob: the element of a list of them."""
        short = "text" if kind == "string" else "blob"
        file = one.proto.descriptor.name
        if (file, short) not in self.helpers:
            what = "A text" if kind == "string" else "Bytes"
            name = short if one.proto.is_named and file not in self.imported else self.names(f"{self.stems[file]}_{short}")
            self.helpers[file, short] = Record(name, (Field(short, kind, Place(1, 1, 1, one.proto.source)),), Place(1, 1, 1, one.proto.source),
                                               f"{what} in a list.")
        return self.helpers[file, short].name


def _is_alternative(field, sizes: Counter[int]) -> bool:
    """Whether it becomes an alternative: not what is alone in its oneof, such as an optional field of proto3."""
    return field.HasField("oneof_index") and 1 < sizes[field.oneof_index] <= MOST


def _types(proto: Proto) -> Iterator[_Type]:
    """Each message and enum of a file."""
    package = f".{proto.descriptor.package}" if proto.descriptor.package else ""
    for i, enum in enumerate(proto.descriptor.enum_type):
        yield _Type(proto, enum, (_FILE_ENUMS, i), f"{package}.{enum.name}")
    stack = [(message, (_FILE_MESSAGES, i), package) for i, message in reversed(list(enumerate(proto.descriptor.message_type)))]
    while stack:
        message, path, outer = stack.pop()
        full = f"{outer}.{message.name}"
        yield _Type(proto, message, path, full)
        for i, enum in enumerate(message.enum_type):
            yield _Type(proto, enum, (*path, _NESTED_ENUMS, i), f"{full}.{enum.name}")
        stack += [(nested, (*path, _NESTED, i), full) for i, nested in reversed(list(enumerate(message.nested_type)))]


def _reserved(one: _Type, inclusive: int) -> Iterator[str]:
    """inclusive: 1 if the ends of ranges belong to them, as those of enums do."""
    parts = [str(r.start) if r.end - 1 + inclusive == r.start else f"{r.start} to {r.end - 1 + inclusive}" for r in one.of.reserved_range]
    parts += [f'"{name}"' for name in one.of.reserved_name]
    if parts:
        yield lost(f"reserved: {', '.join(parts)}", one.place)
