# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A difference of two versions of a protocol, its categories, and how differences are shown."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from ..diagnostics import Diagnostic, Place, Source
from ..laid_out import Layout

CATEGORIES = {
    "SOURCE": "programs must change: a C name, a type or a parameter differs, or an argument is no longer accepted",
    "LAYOUT": "the bytes of a message differ: a size, an offset, or what is at an offset",
    "WIRE": "the same bytes mean something else, or are refused: a tag, a number, a unit, the kind of a value, a bound",
    "BUDGET": "a fixed pool grows, or guarantees fewer messages",
}
DEFAULT = ("SOURCE", "LAYOUT", "WIRE")

# The categories of a difference. Those of several add up: SOURCE + WIRE.
SOURCE, LAYOUT, WIRE, BUDGET = (("SOURCE",), ("LAYOUT",), ("WIRE",), ("BUDGET",))
COMPATIBLE = ()


@dataclass(frozen=True)
class Difference:
    """categories: none if nobody notices it. A place is None if that version does not have the thing, or the difference is about
    the whole protocol."""

    categories: tuple[str, ...]
    what: str
    old: Place | None = None
    new: Place | None = None

    def is_breaking(self, chosen: Collection[str] = DEFAULT) -> bool:
        return any(category in chosen for category in self.categories)


def as_text(differences: list[Difference], old: str, new: str, chosen: Collection[str] = DEFAULT) -> str:
    """old, new: the names of the schemas."""
    lines = [f"{'breaking' if d.is_breaking(chosen) else 'compatible'}: {_places(d, old, new)}{d.what}{_listed(d)}" for d in differences]
    breaking = sum(d.is_breaking(chosen) for d in differences)
    lines.append(f"{breaking} breaking, {len(differences) - breaking} compatible" if differences else "no difference")
    return "\n".join(lines) + "\n"


def as_diagnostics(differences: list[Difference], old: Source, new: Source, chosen: Collection[str] = DEFAULT,
                   only_new: bool = False) -> list[Diagnostic]:
    """Each is at its place in the new schema; at that in the old one if the thing is gone; at the beginning if it is about the whole.

    only_new: for readers that have no old version. What is gone is at the beginning of the new schema, and the message names its place.
    """
    found = []
    for d in differences:
        if only_new and d.old and not d.new:
            d = replace(d, what=f"{d.what}; it was at {(d.old.source or old).name}:{d.old.line}:{d.old.column}", old=None)
        source, place = (new, d.new) if d.new or not d.old else (old, d.old)
        rule = "+".join(category.lower() for category in d.categories) or "compatible"
        found.append(Diagnostic(place.source or source if place else source, place or Place(1, 1), d.what,
                                severity="error" if d.is_breaking(chosen) else "note", rule=f"breaking-{rule}" if d.categories else rule))
    return found


def advice(old: Layout, new: Layout) -> str:
    """How to keep the old tags if some have changed; empty otherwise."""
    was, now = ({m.model.name.schema: m.model.tag for m in of.messages} for of in (old, new))
    changed = [name for name, tag in now.items() if was.get(name, tag) != tag]
    if not changed:
        return ""
    kept, free, lines = set(was.values()), max(*was.values(), *now.values()), []
    last, given = 0, 0                  # the previous tag: as it should be, and as it is
    for name, tag in now.items():
        wanted = was.get(name, last + 1 if tag == given + 1 else tag)
        if name not in was and wanted in kept:
            wanted = free = free + 1
        if wanted != (last + 1 if tag == given + 1 else tag):
            lines.append(f"{name} {{tag: {wanted}}}")
        last, given = wanted, tag
    return f"advice: a message without a tag has the tag before it plus 1; to keep the old tags: {', '.join(lines[:20])}\n" if lines else ""


def _places(difference: Difference, old: str, new: str) -> str:
    shown = [f"{place.source.name if place.source else name}:{place.line}:{place.column}"
             for name, place in ((old, difference.old), (new, difference.new)) if place]
    return " -> ".join(shown) + ": " if shown else ""


def _listed(difference: Difference) -> str:
    return f" [{', '.join(difference.categories)}]" if difference.categories else ""
