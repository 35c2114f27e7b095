# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Names for types: what each stands for, and what the fields of that type take from it. They may be in any order."""

from dataclasses import replace

from ..diagnostics import quoted
from ..field_types import FieldType, One
from ..model import NamedType
from ..scalars import SCALARS, Scalar
from .absent_numbers import absent_number_of_type
from .field_values import resolved_values
from .names import c_name, checked_name
from .numbers import Numbers
from .syntax import Field, Schema
from .types import BUILT_IN, Types, is_tail, is_texts


def resolve(schema: Schema, types: Types) -> None:
    """Adds the schema's named types to types.named, and those that are scalars to types.elements."""
    written = {of.name.text: of for of in schema.types if of.name.text not in BUILT_IN}
    for first in written.values():
        chain: dict[str, Field] = {}            # each stands for the next
        of = first
        while of is not None and of.name.text not in types.named and of.name.text not in chain:
            chain[of.name.text] = of
            of = written.get(of.type.name.text)
        if of is not None and of.name.text in chain:
            _report_loop(of, chain, types)
        for of in reversed(chain.values()):
            types.named[of.name.text] = _named_type(of, schema, types)


def _report_loop(of: Field, chain: dict[str, Field], types: Types) -> None:
    names = list(chain)
    loop = [quoted(name) for name in (*names[names.index(of.name.text):], of.name.text)]
    if len(loop) > 20:
        loop[10:-10] = ["..."]
    types.reporter.error(of.type.word.place, f"the type {quoted(of.name.text)} would stand for itself: {' -> '.join(loop)}",
                         "let one of them stand for a built-in type, such as u32")
    types.elements.setdefault(of.name.text, SCALARS["u8"])


def _named_type(written: Field, schema: Schema, types: Types) -> NamedType:
    name = checked_name(written.name, written.c_name, types.reporter)
    resolved = _built_in(written, types)
    if isinstance(resolved, One):
        scalar = SCALARS[resolved.element.name]
        resolved = One(replace(scalar, c=f"{c_name(schema.protocol, schema.c_name)}_{name.c}", is_named=True))
        types.elements.setdefault(written.name.text, resolved.element)
    elif written.c_name is not None:
        types.reporter.error(written.c_name.place, "only a type that stands for a single value has a name in C", 'remove the "c_name"')
    of = types.named.get(written.type.name.text)
    allowed, default = resolved_values(written, resolved, of, types.reporter)
    absent = absent_number_of_type(written, resolved, allowed, types.reporter)
    return NamedType(name, resolved, written.type.word.text, written.doc or (of.doc if of else ""), written.unit or (of.unit if of else ""),
                     allowed, default, of, written.name.place, of.absent if absent is None and of else absent,
                     Numbers(types.reporter).since(written.since), written.deprecated)


def _built_in(written: Field, types: Types) -> FieldType:
    """What it stands for. A type that cannot have another name is reported, and a valid one used instead."""
    word, element = written.type.word, written.type.name.text
    if not isinstance(types.elements.get(element, SCALARS["u8"]), Scalar) or element in types.structs:
        types.reporter.error(word.place, f'{quoted(element)} cannot have another name: "types" names scalars, and texts, arrays and '
                             "lists of scalars", "use it by its own name")
    elif written.type.optional:
        types.reporter.error(word.place, f"{quoted(word.text)}: a named type is not optional itself",
                             f"remove the question mark here, and write it in the fields: {written.name.text}?")
    elif is_tail(written.type):
        types.reporter.error(word.place, f"{quoted(word.text)} has no bound: a named type cannot be of any length",
                             "write it in each field" if is_texts(written.type) else f"give it a bound: {element}[<=N]")
    else:
        return types.resolve(written)
    return One(SCALARS["u8"])
