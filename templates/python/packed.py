# SPDX-License-Identifier: Apache-2.0 OR MIT
# Packed messages: the formats of others. Fields follow each other without padding. What each kind of field does is with the kind.

class Packer:
    """Takes the bytes of packed fields, one after the other. order: "little" or "big"."""

    def __init__(self, order: Literal["little", "big"]) -> None:
        self.order: Literal["little", "big"] = order
        self.out = bytearray()

    def number(self, value: int, size: int) -> None:
        self.out += value.to_bytes(size, self.order)


class Unpacker:
    """Gives them. measures: values are not wanted, only where they end."""

    def __init__(self, data: memoryview, order: Literal["little", "big"], measures: bool) -> None:
        self.data, self.at, self.measures = data, 0, measures
        self.order: Literal["little", "big"] = order

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, size: int) -> memoryview:
        """Raises Incomplete."""
        if size > self.left:
            raise Incomplete(size - self.left)
        self.at += size
        return self.data[self.at - size:self.at]

    def measured(self, field: Field) -> int:
        """The bytes of a field that begins here."""
        ahead = Unpacker(self.data[self.at:], self.order, True)
        field.unpack(ahead)
        return ahead.at

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), self.order)


class Sent:
    """How the length of a field is sent: its bytes. 0: it is not, the field is what is left of the payload."""

    def __init__(self, size: int) -> None:
        self.size = size


class PackedMessage(Message):
    """A message of a packed protocol. tag_bytes: of the tag in front of it; 0: it is not sent."""

    _order: ClassVar[Literal["little", "big"]]
    _tag_bytes: ClassVar[int]

    def __init_subclass__(cls, tag: int = 0, name: str = "", names: dict[str, str] | None = None, order: Literal["little", "big"] = "little",
                          tag_bytes: int = 0) -> None:
        super().__init_subclass__(tag, name, names)
        cls._order, cls._tag_bytes = order, tag_bytes

    def encode(self) -> bytes:
        """The message as C's encode writes it."""
        packer = Packer(self._order)
        if self._tag_bytes:
            packer.number(self.TAG, self._tag_bytes)
        self._pack(packer)
        return bytes(packer.out)

    @classmethod
    def _unpacked_message(cls, data: memoryview, is_whole: bool) -> tuple[Any, int]:
        """The message with which the bytes begin, without its tag, and its size. Raises Refused or Incomplete."""
        least = cls._least_packed()
        if len(data) < least:
            raise Incomplete(least - len(data))
        unpacker = Unpacker(data, cls._order, True)
        cls._unpack(unpacker)
        if is_whole and unpacker.left:
            raise Refused(f"{unpacker.left} byte{'s are' if unpacker.left > 1 else ' is'} left over")
        made = cls._made(cls._unpack(Unpacker(data[:unpacker.at], cls._order, False)))
        made._refuse_size(cls._tail_places(made._extents())[1])
        return made, unpacker.at


class PackedDecoder(Decoder[_Any]):
    """The same for packed messages."""

    def __init__(self, variants: Any) -> None:
        super().__init__(variants)
        of = next(iter(self.by_tag.values()))
        assert issubclass(of, PackedMessage)
        self.order, self.tag_bytes = of._order, of._tag_bytes

    def decode(self, data: Buffer, at: int = 0) -> tuple[_Any, int]:
        """The message that begins at `at`, and the number of its bytes. Raises Incomplete or Invalid."""
        rest = memoryview(data).cast("B")[at:]
        if len(rest) < self.tag_bytes:
            raise Incomplete(self.tag_bytes - len(rest))
        msg, size = self._decoded(int.from_bytes(rest[:self.tag_bytes], self.order), rest[self.tag_bytes:], False)
        return msg, self.tag_bytes + size

    def decode_as(self, tag: int, data: Buffer) -> _Any:
        """The message of this tag whose payload the bytes are. Raises Incomplete or Invalid."""
        return self._decoded(tag, memoryview(data).cast("B"), True)[0]

    def _decoded(self, tag: int, data: memoryview, is_whole: bool) -> tuple[_Any, int]:
        if tag not in self.by_tag:
            raise Invalid(f"no message has the tag {tag}")
        of: Any = self.by_tag[tag]
        try:
            return of._unpacked_message(memoryview(bytes(data)), is_whole)     # type: ignore[no-any-return]
        except Refused as refused:
            refused.record = of._name
            raise Invalid(str(refused)) from refused
