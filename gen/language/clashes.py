# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The C names that the emitted files of a protocol define, and the names that clash.

Struct tags, functions, enumerators and macros share one name space here, as they nearly do in C++. So do the protocols of
one run, because they are linked into one program.
"""

from collections.abc import Iterator

from .. import model
from ..diagnostics import Place, Reporter, at, quoted
from .names import SCHEMA_NAME, c_name, taken_names, why_no_protocol, why_no_typedef, why_taken
from .one_of import report_same_parameters
from .syntax import BitField, BitPart, Constant, Enum, EnumValue, Field, Message, Schema, Struct, Word
from .types import is_tail, is_texts

# The names that every protocol defines, after its prefix. Names for later versions are reserved.
_OWN = """any cpp pool pool_stats depot handlers tag tag_of tag_name size free print equal hash clone dispatch validate
    pool_init pool_init_growing pool_fini pool_reset pool_reserve pool_prefill pool_each pool_print_budget pool_join pool_failure
    snprint print_pretty snprint_pretty describe pool_flush pool_trim depot_init depot_init_fixed depot_fini depot_each depot_trim depot_stats depot_print_budget
    encoded_size encode receive receive_as scrub""".split()
_OWN_MACROS = "VARIANTS HANDLERS POOL_BYTES POOL_STORAGE DEPOT_BYTES DEPOT_STORAGE SLOT_SIZES".split()
_OWN_NAME = "the generator's own"
_ADVICE = 'give {} another C name with "c_name"'
_A_MESSAGE = 'the message "'
# What can have the name of a message in the schema, and how the hint then makes a C name for it that is free.
_OTHER_NAMES = (("structs", "struct", "data"), ("enums", "enum", "kind"), ("flags", "flags", "flags"), ("bit_fields", "bit field", "bits"),
                ("types", "type", "type"), ("constants", "constant", "value"))
_VERBS = "new copy make default valid as if edit free".split()
_STRUCT_VERBS = "set make default valid".split()
_BITS_VERBS = "set make valid".split()


# A C name, the thing that defines it, the word of the schema that it comes from, and whether it may be a macro: a value of an enum is
# one if it does not fit in int.
Symbol = tuple[str, str, Word, bool]


def find(schema: Schema, symbols: list[Symbol], protocol: model.Protocol, reporter: Reporter) -> None:
    """Reports the names that clash. symbols: all of the schema's."""
    if why := why_no_protocol(protocol.name.c):
        reporter.error((schema.c_name or schema.protocol).place,
                       f"the protocol cannot have the C name {quoted(protocol.name.c)}: {why}", _ADVICE.format("the protocol"))
    taken: dict[str, tuple[str, Place | None]] = {}
    hints: dict[str, str] | None = None
    never = taken_names()
    for symbol, what, word, _ in symbols:
        if symbol not in never and symbol not in taken:
            taken[symbol] = (what, None if what is _OWN_NAME else word.place)
        elif why := why_taken(symbol):
            reporter.error(word.place, f"{what} would define the C name {quoted(symbol)}, which is {why}", _ADVICE.format("it"))
        elif symbol in taken:
            other, place = taken[symbol]
            if place:
                hints = _hints(schema, symbols) if hints is None else hints
                hint = hints.get(other if what.startswith(_A_MESSAGE) else what if other.startswith(_A_MESSAGE) else "")
                reporter.error(word.place, f"{what} and {other} ({at(place)}) would both define the C name {quoted(symbol)}",
                               hint or _ADVICE.format("one of them"))
            else:
                reporter.error(word.place, f"{what} would define the C name {quoted(symbol)}, which the generator defines already",
                               _ADVICE.format("it"))
    for named, written in _typedefs(schema, protocol):
        if why := why_no_typedef(named.type.element.c):
            reporter.error(_final(written, written.name).place, f"the type {quoted(named.name.schema)} would define the C name "
                           f"{quoted(named.type.element.c)}, which is {why}", _ADVICE.format("it"))
    public = {symbol: f"a macro of {what}" for symbol, what, _, is_macro in symbols if is_macro}
    public |= {named.type.element.c: f"the type {quoted(named.name.schema)}" for named, _ in _typedefs(schema, protocol)}
    _members(schema, public, protocol, reporter)


