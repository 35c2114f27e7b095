# SPDX-License-Identifier: Apache-2.0 OR MIT
# What structs and messages have in common, and structs.

def _annotations(of: type) -> dict[str, Any]:
    return {name: each for name, each in get_annotations(of).items() if get_origin(each) is not ClassVar}


def _alignment(member: Any) -> int:
    """The alignment in C of a member of a layout."""
    if issubclass(member, Structure):
        return max(_alignment(each[1]) for each in member._fields_)
    return _alignment(member._type_) if issubclass(member, Array) else sizeof(member)


class Record:
    """A struct or a message. Two are equal if they are of the same class and their bytes are."""

    Layout: ClassVar[type[Structure]]
    _name: ClassVar[str]
    _names: ClassVar[dict[str, str]]        # of the fields, in the schema
    _fields: ClassVar[dict[str, Field]]
    _is_fixed: ClassVar[bool]               # whether all have the same bytes in a packed message

    def __init_subclass__(cls, name: str = "", names: dict[str, str] | None = None) -> None:
        """name, names: in the schema, where it has other ones. A subclass of a program has the fields of its base."""
        if "Layout" not in vars(cls):
            return
        cls._name, cls._names, cls._fields = name or cls.__name__, {}, {}
        bits = 0
        for field_name, annotation in _annotations(cls).items():
            field = _field(annotation, bits)
            bits += isinstance(field, _Optional)
            field.place(cls.Layout, field_name)
            cls._fields[field_name] = field
            cls._names[field_name] = (names or {}).get(field_name, field_name)
        cls._is_fixed = all(field.is_fixed for field in cls._fields.values())

    def __post_init__(self) -> None:
        for name, field in self._fields.items():
            try:
                object.__setattr__(self, name, field.checked(getattr(self, name)))
            except Refused as refused:
                refused.record = self._name
                raise refused.inside(self._names[name]) from None
            except TypeError as error:
                raise TypeError(f"{self._name}: {self._names[name]}: {error}") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and type(self) is type(other) and self._encoded() == other._encoded()

    def __hash__(self) -> int:
        return hash(self._encoded())

    def __str__(self) -> str:
        return self._shown(_Style(False))

    def pretty(self) -> str:
        """As print_pretty prints it: a line per field."""
        return self._shown(_Style(True))

    def _shown(self, style: _Style) -> str:
        shown = (f"{self._names[name]}: {field.shown(getattr(self, name), style.inner)}" for name, field in self._fields.items())
        return style.block(f"{self._name} {{", shown, "}") if self._fields else self._name

    def _encoded(self) -> bytes:
        out = bytearray(sizeof(self.Layout))
        self._store(out, 0)
        return bytes(out)

    def _store(self, out: bytearray | memoryview, base: int) -> None:
        for name, field in self._fields.items():
            field.store(getattr(self, name), out, base)

    @classmethod
    def _loaded(cls, data: memoryview, base: int) -> dict[str, Any]:
        """The values of the fields; of a tail its length."""
        values = {}
        for name, field in cls._fields.items():
            try:
                values[name] = field.load(data, base)
            except Refused as refused:
                raise refused.inside(cls._names[name]) from None
        return values

    @classmethod
    def _bits(cls) -> list[str]:
        """The fields that have a bit which says whether they are there, in the order of the bits."""
        return [name for name, field in cls._fields.items() if isinstance(field, _Optional)]

    @classmethod
    def _least_packed(cls) -> int:
        return -(-len(cls._bits()) // 8) + sum(field.least_packed() for field in cls._fields.values())

    def _pack(self, packer: "Packer") -> None:
        present = [getattr(self, name) is not None for name in self._bits()]
        packer.out += sum(bit << i for i, bit in enumerate(present)).to_bytes(-(-len(present) // 8), "little")
        for name, field in self._fields.items():
            field.pack(getattr(self, name), packer)

    @classmethod
    def _unpack(cls, unpacker: "Unpacker") -> dict[str, Any]:
        """The values of the fields; undefined if they are only measured. What is wrong with a tail is said last, as in C."""
        names, values, wrong = cls._bits(), {}, None
        present = set(cls._present(names, unpacker))
        for name, field in cls._fields.items():
            begin = unpacker.at
            try:
                values[name] = field.unpack(unpacker) if name in present or not isinstance(field, _Optional) else None
            except Refused as refused:
                refused = refused.inside(cls._names[name])
                if not field.is_tail or unpacker.measures:
                    raise refused from None
                wrong = wrong or refused
                unpacker.at = begin
                unpacker.at += unpacker.measured(field)
        if wrong:
            raise wrong
        return values

    @classmethod
    def _present(cls, names: list[str], unpacker: "Unpacker") -> Iterator[str]:
        """Those of which the bits are set."""
        for first in range(0, len(names), 8):
            byte, of_byte = unpacker.number(1), names[first:first + 8]
            if byte >> len(of_byte):
                raise Refused("has a presence bit of no field that is not 0" if issubclass(cls, Struct) else "a presence bit of no field is not 0")
            yield from (name for i, name in enumerate(of_byte) if byte >> i & 1)

    @classmethod
    def _made(cls, values: dict[str, Any]) -> Any:
        """An object with these values, which are checked."""
        made = cls.__new__(cls)
        for name, value in values.items():
            object.__setattr__(made, name, value)
        return made


class Struct(Record):
    """A record that is a part of others."""
