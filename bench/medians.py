# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Several runs in one table: the medians of all, as Markdown for docs/benchmark.md."""

import statistics
import textwrap
from dataclasses import dataclass
from pathlib import Path

from . import analysis, verdict
from .analysis import Line
from .contenders import give_up

BEGIN, END = "<!-- Written by python3 -m bench --table. -->", "<!-- The end of what --table writes. -->"
SHOWN = ("limit", "pool", "pool-1", "glibc")    # besides the general allocators
FIRST_BY = 1.05                                 # what the pool should be faster by between two threads
WIDTH = 120
# Set before anything was measured: a row, and the ratios to the C library's allocator and to the best of the others.
AIMS_OF = "calc"
AIMS = (("pair, one", 4.5, 1.5), ("batch of 100, one", 5, 1.5), ("random replace, 10 thousand live, one", 2.7, 1.4),
        ("random replace, 1 million live, mixed", 1.9, 1.1), ("pipeline, batches of 32, one", 5, 1.2),
        ("request and reply, one", 1.5, None))


@dataclass(frozen=True)
class Row:
    """A workload of one kind over all runs. ns: by contender. best: the fastest general allocator, the C library's included; ratio:
    its time, in times of the pool's. ratio_glibc: that of the C library's."""

    title: str
    kind: str
    threads: int
    ns: dict[str, float]
    best: str | None
    ratio: float | None
    ratio_glibc: float | None

    @property
    def name(self) -> str:
        return f"{self.title}, {self.kind}"


def markdown(runs: list[dict]) -> str:
    lines = [analysis.lines(results) for results in runs]
    columns, ways = _columns(runs)
    rows = {of["name"]: _rows([[line for line in of_run if line.protocol == of["name"]] for of_run in lines], columns + ways)
            for of in runs[0]["protocols"]}
    shown = [_conditions(runs, lines), _versions(runs, [name for name in columns if _is_allocator(name)])]
    for of in runs[0]["protocols"]:
        shown.append(f"`{of['name']}`, nanoseconds per message. *One*: {of['one']}, {of['one_bytes']} bytes. *Mixed*: "
                     f"{of['mean_bytes']:.1f} bytes on average.")
        shown.append(_table(rows[of["name"]], columns))
    shown += [_in_all([row for of in rows.values() for row in of]), *_not_first(rows)]
    if AIMS_OF in rows:
        shown += _aims({row.name: row for row in rows[AIMS_OF]})
    return "\n\n".join(_wrapped(part) for part in shown) + "\n"


def _wrapped(part: str) -> str:
    """Prose in lines as long as the page's. Tables and lists stay."""
    return part if part.startswith(("|", "- ")) else textwrap.fill(part, WIDTH, break_long_words=False, break_on_hyphens=False)