def _hints(schema: Schema, symbols: list[Symbol]) -> dict[str, str]:
    """For each thing that clashes with a message, by what it is: the C name that it could have. A message keeps its name: it is the one
    that programs call functions by. No name is chosen without asking: with the next message, it could be another."""
    taken = {symbol.lower() for symbol, _, _, _ in symbols}
    found = {}
    for things, kind, suffix in _OTHER_NAMES:
        for written in getattr(schema, things):
            name, what, _ = _named(written, kind)
            free = f"{name}_{suffix}"
            if f"{_c(schema, schema.protocol)}_{free}".lower() not in taken and SCHEMA_NAME.match(free):
                found[what] = f'give the {kind} another C name, for example with "c_name: {free}"'
    return found


def _typedefs(schema: Schema, protocol: model.Protocol) -> list[tuple[model.NamedType, Field]]:
    written = {of.name.text: of for of in schema.types}
    return [(named, written[named.name.schema]) for named in protocol.types if named.is_value]


def symbols(schema: Schema) -> list[Symbol]:
    """Each C name that the schema defines outside of its structs."""
    return list(_symbols(schema))


def _symbols(schema: Schema) -> Iterator[Symbol]:
    prefix = _c(schema, schema.protocol)
    upper = prefix.upper()
    yield prefix, "the protocol", _final(schema, schema.protocol), False
    for own in _OWN:
        yield f"{prefix}_{own}", _OWN_NAME, schema.protocol, False
    if any(message.shared for message in schema.messages):
        yield f"{prefix}_hold", _OWN_NAME, schema.protocol, False
        yield f"{prefix}_holders", _OWN_NAME, schema.protocol, False
    if any(message.replies for message in schema.messages):
        yield f"{prefix}_is_reply_to", _OWN_NAME, schema.protocol, False
    for own in _OWN_MACROS:
        yield f"{upper}_{own}", _OWN_NAME, schema.protocol, True
    for constant in schema.constants:
        name, what, word = _named(constant, "constant")
        yield f"{upper}_{name.upper()}", what, word, True
    for enum in schema.enums:
        name, what, word = _named(enum, "enum")
        yield f"{prefix}_{name}", what, word, False
        yield f"{prefix}_{name}_name", what, word, False
        yield from _values(enum, upper, name, what)
    for flags in schema.flags:
        name, what, word = _named(flags, "flags")
        yield f"{prefix}_{name}", what, word, False
        yield from _values(flags, upper, name, what)
    for written in schema.types:
        name, what, word = _named(written, "type")
        if not written.type.form:                       # the others have no name in C
            yield f"{prefix}_{name}", what, word, False
    for bit_field in schema.bit_fields:
        name, what, word = _named(bit_field, "bit field")
        yield f"{prefix}_{name}", what, word, False
        for verb in _BITS_VERBS:
            yield f"{prefix}_{verb}_{name}", what, word, False
        for part in bit_field.bits:
            part_name, of_part, part_word = f"{name}_{_c(part, part.name)}", f"the part {quoted(part.name.text)} of {what}", _final(part, part.name)
            yield f"{prefix}_{part_name}", of_part, part_word, False
            yield f"{prefix}_set_{part_name}", of_part, part_word, False
            yield f"{upper}_{part_name.upper()}_SHIFT", of_part, part_word, True
            yield f"{upper}_{part_name.upper()}_MASK", of_part, part_word, True
    absent = _types_with_absent(schema)
    for struct in schema.structs:
        name, what, word = _named(struct, "struct")
        yield f"{prefix}_{name}", what, word, False
        for verb in _STRUCT_VERBS:
            yield f"{prefix}_{verb}_{name}", what, word, False
        yield from _predicates(struct, f"{prefix}_{name}", what, absent)
        yield from _one_ofs(struct, prefix, name, what)
        yield from _constants(struct, f"{upper}_{name.upper()}", what)
    for message in schema.messages:
        name, what, word = _named(message, "message")
        yield f"{prefix}_{name}", what, word, False
        yield f"{upper}_{name.upper()}", what, word, False
        for verb in _VERBS:
            yield f"{prefix}_{verb}_{name}", what, word, False
        yield from _predicates(message, f"{prefix}_{name}", what, absent)
        yield from _one_ofs(message, prefix, name, what)
        yield from _constants(message, f"{upper}_{name.upper()}", what)
        for i, tail in enumerate(field for field in message.fields if is_tail(field.type)):
            tail_name, of_tail, tail_word = f"{name}_{_c(tail, tail.name)}", f"the field {quoted(tail.name.text)} of {what}", _final(tail, tail.name)
            if i == 0:
                yield f"{prefix}_reserve_{name}", what, word, False
            at = "_at" if is_texts(tail.type) else ""
            yield f"{prefix}_{tail_name}{at}", of_tail, tail_word, False
            yield f"{prefix}_edit_{tail_name}{at}", of_tail, tail_word, False
            yield f"{upper}_{tail_name.upper()}_MAX", of_tail, tail_word, True
            if at:
                yield f"{upper}_{tail_name.upper()}_BYTES", of_tail, tail_word, True
                yield f"{upper}_{tail_name.upper()}_BYTES_MAX", of_tail, tail_word, True


