# SPDX-License-Identifier: Apache-2.0 OR MIT
# Optional fields; finds the kind of a field by its annotation.

class _Optional(Field):
    """A field that is None if a bit of the record is not set."""

    def __init__(self, of: Field, bit: int) -> None:
        self.of, self.byte, self.mask, self.is_tail = of, bit // 8, 1 << bit % 8, of.is_tail

    def place(self, layout: type[Structure], name: str) -> None:
        self.of.place(layout, name)
        self.byte += layout.presence_.offset

    def checked(self, value: Any) -> Any:
        return None if value is None else self.of.checked(value)

    def is_present(self, data: memoryview, base: int) -> bool:
        return bool(data[base + self.byte] & self.mask)

    def load(self, data: memoryview, base: int) -> Any:
        return self.of.load(data, base) if self.is_tail or self.is_present(data, base) else None

    def store(self, value: Any, out: bytearray | memoryview, base: int) -> None:
        if value is not None:
            out[base + self.byte] |= self.mask
            self.of.store(value, out, base)

    def shown(self, value: Any, style: _Style) -> str:
        return "None" if value is None else f"Some({self.of.shown(value, style)})"

    def least_packed(self) -> int:
        return 0

    def pack(self, value: Any, packer: "Packer") -> None:
        if value is not None:
            self.of.pack(value, packer)

    def unpack(self, unpacker: "Unpacker") -> Any:
        """If its bit is set."""
        return self.of.unpack(unpacker)


class Absent:
    """The number that means None. NaN: every NaN does."""

    def __init__(self, number: float | str) -> None:
        self.number = number

    def is_it(self, value: Any) -> bool:
        return bool(value == self.number or value != value and self.number != self.number)


class _Absent(_One):
    """A number that is None if it is a certain one."""

    def __init__(self, element: Element, unbounded: Element, absent: Absent) -> None:
        super().__init__(element)
        self.unbounded, self.absent = unbounded, absent

    def checked(self, value: Any) -> Any:
        if value is None:
            return None
        if self.absent.is_it(value):
            raise Refused(f"{self.element.shown(value, _Style(False))} means absent: use None")
        return self.element.checked(value)

    def load(self, data: memoryview, base: int) -> Any:
        """Several numbers can mean None: the bytes become those of the one that is stored."""
        if not self.absent.is_it(self.unbounded.load(data, base + self.at)):
            return super().load(data, base)
        self.store(None, data, base)
        return None

    def store(self, value: Any, out: bytearray | memoryview, base: int) -> None:
        self.unbounded.store(self.absent.number if value is None else value, out, base + self.at)

    def shown(self, value: Any, style: _Style) -> str:
        return "None" if value is None else f"Some({super().shown(value, style)})"

    def pack(self, value: Any, packer: "Packer") -> None:
        self.unbounded.pack(self.absent.number if value is None else value, packer)

    def unpack(self, unpacker: "Unpacker") -> Any:
        packed = unpacker.take(self.element.packed_size)
        data = memoryview(self.element.unpacked(packed, unpacker.order))
        return None if unpacker.measures or self.absent.is_it(self.unbounded.load(data, 0)) else self.element.load(data, 0)


class OneOf(Field):
    """One of several alternatives, as a pair: its name in the schema, and its value. A byte says which, from 1; 0: none."""

    def __init__(self) -> None:
        self.is_optional = False
        self.alternatives: dict[str, Field] = {}

    def prepare(self, annotation: Any) -> None:
        pairs = [get_args(pair) for pair in (get_args(annotation) if get_origin(annotation) is Union else (annotation,))]
        self.alternatives = {get_args(name)[0]: _field(each, 0) for name, each in pairs}

    def place(self, layout: type[Structure], name: str) -> None:
        self.which = _Length(layout, name, "_which")
        for alternative in self.alternatives.values():
            alternative.place(layout, name)

    def checked(self, value: Any) -> Any:
        if value is None and self.is_optional:
            return None
        if not isinstance(value, tuple) or len(value) != 2:
            raise TypeError(f"{value!r} is not a pair of a name and a value")
        name, held = value
        if name not in self.alternatives:
            self._refuse_other()
        return name, self._within(name, self.alternatives[name].checked, held)

    def load(self, data: memoryview, base: int) -> Any:
        number = self.which.load(data, base)
        if number == 0 and self.is_optional:
            return None
        if not 0 < number <= len(self.alternatives):
            self._refuse_other()
        name, alternative = list(self.alternatives.items())[number - 1]
        return name, self._within(name, alternative.load, data, base)

    def store(self, value: Any, out: bytearray | memoryview, base: int) -> None:
        if value is not None:
            name, held = value
            self.which.store(list(self.alternatives).index(name) + 1, out, base)
            self.alternatives[name].store(held, out, base)

    def shown(self, value: Any, style: _Style) -> str:
        if value is None:
            return "None"
        shown = f"{value[0]}({self.alternatives[value[0]].shown(value[1], style)})"
        return f"Some({shown})" if self.is_optional else shown

    def least_packed(self) -> int:
        return 1

    def pack(self, value: Any, packer: "Packer") -> None:
        packer.number(0 if value is None else list(self.alternatives).index(value[0]) + 1, 1)
        if value is not None:
            self.alternatives[value[0]].pack(value[1], packer)

    def unpack(self, unpacker: "Unpacker") -> Any:
        number = unpacker.number(1)
        if number == 0 and self.is_optional:
            return None
        if not 0 < number <= len(self.alternatives):
            self._refuse_other()
        name, alternative = list(self.alternatives.items())[number - 1]
        return name, self._within(name, alternative.unpack, unpacker)

    def _refuse_other(self) -> None:
        names = " of " + ", ".join(self.alternatives) if len(self.alternatives) <= 8 else ""
        raise Refused(f"is none{names}")

    @staticmethod
    def _within(name: str, call: Any, *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except Refused as refused:
            raise refused.inside(name) from None


def _field(annotation: Any, bit: int) -> Field:
    """What the annotation of a field means. bit: its own, if it is optional."""
    parts = get_args(annotation)
    if type(None) in parts:
        inner, = (each for each in parts if each is not type(None))
        if any(isinstance(each, OneOf) for each in get_args(inner)):
            field = _field(inner, bit)
            setattr(field, "is_optional", True)
            return field
        absent = next((each for each in get_args(inner) if isinstance(each, Absent)), None)
        return _Optional(_field(inner, bit), bit) if absent is None else _Absent(_element(inner), get_args(inner)[1], absent)
    for each in parts[1:]:
        if isinstance(each, Field):
            field = copy(each)
            if sent := next((each for each in parts if isinstance(each, Sent)), None):
                setattr(field, "sent", sent)
            field.prepare(parts[0])
            return field
    return _One(_element(annotation))