def write_into(page: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Replaces what stands between the two marks of the page."""
    before, begun, rest = page.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        give_up(f"{page}: a line {begin!r} and after it a line {end!r} are missing")
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")


def _columns(runs: list[dict]) -> tuple[list[str], list[str]]:
    """The contenders that have a column, and the ways to use one: those are shown where they are the best."""
    contenders = {c["name"]: c for results in runs for c in results["contenders"]}
    general = [name for name, c in contenders.items() if c["general"]]
    ways = [name for name in general if contenders[name].get("part_of")]
    return [name for name in SHOWN if name in contenders] + [name for name in general if name not in ways], ways


def _is_allocator(column: str) -> bool:
    return column not in SHOWN or column == "glibc"


def _rows(of_runs: list[list[Line]], names: list[str]) -> list[Row]:
    keyed = [{(line.title, line.kind): line for line in lines} for lines in of_runs]
    keys = dict.fromkeys(key for lines in keyed for key in lines)
    return [_row([lines[key] for lines in keyed if key in lines], names) for key in keys]


def _row(lines: list[Line], names: list[str]) -> Row:
    ns = {name: _median([line.ns.get(name) for line in lines]) for name in names}
    ns = {name: value for name, value in ns.items() if value is not None}
    allocators = [name for name in ns if _is_allocator(name)]
    best = min(allocators, key=lambda name: ns[name], default=None)

    def ratio_to(name: str | None) -> float | None:
        return _median([line.ratios[name].ratio for line in lines if name in line.ratios])
    return Row(lines[0].title, lines[0].kind, lines[0].threads, ns, best, ratio_to(best), ratio_to("glibc"))


def _median(values: list[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return statistics.median(found) if found else None


def _conditions(runs: list[dict], lines: list[list[Line]]) -> str:
    machine = runs[0]["machine"]
    trips = sorted({line.round_trip.removeprefix("round trip ") for of_run in lines for line in of_run if line.round_trip})
    runs_ = f"Medians of {len(runs)} runs" if len(runs) > 1 else "One run"
    apart = f"; a round trip between the two cores takes {' or '.join(trips)}" if trips else ""
    return (f"{runs_}: {machine.get('processor') or machine['system']}, {machine['cores']} cores; {machine['compiler']}{apart}. The last "
            "column is the time of the fastest allocator, divided by the time of the pool. It is in bold where the pool is not first.")


def _versions(runs: list[dict], names: list[str]) -> str:
    def of(name: str) -> str:
        known = [c for results in runs for c in results["contenders"] if c["name"] == name]
        version, frees = known[0].get("version", ""), [c.get("frees") for c in known]
        said = version if version.startswith(name) else f"{name} {version}".strip()
        for function in dict.fromkeys(frees):
            if function not in (None, "", "free"):
                times = frees.count(function)
                said += f", freed with `{function}`" + (f" in {times} of {len(runs)} runs" if times < len(runs) else "")
        return said
    known = {c["name"] for results in runs for c in results["contenders"]}
    return f"Compared: {'; '.join(of(name) for name in names if name in known)}."


def _table(rows: list[Row], columns: list[str]) -> str:
    shown = ["| | " + " | ".join("pool, level 1" if name == "pool-1" else name for name in columns) + " | pool against the best |",
             "|---|" + "---|" * (len(columns) + 1)]
    for row in rows:
        cells = [f"{row.ns[name]:.1f}" if name in row.ns else "" for name in columns]
        shown.append(f"| {row.name} | " + " | ".join(cells) + f" | {_against(row, set(columns))} |")
    return "\n".join(shown)


def _against(row: Row, columns: set[str]) -> str:
    """The ratio, in bold where the pool is not first; with the contender's name where it has no column."""
    if row.ratio is None:
        return ""
    text = verdict.down(row.ratio)
    return (f"**{text}**" if row.ratio < 1 else text) + (f" {row.best}" if row.best not in columns else "")


def _in_all(rows: list[Row]) -> str:
    """The range of the ratios, by kind."""
    said = []
    for kind in dict.fromkeys(row.kind for row in rows):
        of = [row for row in rows if row.kind == kind]
        for than, ratios in (("glibc", [row.ratio_glibc for row in of]), ("the fastest allocator", [row.ratio for row in of])):
            known = [ratio for ratio in ratios if ratio is not None]
            if known:
                said.append(f"*{kind.capitalize()}*: {verdict.down(min(known))} to {verdict.down(max(known))} times as fast as {than}.")
    return " ".join(said)


def _not_first(rows: dict[str, list[Row]]) -> list[str]:
    """The rows in which the pool is not first, and those of two threads in which it hardly is."""
    known = [(name, row) for name, of in rows.items() for row in of if row.ratio is not None]
    behind = [f"- {name}, {row.name}: {verdict.down(row.ratio)} against {row.best}" for name, row in known if row.ratio < 1]
    close = [f"- {name}, {row.name}: {verdict.down(row.ratio)} against {row.best}" for name, row in known
             if 1 <= row.ratio < FIRST_BY and row.threads > 1]
    return [f"The pool is first in {len(known) - len(behind)} of {len(known)} rows." + (" It is not first in:" if behind else ""),
            *(["\n".join(behind)] if behind else []),
            *([f"Between two threads it is first by less than {FIRST_BY} in:", "\n".join(close)] if close else [])]


def _aims(rows: dict[str, Row]) -> list[str]:
    shown = ["| | aim against glibc | reached | aim against the best of the others | reached |", "|---|---|---|---|---|"]
    for name, against_glibc, against_best in AIMS:
        if name in rows:
            shown.append(f"| {name} | {_aim(against_glibc, rows[name].ratio_glibc)} | {_aim(against_best, rows[name].ratio)} |")
    return [f"**Aims.** These ratios were set as aims for `{AIMS_OF}` before anything was measured, against the allocators of Debian 12. "
            "A missed aim is in bold.", "\n".join(shown)]


def _aim(aim: float | None, reached: float | None) -> str:
    if aim is None or reached is None:
        return f"{aim or ''} | "
    text = verdict.down(reached)
    return f"{aim} | {f'**{text}**' if reached < aim else text}"
