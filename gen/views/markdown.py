# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool doc`: a reference of the protocol in Markdown, for readers who do not have the schema."""

import re

import jinja2

from .. import model
from ..laid_out import Layout, Record
from ..scalars import Scalar
from ..emit.render import TEMPLATES

_MARKS = re.compile(r"[\\`*_{}\[\]<>|~]")
_FIRST_MARKS = re.compile(r"^(\s*\d*)([#+>.)-])", re.MULTILINE)


def markdown(layout: Layout) -> str:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False)
    environment.filters.update(text=text, line=line, code=code, tag=tag, doc_cell=_doc_cell)
    records = {"Struct": layout.structs, "Message": layout.messages}
    text_of_it = environment.get_template("reference.md.j2").render(
        layout=layout, protocol=layout.protocol,
        types={t.name.schema: _properties(t) for t in layout.protocol.types},
        tables={kind: {r.model.name.schema: _Table(layout, r) for r in of} for kind, of in records.items()},
        parts={b.name.schema: _Parts(b) for b in layout.protocol.bit_fields})
    return re.sub(r"[ \t]+\n", "\n", text_of_it).rstrip("\n") + "\n"


def text(written: str) -> str:
    """A text of the schema as Markdown that shows it as it is written."""
    return _FIRST_MARKS.sub(r"\1\\\2", _MARKS.sub(r"\\\g<0>", written.strip()))


def line(written: str) -> str:
    """The same for a cell of a table."""
    return " ".join(_MARKS.sub(r"\\\g<0>", written).split())


def code(written: str) -> str:
    """The text as code, for a cell of a table."""
    return "`" + written.replace("|", "\\|") + "`"


def _doc_cell(of: model.Field | model.EnumValue | model.BitPart) -> str:
    """Its doc, and whether it is deprecated, for a cell of a table."""
    reason = "." if of.deprecated == "true" else f": {line(of.deprecated)}"
    return " ".join(filter(None, (line(of.doc), f"**Deprecated**{reason}" if of.deprecated else "")))


def tag(number: int) -> str:
    character = f" `'{chr(number)}'`" if number < 128 and chr(number).isalpha() else ""
    return f"{number}{character}"


def _number(number: int | float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.17g}" if float(f"{number:g}") != number else f"{number:g}"


def _anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _part_value(part: model.BitPart, number: int) -> str:
    if part.enum:
        return code(part.enum.by_number[number].name.schema)
    return code(["false", "true"][number]) if part.is_bool else str(number)


class _Parts:
    """The parts of a bit field. Empty columns are left out."""

    def __init__(self, of: model.BitField) -> None:
        rows = [self._row(part) for part in of.parts]
        self.columns = [name for name in rows[0] if any(row[name] for row in rows)]
        self.rows = [[row[name] for name in self.columns] for row in rows]

    @staticmethod
    def _row(part: model.BitPart) -> dict[str, str]:
        kind = f"[{code(part.enum.name.schema)}](#{_anchor(f'Enum {part.enum.name.schema}')})" if part.enum else code("bool") if part.is_bool else "number"
        last = part.shift + part.bits - 1
        return {"bits": str(last) if part.bits == 1 else f"{part.shift} to {last}", "part": code(part.name.schema), "type": kind, "unit": line(part.unit),
                "range": f"{part.range.low} to {part.range.high}" if part.range else "", "since": str(part.since or ""), "": _doc_cell(part)}