def _types_with_absent(schema: Schema) -> set[str]:
    """The named types that have a number for what is absent, also that of the type that they stand for."""
    found: set[str] = set()
    left = [of for of in schema.types if not of.type.form]
    while more := [of for of in left if of.name.text not in found and (of.absent or of.type.name.text in found)]:
        found.update(of.name.text for of in more)
    return found


def _predicates(record: Struct | Message, name: str, what: str, absent: set[str]) -> Iterator[Symbol]:
    """What says whether a field without a bit is present. absent: the types with a number for what is absent."""
    for field in record.fields:
        if field.absent or absent and field.type.optional and not field.type.form and field.type.name.text in absent:
            yield f"{name}_has_{_c(field, field.name)}", f"the field {quoted(field.name.text)} of {what}", _final(field, field.name), False


def _one_ofs(record: Struct | Message, prefix: str, name: str, what: str) -> Iterator[Symbol]:
    """The enum that says which alternative a field has, and the function that returns it."""
    for field in record.fields:
        if field.one_of:
            field_name, of, word = f"{name}_{_c(field, field.name)}", f"the field {quoted(field.name.text)} of {what}", _final(field, field.name)
            yield f"{prefix}_{field_name}", of, word, False
            yield f"{prefix}_{name}_which_{_c(field, field.name)}", of, word, False
            yield f"{prefix}_{field_name}_NONE".upper(), of, word, False
            for alternative in field.one_of:
                yield (f"{prefix}_{field_name}_{_c(alternative, alternative.name)}".upper(), f"the alternative {quoted(alternative.name.text)} of {of}",
                       _final(alternative, alternative.name), False)


def _constants(record: Struct | Message, name: str, what: str) -> Iterator[Symbol]:
    for field in record.constants:
        yield f"{name}_{_c(field, field.name).upper()}", f"the field {quoted(field.name.text)} of {what}", _final(field, field.name), True


def _values(of: Enum, upper: str, name: str, what: str) -> Iterator[tuple[str, str, Word, bool]]:
    for value in of.values:
        yield (f"{upper}_{name.upper()}_{_c(value, value.name).upper()}", f"the value {quoted(value.name.text)} of {what}",
               _final(value, value.name), True)


def _named(written: Constant | Enum | BitField | Struct | Message, kind: str) -> tuple[str, str, Word]:
    """Its C name, what it is, and the word that gives the name."""
    return _c(written, written.name), f"the {kind} {quoted(written.name.text)}", _final(written, written.name)


def _c(written: Schema | Field | Constant | Enum | EnumValue | BitField | BitPart | Struct | Message, name: Word) -> str:
    return c_name(name, written.c_name)


def _structs(schema: Schema, protocol: model.Protocol) -> list[tuple[model.Struct, Struct]]:
    """In the schema's order; those of a protocol are in the order of need."""
    resolved = {struct.name.schema: struct for struct in protocol.structs}
    return [(resolved[written.name.text], written) for written in schema.structs if written.name.text in resolved]


def _final(written: Schema | Field | Constant | Enum | EnumValue | BitField | BitPart | Struct | Message, name: Word) -> Word:
    return written.c_name or name


