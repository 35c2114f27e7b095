# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool lint`: what a schema allows, but should perhaps not have. Each rule is a function that yields its findings. The key
`lint: {disable: [...]}` of a schema, a variant or a struct leaves out the findings of the rules that it names."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from . import savings
from .macros import is_windows_macro
from .names import RULES
from ..diagnostics import Diagnostic, Place, Source
from ..generate import lay_out
from ..language.names import snake
from ..language.parse import Load, parse
from ..language.syntax import Field, Schema
from ..laid_out import Layout
from ..model import Enum, Flags
from ..views.plan import LARGE

NEARLY = 5                      # percent: weights whose sum differs from 100 by at most this are meant to be percentages


class Finding(NamedTuple):
    """of: the name of the variant or the struct that it is about; empty if it is about neither."""

    rule: str
    place: Place
    message: str
    hint: str
    of: str = ""


def lint(name: str, raw: bytes, load: Load, rules: Collection[str] = tuple(RULES)) -> list[Diagnostic]:
    """The findings of the rules, without those that the schema switches off, in the order of their places. Raises SchemaError."""
    layout = lay_out([(name, raw)], load)[0]
    schema, reporter = parse(name, raw, load)
    disabled = {record.name.text: record.lint for record in (*schema.messages, *schema.structs)}
    found = [finding for rule in (_naming, _windows_macro, _missing_doc, _large_variant, _padding, _wide_type, _unused, _weights, _history, _missing_max_live)
             for finding in rule(schema, layout)
             if finding.rule in rules and finding.rule not in schema.lint | disabled.get(finding.of, frozenset())]
    found.sort(key=lambda f: (_source(f, reporter.source).name, f.place.line, f.place.column, f.rule))
    return [Diagnostic(_source(f, reporter.source), f.place, f.message, f.hint, "warning", f.rule) for f in found]


def _source(finding: Finding, schema: Source) -> Source:
    return finding.place.source or schema


def _naming(schema: Schema, layout: Layout) -> Iterator[Finding]:
    for message in schema.messages:
        wanted = "".join(part[:1].upper() + part[1:] for part in message.name.text.split("_"))
        if message.name.text != wanted or _shouts(message.name.text):
            wanted = "".join(part.capitalize() for part in snake(message.name.text).split("_")) if _shouts(message.name.text) else wanted
            yield Finding("naming", message.name.place, f'the variant "{message.name.text}" is not in CamelCase', f'for example "{wanted}"', message.name.text)
    records = (*schema.structs, *schema.messages)
    named = [("constant", c.name, "") for c in schema.constants]
    named += [(kind, e.name, "") for kind, of in (("enum", schema.enums), ("flags", schema.flags)) for e in of]
    named += [("bit field", b.name, "") for b in schema.bit_fields] + [("part", p.name, "") for b in schema.bit_fields for p in b.bits]
    named += [("value", v.name, "") for e in (*schema.enums, *schema.flags) for v in e.values]
    named += [("type", t.name, "") for t in schema.types]
    named += [("struct", s.name, s.name.text) for s in schema.structs]
    named += [("field", f.name, record.name.text) for record in records for f in (*record.fields, *record.constants)]
    for kind, word, of in named:
        if word.text != word.text.lower():
            yield Finding("naming", word.place, f'the {kind} "{word.text}" is not in snake_case', f'for example "{snake(word.text)}"', of)


def _shouts(name: str) -> bool:
    return name.isupper() and sum(map(str.isalpha, name)) > 1


def _windows_macro(schema: Schema, layout: Layout) -> Iterator[Finding]:
    """Of the names that stand alone in C. An imported file may be for programs that never meet Windows."""
    protocol = layout.protocol
    named = [("field", f.name, f.place, r.name.schema) for r in (*protocol.structs, *protocol.messages) for f in r.fields]
    named += [("part", part.name, part.place, of.name.schema) for of in protocol.bit_fields for part in of.parts]
    named += [("variant", m.name, m.place, m.name.schema) for m in protocol.messages]
    for kind, name, place, of in named:
        if is_windows_macro(name.member) and place.source is None:
            yield Finding("windows-macro", place, f'the {kind} "{name.schema}" is "{name.member}" in C, which is a macro of <windows.h>',
                          f'for example c_name: {name.c}_{"value" if kind != "variant" else "msg"}', of)


def _missing_doc(schema: Schema, layout: Layout) -> Iterator[Finding]:
    if not schema.doc:
        yield Finding("missing-doc", schema.protocol.place, f'the protocol "{schema.protocol.text}" has no doc', "say what it is for, in one sentence")
    for kind, things in (("enum", schema.enums), ("flags", schema.flags), ("type", schema.types), ("bit field", schema.bit_fields),
                         ("struct", schema.structs), ("variant", schema.messages)):
        for thing in things:
            if not thing.doc:
                yield Finding("missing-doc", thing.name.place, f'the {kind} "{thing.name.text}" has no doc', "say what it is for, in one sentence",
                              thing.name.text)


