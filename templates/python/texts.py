# SPDX-License-Identifier: Apache-2.0 OR MIT
# The kinds of fields that hold a text, or lie behind the record.

_BYTE = Character()             # of a text

# Texts are UTF-8. Bytes that are not become what Python calls surrogate escapes, so that no byte is lost.

def _encoded(text: Any) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is not a str")
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        raise Refused("has characters that UTF-8 does not have") from None


def _decoded(characters: Any) -> str:
    return str(bytes(characters), "utf-8", "surrogateescape")


def _refuse_length(length: int, most: int) -> None:
    if length > most:
        raise Refused(f"has {length} characters, at most {most}")


def _checked_text(text: Any, most: int) -> str:
    characters = _encoded(text)
    _refuse_length(len(characters), most)
    if 0 in characters:
        raise Refused(f"has a NUL at {characters.index(0)}")
    return _decoded(characters)


class Padded(Field):
    """A text without a length, filled up with a character."""

    def __init__(self, most: int, pad: str = "\0") -> None:
        self.most, self.pad = most, pad.encode()

    def checked(self, value: Any) -> str:
        characters = _encoded(value)
        _refuse_length(len(characters), self.most)
        return _decoded(characters.rstrip(self.pad))

    def load(self, data: memoryview, base: int) -> str:
        return _decoded(bytes(data[base + self.at:base + self.at + self.most]).rstrip(self.pad))

    def store(self, value: Any, out: bytearray | memoryview, base: int) -> None:
        out[base + self.at:base + self.at + self.most] = _encoded(value).ljust(self.most, self.pad)

    def shown(self, value: Any, style: _Style) -> str:
        return _escaped(value, '"')

    is_fixed = True

    def least_packed(self) -> int:
        return self.most

    def pack(self, value: Any, packer: "Packer") -> None:
        packer.out += _encoded(value).ljust(self.most, self.pad)

    def unpack(self, unpacker: "Unpacker") -> Any:
        return _decoded(bytes(unpacker.take(self.most)).rstrip(self.pad))


class Text(_Counted, Field):
    """A terminated text with a bound."""

    def __init__(self, most: int) -> None:
        self.most = most

    def place(self, layout: type[Structure], name: str) -> None:
        super().place(layout, name)
        self.length = _Length(layout, name)

    def checked(self, value: Any) -> str:
        return _checked_text(value, self.most)

    def load(self, data: memoryview, base: int) -> str:
        length, at = self.length.load(data, base), base + self.at
        found = bytes(data[at:at + self.most + 1]).find(0)
        if found < 0:
            raise Refused(f"is not terminated within {self.most} characters")
        if found != length:
            raise Refused(f"has {found} characters, and its length is {length}")
        return _decoded(data[at:at + length])

    def store(self, value: Any, out: bytearray | memoryview, base: int) -> None:
        characters = _encoded(value)
        self.length.store(len(characters), out, base)
        out[base + self.at:base + self.at + len(characters)] = characters

    def shown(self, value: Any, style: _Style) -> str:
        return _escaped(value, '"')

    def pack(self, value: Any, packer: "Packer") -> None:
        characters = _encoded(value)
        self.pack_length(len(characters), packer)
        packer.out += characters

    def unpack(self, unpacker: "Unpacker") -> Any:
        length = self.unpack_length(unpacker, _BYTE)
        _refuse_length(length, self.most)
        characters = bytes(unpacker.take(length))
        if not unpacker.measures and 0 in characters:
            raise Refused(f"has {characters.index(0)} characters, and its length is {length}")
        return _decoded(characters)


