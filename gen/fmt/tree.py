# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The text of a schema -> a tree with its scalars as they are written, and its comments where they belong. PyYAML gives the places of
tokens, and drops comments. Here everything between two tokens is a comment or space, so no comment can be lost."""

from collections import deque
from dataclasses import dataclass, field

import yaml

from ..diagnostics import Diagnostic, SchemaError, Source
from ..language.yaml_errors import place_of

_FILLER = " ,:-"                # between tokens, besides comments and line breaks


@dataclass
class Comment:
    """A comment, or a blank line, which has no text. own: it has a line of its own. Or the end of a document, `...`."""

    text: str
    index: int
    column: int = 0
    own: bool = True


@dataclass
class Leaf:
    """A scalar as it is written, without the line break that ends a block of text."""

    text: str
    is_block: bool = False


@dataclass
class Entry:
    """A key and its value, or an item of a list, which has no key. lead: the lines above it. trail: behind it or behind its key.
    column: of the key or the dash."""

    key: str | None
    name: str
    column: int
    value: "Leaf | Collection" = None
    lead: list[Comment] = field(default_factory=list)
    trail: list[Comment] = field(default_factory=list)


@dataclass
class Collection:
    """end: the comments behind its last entry."""

    is_mapping: bool
    is_flow: bool
    entries: list[Entry] = field(default_factory=list)
    end: list[Comment] = field(default_factory=list)

    @property
    def has_comments(self) -> bool:
        return bool(self.end) or any(e.trail or any(c.text for c in e.lead) or isinstance(e.value, Collection) and e.value.has_comments
                                     for e in self.entries)


def read(source: Source) -> tuple[str, Collection]:
    """The text in front of the first key, and the tree. The source has been read without errors; its line breaks are \\n.

    Raises SchemaError for YAML that a schema can be written in, and a formatted one is not.
    """
    try:
        events = list(yaml.parse(source.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.YAMLError:              # the C parser refuses some texts that are valid
        events = list(yaml.parse(source.text, Loader=yaml.SafeLoader))
    builder = _Builder(source, [e for e in events if isinstance(e, (yaml.NodeEvent, yaml.CollectionEndEvent))])
    return source.text[:builder.tokens[0][0]], builder.root()


class _Builder:
    def __init__(self, source: Source, events: list[yaml.Event]):
        self.source = source
        self.text = source.text
        self.events = deque(events)
        self.tokens = [token for event in events if (token := self.token(event))]
        self.starts = deque(start for start, _ in self.tokens)
        self.comments = deque(c for (_, begin), end in zip(self.tokens, [*(start for start, _ in self.tokens[1:]), len(self.text)])
                              for c in self.between(begin, end))

    def refuse(self, index: int, message: str, hint: str) -> None:
        raise SchemaError([Diagnostic(self.source, place_of(self.text, index), message, hint, rule="fmt")])

    def token(self, event: yaml.Event) -> tuple[int, int] | None:
        """Where it begins and ends; None if it has no characters: an empty value, or the end of indentation."""
        begin, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.ScalarEvent):
            return (begin, begin + len(self.scalar(event))) if end > begin else None
        if isinstance(event, yaml.CollectionStartEvent):
            if event.flow_style and self.text[begin:begin + 1] not in ("{", "["):
                self.refuse(begin, "a pair in a list is not formatted", "write { } around it")
            return (begin, begin + 1) if event.flow_style else (begin, begin) if isinstance(event, yaml.SequenceStartEvent) else None
        return (end - 1, end) if self.text[begin:end] in ("}", "]") else None

    def scalar(self, event: yaml.ScalarEvent) -> str:
        text = self.text[event.start_mark.index:event.end_mark.index]
        if event.style not in ("|", ">"):
            return text
        return text.removesuffix("\n") if "+" in text.partition("\n")[0].partition("#")[0] else text.rstrip("\n ")

    def between(self, begin: int, end: int) -> list[Comment]:
        """The comments and blank lines between two tokens."""
        found, at = [], begin
        lines = self.text[begin:end].split("\n")
        for i, line in enumerate(lines):
            before, mark, after = line.partition("#")
            begins = self.text.rfind("\n", 0, at) + 1
            if mark:
                found.append(Comment((mark + after).rstrip(), at + len(before), at + len(before) - begins, i > 0))
            elif before.startswith("...") and i > 0:
                found.append(Comment(line.rstrip(), at))
                before = ""
            elif not before.strip() and 0 < i < len(lines) - 1:
                found.append(Comment("", at))
            if before.strip(_FILLER):
                self.refuse(at + len(before) - len(before.lstrip(_FILLER)), "this is not formatted", "write each entry as a name, a colon and a value")
            at += len(line) + 1
        return found

    # Takes comments from the front of the queue.

    def trailing(self) -> list[Comment]:
        """Those behind the last token, on its line."""
        return [self.comments.popleft()] if self.comments and not self.comments[0].own and self.comments[0].index < self.next_token() else []

    def above(self, index: int) -> list[Comment]:
        found = []
        while self.comments and self.comments[0].index < index:
            found.append(self.comments.popleft())
        return found

    def behind(self, column: int) -> list[Comment]:
        """Those after the last entry of a block at this column, as long as they are indented as far."""
        found, blank, index = [], [], self.next_token()
        while self.comments and self.comments[0].index < index and (not self.comments[0].text or self.comments[0].column >= column):
            blank.append(self.comments.popleft())
            if blank[-1].text:
                found, blank = found + blank, []
        self.comments.extendleft(reversed(blank))
        return found

    def next_token(self) -> int:
        return self.starts[0] if self.starts else len(self.text) + 1

    # Builds nodes.

    def root(self) -> Collection:
        root = self.node()
        root.end += self.above(len(self.text) + 1)
        while root.end and not root.end[-1].text:
            root.end.pop()
        return root

    def node(self) -> Leaf | Collection:
        event = self.events.popleft()
        if self.token(event):
            self.starts.popleft()
        if isinstance(event, yaml.ScalarEvent):
            return Leaf(self.scalar(event), event.style in ("|", ">")) if self.token(event) else Leaf("")
        is_flow, column = event.flow_style, event.start_mark.column
        node = Collection(isinstance(event, yaml.MappingStartEvent), is_flow)
        opening = self.trailing() if is_flow else []
        while not isinstance(self.events[0], yaml.CollectionEndEvent):
            node.entries.append(self.entry(node, column))
        closing = self.token(self.events[0])
        node.end = self.above(closing[0]) if closing else self.behind(column)
        if closing:
            self.starts.popleft()
        self.events.popleft()
        (node.entries[0].lead if node.entries else node.end)[:0] = opening
        return node

    def entry(self, node: Collection, column: int) -> Entry:
        event = self.events[0]
        entry = Entry(None, "", event.start_mark.column if node.is_flow else column, lead=self.above(self.next_token()))
        if node.is_mapping:
            if not isinstance(event, yaml.ScalarEvent):
                self.refuse(event.start_mark.index, "a key that is no name is not formatted", "write a name")
            entry.name, entry.key = event.value, self.node().text
            entry.trail += self.trailing()
        value = self.events[0]
        if not (isinstance(value, yaml.CollectionStartEvent) and not value.flow_style) and self.token(value):
            entry.lead += self.above(self.next_token())
        entry.value = self.node()
        entry.trail += self.trailing()
        self.hoist(entry)
        return entry

    @staticmethod
    def hoist(entry: Entry) -> None:
        """Puts comments above the entry for which there is no room in it: in {}, behind a dash, and before a block of
        text."""
        if isinstance(entry.value, Collection) and not entry.value.entries:
            entry.lead += entry.value.end
            entry.value.end = []
        elif entry.key is None and isinstance(entry.value, Collection):
            entry.lead += entry.value.entries[0].lead
            entry.value.entries[0].lead = []
        elif isinstance(entry.value, Leaf) and entry.value.is_block:
            entry.lead += entry.trail
            entry.trail = []
