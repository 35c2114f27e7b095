# SPDX-License-Identifier: Apache-2.0 OR MIT
# Bit fields: integers whose bits are parts.

class BitField:
    """An integer whose bits are parts: `int(value)`, and `of(number)`. base: U8 and so on."""

    _base: ClassVar[Integer]
    _parts: ClassVar[dict[str, "Bits"]]
    _names: ClassVar[dict[str, str]]

    def __init_subclass__(cls, base: Any = None, names: dict[str, str] | None = None) -> None:
        if base is None:        # a subclass of a program
            return
        cls._base, cls._parts, cls._names = get_args(base)[1], {}, {}
        for name, annotation in _annotations(cls).items():
            of, part, *ends = get_args(annotation)
            cls._parts[name] = part.holding(_ELEMENTS.get(of), *ends)
            cls._names[name] = (names or {}).get(name, name)

    def __post_init__(self) -> None:
        for name, part in self._parts.items():
            object.__setattr__(self, name, self._allowed(name, part, getattr(self, name)))

    @classmethod
    def of(cls, number: int) -> Any:
        """The parts of an integer. Raises Refused."""
        made = cls.__new__(cls)
        for name, part in cls._parts.items():
            bits = number >> part.shift & part.most
            object.__setattr__(made, name, cls._allowed(name, part, bool(bits) if isinstance(part.element, Boolean) else bits))
        if left := number & ~sum(part.most << part.shift for part in cls._parts.values()):
            raise Refused(f"has bits that are not declared: {left:#x}")
        return made

    def __int__(self) -> int:
        return sum(int(getattr(self, name)) << part.shift for name, part in self._parts.items())

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and int(self) == int(other)        # type: ignore[call-overload]

    def __hash__(self) -> int:
        return hash(int(self))

    def __str__(self) -> str:
        return self._shown(_Style(False))

    def _shown(self, style: _Style) -> str:
        shown = (f"{self._names[name]}: {part.element.shown(getattr(self, name), style)}" for name, part in self._parts.items())
        return style.block("{", shown, "}")

    @classmethod
    def _allowed(cls, name: str, part: "Bits", value: Any) -> Any:
        try:
            return part.element.checked(value)
        except Refused as refused:
            raise refused.inside(cls._names[name]) from None
        except TypeError as error:
            raise TypeError(f"{cls._names[name]}: {error}") from None


class Bits:
    """A part of a bit field: the number of its lowest bit, and how many they are."""

    element: Element

    def __init__(self, shift: int, bits: int) -> None:
        self.shift, self.most = shift, 2**bits - 1

    def holding(self, element: Element | None, ends: Range | None = None) -> "Bits":
        self.element = element or Integer("Q", 64, ends or Range(0, self.most))
        return self
