# SPDX-License-Identifier: Apache-2.0 OR MIT
# The kinds of fields that hold one element, an array or a list.

class Field:
    """A field of a record. Its annotation names the kind."""

    is_tail = False
    is_fixed = False            # it always has the same bytes in a packed message

    def prepare(self, annotation: Any) -> None:
        """Takes what it needs of the type in Annotated[type, Field]."""

    def place(self, layout: type[Structure], name: str) -> None:
        """Finds its members in the record."""
        self.at: int = getattr(layout, name).offset

    def checked(self, value: Any) -> Any:
        raise NotImplementedError

    def load(self, data: memoryview, base: int) -> Any:
        raise NotImplementedError

    def store(self, value: Any, out: bytearray | memoryview, base: int) -> None:
        raise NotImplementedError

    def shown(self, value: Any, style: _Style) -> str:
        raise NotImplementedError

    def least_packed(self) -> int:
        """The least bytes in a packed message."""
        raise NotImplementedError

    def pack(self, value: Any, packer: "Packer") -> None:
        raise NotImplementedError

    def unpack(self, unpacker: "Unpacker") -> Any:
        raise NotImplementedError


class _One(Field):
    def __init__(self, element: Element) -> None:
        self.element = element

    def checked(self, value: Any) -> Any:
        return self.element.checked(value)

    def load(self, data: memoryview, base: int) -> Any:
        return self.element.load(data, base + self.at)

    def store(self, value: Any, out: bytearray | memoryview, base: int) -> None:
        self.element.store(value, out, base + self.at)

    def shown(self, value: Any, style: _Style) -> str:
        return self.element.shown(value, style)

    @property
    def is_fixed(self) -> bool:         # type: ignore[override]
        return self.element.is_fixed

    def least_packed(self) -> int:
        return self.element.packed_size

    def pack(self, value: Any, packer: "Packer") -> None:
        self.element.pack(value, packer)

    def unpack(self, unpacker: "Unpacker") -> Any:
        return self.element.unpack(unpacker)


class _Counted:
    """A field whose length is sent in a packed message. sent: how; None: as in the record."""

    sent: "Sent | None" = None
    length: "_Length"

    def least_packed(self) -> int:
        return self.length_size()

    def length_size(self) -> int:
        size: int = self.length.size if self.sent is None else self.sent.size
        return size

    def pack_length(self, length: int, packer: "Packer") -> None:
        if size := self.length_size():
            packer.number(length, size)

    def unpack_length(self, unpacker: "Unpacker", element: Element) -> int:
        """If it is not sent, of what is left the last element can be cut off."""
        if size := self.length_size():
            return unpacker.number(size)
        if element.is_fixed:
            return -(-unpacker.left // element.packed_size)
        ahead, length = Unpacker(unpacker.data[unpacker.at:], unpacker.order, True), 0
        while ahead.left:
            _at(length, lambda i: element.unpack(ahead))
            length += 1
        return length


class _Elements(Field):
    """Several elements: a tuple, or bytes if they are of U8."""

    def __init__(self, most: int, ends: Range | None = None) -> None:
        self.most, self.ends = most, ends

    def prepare(self, annotation: Any) -> None:
        self.is_bytes = annotation is bytes
        self.element = _element(U8 if self.is_bytes else get_args(annotation)[0])
        if self.ends:
            self.element = self.element.within(self.ends)

    def checked(self, value: Any) -> Any:
        if isinstance(value, (int, str)):
            raise TypeError(f"{value!r} is not a sequence")
        self.refuse_length(len(value))
        return self._all(lambda i: self.element.checked(value[i]), len(value))

    def refuse_length(self, length: int) -> None:
        if length > self.most:
            raise Refused(f"has {length} elements, at most {self.most}")

    def load_all(self, data: memoryview, at: int, length: int) -> Any:
        self.refuse_length(length)
        return self._all(lambda i: self.element.load(data, at + i * self.element.size), length)

    def store_all(self, value: Any, out: bytearray | memoryview, at: int) -> None:
        for i, element in enumerate(value):
            self.element.store(element, out, at + i * self.element.size)

    def pack_all(self, value: Any, packer: "Packer") -> None:
        for element in value:
            self.element.pack(element, packer)

    def unpack_all(self, unpacker: "Unpacker", length: int) -> Any:
        """None if they are only measured."""
        self.refuse_length(length)
        if self.element.is_fixed:               # what is missing is known at once
            unpacker = Unpacker(unpacker.take(length * self.element.packed_size), unpacker.order, unpacker.measures)
            if unpacker.measures:
                return None
        if not unpacker.measures:
            return self._all(lambda i: self.element.unpack(unpacker), length)
        for i in range(length):
            _at(i, lambda _: self.element.unpack(unpacker))

    def shown(self, value: Any, style: _Style) -> str:
        return style.block("[", (self.element.shown(element, style.inner) for element in value), "]")

    def _all(self, get: Any, length: int) -> Any:
        found = (_at(i, get) for i in range(length))
        return bytes(found) if self.is_bytes else tuple(found)


def _at(i: int, get: Any) -> Any:
    """The element that `get` gives. What it refuses has the index."""
    try:
        return get(i)
    except Refused as refused:
        raise refused.inside(f"[{i}]") from None


class Exactly(_Elements):
    """An array."""

    def refuse_length(self, length: int) -> None:
        if length != self.most:
            raise Refused(f"has {length} elements, not {self.most}")

    def load(self, data: memoryview, base: int) -> Any:
        return self.load_all(data, base + self.at, self.most)

    def store(self, value: Any, out: bytearray | memoryview, base: int) -> None:
        self.store_all(value, out, base + self.at)

    @property
    def is_fixed(self) -> bool:         # type: ignore[override]
        return self.element.is_fixed

    def least_packed(self) -> int:
        return self.most * self.element.packed_size

    def pack(self, value: Any, packer: "Packer") -> None:
        self.pack_all(value, packer)

    def unpack(self, unpacker: "Unpacker") -> Any:
        return self.unpack_all(unpacker, self.most)


class _Length:
    """The member that is the length of a field."""

    def __init__(self, layout: type[Structure], name: str, suffix: str = "_len") -> None:
        member = getattr(layout, name.rstrip("_") + suffix)
        self.at, self.size = member.offset, member.size

    def load(self, data: memoryview, base: int) -> int:
        return int.from_bytes(data[base + self.at:base + self.at + self.size], "little")

    def store(self, length: int, out: bytearray | memoryview, base: int) -> None:
        out[base + self.at:base + self.at + self.size] = length.to_bytes(self.size, "little")


class AtMost(_Counted, _Elements):
    """A list with a bound."""

    def place(self, layout: type[Structure], name: str) -> None:
        super().place(layout, name)
        self.length = _Length(layout, name)

    def load(self, data: memoryview, base: int) -> Any:
        return self.load_all(data, base + self.at, self.length.load(data, base))

    def store(self, value: Any, out: bytearray | memoryview, base: int) -> None:
        self.length.store(len(value), out, base)
        self.store_all(value, out, base + self.at)

    def pack(self, value: Any, packer: "Packer") -> None:
        self.pack_length(len(value), packer)
        self.pack_all(value, packer)

    def unpack(self, unpacker: "Unpacker") -> Any:
        return self.unpack_all(unpacker, self.unpack_length(unpacker, self.element))
