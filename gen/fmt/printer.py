# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A tree -> text in the canonical form: the order of keys, two spaces for each level, and what fits on a line is left on one."""

import re

from . import order
from .tree import Collection, Comment, Entry, Leaf

WIDTH = 120                     # characters of a line
_INDENT = 2


def as_text(head: str, root: Collection) -> str:
    """head: the text in front of the first key."""
    lines = [line.rstrip() for line in head.rstrip().split("\n")] if head.strip() else []
    lines, blank = _collapsed(lines), bool(re.search(r"\n[ \t]*\n[ \t]*\Z", head))
    first = root.entries[0] if root.entries else None
    entries = _ordered(root, order.SCHEMA)
    if first is not None and entries[0] is not first:           # what is right above the first key goes with it
        cut = max((i + 1 for i, line in enumerate(lines) if not line or line.startswith(("---", "%"))), default=len(lines))
        own = [] if blank else lines[cut:]
        lines = lines[:len(lines) - len(own)]
        first.lead[:0] = [Comment("", 0)] * bool(lines and own) + [Comment(line.strip(), 0) for line in own]
        while lines and not lines[-1]:
            lines.pop()
            blank = True
    _separate(entries)
    lines += [""] * bool(lines and blank) + _block(root, 0, order.SCHEMA)
    return "\n".join(lines) + "\n"


def _separate(entries: list[Entry]) -> None:
    """If the sections of the schema are separated by blank lines, all are."""
    if any(not comment.text for entry in entries[1:] for comment in entry.lead):
        for entry in entries[1:]:
            if isinstance(entry.value, Collection) and entry.name not in ("lint", "import") and not (entry.lead and not entry.lead[0].text):
                entry.lead.insert(0, Comment("", 0))


def _ordered(node: Collection, keys: order.Keys) -> list[Entry]:
    return sorted(node.entries, key=lambda entry: order.rank(keys, entry.name)) if node.is_mapping else node.entries


def _block(node: Collection, indent: int, keys: order.Keys) -> list[str]:
    lines: list[str] = []
    for entry in _ordered(node, keys):
        above = _comments([*entry.lead, *entry.trail[:-1]], indent)
        while not lines and above and not above[0]:
            above.pop(0)
        lines += above + _entry(entry, indent, order.below(keys, entry.name) if node.is_mapping else None)
    return lines + _comments(node.end, indent)


def _comments(comments: list[Comment], indent: int) -> list[str]:
    return _collapsed([" " * indent + comment.text if comment.text else "" for comment in comments])


def _collapsed(lines: list[str]) -> list[str]:
    """With one blank line where there are several."""
    return [line for i, line in enumerate(lines) if line or i == 0 or lines[i - 1]]


def _entry(entry: Entry, indent: int, keys: order.Keys) -> list[str]:
    head = " " * indent + (f"{entry.key}:" if entry.key is not None else "-")
    value = entry.value
    if isinstance(value, Leaf):
        lines, at = _leaf(head, value, indent, entry.column), -1
    else:
        lines, at = _collection(head, value, indent, keys), 0
    if entry.trail:
        lines[at] = _with_comment(lines[at], entry.trail[-1], indent - entry.column)
    return lines


def _with_comment(line: str, comment: Comment, shift: int) -> str:
    """The comment stays in its column, unless the text is in its way."""
    if comment.own:
        shift = 0
    gap = comment.column + shift - len(line)
    return line + " " * (gap if gap > 0 else 2) + comment.text


def _leaf(head: str, leaf: Leaf, indent: int, column: int) -> list[str]:
    first, *rest = leaf.text.split("\n")
    if not leaf.text:
        return [head]
    if leaf.is_block:
        written = next((len(line) - len(line.lstrip(" ")) for line in rest if line.strip()), 0)
        shift = indent - column if re.search(r"\d", first.partition("#")[0]) else indent + _INDENT - written
        return [f"{head} {first.rstrip()}", *(_shifted(line, shift) for line in rest)]
    return [f"{head} {first}", *(" " * (indent + _INDENT) + line.lstrip(" \t") if line.strip() else "" for line in rest)]


def _shifted(line: str, shift: int) -> str:
    if not line.strip(" "):
        return line[max(0, -shift):] if shift < 0 else line
    return " " * shift + line if shift >= 0 else line[min(-shift, len(line) - len(line.lstrip(" "))):]


def _collection(head: str, node: Collection, indent: int, keys: order.Keys) -> list[str]:
    if node.is_flow:
        line = _flow(node, keys)
        if line is not None and len(head) + 1 + len(line) <= WIDTH or not node.entries:
            return [f"{head} {line}"]
        items = None if node.is_mapping or line is None else [_flow_value(entry, None) for entry in node.entries]
        if items is not None:
            return _filled(f"{head} [", items)
    if head.endswith("-"):
        lines = _block(node, indent + _INDENT, keys)
        return [head + lines[0][len(head):], *lines[1:]]
    return [head, *_block(node, indent + _INDENT, keys)]


def _flow(node: Collection, keys: order.Keys) -> str | None:
    """The collection on one line; None if there are comments or line breaks in it."""
    if node.has_comments:
        return None
    parts = []
    for entry in _ordered(node, keys):
        value = _flow_value(entry, order.below(keys, entry.name) if node.is_mapping else None)
        if value is None:
            return None
        parts.append(value if entry.key is None else f"{entry.key}: {value}")
    return ("{%s}" if node.is_mapping else "[%s]") % ", ".join(parts)


def _flow_value(entry: Entry, keys: order.Keys) -> str | None:
    if isinstance(entry.value, Collection):
        return _flow(entry.value, keys)
    return None if "\n" in entry.value.text else entry.value.text


def _filled(begin: str, items: list[str]) -> list[str]:
    """A list on as few lines as it needs."""
    lines = [begin]
    for i, item in enumerate(items):
        item += "]" if i == len(items) - 1 else ","
        is_first = lines[-1].endswith("[") and len(lines) == 1
        if not is_first and len(lines[-1]) + 1 + len(item) > WIDTH:
            lines.append(" " * len(begin) + item)
        else:
            lines[-1] += item if is_first else f" {item}"
    return lines
