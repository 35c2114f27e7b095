# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The results as one page of HTML, which needs no other file."""

import statistics
from collections import Counter
from pathlib import Path

import jinja2

from . import analysis, plots, verdict
from .analysis import Line

MAIN = ("limit", "glibc", "jemalloc", "mimalloc", "tcmalloc")


def html(results: dict) -> str:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True,
                                     undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["ns"] = lambda ns: "" if ns is None else f"{ns:.1f}"
    lines = analysis.lines(results)
    return environment.get_template("report.html.j2").render(
        results=results, names=analysis.order_of(results), confidence=f"{100 * verdict.CONFIDENCE:.0f} %",
        protocols=[_protocol(results, of, [line for line in lines if line.protocol == of["name"]])
                   for of in results["protocols"]],
        made_up=_of_variants(results), generator=results["generator"], generator_plot=_of_generator(results))


def _protocol(results: dict, of: dict, lines: list[Line]) -> dict:
    """What the page shows for a protocol."""
    def own(kind: str) -> list[dict]:
        return [entry for entry in results[kind] if entry["protocol"] == of["name"]]

    memory, phases = own("memory"), own("phases")
    drawn = [_of_ratios(results, of["name"], lines)] if lines else []
    if memory:
        drawn.append(_of_memory(of["name"], memory[-1]))
    drawn += [_of_phase(of["name"], entry) for entry in phases if entry["order"] == "random"]
    drawn += [_of_latency(of["name"], entry) for entry in own("latency")]
    if own("by_live"):
        drawn.append(_of_live(of["name"], own("by_live")))
    return of | {"lines": lines, "tally": [_tally(lines, i) for i in range(2)], "plots": drawn, "instructions": own("instructions"),
                 "memory": [(entry, _bytes_each(entry)) for entry in memory],
                 "phases": [(entry, _bytes_each(entry)) for entry in phases]}


def _tally(lines: list[Line], which: int) -> Counter:
    """How often each verdict occurs, against glibc (0) or the best of the others (1)."""
    return Counter(ratio.verdict for ratio in (line.compared[which] for line in lines if len(line.compared) == 2))


def _bytes_each(entry: dict) -> dict[str, float]:
    """The resident bytes per byte of message, by contender: medians."""
    return {name: statistics.median(p["resident"] / p["exact"] for p in printed) for name, printed in entry["printed"].items()}


def _ns(printed: list[dict]) -> float:
    return statistics.median(verdict.by_kind(printed)[0])


def _of_ratios(results: dict, name: str, lines: list[Line]) -> plots.Plot:
    further = [c["name"] for c in results["contenders"] if c["general"] and c["name"] not in MAIN]
    return plots.ratios(name, [(f"{line.title}, {line.kind}",
                                {c: line.ratios[c] for c in (*MAIN, *further) if c in line.ratios}) for line in lines])


def _of_memory(name: str, entry: dict) -> plots.Plot:
    return plots.bars(f"{name}: memory that {entry['live']:,} live messages take", "resident bytes per byte of message; 1 is exact",
                      _bytes_each(entry), 1)


def _of_phase(name: str, entry: dict) -> plots.Plot:
    return plots.bars(f"{name}: peak memory when each slot size gives way to the next", "resident bytes per byte of message, at the "
                      "peak; each phase is freed in random order before the next", _bytes_each(entry), 1)


def _of_latency(name: str, entry: dict) -> plots.Plot:
    series = {}
    for contender, printed in entry["printed"].items():
        quantiles = [q for q, _ in printed[0]["latency"]]
        series[contender] = [(q, statistics.median(p["latency"][i][1] for p in printed)) for i, q in enumerate(quantiles)]
    return plots.quantiles(f"{name}, {entry['kind']}: time of the slowest turns (free, then allocate), {entry['live']:,} live", series)


def _series(entries: list[dict], key: str) -> dict[str, list[tuple[float, float]]]:
    """The points of each contender. One that has failed somewhere has fewer."""
    names = dict.fromkeys(name for entry in entries for name in entry["printed"])
    return {name: [(entry[key], _ns(entry["printed"][name])) for entry in entries if entry["printed"].get(name)] for name in names}


def _of_live(name: str, entries: list[dict]) -> plots.Plot:
    series = _series(entries, "live")
    return plots.lines(f"{name}, one: cost of a random replace against the number of live messages", "live messages",
                       "nanoseconds per message", series)


def _of_variants(results: dict) -> plots.Plot | None:
    entries = results["by_variants"]
    if not entries:
        return None
    series = _series(entries, "variants")
    return plots.lines("made-up protocols, mixed: cost of a random replace against the number of variants, 10,000 live",
                       "variants in the protocol", "nanoseconds per message", series)


def _of_generator(results: dict) -> plots.Plot | None:
    entries = results["generator"]
    if not entries:
        return None
    columns = {"generate": "seconds", "compile": "compile_seconds", "compile, by hand": "by_hand_seconds"}
    series = {label: [(entry["variants"], entry[key]) for entry in entries if entry.get(key)] for label, key in columns.items()}
    return plots.lines("seconds to generate and to compile a protocol, compared with unions written by hand",
                       "variants in the protocol", "seconds", series)
