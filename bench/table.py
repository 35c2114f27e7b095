# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The results as text for a terminal."""

from . import analysis
from .analysis import Line


def text(results: dict) -> str:
    lines = analysis.lines(results)
    names = analysis.order_of(results)
    shown = [_heading(results)] + [f"{c['name']}: {c['what']}" for c in results["contenders"]]
    for protocol in results["protocols"]:
        of = [line for line in lines if line.protocol == protocol["name"]]
        shown.append(f"\n{protocol['name']}: {protocol['variants']} variants. Nanoseconds per message, medians. one: every message is "
                    f"{protocol['one']}, {protocol['one_bytes']} bytes; mixed: all variants, by weight, "
                    f"{protocol['mean_bytes']:.1f} bytes on average.\n")
        shown.append(_table(of, names))
        shown.append("")
        shown += [sentence for line in of for sentence in _sentences(line)]
    if not results.get("finished", True):
        shown.append("This run was interrupted: some measurements are missing.")
    shown += [f"left out: {what}" for what in results["left_out"]]
    return "\n".join(shown) + "\n"


def _heading(results: dict) -> str:
    machine = results["machine"]
    return f"{machine.get('processor', machine['system'])}, {machine['cores']} cores, {machine['compiler']}, {results['seconds']} s"


def _name(line: Line) -> str:
    return f"{line.title}, {line.kind}"


def _table(lines: list[Line], names: list[str]) -> str:
    widths = [max(len(name), 6) for name in names]
    first = max((len(_name(line)) for line in lines), default=0)
    rows = [" " * first + "  " + "  ".join(name.rjust(w) for name, w in zip(names, widths))]
    for line in lines:
        cells = (f"{line.ns[name]:.1f}" if line.ns.get(name) is not None else "-" for name in names)
        rows.append(_name(line).ljust(first) + "  " + "  ".join(cell.rjust(w) for cell, w in zip(cells, widths)))
    return "\n".join(rows)


def _sentences(line: Line) -> list[str]:
    return [f"{_name(line)}: {'; '.join(line.sentences)}" + (f" ({line.round_trip})" if line.round_trip else "")]