def _members(schema: Schema, public: dict[str, str], protocol: model.Protocol, reporter: Reporter) -> None:
    """Bare names: union members and the members of each struct. public: the names that hide a member, and what each is."""
    for message, written in zip(protocol.messages, schema.messages):
        word = written.c_name or written.name
        if why := why_taken(message.name.member):
            reporter.error(word.place, f"{quoted(message.name.member)} cannot name a member of union {protocol.name.c}_any: it is {why}",
                           _ADVICE.format("the message"))
        elif message.name.member == "base":
            reporter.error(word.place, '"base" cannot name a member: the generator gives every union and struct a member of this name',
                           _ADVICE.format("the message"))
    for part in (part for bit_field in schema.bit_fields for part in bit_field.bits):
        word = part.c_name
        if word and (why := why_taken(name := word.text)):
            reporter.error(word.place, f"{quoted(name)} cannot name a parameter: it is {why}", _ADVICE.format("the part"))
    for record, written in (*zip(protocol.messages, schema.messages), *_structs(schema, protocol)):
        taken: dict[str, Place] = {}
        for field, written_field in zip(record.fields, written.fields):
            word = written_field.c_name or written_field.name
            _check_member(field, word, taken, public, reporter)
        if record.one_ofs:
            report_same_parameters(record, reporter)
            of_unions = [(field.element.alternatives, word.one_of) for field, word in zip(record.fields, written.fields) if word.one_of]
            for alternatives, words in of_unions if not reporter.diagnostics else ():
                taken = {}
                for alternative, word in zip(alternatives, words):
                    _check_member(alternative.plain, word.c_name or word.name, taken, public, reporter)


def _check_member(field: model.Field, word: Word, taken: dict[str, Place], public: dict[str, str], reporter: Reporter) -> None:
    advice, never = _ADVICE.format("the field"), taken_names()
    for member in field.members:
        if not (member in taken or member in never or member in public or member == "base" or member.startswith("PROTOPOOL_")):
            taken[member] = word.place
            continue
        if why := why_taken(member):
            reporter.error(word.place, f"{quoted(member)} cannot name a member: it is {why}", advice)
        elif member == "base":
            reporter.error(word.place, '"base" cannot name a member: the generator gives every struct a member of this name', advice)
        elif member in public or member.startswith("PROTOPOOL_"):
            reporter.error(word.place, f"{quoted(member)} cannot name a member: it is {public.get(member, 'a macro of the engine')}", advice)
        elif member in taken:
            reporter.error(word.place, f"this field and another ({at(taken[member])}) would both define "
                           f"the member {quoted(member)}", advice)
        taken.setdefault(member, word.place)
    if field.type.is_text and not field.type.has_length and (length := field.name.c + "_len") in public:   # a local of the constructors
        reporter.error(word.place, f"{quoted(length)} cannot name a length: it is {public[length]}", advice)
    if not field.is_tail:
        return
    name = field.name.member
    if why := why_taken(name):      # no member has a tail's own name, but parameters have it
        reporter.error(word.place, f"{quoted(name)} cannot name a parameter: it is {why}", advice)
    elif name in taken:
        reporter.error(word.place, f"this field and another ({at(taken[name])}) would both define the parameter {quoted(name)}", advice)
    taken.setdefault(name, word.place)


def find_between(parts: list[tuple[Schema, model.Protocol, Reporter]]) -> None:
    """Several protocols of one run: the names of their files, whose case some disks ignore, and their symbols."""
    files: dict[str, str] = {}
    defined: dict[str, str] = {}
    for schema, protocol, reporter in parts:
        name = schema.source.name
        for stem in (protocol.name.c, protocol.name.c + "_check"):
            if other := files.get(stem.lower()):
                reporter.error(_final(schema, schema.protocol).place, f"{quoted(other)} also generates the file "
                               f"{quoted(stem + '.c')}", _ADVICE.format("the protocol"))
            files.setdefault(stem.lower(), name)
        reporter.raise_if_any()
        for symbol, what, word, _ in symbols(schema) if len(parts) > 1 else ():
            if defined.setdefault(symbol, name) != name:
                reporter.error(word.place, f"{what} would define the C name {quoted(symbol)}, which "
                               f"{quoted(defined[symbol])} defines too", _ADVICE.format("it"))
        reporter.raise_if_any()
