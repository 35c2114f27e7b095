# SPDX-License-Identifier: Apache-2.0 OR MIT
# Messages, and how they are found in bytes.

def _tail(field: Any) -> Tail:
    return field.of if isinstance(field, _Optional) else field      # type: ignore[no-any-return]


class Message(Record):
    """A message of a protocol."""

    TAG: ClassVar[int]
    REPLIES: ClassVar[tuple[type["Message"], ...]] = ()     # what answers it
    _tails: ClassVar[dict[str, Tail]]

    def __init_subclass__(cls, tag: int = 0, name: str = "", names: dict[str, str] | None = None) -> None:
        super().__init_subclass__(name, names)
        if "Layout" not in vars(cls):
            return
        cls.TAG, cls._tails = tag, {name: _tail(field) for name, field in cls._fields.items() if field.is_tail}

    def encode(self) -> bytes:
        """The message as C's encode writes it."""
        return self._encoded()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._refuse_size(self._tail_places(self._extents())[1])

    def _encoded(self) -> bytes:
        places, size = self._tail_places(self._extents())
        out = bytearray(size)
        tag = self.Layout.tag_
        out[:tag.size] = self.TAG.to_bytes(tag.size, "little")
        self._store(out, 0)
        for name, (tail, at) in places.items():
            if (value := getattr(self, name)) is not None:
                tail.store_elements(value, out, at)
        return bytes(out)

    def _extents(self) -> dict[str, int]:
        """The bytes of the tails."""
        return {name: tail.extent_of(getattr(self, name)) for name, tail in self._tails.items()}

    @classmethod
    def _tail_places(cls, extents: dict[str, int]) -> tuple[dict[str, tuple[Tail, int]], int]:
        """Where each tail begins, by their bytes, and the size of the message."""
        places, end = {}, sizeof(cls.Layout)
        for name, tail in cls._tails.items():
            places[name] = tail, tail.begin(end)
            end = tail.begin(end) + extents[name]
        return places, end

    @classmethod
    def _refuse_size(cls, size: int) -> None:
        if size > MOST_BYTES:
            refused = Refused(f"makes a message of {size} bytes, at most {MOST_BYTES}")
            refused.record = cls._name
            raise refused.inside(cls._names[list(cls._tails)[-1]])

    @classmethod
    def _decoded(cls, data: memoryview) -> tuple[Any, int]:
        """The message with which the bytes begin, and its size. Raises Refused or Incomplete."""
        tails = cls._tails
        if len(data) < sizeof(cls.Layout):
            raise Incomplete(cls._tail_places({name: tail.extent_of(None) for name, tail in tails.items()})[1] - len(data))
        for name, tail in tails.items():
            try:
                tail.refuse(data)
            except Refused as refused:
                raise refused.inside(cls._names[name]) from None
        places, size = cls._tail_places({name: tail.extent(data) for name, tail in tails.items()})
        cls._refuse_size(size)
        if len(data) < size:
            raise Incomplete(size - len(data))
        copy_of_it = bytearray(data[:size])
        values = cls._loaded(memoryview(copy_of_it), 0)
        for name, (tail, at) in places.items():
            values[name] = cls._loaded_tail(name, tail, memoryview(copy_of_it), at)
        made = cls._made(values)
        if (encoded := made._encoded()) != copy_of_it:
            at = next(i for i in range(size) if encoded[i] != copy_of_it[i])
            raise Refused(f"byte {at} holds no value, and is not 0")
        return made, size

    @classmethod
    def _loaded_tail(cls, name: str, tail: Tail, data: memoryview, at: int) -> Any:
        field = cls._fields[name]
        try:
            if not isinstance(field, _Optional) or field.is_present(data, 0):
                return tail.load_elements(data, at)
            if length := tail.length.load(data, 0) or tail.extent(data) - tail.extent_of(None):
                raise Refused(f"is absent, and its length is {length}")
            return None
        except Refused as refused:
            raise refused.inside(cls._names[name]) from None


_Any = TypeVar("_Any")


class Decoder(Generic[_Any]):
    """Finds messages in bytes. variants: a Union of the messages' classes."""

    def __init__(self, variants: Any) -> None:
        classes: tuple[type[Message], ...] = get_args(variants) or (variants,)
        self.tag_bytes: int = classes[0].Layout.tag_.size
        self.by_tag = {each.TAG: each for each in classes}

    def decode(self, data: Buffer, at: int = 0) -> tuple[_Any, int]:
        """The message that begins at `at`, and the number of its bytes. Raises Incomplete or Invalid."""
        rest = memoryview(data).cast("B")[at:]
        if len(rest) < self.tag_bytes:
            raise Incomplete(self.tag_bytes - len(rest))
        tag = int.from_bytes(rest[:self.tag_bytes], "little")
        if tag not in self.by_tag:
            raise Invalid(f"no message has the tag {tag}")
        of = self.by_tag[tag]
        try:
            return of._decoded(rest)
        except Refused as refused:
            refused.record = of._name
            raise Invalid(str(refused)) from refused

    def decode_all(self, data: Buffer) -> Iterator[_Any]:
        """The messages that the bytes are, one after the other. Raises as decode does."""
        at = 0
        while at < len(memoryview(data).cast("B")):
            msg, size = self.decode(data, at)
            yield msg
            at += size
