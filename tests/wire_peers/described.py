# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What a peer says of its messages (peer.js) as a schema of a protocol `peer`, and as C that constructs each message from numbers in
text: `construct.h`, for peer.c. Random values for messages, and what may be compared of them."""

import contextlib
import json
import math
import random
import struct
from dataclasses import dataclass, replace

from gen.language.names import snake

ZERO_ID = 1 << 24               # the tag of the message with the identity 0: a tag is at least 1
INTEGERS = {f"{sign}{bits}": bits // 8 for sign in "ui" for bits in (8, 16, 24, 32, 64)}
REALS = {"f32": ("<f", "<I", 4), "f64": ("<d", "<Q", 8)}
C_TYPES = {name: f"{'u' * (name[0] == 'u')}int{name[1:].replace('24', '32')}_t" for name in INTEGERS} | {"f32": "float", "f64": "double"}


@dataclass(frozen=True)
class Field:
    """of: "text", "bytes", a scalar, or the name of a struct or a bit field. count: of an array. wire: of a list, the type of its length,
    or "rest". as_tail: which of both ways the schema says it. most: of a list."""

    name: str
    of: str
    count: int = 0
    wire: str = ""
    as_tail: bool = False
    most: int = 0

    @property
    def type(self) -> str:
        """In a schema."""
        if self.wire:
            bounds = "" if self.as_tail else f"[<={self.most}]"
            return {"text": "string", "bytes": "bytes"}.get(self.of, self.of + "[]" * self.as_tail) + bounds
        return f"{'char' if self.of == 'text' else self.of}[{self.count}]" if self.count else self.of

    @property
    def entry(self) -> dict[str, object]:
        """Its value in a schema."""
        return {"type": self.type} | ({"wire": self.wire} | ({"max": self.most} if self.as_tail else {}) if self.wire else {})


@dataclass(frozen=True)
class Record:
    name: str
    fields: tuple[Field, ...]
    id: int = 0

    @property
    def tag(self) -> int:
        return self.id or ZERO_ID

    @property
    def c_name(self) -> str:
        return snake(self.name)


class Described:
    """spec: the answer of peer.js. only: the names of the messages; all, if it is empty."""

    def __init__(self, spec: dict, only: tuple[str, ...] = ()):
        self.order, self.highest_character, self.longest, self.zeros_are_cut = (
            spec[key] for key in ("order", "highest_character", "longest", "zeros_are_cut"))
        self.bit_fields: dict[str, dict] = spec["bit_fields"]
        self.left_out: dict[str, str] = dict(spec["left_out"])
        self.structs: dict[str, Record] = {}
        self.messages: dict[int, Record] = {}
        for name, fields in spec["structs"].items():
            with self._leaving_out(name):
                self.structs[name] = Record(name, self._fields(fields))
        for i, message in enumerate(spec["messages"]):
            name, number = message["name"], message["id"]
            if not only or name in only:
                with self._leaving_out(name):
                    self.messages[number] = Record(name, self._fields(message["fields"], as_tail=i % 2 == 0), number)

    @contextlib.contextmanager
    def _leaving_out(self, name: str):
        try:
            yield
        except Unsayable as error:
            self.left_out[name] = str(error)

    def _fields(self, fields: list[dict], as_tail: bool = False) -> tuple[Field, ...]:
        found = [Field(f["name"], f["of"], f.get("count", 0), f.get("wire", ""), as_tail) for f in fields]
        for field in found:
            if field.of not in ("text", "bytes", *C_TYPES, *self.structs, *self.bit_fields):
                raise Unsayable(f"{field.name} has the type {field.of}")
            if field.wire == "rest" and field is not found[-1]:
                raise Unsayable(f"{field.name} has no length, and other fields follow")
        left = self.longest - sum(INTEGERS.get(f.wire, 0) if f.wire else self.size(f) for f in found)
        lists = sum(1 for f in found if f.wire)
        return tuple(replace(f, most=min(left // lists // self.element_size(f.of), 255 if f.wire == "u8" else left)) if f.wire else f for f in found)

    def element_size(self, of: str) -> int:
        if of in self.structs:
            return sum(self.size(f) for f in self.structs[of].fields)
        of = self.scalar(of)
        return REALS[of][2] if of in REALS else INTEGERS.get(of, 1)

    def scalar(self, of: str) -> str:
        """The base of a bit field."""
        return self.bit_fields[of]["base"] if of in self.bit_fields else of

    def size(self, field: Field) -> int:
        """The bytes of a field that is no list."""
        return self.element_size(field.of) * (field.count or 1)

    # ---- The schema

    def schema(self, order: str = "") -> str:
        def record(fields: tuple[Field, ...], **more: object) -> dict[str, object]:
            return more | ({"fields": {f.name: f.entry for f in fields}} if fields else {})
        return json.dumps({
            "protocol": "peer",
            "wire": {"order": order or self.order, "packed": True, "tag": "none"},
            "bit_fields": {name: {"base": bits["base"], "bits": bits["parts"]} for name, bits in self.bit_fields.items()},
            "structs": {name: record(struct.fields) for name, struct in self.structs.items()},
            "messages": {message.name: record(message.fields, tag=message.tag) for message in self.messages.values()},
        }, indent=1)

    # ---- Constructors

    def construct(self) -> str:
        """C that defines `construct(pool, tag, in)` with the functions of peer.c."""
        lines = ["/* What a peer's messages are constructed from. */", ""]
        for struct_ in self.structs.values():
            lines += [f"static inline struct peer_{struct_.c_name} read_{struct_.name}(struct values *in)", "{"]
            arguments = [a for i, f in enumerate(struct_.fields) for a in self._read(f, f"a{i}", lines)]
            lines += [f"    struct peer_{struct_.c_name} out;", f"    if (!peer_set_{struct_.c_name}({', '.join(['&out', *arguments])}))",
                      "        fail(in->at);", "    return out;", "}", ""]
        for message in self.messages.values():
            lines += [f"static struct peer *new_{message.c_name}(struct peer_pool *pool, struct values *in)", "{"]
            arguments = ["pool", *(a for i, f in enumerate(message.fields) for a in self._read(f, f"a{i}", lines))]
            lines += ["    (void)in;"] * (not message.fields) + [f"    return peer_new_{message.c_name}({', '.join(arguments)});", "}", ""]
        lines += ["static struct peer *construct(struct peer_pool *pool, enum peer_tag tag, struct values *in)", "{", "    switch (tag) {"]
        for message in self.messages.values():
            lines += [f"    case PEER_{message.c_name.upper()}:", f"        return new_{message.c_name}(pool, in);"]
        return "\n".join([*lines, "    }", "    return NULL;", "}", ""])

    def _read(self, field: Field, name: str, lines: list[str]) -> list[str]:
        """Adds the lines that read a field. Returns the arguments of a constructor."""
        of = self.scalar(field.of)
        c_type = C_TYPES.get(of) or f"struct peer_{snake(of)}"
        if field.of == "text":
            lines += [f"    char {name}[{(field.count or field.most) + 1}];", f"    const size_t {name}_len = read_text(in, {name}, sizeof {name});"]
            if not (field.wire and field.as_tail):
                lines += [f"    (void){name}_len;"]
                return [name]
            return [name, f"{name}_len"]
        if field.of == "bytes":
            lines += [f"    unsigned char {name}[{field.most + 1}];", f"    const size_t {name}_len = read_bytes(in, {name}, sizeof {name});"]
            return [name, f"{name}_len"]
        if not field.count and not field.wire:
            lines += [f"    const {c_type} {name} = read_{of}(in);"]
            return [name if of in C_TYPES else f"&{name}"]
        bound = f"{name}_len" if field.wire else str(field.count)
        lines += [f"    const size_t {name}_len = read_count(in, {field.most});"] * bool(field.wire)
        lines += [f"    {c_type} {name}[{field.count or field.most}];", f"    for (size_t i = 0; i < {bound}; i++)", f"        {name}[i] = read_{of}(in);"]
        return [name, bound] if field.wire else [name]

    def tokens(self, record: Record, values: dict) -> list[str]:
        """What `construct` reads."""
        found: list[str] = []
        for field in record.fields:
            value = values[field.name]
            if field.of in ("text", "bytes"):
                found += ["-" + value.encode("latin-1").hex()]
                continue
            elements = value if isinstance(value, list) else [value]
            found += [str(len(elements))] * bool(field.wire)
            for one in elements:
                found += self.tokens(self.structs[field.of], one) if field.of in self.structs else [one.replace("Infinity", "inf")]
        return found

    # ---- Values

    def values(self, record: Record, how: str, rng: random.Random) -> dict:
        """how: "least", "most" or "random"; each field has an edge in one message of a few then."""
        return {f.name: self._value(f, how, rng) for f in record.fields}

    def _value(self, field: Field, how: str, rng: random.Random):
        count = field.count or field.most
        if field.wire or field.of == "text":
            count = {"least": 0, "most": count}.get(how) if how != "random" else rng.choice((0, count, rng.randint(0, count), rng.randint(0, count)))
        if field.of in ("text", "bytes"):
            lowest = 1 if field.of == "text" else 0
            highest = self.highest_character
            return "".join(chr(highest if how == "most" else rng.randint(lowest, highest)) for _ in range(count))
        if field.count or field.wire:
            return [self._element(field.of, how, rng) for _ in range(count)]
        return self._element(field.of, how, rng)

    def _element(self, of: str, how: str, rng: random.Random):
        if of in self.structs:
            return self.values(self.structs[of], how, rng)
        return real(of, how, rng) if of in REALS else str(integer(self.scalar(of), how, rng))

    def canonical(self, record: Record, values: dict) -> dict:
        """The same values, written in one way: integers, the bits of reals, texts without the NULs behind their end."""
        return {f.name: self._canonical_value(f, values[f.name]) for f in record.fields if f.name in values}

    def _canonical_value(self, field: Field, value):
        def one(value):
            if field.of in self.structs:
                return self.canonical(self.structs[field.of], value)
            if field.of in self.bit_fields and isinstance(value, dict):
                return self._whole(self.bit_fields[field.of]["parts"], value)
            return struct.pack(REALS[field.of][0], float(value)).hex() if field.of in REALS else int(value)
        if field.of == "text":
            return value.rstrip("\0") if field.count else value
        if field.of == "bytes":
            return value if isinstance(value, str) else "".join(map(chr, map(int, value)))
        return [one(v) for v in value] if isinstance(value, (list, tuple)) else one(value)


    def _whole(self, parts: dict[str, int], values: dict[str, str]) -> int:
        """A bit field that is printed by its parts, the lowest first."""
        assert list(values) == list(parts), values
        whole = 0
        for name, bits in reversed(parts.items()):
            assert 0 <= int(values[name]) < 1 << bits
            whole = whole << bits | int(values[name])
        return whole


class Unsayable(Exception):
    """No schema can say it."""


def integer(of: str, how: str, rng: random.Random) -> int:
    bits = 8 * INTEGERS[of]
    low, high = (0, (1 << bits) - 1) if of[0] == "u" else (-1 << bits - 1, (1 << bits - 1) - 1)
    if how != "random":
        return low if how == "least" else high
    return rng.choice((low, high, 0, rng.randint(low, high), rng.randint(low, high), rng.randint(0, 99)))


def real(of: str, how: str, rng: random.Random) -> str:
    """As JavaScript and Python read it. No NaN: their bits are nobody's promise."""
    letter, whole, size = REALS[of]
    edges = [0.0, -0.0, math.inf, -math.inf]
    edges += [struct.unpack(letter, struct.pack(whole, bits))[0] for bits in ((1, 0x7f7fffff, 0x00800000) if size == 4 else (1, 0x7fefffffffffffff, 1 << 52))]
    value = edges[0] if how == "least" else edges[5] if how == "most" else rng.choice(edges)
    if how == "random" and rng.random() < 0.7:
        value = math.nan
        while math.isnan(value):
            value = struct.unpack(letter, struct.pack(whole, rng.getrandbits(8 * size)))[0]
    return repr(value).replace("inf", "Infinity")
