# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The report's plots as SVG. Text stays text, in the page's colour and font. Each plot is drawn twice: for a wide and for a narrow
window."""

import io
import re
import textwrap
from dataclasses import dataclass

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot, ticker  # noqa: E402

INK, FAINT = "#010203", "#040506"       # replaced by the page's colours
COLOURS = {"pool": "#2f7fd1", "pool-1": "#63aef0", "pool-depot": "#1f5fa8", "glibc": "#dd6b20", "jemalloc": "#1f9e77",
           "mimalloc": "#c65fa0", "tcmalloc": "#b08d00", "list": "#a08060", "limit": "#8a8f98", "union": "#c0392b",
           "seed": "#8e5bd0", "generate": "#2f7fd1", "compile": "#dd6b20", "compile, by hand": "#8a8f98"}
FURTHER = ("#00a3b4", "#7aa300", "#a65a3a", "#5b6ee1")
MARKERS = {"glibc": "o", "jemalloc": "s", "mimalloc": "D", "tcmalloc": "^", "limit": "d", "pool": "o", "list": "x"}
DASHED = {"limit": "--", "list": ":", "compile, by hand": "--"}
WIDE, NARROW = 9.6, 4.0                 # inches, of 96 CSS pixels
SETTINGS = {"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9.5, "axes.edgecolor": FAINT,
            "axes.labelcolor": INK, "axes.titlecolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK,
            "grid.color": FAINT, "grid.alpha": 0.35, "axes.grid": True, "axes.axisbelow": True, "axes.spines.top": False,
            "axes.spines.right": False, "axes.titlesize": 10.5, "axes.titlelocation": "left", "legend.frameon": False,
            "legend.labelcolor": INK}


@dataclass(frozen=True)
class Plot:
    """title, alt: describe the plot to readers who do not see it."""

    title: str
    alt: str
    wide: str
    narrow: str


def _drawn_twice(title: str, alt: str, draw) -> Plot:
    drawn = []
    for width in (WIDE, NARROW):
        with pyplot.rc_context(SETTINGS | {"svg.hashsalt": f"{title}{width}"}):
            figure = draw(width)
            drawn.append(_as_svg(figure, alt))
            pyplot.close(figure)
    return Plot(title, alt, *drawn)


def _as_svg(figure, alt: str) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, bbox_inches="tight", pad_inches=0.05, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg"):], flags=re.S)
    svg = svg.replace(INK, "currentColor").replace(FAINT, "var(--faint)")
    svg = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", svg)
    width = re.search(r'width="([\d.]+)pt"', svg)[1]
    svg = re.sub(r'width="[\d.]+pt"', f'style="max-width: {float(width) * 96 / 72:.0f}px"', svg, count=1)
    svg = re.sub(r'height="[\d.]+pt"', "", svg, count=1)
    return svg.replace("<svg", f'<svg role="img" aria-label="{alt}"', 1)


def colour(name: str) -> str:
    return COLOURS.get(name) or FURTHER[sum(map(ord, name)) % len(FURTHER)]


def _legend(figure, axes, width: float) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower left", bbox_to_anchor=(0, axes.get_position().y1), columnspacing=1.2,
                  ncol=7 if width > 6 else 3, handletextpad=0.4)


def _plainly(axis, values=None) -> None:
    """Shows plain numbers on a logarithmic axis."""
    if values:
        axis.set_major_locator(ticker.FixedLocator(values))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: _shown(value)))
    axis.set_minor_formatter(ticker.NullFormatter())


def _shown(value: float) -> str:
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def ratios(protocol: str, rows: list[tuple[str, dict]]) -> Plot:
    """rows: pairs of a workload and its verdict.Ratio by contender."""
    names = [name for name in dict.fromkeys(name for _, of in rows for name in of)]

    def draw(width: float):
        figure, axes = pyplot.subplots(figsize=(width, 0.6 + (0.4 if width > 6 else 0.47) * len(rows)))
        axes.axvspan(0.95, 1.05, color=FAINT, alpha=0.35, linewidth=0)
        axes.axvline(1, color=colour("pool"), linewidth=1.5, label="pool")
        for i, name in enumerate(names):
            away = (i - (len(names) - 1) / 2) * 0.7 / len(names)
            drawn = [(row, of[name]) for row, (_, of) in enumerate(rows) if name in of and of[name].low is not None]
            axes.errorbar([r.ratio for _, r in drawn], [row + away for row, _ in drawn],
                          xerr=[[max(0, r.ratio - r.low) for _, r in drawn], [max(0, r.high - r.ratio) for _, r in drawn]],
                          fmt=MARKERS.get(name, "v"), color=colour(name), markersize=4.5, linewidth=1.1, label=name)
        axes.set_yticks(range(len(rows)), [label if width > 6 else label.replace(", ", ",\n", 1) for label, _ in rows],
                        fontsize=9.5 if width > 6 else 8.5)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xscale("log")
        left, right = axes.get_xlim()
        _plainly(axes.xaxis, [v for v in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if left <= v <= right])
        axes.minorticks_off()
        axes.set_xlabel("time relative to the pool's; to the right of 1 the pool is faster" if width > 6
                        else "time relative to the pool's;\nto the right of 1 the pool is faster")
        for row in range(1, len(rows), 2):
            axes.axhspan(row - 0.5, row + 0.5, color=FAINT, alpha=0.12, linewidth=0)
        _legend(figure, axes, width)
        return figure

    return _drawn_twice(f"{protocol}: time of each contender, relative to the pool's, with 99 % intervals",
                        f"{protocol}: ratio of each contender to the pool, by workload; the sentences above have the numbers", draw)


def bars(title: str, label: str, values: dict[str, float], line: float) -> Plot:
    """Horizontal bars, the smallest on top, and a line at the ideal value."""
    ordered = sorted(values.items(), key=lambda item: item[1])

    def draw(width: float):
        figure, axes = pyplot.subplots(figsize=(width, 0.7 + 0.27 * len(ordered)))
        axes.barh(range(len(ordered)), [v for _, v in ordered], color=[colour(n) for n, _ in ordered], height=0.7)
        axes.axvline(line, color=INK, linewidth=1, linestyle=":")
        for row, (_, value) in enumerate(ordered):
            axes.annotate(f"{value:.2f}" if value < 100 else f"{value:.0f}", (value, row), xytext=(4, 0),
                          textcoords="offset points", va="center", fontsize=8.5)
        axes.set_yticks(range(len(ordered)), [n for n, _ in ordered])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0, 1.12 * max(v for _, v in ordered))
        axes.set_xlabel(textwrap.fill(label, 999 if width > 6 else 44))
        return figure

    return _drawn_twice(title, f"{title}: " + ", ".join(f"{n} {v:.2f}" for n, v in ordered), draw)


def lines(title: str, x_label: str, y_label: str, series: dict[str, list[tuple[float, float]]], ticks=None) -> Plot:
    """A line for each contender; both axes logarithmic."""
    def draw(width: float):
        figure, axes = pyplot.subplots(figsize=(width, 3.4 if width > 6 else 3))
        for name, points in series.items():
            axes.plot(*zip(*points), label=name, color=colour(name), marker=MARKERS.get(name, "."), markersize=4.5,
                      linewidth=2 if name == "pool" else 1.2, linestyle=DASHED.get(name, "-"))
        axes.set_xscale("log")
        axes.set_yscale("log")
        _plainly(axes.xaxis, ticks or sorted({x for points in series.values() for x, _ in points}))
        bottom, top = axes.get_ylim()
        _plainly(axes.yaxis, [v * 10.0 ** e for e in range(-3, 8) for v in (1, 2, 5) if bottom <= v * 10.0 ** e <= top])
        axes.minorticks_off()
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        _legend(figure, axes, width)
        return figure

    return _drawn_twice(title, title, draw)


def quantiles(title: str, series: dict[str, list[tuple[float, float]]]) -> Plot:
    """A line for each contender: the time of the slowest turns, by the share of turns that are as slow or slower."""
    shares = {0.5: "1 in 2", 0.1: "10", 0.01: "100", 0.001: "1000", 0.0001: "10 k", 0.00001: "100 k"}

    def draw(width: float):
        figure, axes = pyplot.subplots(figsize=(width, 3.4 if width > 6 else 3))
        for name, points in series.items():
            shown = [(1 - q, max(ns, 1)) for q, ns in points if 0.4 < q < 1]
            axes.plot(*zip(*shown), label=name, color=colour(name), linewidth=2 if name == "pool" else 1.2, drawstyle="steps-post",
                      linestyle=DASHED.get(name, "-"))
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.invert_xaxis()
        axes.xaxis.set_major_locator(ticker.FixedLocator(list(shares)))
        axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda share, _: shares[min(shares, key=lambda s: abs(s - share))]))
        bottom, top = axes.get_ylim()
        _plainly(axes.yaxis, [v * 10.0 ** e for e in range(-1, 8) for v in (1, 2, 5) if bottom <= v * 10.0 ** e <= top])
        axes.minorticks_off()
        axes.set_xlabel("one turn in this many is as slow or slower")
        axes.set_ylabel("nanoseconds per turn")
        _legend(figure, axes, width)
        return figure

    return _drawn_twice(title, title, draw)
