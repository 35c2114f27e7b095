# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Where records hold no value, or not always one: what is 0 in a message that is sent."""

from typing import NamedTuple

from .laid_out import Layout, Record

WORD = 8
IN_A_LINE = 4


class Form(NamedTuple):
    """The initialisers of a record's struct protopool_form, and of the tables that it refers to. name: the record's C name. holes_of and
    varying_of: the name of the first form with the same table."""

    name: str
    holes: str
    varying: str
    counts: str
    holes_of: str = ""
    varying_of: str = ""


def forms(layout: Layout) -> list[Form]:
    """Those of the structs that messages contain, and then of the messages. A struct has none if it always uses all its bytes, or if its holes
    are those of records that hold it."""
    named: dict[int, Form] = {}     # those of structs, by the struct's identity
    for struct in layout.used_structs:
        _of_alternatives(struct, named, layout.protocol.name.c)
        form = _form(struct, named, layout.protocol.name.c)
        if form.holes or form.varying:
            named[id(struct.model)] = form
    for message in layout.messages if layout.protocol.one_ofs else ():
        _of_alternatives(message, named, layout.protocol.name.c)
    of_messages = [_form(message, named, layout.protocol.name.c) for message in layout.messages]
    repeated = _repeated(layout) if named else set()
    found = [*(form for form in named.values() if form.varying or form.name in repeated or form.name[0].isdigit()), *of_messages]
    holes_of, varying_of = {}, {}
    return [form._replace(holes_of=holes_of.setdefault(form.holes, form.name), varying_of=varying_of.setdefault(form.varying, form.name))
            for form in found]


def _repeated(layout: Layout) -> set[str]:
    """The C names of structs in arrays, lists, tails or unions."""
    records = (*layout.used_structs, *layout.messages)
    in_unions = {a.element.name.c for record in records for a in record.model.alternatives if a.element and a.element.is_struct} if layout.protocol.one_ofs else set()
    return in_unions | {f.element.name.c for record in records for f in record.alone
                        if f.element and f.element.is_struct and (f.type.is_list or f.is_tail)}


def _of_alternatives(record: Record, named: dict[int, Form], prefix: str) -> None:
    """Adds a form for each field with alternatives; those that consist of structs vary. Its name begins with a digit, as no other does."""
    for field in record.model.one_ofs:
        of_structs = [(named.get(id(alternative.element)), i) for i, alternative in enumerate(field.element.alternatives)]
        varying = [f"{{ &{prefix}_form_of_{of.name}_, {i} }}" for of, i in of_structs if of]
        named[id(field.element)] = Form(f"{record.model.ordinals[field.name.c]}_{record.model.name.c}", "", _lines(varying), f"{len(varying)}, 0, 0")


def _form(record: Record, named: dict[int, Form], prefix: str) -> Form:
    tails, varying, holes, has_bits = [], [], list(record.holes), False
    for field in record.alone:      # no other field can have such bytes
        of_struct = named.get(id(field.element))
        has_bit = field.has_bit
        has_bits = has_bits or has_bit
        if of_struct and field.element.is_struct and not (of_struct.varying or field.type.is_list or field.is_tail):
            member, of_struct = record.holder(field), None
            holes += [(member.offset + offset, size) for offset, size in member.holes]
        if has_bit or field.type.has_length or of_struct:
            elements = f"&{prefix}_form_of_{of_struct.name}_" if of_struct else "NULL"
            (tails if field.is_tail else varying).append(f"{{ {elements}, {record.model.ordinals[field.name.c] - 1} }}")
    words = _words(holes, record, has_bits)
    varying = tails + varying
    return Form(record.model.name.c, _lines(words), _lines(varying), f"{len(varying)}, {len(tails)}, {len(words)}")


def _words(holes: list[tuple[int, int]], record: Record, has_bits: bool) -> list[str]:
    """One for each 8 bytes with a hole. They may overlap at the end of the record."""
    words: dict[int, list[str]] = {}
    last = max(record.size - WORD, 0)
    for offset, size in holes:
        begin = min(offset & -WORD, last)
        words.setdefault(begin, []).append(f"PROTOPOOL_PADDING_({offset - begin}, {size})")
    if has_bits:
        bits = next(member for member in record.members if member.bits)
        if used := len(bits.bits) % 8:
            offset = bits.offset + bits.size - 1
            begin = min(offset & -WORD, last)
            words.setdefault(begin, []).append(f"PROTOPOOL_UNUSED_({offset - begin}, {used})")
    return [f"{{ {' | '.join(unused)}, {begin} }}" for begin, unused in words.items()]


def _lines(entries: list[str]) -> str:
    if len(entries) <= IN_A_LINE:
        return ", ".join(entries)
    return ",\n    ".join([", ".join(entries[i:i + IN_A_LINE]) for i in range(0, len(entries), IN_A_LINE)])