def _large_variant(schema: Schema, layout: Layout) -> Iterator[Finding]:
    largest = sorted((m for m in layout.messages if m.slot_class and not m.tails), key=lambda m: -m.size)[:2]
    if len(largest) == 2 and largest[0].size > LARGE * largest[1].size:
        first, second = (m.model.name.schema for m in largest)
        yield Finding("large-variant", largest[0].model.place, f'"{first}" takes {largest[0].size} bytes, more than {LARGE} times the next largest, '
                      f'"{second}" with {largest[1].size}', "give it a tail, or send each element of a list as a message", first)


def _padding(schema: Schema, layout: Layout) -> Iterator[Finding]:
    padding = {id(s.model): s for s in layout.structs}
    for record in (*layout.structs, *layout.messages):
        for field in record.model.fields:
            struct = padding.get(id(field.element))
            if struct is None or not field.inner.is_list or field.is_tail or 4 * struct.padding < struct.size:
                continue
            count = field.type.most
            order = ", ".join(f.name.schema for f in struct.model.fields)
            yield Finding("padding", field.place, f'{struct.padding} of the {struct.size} bytes of each "{struct.model.name.schema}" are padding: '
                          f"{count * struct.padding} of {count * struct.size} bytes", f"an array for each field, in the order {order}, saves them",
                          record.model.name.schema)


def _wide_type(schema: Schema, layout: Layout) -> Iterator[Finding]:
    for saving in savings.find(layout):
        yield Finding("wide-type", saving.place, f"{saving.what}: it saves {saving.bytes} byte{'s' * (saving.bytes != 1)} {saving.where}",
                      saving.hint, saving.of)


def _unused(schema: Schema, layout: Layout) -> Iterator[Finding]:
    """An imported file may have things for other schemas."""
    used = {s.model.name.schema for s in layout.used_structs} | {e.name.schema for e in (*layout.printed_enums, *layout.printed_flags, *layout.printed_bit_fields)}
    used |= _used_types(layout)
    used |= {f.element.name.schema for record in (*layout.messages, *layout.used_structs) for f in record.model.constants if isinstance(f.element, (Enum, Flags))}
    for kind, things in (("enum", schema.enums), ("flags", schema.flags), ("type", schema.types), ("bit field", schema.bit_fields),
                         ("struct", schema.structs)):
        for thing in things:
            if thing.name.text not in used and thing.name.place.source is None:
                yield Finding("unused-type", thing.name.place, f'no message contains the {kind} "{thing.name.text}"', "remove it, or use it",
                              thing.name.text)
    bounds = {word.text for f in _typed(schema) for word in (f.type.bound, f.max) if word}
    for constant in schema.constants:
        if constant.name.text not in bounds and constant.name.place.source is None:
            yield Finding("unused-constant", constant.name.place, f'no type uses the constant "{constant.name.text}"', "remove it, or use it as a bound")


def _used_types(layout: Layout) -> set[str]:
    """The named types of the fields of messages, and those that these stand for."""
    used = set()
    for record in (*layout.messages, *layout.used_structs):
        for field in (*record.model.all_fields, *record.model.constants):
            named = field.named
            while named is not None:
                used.add(named.name.schema)
                named = named.of
    return used


def _typed(schema: Schema) -> Iterator[Field]:
    """Everything that has a type."""
    yield from schema.types
    for record in (*schema.structs, *schema.messages):
        for field in (*record.fields, *record.constants):
            yield from field.one_of or (field,)


def _weights(schema: Schema, layout: Layout) -> Iterator[Finding]:
    given = [m for m in schema.messages if m.weight is not None]
    if not given:
        return
    for message in schema.messages:
        if message.weight is None:
            yield Finding("weights", message.name.place, f'"{message.name.text}" has no weight, and others have: it counts as 1', "give it a weight",
                          message.name.text)
    total = sum(m.model.weight for m in layout.messages)
    if total == 0:
        yield Finding("weights", given[0].weight.place, "all weights are 0", "give at least one variant a weight")
    elif len(given) == len(schema.messages) and 0.5 < abs(total - 100) <= NEARLY:
        yield Finding("weights", given[-1].weight.place, f"the weights add up to {total:g}, and not to 100",
                      "make them percentages, or any other shares: only their ratios count")


def _history(schema: Schema, layout: Layout) -> Iterator[Finding]:
    for record in (*layout.structs, *layout.messages):
        name = record.model.name.schema
        since = record.model.since
        for field in record.model.fields:
            if 0 < field.since < since:
                yield Finding("history", field.place, f'"{field.name.schema}" is there since version {field.since}, and "{name}" only since {since}',
                              "remove the since of the field", name)
            value = field.element.by_number.get(field.default) if isinstance(field.element, Enum) else None
            if value and value.deprecated:
                yield Finding("history", field.place, f'the default of "{field.name.schema}", "{value.name.schema}", is deprecated',
                              "choose another default", name)


def _missing_max_live(schema: Schema, layout: Layout) -> Iterator[Finding]:
    allocated = [m.model for m in layout.messages if m.slot_class]
    if any(m.max_live for m in allocated):
        for message in allocated:
            if message.max_live is None:
                name = message.name.schema
                yield Finding("missing-max-live", message.place, f'"{name}" has no max_live, and others have: a fixed pool holds none',
                              "give it a max_live; 0 if that is meant", name)


