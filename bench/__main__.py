# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The command line of the benchmark. Exit status: 0 success, 1 a comparison finds a regression or the
benchmark is wrong about itself, 2 wrong usage, or the pool itself fails."""

import argparse
import json
import os
import sys
from pathlib import Path

from . import analysis, comparison, contenders, experiment, libraries, medians, protocols, report, table, verdict, workloads

TWICE = (1.8, 2.2)              # how many times as long a pair takes with the slowed pool; the loop is not slowed


def main() -> int:
    options = _parser().parse_args()
    if options.compare:
        return comparison.main(*options.compare)
    if options.table:
        return _table(options.table, options.into)
    if options.report:
        return _write(json.loads(options.report.read_text(encoding="utf-8")), options.output_dir)
    taking_part, left_out = _taking_part(options)
    results = experiment.run(options.schema or (protocols.OURS[:1] if options.quick else protocols.OURS), taking_part,
                             experiment.QUICK if options.quick else experiment.FULL, options.output_dir, options.only,
                             lambda so_far: None if options.same or options.slowed else _keep(so_far, options.output_dir), left_out)
    if not results["cells"]:
        return 0
    if options.same or options.slowed:
        other = (contenders.POOL_AGAIN if options.same else contenders.POOL_SLOWED).name
        _give_up_without(results, "pool", other)
        return _against_itself(results, other)
    _write(results, options.output_dir)
    _give_up_without(results, "pool")
    return 0


def _give_up_without(results: dict, *names: str) -> None:
    """Other contenders may fail; these must not."""
    missing = [name for name in names if any(name not in cell["printed"] for cell in results["cells"])]
    if missing:
        contenders.give_up(f"{' and '.join(missing)} failed: {'; '.join(results['left_out'])}")


def _keep(results: dict, folder: Path) -> None:
    """Replaces results.json by a whole file, so that an interrupted run keeps what it has measured."""
    part = folder / "results.json.part"
    part.write_text(json.dumps(results) + "\n", encoding="utf-8")
    os.replace(part, folder / "results.json")


def _write(results: dict, folder: Path) -> int:
    print(table.text(results), end="")
    (folder / "report.html").write_text(report.html(results), encoding="utf-8")
    print(f"\n{folder / 'report.html'} has the plots, {folder / 'results.json'} the raw samples")
    return 0


def _table(paths: list[Path], into: Path | None) -> int:
    text = medians.markdown([json.loads(path.read_text(encoding="utf-8")) for path in paths])
    if into is None:
        print(text, end="")
    else:
        medians.write_into(into, text)
    return 0


def _taking_part(options: argparse.Namespace) -> tuple[list[contenders.Contender], list[str]]:
    """The contenders, and who is left out and why."""
    if options.same or options.slowed:
        return [contenders.POOL, contenders.POOL_AGAIN if options.same else contenders.POOL_SLOWED], []
    ours = [c for c in contenders.CONTENDERS if not options.quick or c.name in contenders.QUICK]
    known = [libraries.known(c) for c in ours + contenders.named_by_user(options.peers)]
    return ([c for ways, _ in known for c in ways if not options.quick or not c.part_of],
            [why_not for _, why_not in known if why_not is not None])


def _against_itself(results: dict, other: str) -> int:
    """1 if the benchmark is wrong about the pool itself, or does not see that the slowed one takes twice as long."""
    wrong = 0
    for line in analysis.lines(results):
        ratio = line.ratios[other]
        expected = ratio.verdict == "undecided" if other == contenders.POOL_AGAIN.name else ratio.verdict == "supported"
        if other == contenders.POOL_SLOWED.name and (line.workload, line.kind) == ("pair", "one"):
            expected = expected and ratio.low < TWICE[1] and ratio.high > TWICE[0]
        wrong += not expected
        print(f"{line.protocol}, {line.title}, {line.kind}: {verdict.sentence(ratio, other)}{'' if expected else ': WRONG'}")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m bench", description="Measures whether the pool is faster than other allocators, for your protocol or ours.")
    parser.add_argument("--schema", metavar="FILE", type=Path, action="append", help="measure this schema instead of ours; may be repeated")
    parser.add_argument("--quick", action="store_true", help="measure only the main workloads, in less than a minute")
    parser.add_argument("--peers", metavar="DIR", type=Path, help="a folder of archives (*.a) of other allocators to compare with")
    parser.add_argument("--only", choices=sorted({w.name for w in workloads.WORKLOADS}), action="append",
                        default=[], help="measure only this workload; may be repeated")
    parser.add_argument("-o", "--output-dir", metavar="DIR", type=Path, default=contenders.ROOT / "build/bench",
                        help="the folder for the report (default: build/bench)")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--same", action="store_true", help="compare the pool with itself: every verdict should be undecided")
    instead.add_argument("--slowed", action="store_true", help="compare the pool with one that does everything twice")
    instead.add_argument("--compare", metavar=("OLD", "NEW"), nargs=2, type=Path,
                         help="compare two results.json, or two counts of instructions; exit 1 if something has become slower")
    instead.add_argument("--report", metavar="JSON", type=Path, help="write the report of earlier results again, also of an interrupted run")
    instead.add_argument("--table", metavar="JSON", nargs="+", type=Path, help="print the medians of several results.json as Markdown")
    parser.add_argument("--into", metavar="FILE", type=Path, help="with --table: write them into this page, between its two marks")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        contenders.give_up(f"{error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        contenders.give_up("interrupted; what was measured is in results.json, and --report shows it")
