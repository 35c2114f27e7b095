# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool plan`: the memory that a protocol's messages take, as text or JSON."""

import json
from dataclasses import dataclass

from ..diagnostics import Diagnostic, Source
from ..laid_out import SLOT_SIZES_PER_PART, Layout, Message, Tail
from ..tail_slots import TAIL_EXACT, TAIL_STEP, tail_index, tail_slot


def malloc_bytes(size: int) -> int:
    """The bytes that glibc's malloc uses on a 64-bit machine: 8 bytes of header, rounded up to 16, at least 32."""
    return max(32, -(-(size + 8) // 16) * 16)


@dataclass(frozen=True)
class _Machine:
    """Sizes of the engine's structs at level 0 with the default settings. A test compares them with a compiler's."""

    pointer: int
    pool: int
    magazine: int
    store: int
    fixed_slots: int
    slots: int                  # in a magazine

    def handle(self, layout: Layout) -> int:
        """struct NAME_pool. With tags of four bytes it has one more of them."""
        parts = max(1, -(-len(layout.slot_sizes) // SLOT_SIZES_PER_PART))
        return self.pool + (1 + len(layout.slot_sizes)) * self.magazine + (parts + (layout.tag.size == 4)) * self.pointer

    def fixed_pool(self, layout: Layout) -> int:
        """NAME_POOL_BYTES."""
        return _round_up(self.store) + sum(self._slots(s.bytes, s.budget) + (_round_up(COUNT_BYTES * s.budget) if s.is_shared else 0)
                                              for s in layout.slot_sizes if s.budget)

    def _slots(self, slot: int, budget: int) -> int:
        array = min(2 * self.slots, budget)
        return _round_up(self.fixed_slots + (array + self._map_words(budget)) * self.pointer) + _round_up(slot * budget)

    def _map_words(self, bits: int) -> int:
        """Words of a bitmap and of its summary: above more than 128 words lies a level with a bit for each of them."""
        words = -(-bits // (8 * self.pointer))
        return words + (self._map_words(words) if words > 128 else 0)


def _round_up(size: int) -> int:
    return -(-size // 8) * 8


# "32" is a microcontroller.
MACHINES = {"64": _Machine(8, 48, 24, 64, 24, 64), "32": _Machine(4, 28, 12, 36, 20, 4)}

COUNT_BYTES = 2                 # of a slot's count of holders, outside the slot
LARGE = 4                       # a message with more than this many times the bytes of the next largest gets a warning


def as_json(layouts: list[Layout], names: list[str]) -> str:
    """names: the names of the schemas, as the user gave them."""
    return json.dumps([_plan(layout, name) for layout, name in zip(layouts, names)], indent=2) + "\n"


def as_text(layouts: list[Layout], names: list[str], with_warnings: bool = True) -> str:
    return "\n".join(_text(_plan(layout, name), with_warnings) for layout, name in zip(layouts, names))


def _plan(layout: Layout, name: str) -> dict:
    weighted = [(m.model.weight, m) for m in layout.messages if m.slot_class]
    is_bounded = all(tail.type.extent_most for m in layout.tailed for tail in m.model.tails)
    return {
        "protocol": layout.protocol.name.schema,
        "c_name": layout.protocol.name.c,
        "tag_bytes": layout.tag.size,
        "union_bytes": layout.union_size,
        "messages": [_message(layout, m) for m in layout.messages],
        "slot_sizes": [{
            "bytes": s.bytes,
            "messages": [m.model.name.schema for m in s.messages],
            "has_tails": s.has_tails,
            "budget": s.budget,
            "budget_bytes": s.budget * s.bytes,
        } for s in layout.slot_sizes],
        "mean_bytes": {             # per message with empty tails; most: with the longest
            "slot": _mean(weighted, _slot),
            "most": _mean(weighted, lambda m: _slot(m, longest=True)) if is_bounded else None,
            "malloc": _mean(weighted, lambda m: malloc_bytes(m.least_bytes)),
            "union": _mean(weighted, lambda m: layout.union_size) if not layout.tailed else None,
        },
        "fixed_pool_bytes": {bits: machine.fixed_pool(layout) for bits, machine in MACHINES.items()},
        "handle_bytes": {bits: machine.handle(layout) for bits, machine in MACHINES.items()},
        "warnings": [str(warning) for warning in warnings(layout, name)],
        "without_max_live": [m.model.name.schema for m in layout.messages if m.slot_class and m.model.max_live is None],
    }


def _slot(message: Message, longest: bool = False) -> int:
    """The message's slot in a growing pool, with an empty tail or the longest."""
    if not message.tails:
        return message.size
    return tail_slot(tail_index(message.most_bytes if longest else message.least_bytes))


def _message(layout: Layout, message: Message) -> dict:
    allocated = message.slot_class != 0
    tails = [_tail(tail) for tail in message.tails]
    saves = allocated and not tails
    return {
        "name": message.model.name.schema,
        "c_name": message.model.name.c,
        "tag": message.model.tag,
        "bytes": message.size,
        "least_bytes": message.least_bytes,
        "most_bytes": message.most_bytes,
        "slot_bytes": layout.slot_sizes[message.slot_class - 1].bytes if allocated else 0,
        "tail": tails[0] if tails else None,
        "tails": tails,
        "padding": message.padding,
        "holes": _holes(layout, message),
        "saved_against_malloc": malloc_bytes(message.size) - message.size if saves else 0,
        "saved_against_union": layout.union_size - message.size if saves else 0,
        "max_live": message.model.max_live,
        "weight": message.model.weight,
        "members": [{"name": " ".join(m.bits) or m.name, "type": m.c_type, "count": m.count, "offset": m.offset, "bytes": m.size}
                    for m in message.members],
    }


def _tail(tail: Tail) -> dict:
    """offset: if the tails before it are empty."""
    found = {"name": tail.name, "type": tail.c_type, "offset": tail.offset, "element_bytes": tail.element_size, "most": tail.most,
             "terminator_bytes": tail.end}
    return found | {"texts": {"most_characters": tail.longest, "most_bytes": tail.list_bytes}} if tail.list_bytes else found


def _holes(layout: Layout, message: Message) -> list[dict]:
    """Where the padding is, and the member that follows it."""
    holes, end = [], layout.tag.size
    for member in sorted(message.members, key=lambda m: m.offset):
        if member.offset > end:
            holes.append({"offset": end, "bytes": member.offset - end, "before": member.name})
        end = member.offset + member.size
    if message.size > end:
        holes.append({"offset": end, "bytes": message.size - end, "before": None})
    return holes


def warnings(layout: Layout, name: str) -> list[Diagnostic]:
    """name: of the schema, as the user gave it."""
    largest = sorted((m for m in layout.messages if m.slot_class and not m.tails), key=lambda m: -m.size)[:2]
    if len(largest) < 2 or largest[0].size <= LARGE * largest[1].size:
        return []
    first, second = largest
    message = (f"\"{first.model.name.schema}\" takes {first.size} bytes, more than {LARGE} "
               f"times the next largest, \"{second.model.name.schema}\" with {second.size}: consider a tail, or a message for each element of a list")
    return [Diagnostic(first.model.place.source or Source(name), first.model.place, message, severity="warning")]


def _mean(weighted: list[tuple[float, Message]], size) -> float:
    total = sum(weight for weight, _ in weighted)
    return round(sum(weight * size(m) for weight, m in weighted) / total, 2) if total else 0.0


def _text(plan: dict, with_warnings: bool) -> str:
    heading = (f"protocol {plan['protocol']}: {_counted(len(plan['messages']), 'message')}, "
               f"{_counted(len(plan['slot_sizes']), 'slot size')}, a tag of {_counted(plan['tag_bytes'], 'byte')}")
    parts = (heading, "", *_messages_table(plan), "", *_slot_sizes_table(plan), "", *_summary(plan), *(plan["warnings"] if with_warnings else ()))
    return "\n".join(parts) + "\n"


def _messages_table(plan: dict) -> list[str]:
    rows = [("message", "tag", "bytes", "padding", "saved: malloc", "union", "max_live")]
    for m in plan["messages"]:
        saved = ("-" if m["tail"] else str(m[f"saved_against_{other}"]) for other in ("malloc", "union"))
        max_live = "-" if m["max_live"] is None or not m["slot_bytes"] else str(m["max_live"])
        rows.append((m["name"], str(m["tag"]), _bytes(m) if m["slot_bytes"] else "-", str(m["padding"]), *saved, max_live))
    return _table(rows)


def _slot_sizes_table(plan: dict) -> list[str]:
    rows = [("slot size", "budget", "bytes", "messages")]
    rows += [(str(s["bytes"]), str(s["budget"]), str(s["budget_bytes"]), ", ".join(s["messages"]))
             for s in plan["slot_sizes"] if s["messages"]]
    return _table(rows, last_left=True)


def _summary(plan: dict) -> list[str]:
    lines = []
    tails = [s["bytes"] for s in plan["slot_sizes"] if s["has_tails"]]
    if tails:
        lines.append(f"+: plus a tail. Growing pools have {_counted(len(tails), 'slot size')} for messages with tails, from {tails[0]} to "
                     f"{tails[-1]} bytes: the multiples of {TAIL_STEP} up to {TAIL_EXACT}, then four per doubling")
    mean = plan["mean_bytes"]
    if tails:
        longest = "no bound" if mean["most"] is None else mean["most"]
        lines.append(f"mean bytes per message, by weight: {mean['slot']} with an empty tail, where malloc takes {mean['malloc']}; "
                     f"{longest} with the longest tail")
    else:
        lines.append(f"mean bytes per message, by weight: {mean['slot']}; malloc takes {mean['malloc']}, a union {mean['union']}")
    handle, fixed = plan["handle_bytes"], plan["fixed_pool_bytes"]
    lines.append(f"memory of a fixed pool: {fixed['64']} bytes ({fixed['32']} on a microcontroller); "
                 f"struct of any pool: {handle['64']} bytes ({handle['32']})")
    padded = [f"{m['name']} ({_holes_text(m['holes'])})" for m in plan["messages"] if m["holes"] and m["slot_bytes"]]
    if padded:
        lines.append("padding: " + ", ".join(padded))
    if plan["without_max_live"]:
        lines.append(f"not in a fixed pool (no max_live): {', '.join(plan['without_max_live'])}")
    return lines


def _bytes(message: dict) -> str:
    return f"{message['least_bytes']}+" if message["tails"] else str(message["bytes"])


def _holes_text(holes: list[dict]) -> str:
    return ", ".join(f"{h['bytes']} " + (f"before {h['before']}" if h["before"] else "at the end") for h in holes)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _table(rows: list[tuple[str, ...]], last_left: bool = False) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def cell(i: int, text: str) -> str:
        left = i == 0 and not last_left or last_left and i == len(widths) - 1
        return text.ljust(widths[i]) if left else text.rjust(widths[i])

    return ["  ".join(cell(i, text) for i, text in enumerate(row)).rstrip() for row in rows]
