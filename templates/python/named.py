# SPDX-License-Identifier: Apache-2.0 OR MIT
# Elements that have a class in a module: enums, flags, structs and bit fields.

class _Named(Element):
    """The numbers of a class of enum or flags. names: of its members, in the schema, where these are not the members' in lower case."""

    def __init__(self, of: type[IntEnum] | type[IntFlag], base: Integer, names: dict[str, str]) -> None:
        self.of, self.base, self.size, self.packed_size = of, base, base.size, base.size
        self.names = {member: names.get(member, member.lower()) for member in of.__members__}

    def load(self, data: memoryview, at: int) -> Any:
        return self.checked(self.base.load(data, at))

    def store(self, value: Any, out: bytearray | memoryview, at: int) -> None:
        self.base.store(int(value), out, at)


class _Enumerated(_Named):
    def checked(self, value: Any) -> Any:
        number = index(value)
        if number not in self.of._value2member_map_:
            listed = ": it has " + ", ".join(self.names.values()) if len(self.names) <= 8 else ""
            raise Refused(f"{_shown_integer(number)} is not declared{listed}")
        return self.of(number)

    def shown(self, value: Any, style: _Style) -> str:
        return self.names[value.name]


class _Flagged(_Named):
    """bits: the names of single bits, in the schema's order. none: the name of no bits."""

    def __init__(self, of: type[IntFlag], base: Integer, names: dict[str, str]) -> None:
        super().__init__(of, base, names)
        numbers = {self.names[name]: int(member) for name, member in of.__members__.items()}
        self.bits = {name: number for name, number in numbers.items() if number.bit_count() == 1}
        self.none = next((name for name, number in numbers.items() if number == 0), "0")
        self.all = sum(self.bits.values())

    def checked(self, value: Any) -> Any:
        number = index(value)
        if number < 0 and isinstance(value, self.of):      # ~READ, before Python 3.11
            number &= self.all
        if number & ~self.all:
            raise Refused(f"has bits that are not declared: {number & ~self.all:#x}")
        return self.of(number)

    def shown(self, value: Any, style: _Style) -> str:
        return " | ".join(name for name, number in self.bits.items() if value & number) or self.none


class _Nested(Element):
    """A struct."""

    def __init__(self, of: "type[Struct]") -> None:
        self.of, self.size, self.packed_size = of, sizeof(of.Layout), of._least_packed()

    def checked(self, value: Any) -> Any:
        if not isinstance(value, self.of):
            raise TypeError(f"{value!r} is not a {self.of.__name__}")
        return value

    def load(self, data: memoryview, at: int) -> Any:
        return self.of._made(self.of._loaded(data, at))

    def store(self, value: Any, out: bytearray | memoryview, at: int) -> None:
        value._store(out, at)

    def pack(self, value: Any, packer: "Packer") -> None:
        value._pack(packer)

    def unpack(self, unpacker: "Unpacker") -> Any:
        if not unpacker.measures:
            return self.of._made(self.of._unpack(unpacker))
        if self.is_fixed:
            unpacker.take(self.packed_size)
        else:
            self.of._unpack(unpacker)

    @property
    def is_fixed(self) -> bool:
        return self.of._is_fixed

    def shown(self, value: Any, style: _Style) -> str:
        return str(value._shown(style))


class _Parted(Element):
    """A bit field."""

    def __init__(self, of: "type[BitField]") -> None:
        self.of, self.size, self.packed_size = of, of._base.size, of._base.size

    def checked(self, value: Any) -> Any:
        if not isinstance(value, self.of):
            raise TypeError(f"{value!r} is not a {self.of.__name__}")
        return value

    def load(self, data: memoryview, at: int) -> Any:
        return self.of.of(self.of._base.load(data, at))

    def store(self, value: Any, out: bytearray | memoryview, at: int) -> None:
        self.of._base.store(int(value), out, at)

    def shown(self, value: Any, style: _Style) -> str:
        return str(value._shown(style))


U8 = Annotated[int, Integer("B", 8)]
I8 = Annotated[int, Integer("b", 8)]
U16 = Annotated[int, Integer("H", 16)]
I16 = Annotated[int, Integer("h", 16)]
U24 = Annotated[int, Integer("I", 24)]
I24 = Annotated[int, Integer("i", 24)]
U32 = Annotated[int, Integer("I", 32)]
I32 = Annotated[int, Integer("i", 32)]
U48 = Annotated[int, Integer("Q", 48)]
I48 = Annotated[int, Integer("q", 48)]
U64 = Annotated[int, Integer("Q", 64)]
I64 = Annotated[int, Integer("q", 64)]
F16 = Annotated[float, Real(_HALF)]
F32 = Annotated[float, Real(_SINGLE)]
F64 = Annotated[float, Real(_DOUBLE)]
Bool = Annotated[bool, Boolean()]
Char = Annotated[str, Character()]

_Enum = TypeVar("_Enum", bound=type[IntEnum])
_Flag = TypeVar("_Flag", bound=type[IntFlag])


def enumeration(base: Any, **names: str) -> Any:
    """Marks an IntEnum as an enum of the schema. base: U8 and so on. names: in the schema, if these are not the members' in lower case."""
    def mark(of: _Enum) -> _Enum:
        _ELEMENTS[of] = _Enumerated(of, get_args(base)[1], names)
        return of

    return mark


def flags(base: Any, **names: str) -> Any:
    """The same for an IntFlag."""
    def mark(of: _Flag) -> _Flag:
        _ELEMENTS[of] = _Flagged(of, get_args(base)[1], names)
        return of

    return mark


_ELEMENTS: dict[type, Element] = {bool: Boolean()}


def _element(annotation: Any) -> Element:
    """What an annotation such as U8, Annotated[U8, Range(1, 5)], Colour or Position means."""
    if isinstance(annotation, type):
        if issubclass(annotation, Struct):
            return _Nested(annotation)
        return _Parted(annotation) if issubclass(annotation, BitField) else _ELEMENTS[annotation]
    element: Element
    _, element, *others = get_args(annotation)
    ends = next((each for each in others if isinstance(each, Range)), None)
    return element.within(ends) if ends else element
