# SPDX-License-Identifier: Apache-2.0 OR MIT
"""--plan: what the messages of a protocol cost in memory, as text or JSON. Reads a Layout, emits nothing."""

import json

from .layout import Layout, Message


def malloc_bytes(size: int) -> int:
    """What glibc's malloc takes on a 64-bit machine: 8 bytes of header, rounded up to 16, at least 32."""
    return max(32, -(-(size + 8) // 16) * 16)


def as_json(layouts: list[Layout]) -> str:
    return json.dumps([_plan(layout) for layout in layouts], indent=2) + "\n"


def as_text(layouts: list[Layout]) -> str:
    return "\n".join(_text(_plan(layout)) for layout in layouts)


def _plan(layout: Layout) -> dict:
    weighted = [(m.model.weight, m) for m in layout.messages if m.slot_class]
    return {
        "protocol": layout.protocol.name.schema,
        "c_name": layout.protocol.name.c,
        "tag_bytes": layout.tag.size,
        "union_bytes": layout.union_size,
        "messages": [_message(layout, m) for m in layout.messages],
        "slot_sizes": [{
            "bytes": s.bytes,
            "messages": [m.model.name.schema for m in s.messages],
            "budget": s.budget,
            "budget_bytes": s.budget * s.bytes,
        } for s in layout.slot_sizes],
        "mean_bytes": {
            "slot": _mean(weighted, lambda m: m.size),
            "malloc": _mean(weighted, lambda m: malloc_bytes(m.size)),
            "union": _mean(weighted, lambda m: layout.union_size),
        },
        "without_max_live": [m.model.name.schema for m in layout.messages if m.slot_class and m.model.max_live is None],
    }


def _message(layout: Layout, message: Message) -> dict:
    allocated = message.slot_class != 0
    return {
        "name": message.model.name.schema,
        "c_name": message.model.name.c,
        "tag": message.model.tag,
        "bytes": message.size,
        "slot_bytes": message.size if allocated else 0,
        "padding": message.padding,
        "saved_against_malloc": malloc_bytes(message.size) - message.size if allocated else 0,
        "saved_against_union": layout.union_size - message.size if allocated else 0,
        "max_live": message.model.max_live,
        "weight": message.model.weight,
        "members": [{"name": " ".join(m.bits) or m.name, "type": m.c_type, "count": m.count, "offset": m.offset, "bytes": m.size}
                    for m in message.members],
    }


def _mean(weighted: list[tuple[float, Message]], size) -> float:
    total = sum(weight for weight, _ in weighted)
    return round(sum(weight * size(m) for weight, m in weighted) / total, 2) if total else 0.0


def _text(plan: dict) -> str:
    lines = [f"protocol {plan['protocol']}: {_counted(len(plan['messages']), 'message')}, "
             f"{_counted(len(plan['slot_sizes']), 'slot size')}, a tag of {_counted(plan['tag_bytes'], 'byte')}", ""]
    rows = [("message", "tag", "bytes", "padding", "saved: malloc", "union", "max_live")]
    rows += [(m["name"], str(m["tag"]), str(m["bytes"]) if m["slot_bytes"] else "-", str(m["padding"]),
              str(m["saved_against_malloc"]), str(m["saved_against_union"]),
              "-" if m["max_live"] is None or not m["slot_bytes"] else str(m["max_live"])) for m in plan["messages"]]
    lines += _table(rows)
    rows = [("slot size", "budget", "bytes", "messages")]
    rows += [(str(s["bytes"]), str(s["budget"]), str(s["budget_bytes"]), ", ".join(s["messages"]))
             for s in plan["slot_sizes"]]
    lines += ["", *_table(rows, last_left=True), ""]
    mean = plan["mean_bytes"]
    lines.append(f"mean by weight: {mean['slot']} bytes a message; malloc(sizeof) takes {mean['malloc']}, "
                 f"blocks of the union {mean['union']}")
    if plan["without_max_live"]:
        names = ", ".join(plan["without_max_live"])
        lines.append(f"no place in a fixed pool (no max_live): {names}")
    return "\n".join(lines) + "\n"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _table(rows: list[tuple[str, ...]], last_left: bool = False) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def cell(i: int, text: str) -> str:
        left = i == 0 and not last_left or last_left and i == len(widths) - 1
        return text.ljust(widths[i]) if left else text.rjust(widths[i])

    return ["  ".join(cell(i, text) for i, text in enumerate(row)).rstrip() for row in rows]
