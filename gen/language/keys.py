# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The keys of a schema and their values: a tree of YAML nodes -> Schema. The only module that knows the keys, and how a type is
written."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from . import yaml_tree
from ..diagnostics import Place, Reporter, at, did_you_mean, quoted
from ..lint.names import RULES
from .syntax import BitField, BitPart, Constant, Enum, EnumValue, Field, Message, Parts, Schema, Struct, Type, Wire, Word

_TYPE = re.compile(r"(?P<name>[A-Za-z]\w*)\s*(?P<brackets>\[\s*(?P<most><=)?\s*(?P<bound>-?\w*)\s*\])?(?P<list>\s*\[\s*\])?\s*(?P<optional>\?)?\Z", re.ASCII)
_LONGEST_TYPE = 512
_type = lru_cache(maxsize=None)(_TYPE.match)      # thousands of fields have few types
_UNCLEAR = ("", "~", "null", "no", "n", "off", "yes", "y", "on")        # YAML 1.1 reads these as true, false or nothing


class Reader:
    """One method per part of a schema. Each reports what is wrong with its part and returns None if that is unusable."""

    def __init__(self, reporter: Reporter):
        self.reporter = reporter
        of_types = {"type": self.type, "doc": self.doc, "c_name": self.name, "pad": self.word, "unit": self.unit, "range": self.range,
                    "default": self.default}
        # What has a type, and its keys: there are thousands of fields.
        self.typed_keys = {"type": of_types | {"absent": self.word, "since": self.word, "deprecated": self.reason}, "field": of_types | {"max": self.word, "absent": self.word, "constant": self.word,
                                                                  "one_of": self.named("one_of", self.field), "optional": self.word, "wire": self.word,
                                                                  "since": self.word, "deprecated": self.reason}}

    def schema(self, node: yaml_tree.Node) -> Schema | None:
        keys = self.keys(node, "a schema", protocol=self.name, doc=self.doc, license=self.word, c_name=self.name,
                         lint=self.lint, wire=self.wire, **self.shared_keys(), messages=self.named("messages", self.message))
        if keys is None:
            return None
        missing = [quoted(needed) for needed in ("protocol", "messages") if not self.given(node, needed)]
        if missing:
            s = "s" * (len(missing) - 1)
            self.reporter.error(Place(1, 1), f"a schema needs the key{s} {' and '.join(missing)}",
                                "the smallest schema is protocol: calc, and on the next line messages: {Quit: {}}")
        if keys.get("protocol") is None:
            return None
        return Schema(self.reporter.source, imports=keys.pop("import", ()), **keys)

    def wire(self, node: yaml_tree.Node) -> Wire | None:
        keys = self.keys(node, '"wire"', packed=self.word, order=self.word, tag=self.word)
        if keys is None and _empty(node):
            self.reporter.error(node.place, '"wire" must be a mapping of keys to values', "for example wire: {order: big, packed: true}")
        return None if keys is None else Wire(node.place, **keys)

    def shared(self, node: yaml_tree.Node) -> Schema | None:
        """The schema of an imported file."""
        keys = self.keys(node, "an imported file", doc=self.doc, **self.shared_keys())
        if keys is None:
            return None
        return Schema(self.reporter.source, Word("", node.place), imports=keys.pop("import", ()), **keys)

    def shared_keys(self) -> dict[str, Callable]:
        return {"import": self.imports,
                "constants": self.named("constants", self.constant), "enums": self.named("enums", self.enum),
                "flags": self.named("flags", self.flag_set), "types": self.named("types", self.named_type),
                "bit_fields": self.named("bit_fields", self.bit_field),
                "structs": self.named("structs", self.struct)}

    def imports(self, node: yaml_tree.Node) -> tuple[Word, ...]:
        return self.words(node, "a path")

    def replies(self, node: yaml_tree.Node) -> tuple[Word, ...]:
        words = self.words(node, "the name of a message")
        self.refuse_twice(words)
        return words

    def is_shared(self, node: yaml_tree.Node) -> bool:
        if isinstance(node, yaml_tree.Scalar) and not node.quoted and node.text.lower() in ("true", "false"):
            return node.text.lower() == "true"
        self.reporter.error(node.place, '"shared" must be true or false', "true means that a message can have several holders, and that the last one frees it")
        return False

    def message(self, name: Word, node: yaml_tree.Node) -> Message | None:
        keys = self.keys(node, "a message", doc=self.doc, fields=self.named("fields", self.field), tag=self.word,
                         max_live=self.word, weight=self.word, shared=self.is_shared, since=self.word, deprecated=self.reason, replies=self.replies, c_name=self.name,
                         lint=self.lint)
        return Message(name, **self.parted(keys or {}))

    def struct(self, name: Word, node: yaml_tree.Node) -> Struct | None:
        keys = self.keys(node, "a struct", doc=self.doc, fields=self.named("fields", self.field), since=self.word, deprecated=self.reason, c_name=self.name, lint=self.lint)
        if keys is not None and not self.given(node, "fields"):
            self.reporter.error(name.place, f'the struct {quoted(name.text)} needs "fields"', "for example fields: {x: i32, y: i32}")
        return Struct(name, **self.parted(keys or {}))

    @staticmethod
    def parted(keys: dict) -> dict:
        """The keys of a record, with those of its fields that have a constant value by themselves."""
        fields = keys.get("fields", ())
        if not any(f.constant for f in fields):
            return keys
        return keys | {"fields": tuple(f for f in fields if not f.constant), "constants": tuple(f for f in fields if f.constant)}

    def field(self, name: Word, node: yaml_tree.Node) -> Field | None:
        return self.typed(name, node, "field")

    def named_type(self, name: Word, node: yaml_tree.Node) -> Field | None:
        return self.typed(name, node, "type")

    def typed(self, name: Word, node: yaml_tree.Node, what: str) -> Field | None:
        """What has a type: only that, or keys."""
        if isinstance(node, yaml_tree.Mapping):
            keys = self.read(node, f"a {what}", self.typed_keys[what])
            if "one_of" in keys:
                return self.one_of(name, keys)
            if "type" not in keys and not self.given(node, "type") and not self.given(node, "one_of"):
                self.reporter.error(name.place, f'the {what} {quoted(name.text)} needs a "type"', "for example type: u32")
            return Field(name, **keys) if keys.get("type") else None
        field_type = self.type(node)
        return Field(name, field_type) if field_type else None

    def one_of(self, name: Word, keys: dict) -> Field | None:
        """A field that is one of several. In place of its type, it has the name of its key."""
        if "type" in keys:
            self.reporter.error(keys["type"].word.place, 'a field has a "type" or a "one_of", not both', "remove one of the two")
            return None
        if not keys["one_of"]:
            if not self.reporter.diagnostics:
                self.reporter.error(name.place, '"one_of" has no alternatives', "for example one_of: {number: i64, text: 'string[<=20]'}")
            return None
        word = Word("", name.place)
        return Field(name, Type(word, word), **keys)

    def enum(self, name: Word, node: yaml_tree.Node) -> Enum | None:
        keys = self.keys(node, "an enum", base=self.word, values=self.enum_values, doc=self.doc, c_name=self.name)
        if keys is not None and not self.given(node, "values"):
            self.reporter.error(name.place, f'the enum {quoted(name.text)} needs "values"', "for example values: [red, green]")
        return Enum(name, **(keys or {}))

    def flag_set(self, name: Word, node: yaml_tree.Node) -> Enum | None:
        keys = self.keys(node, "a set of flags", base=self.word, values=self.flag_values, doc=self.doc, c_name=self.name)
        if keys is not None and not self.given(node, "values"):
            self.reporter.error(name.place, f'the flags {quoted(name.text)} need "values"', "for example values: [read, write]")
        return Enum(name, **(keys or {}))

    def enum_values(self, node: yaml_tree.Node) -> tuple[EnumValue, ...] | None:
        if isinstance(node, yaml_tree.Sequence):
            words = [word for item in node.items if (word := self.name(item))]
            self.refuse_twice(words)
            return tuple(EnumValue(word) for word in words)
        return self.named("values", self.enum_value)(node)

    def flag_values(self, node: yaml_tree.Node) -> tuple[EnumValue, ...] | None:
        return self.enum_values(node) if isinstance(node, yaml_tree.Sequence) else self.named("values", self.flag_value)(node)

    def flag_value(self, name: Word, node: yaml_tree.Node) -> EnumValue | None:
        if not isinstance(node, yaml_tree.Mapping):
            return self.enum_value(name, node)
        keys = self.keys(node, "a flag", value=self.word, mask=self.word, since=self.word, deprecated=self.reason, doc=self.doc, c_name=self.name)
        if "value" in keys and "mask" in keys:
            self.reporter.error(keys["mask"].place, 'a flag has a "value" or a "mask", not both', "remove one of the two")
            del keys["mask"]
        return EnumValue(name, **keys)

    def refuse_twice(self, words: Sequence[Word]) -> None:
        first: dict[str, Word] = {}
        for word in words:
            if first.setdefault(word.text, word) is not word:
                self.reporter.error(word.place, f"{quoted(word.text)} appears twice",
                                    f"the first is at {at(first[word.text].place)}: remove or rename one of the two")

    def enum_value(self, name: Word, node: yaml_tree.Node) -> EnumValue | None:
        if isinstance(node, yaml_tree.Mapping):
            keys = self.keys(node, "an enum value", value=self.word, since=self.word, deprecated=self.reason, doc=self.doc, c_name=self.name)
            return EnumValue(name, **keys)
        return EnumValue(name, None if _empty(node) else self.word(node))

    def bit_field(self, name: Word, node: yaml_tree.Node) -> BitField | None:
        keys = self.keys(node, "a bit field", base=self.word, bits=self.named("bits", self.bit_part), doc=self.doc, c_name=self.name)
        if keys is not None and not self.given(node, "bits"):
            self.reporter.error(name.place, f'the bit field {quoted(name.text)} needs "bits"', "for example bits: {mode: 3, level: 5}")
        return BitField(name, **(keys or {}))

    def bit_part(self, name: Word, node: yaml_tree.Node) -> BitPart | None:
        if isinstance(node, yaml_tree.Mapping):
            keys = self.keys(node, "a part", bits=self.word, at=self.word, type=self.word, doc=self.doc, c_name=self.name,
                             unit=self.unit, range=self.range, since=self.word, deprecated=self.reason)
            return BitPart(name, **keys)
        word = self.word(node, "a number of bits")
        return BitPart(name, word) if word else None

    def constant(self, name: Word, node: yaml_tree.Node) -> Constant | None:
        if isinstance(node, yaml_tree.Mapping):
            keys = self.keys(node, "a constant", value=self.word, doc=self.doc, c_name=self.name)
            if not self.given(node, "value"):
                self.reporter.error(name.place, f'the constant {quoted(name.text)} needs a "value"', "for example value: 10")
            return Constant(name, **keys) if keys.get("value") else None
        word = self.word(node)
        return Constant(name, word) if word else None

    # The values of keys.

    def type(self, node: yaml_tree.Node) -> Type | None:
        word = self.word(node, "a type")
        if word is None:
            return None
        match = _type(word.text) if len(word.text) <= _LONGEST_TYPE else None
        if not match:
            self.not_a_type(word)
            return None
        name, is_optional = self.part(word, match, "name"), match["optional"] is not None
        if match["brackets"] is None:
            return Type(word, name, optional=is_optional)
        is_list = match["list"] is not None         # of what has brackets itself
        if is_list and not (name.text == "string" and match["most"] and match["bound"]):
            self.not_a_type(word)
            return None
        if not match["bound"] and not match["most"]:
            return Type(word, name, "[]", optional=is_optional)
        if not match["bound"]:
            self.reporter.error(word.place, f"{quoted(word.text)} needs a number between the brackets",
                                "for example u8[<=6] or string[<=40]")
            return None
        form = "[<=N]" if match["most"] else "[N]"
        return Type(word, name, form + "[]" if is_list else form, self.part(word, match, "bound"), is_optional)

    def not_a_type(self, word: Word) -> None:
        hint = "examples of types: u32, u8[6], u16[<=8], string[<=40], bytes, and u32? for an optional field"
        if word.text.endswith("??"):
            hint = "write one question mark"
        elif re.search(r"\?\s*\[", word.text):
            hint = "for an optional array, write T[N]?; for an array of optional values, put the optional field in a struct"
        elif re.search(r"\]\s*\[", word.text) and word.text.startswith(("string", "char")):
            hint = 'for a list of texts, use string[<=N][]; "max" is the number of texts'
        elif re.search(r"\]\s*\[", word.text):
            hint = "put the inner array or text in a struct, and use an array of that struct"
        elif re.search(r"[<>=]", word.text):
            hint = 'write the bound with "<=": string[<=40]'
        self.reporter.error(word.place, f"{quoted(word.text)} is not a type", hint)

    def part(self, word: Word, match: re.Match, group: str) -> Word:
        place, begin = word.place, word.place.column + match.start(group) + (1 if word.quoted else 0)
        text = match[group]
        return Word(text, Place(place.line, begin, len(text) or 1, place.source))

    def doc(self, node: yaml_tree.Node) -> str:
        if isinstance(node, yaml_tree.Scalar):
            return node.text
        self.reporter.error(node.place, '"doc" must be a text', "quote it, or write it as a block after | or >")
        return ""

    def default(self, node: yaml_tree.Node) -> Word | Parts | None:
        if not isinstance(node, yaml_tree.Mapping):
            return self.word(node)
        parts = ((Word(key.text, key.place, key.quoted), self.word(value)) for key, value in node.entries)
        return Parts(tuple((name, value) for name, value in parts if value is not None), node.place)

    def unit(self, node: yaml_tree.Node) -> str | None:
        word = self.word(node, "a unit")
        return word.text if word else None

    def range(self, node: yaml_tree.Node) -> tuple[Word, ...] | None:
        if isinstance(node, yaml_tree.Sequence) and len(node.items) == 2:
            words = [self.word(item, "a number") for item in node.items]
            return tuple(words) if all(words) else None
        self.reporter.error(node.place, '"range" must be a list of two numbers', "the lowest and the highest, for example [0, 100]")
        return None

    def reason(self, node: yaml_tree.Node) -> str:
        if not isinstance(node, yaml_tree.Scalar) or not node.quoted and node.text.lower() in _UNCLEAR:
            self.reporter.error(node.place, '"deprecated" must be true, false or a text that gives the reason', "quote the reason")
            return ""
        return {"true": "true", "false": ""}.get(node.text.lower(), node.text)

    def lint(self, node: yaml_tree.Node) -> frozenset[str]:
        keys = self.keys(node, '"lint"', disable=self.rules)
        if keys is None and _empty(node):
            self.reporter.error(node.place, '"lint" needs the key "disable"', "for example lint: {disable: [missing-doc]}")
        return (keys or {}).get("disable", frozenset())

    def rules(self, node: yaml_tree.Node) -> frozenset[str]:
        if not isinstance(node, yaml_tree.Sequence):
            self.reporter.error(node.place, '"disable" must be a list of rules', "for example [missing-doc]")
            return frozenset()
        words = [word for item in node.items if (word := self.name(item))]
        self.refuse_twice(words)
        for word in words:
            if word.text not in RULES:
                self.reporter.error(word.place, f"lint has no rule {quoted(word.text)}",
                                    did_you_mean(word.text, RULES) or "its rules are " + ", ".join(RULES))
        return frozenset(word.text for word in words)

    def name(self, node: yaml_tree.Node) -> Word | None:
        return self.word(node, "a name")

    def word(self, node: yaml_tree.Node, what: str = "one word or number") -> Word | None:
        if isinstance(node, yaml_tree.Scalar) and not node.block and (node.text or node.quoted):
            return Word(node.text, node.place, node.quoted)
        found, hint = {yaml_tree.Mapping: ("a mapping", "write a single value here"),
                       yaml_tree.Sequence: ("a list", "write a single value here")}.get(type(node), ("nothing", "write it here"))
        if isinstance(node, yaml_tree.Scalar) and node.block:
            found, hint = "a block of text", "write it on one line, without | or >"
        self.reporter.error(node.place, f"expected {what}, found {found}", hint)
        return None

    def words(self, node: yaml_tree.Node, what: str) -> tuple[Word, ...]:
        """One word, or a list of words."""
        words = [self.word(item, what) for item in (node.items if isinstance(node, yaml_tree.Sequence) else (node,))]
        return tuple(word for word in words if word is not None)

    def named(self, key: str, read: Callable) -> Callable[[yaml_tree.Node], tuple]:
        """A reader of `key: {name: thing, ...}`, which reads each thing by read(name, node)."""

        def read_all(node: yaml_tree.Node) -> tuple:
            if isinstance(node, yaml_tree.Mapping):
                things = (read(Word(k.text, k.place, k.quoted), value) for k, value in node.entries)
                return tuple(thing for thing in things if thing is not None)
            if not _empty(node):
                self.reporter.error(node.place, f'"{key}" must be a mapping',
                                    "write each entry as a name, a colon and its definition")
            return ()

        return read_all

    def keys(self, node: yaml_tree.Node, what: str, **readers: Callable) -> dict | None:
        """The mapping's keys, each read by its reader; None if the node is no mapping."""
        return self.read(node, what, readers)

    def read(self, node: yaml_tree.Node, what: str, readers: dict[str, Callable]) -> dict | None:
        if not isinstance(node, yaml_tree.Mapping):
            if not _empty(node):
                self.reporter.error(node.place, f"{what} must be a mapping of keys to values",
                                    "its keys are " + ", ".join(readers))
            return None
        found = {}
        for key, value in node.entries:
            if key.text not in readers:
                self.reporter.error(key.place, f"{what} has no key {quoted(key.text)}", did_you_mean(key.text, readers)
                                    or "its keys are " + ", ".join(readers))
            elif (read := readers[key.text](value)) is not None:
                found[key.text] = read
        return found

    @staticmethod
    def given(node: yaml_tree.Node, key: str) -> bool:
        """Whether the mapping has the key, or a misspelt one that has been reported."""
        return isinstance(node, yaml_tree.Mapping) and (
            any(k.text == key for k, _ in node.entries) or any(did_you_mean(k.text, (key,)) for k, _ in node.entries))


def _empty(node: yaml_tree.Node) -> bool:
    return isinstance(node, yaml_tree.Scalar) and node.text == "" and not node.quoted and not node.block