class _Table:
    """The fields of a struct or message. Empty columns are left out."""

    def __init__(self, layout: Layout, record: Record) -> None:
        rows = [row for field in record.model.fields for row in self._rows(layout, record, field)]
        rows += [self._constant(field) for field in record.model.constants]
        self.columns = [name for name in (rows[0] if rows else ()) if any(row[name] for row in rows)]
        self.rows = [[row[name] for name in self.columns] for row in rows]

    def _rows(self, layout: Layout, record: Record, field: model.Field) -> list[dict[str, str]]:
        """A row for the field, and one for each of its alternatives."""
        alternatives = field.element.alternatives if isinstance(field.element, model.Union) else ()
        rows = [self._row(layout, record, field), *(self._row(layout, record, alternative) for alternative in alternatives)]
        if alternatives:
            rows[0]["type"] = "one of the next " + str(len(alternatives)) + (", or none" if field.type.optional else "")
        for number, row in enumerate(rows[1:], 1):
            row["field"] = f"{number}: {row['field']}"
        return rows

    def _row(self, layout: Layout, record: Record, field: model.Field) -> dict[str, str]:
        offset, size = self._place(record, field)
        return {"field": code(field.name.schema), "type": self._type(field),
                **_values(field), "absent": "" if field.absent is None else line(model.number_text(field.absent, field.element)),
                "always": "", "since": str(field.since or ""), "offset": offset, "bytes": size, "": _doc_cell(field)}

    def _constant(self, field: model.ConstantField) -> dict[str, str]:
        return {"field": code(field.name.schema), "type": self._type(field), "unit": line(field.unit), "range": "", "default": "", "absent": "",
                "always": _default(field.element, field.value), "since": str(field.since or ""), "offset": "-", "bytes": "0", "": _doc_cell(field)}

    def _place(self, record: Record, field: model.Field) -> tuple[str, str]:
        if not field.is_tail:
            member = record.member(field.name.member)
            return str(member.offset), str(member.size)
        tail = record.holder(field)
        if tail.list_bytes:
            size = f"length × {tail.element_size + 1} + characters"
            return str(tail.offset) if tail.number == 1 else "behind " + code(record.model.tails[tail.number - 2].name.schema), size
        return str(tail.offset) if tail.number == 1 else "behind " + code(record.model.tails[tail.number - 2].name.schema), "length" + (f" × {tail.element_size}" if tail.element_size > 1 else "") + (" + 1" if tail.end else "")

    def _type(self, field: model.Field | model.ConstantField) -> str:
        element = field.element
        most = f", at most {field.type.most}" if field.type.is_tail and field.type.most else ""
        kind = {model.Enum: "Enum", model.Flags: "Flags", model.BitField: "Bit field", model.Struct: "Struct"}.get(type(element))
        return (_link("Type", field.named.name, field.spelling) if field.named else
                _link(kind, element.name, field.spelling) if kind else code(field.spelling)) + most


def _link(kind: str, name: model.Name, spelling: str) -> str:
    return f"[{code(spelling)}](#{_anchor(f'{kind} {name.schema}')})"


def _values(of: model.Field | model.NamedType) -> dict[str, str]:
    """The columns of a field, or the properties of a named type, that are about its values."""
    return {"unit": line(of.unit), "range": f"{_number(of.range.low)} to {_number(of.range.high)}" if of.range else "",
            "default": _default(of.type.element, of.default)}


def _properties(of: model.NamedType) -> list[str]:
    """What is said of a named type, each in words."""
    words = {"unit": "in {}", "range": "{}", "default": "by default {}"}
    type_ = _link("Type", of.of.name, of.spelling) if of.of else code(of.spelling)
    absent = [line(model.number_text(of.absent, of.type.element)) + " means absent"] if of.absent is not None else []
    return [type_, *(words[name].format(value) for name, value in _values(of).items() if value), *absent]


def _default(element: model.Element | None, default: int | float | str | None) -> str:
    if default is None:
        return ""
    if isinstance(element, model.Enum):
        return code(next(v.name.schema for v in element.values if v.number == default))
    if isinstance(element, model.Flags):
        return code(" | ".join(v.name.schema for v in element.values if default >> v.number & 1) or element.zero.name.schema)
    if isinstance(element, model.BitField):
        return ", ".join(f"{code(p.name.schema)}: {_part_value(p, element.value(p, default))}" for p in element.parts)
    if isinstance(element, Scalar) and element.family in ("bool", "char"):
        return code(["false", "true"][default] if element.family == "bool" else repr(chr(default)))
    return code(f'"{default}"') if isinstance(default, str) else _number(default)