class Tail(_Counted, _Elements):
    """Elements behind the record, or a text. `load` and `store` concern its length, the other methods what lies behind."""

    is_tail = True

    def __init__(self, most: int, ends: Range | None = None) -> None:
        super().__init__(most, ends)
        self.is_text, self.align = False, 1

    def prepare(self, annotation: Any) -> None:
        self.is_text = annotation is str
        if not self.is_text:
            super().prepare(annotation)
            self.align = _alignment(self.element.of.Layout) if isinstance(self.element, _Nested) else self.element.size

    def place(self, layout: type[Structure], name: str) -> None:
        self.length = _Length(layout, name)

    def checked(self, value: Any) -> Any:
        return _checked_text(value, self.most) if self.is_text else super().checked(value)

    def load(self, data: memoryview, base: int) -> int:
        return self.length.load(data, base)

    def store(self, value: Any, out: bytearray | memoryview, base: int) -> None:
        self.length.store(len(_encoded(value)) if self.is_text else len(value), out, base)

    def shown(self, value: Any, style: _Style) -> str:
        return _escaped(value, '"') if self.is_text else super().shown(value, style)

    def refuse_length(self, length: int) -> None:
        if self.is_text:
            _refuse_length(length, self.most)
        else:
            super().refuse_length(length)

    def refuse(self, data: memoryview) -> None:
        """Refuses a length in the record that is too large."""
        self.refuse_length(self.length.load(data, 0))

    def begin(self, end: int) -> int:
        """Where it begins, behind what ends there."""
        return -(-end // self.align) * self.align

    def extent(self, data: memoryview) -> int:
        """Its bytes, by its length in the record."""
        return self._bytes(self.length.load(data, 0))

    def extent_of(self, value: Any) -> int:
        """The bytes of a value."""
        return self._bytes(len(_encoded(value) if isinstance(value, str) else value or ()))

    def _bytes(self, length: int) -> int:
        return length + 1 if self.is_text else length * self.element.size

    def load_elements(self, data: memoryview, at: int) -> Any:
        length = self.length.load(data, 0)
        if self.is_text:
            return _checked_text(_decoded(data[at:at + length]), self.most)
        return self.load_all(data, at, length)

    def store_elements(self, value: Any, out: bytearray, at: int) -> None:
        if self.is_text:
            out[at:at + len(_encoded(value))] = _encoded(value)
        else:
            self.store_all(value, out, at)

    def pack(self, value: Any, packer: "Packer") -> None:
        if self.is_text:
            characters = _encoded(value)
            self.pack_length(len(characters), packer)
            packer.out += characters
        else:
            self.pack_length(len(value), packer)
            self.pack_all(value, packer)

    def unpack(self, unpacker: "Unpacker") -> Any:
        length = self.unpack_length(unpacker, _BYTE if self.is_text else self.element)
        self.refuse_length(length)
        if not self.is_text:
            return self.unpack_all(unpacker, length)
        characters = unpacker.take(length)
        return None if unpacker.measures else _checked_text(_decoded(characters), self.most)


class Texts(Tail):
    """A list of texts behind the record: an offset for each, and then the texts, each terminated. longest: characters of a text.
    most_bytes: of all together."""

    def __init__(self, most: int, longest: int, most_bytes: int) -> None:
        super().__init__(most)
        self.longest, self.most_bytes = longest, most_bytes

    def prepare(self, annotation: Any) -> None:
        """Its elements are known."""

    def place(self, layout: type[Structure], name: str) -> None:
        super().place(layout, name)
        self.bytes = _Length(layout, name, "_bytes")
        self.align = self.bytes.size

    def checked(self, value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            raise TypeError(f"{value!r} is not a sequence of texts")
        self.refuse_length(len(value))
        found = tuple(_at(i, lambda i: _checked_text(value[i], self.longest)) for i in range(len(value)))
        self.refuse_bytes(self.extent_of(found))
        return found

    def refuse(self, data: memoryview) -> None:
        super().refuse(data)
        self.refuse_bytes(self.extent(data))

    def refuse_bytes(self, extent: int) -> None:
        if extent > self.most_bytes:
            raise Refused(f"has more than {self.most_bytes} bytes")

    def extent(self, data: memoryview) -> int:
        return self.bytes.load(data, 0)

    def extent_of(self, value: Any) -> int:
        return sum(self.align + len(_encoded(text)) + 1 for text in value or ())

    def load_elements(self, data: memoryview, at: int) -> tuple[str, ...]:
        """Texts are in their order and without gaps."""
        found: list[str] = []
        count, whole = self.length.load(data, 0), bytes(data[at:at + self.extent(data)])
        end, misplaced = count * self.align, Refused("is not where it must be, or not terminated")
        while end < len(whole) and len(found) < count:
            length = whole[end:end + self.longest + 1].find(0)
            offset = len(found) * self.align
            if length < 0 or int.from_bytes(whole[offset:offset + self.align], "little") != end:
                raise misplaced.inside(f"[{len(found)}]")
            found.append(_decoded(whole[end:end + length]))
            end += length + 1
        if end != len(whole) or len(found) != count:
            raise misplaced
        return tuple(found)

    def store(self, value: Any, out: bytearray | memoryview, base: int) -> None:
        self.length.store(len(value), out, base)
        self.bytes.store(self.extent_of(value), out, base)

    def store_elements(self, value: Any, out: bytearray | memoryview, at: int) -> None:
        end = len(value) * self.align
        for i, text in enumerate(value):
            out[at + i * self.align:at + (i + 1) * self.align] = end.to_bytes(self.align, "little")
            characters = _encoded(text)
            out[at + end:at + end + len(characters)] = characters
            end += len(characters) + 1

    def pack(self, value: Any, packer: "Packer") -> None:
        self.pack_length(len(value), packer)
        for text in value:
            characters = _encoded(text)
            packer.number(len(characters), self.text_length_size)
            packer.out += characters

    def unpack(self, unpacker: "Unpacker") -> Any:
        length = self.unpack_length(unpacker, _BYTE)
        self.refuse_length(length)
        found = tuple(_at(i, lambda _: self.unpack_text(unpacker)) for i in range(length))
        self.refuse_bytes(self.extent_of(found))
        return found

    def unpack_text(self, unpacker: "Unpacker") -> str:
        length = unpacker.number(self.text_length_size)
        if length > self.longest:
            raise Refused(f"has more than {self.longest} characters")
        characters = bytes(unpacker.take(length))
        if 0 in characters:
            raise Refused("has a NUL")
        return _decoded(characters)

    @property
    def text_length_size(self) -> int:
        return 1 if self.longest <= 0xff else 2 if self.longest <= 0xffff else 4

    def shown(self, value: Any, style: _Style) -> str:
        return style.block("[", (_escaped(text, '"') for text in value), "]")
