# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Fuzzing of the generator: mutations of our schemas, and schemas from a grammar that knows every key and gives it any value. Each must
give files or errors with a place, within 10 seconds and without a traceback. `python3 tests/generator/fuzz_schema.py SECONDS [SEED]`.
A schema that fails stays in build/fuzz-schema."""

import random
import re
import signal
import sys
import time
import traceback

from support import BAD, GOOD, ROOT, SchemaError, command, random_schema

from gen import generate
from gen.emit import render
from gen.views import breaking, markdown, plan

LIMIT = 10                      # seconds of the processor
FAILED = ROOT / "build" / "fuzz-schema"
SCALARS = ["u8", "i64", "i48", "f16", "f32", "char", "bool", "string", "bytes", "s1", "s2", "e1", "f1", "t1", "most", "lost", "0", "1", "-1", "300", "0x41", "'A'",
           "1e-46", "0.1", "true", "no", "~", "''", '""', '"a\\0b"', '"\\ud800"', "a b", "|", ">", "|\n", ">\n", "|\n  text", "é", "\t", "*a", "&a b", "!!str x",
           "99999999999999999999", "2147483647", "a_", "_a", "int", "NULL", "add", "Add", "x" * 70, "[]", "{}", "[a, b]", "[0, 100]", "{a: 1}"]
TYPES = ["{}", "'{}[3]'", "'{}[<=3]'", "'{}[]'", "'{}?'", "'{}[2]?'", "'{}[<=most]'", "'{}[0]'", "'{}[<=2147483647]'", "'{}??'", "'{}[3'"]
FIELD = ["type", "doc", "unit", "range", "default", "pad", "max", "c_name", "absent", "constant", "since", "deprecated", "one_of", "optional"]
SHARED = {"constants": ["value", "doc", "c_name"], "enums": ["base", "values", "doc", "c_name"], "flags": ["base", "values", "doc", "c_name"],
          "types": FIELD, "bit_fields": ["base", "bits", "doc", "c_name"], "structs": ["fields", "doc", "c_name"], "messages": ["fields", "doc", "tag", "max_live", "weight", "shared", "deprecated", "since", "replies", "c_name"]}
PARTS = ["\n", " ", "  ", ":", ": ", "- ", "? ", "?", "{", "}", "[", "]", ",", ", ", '"', "'", "|", ">", "#", " #", "&a ", "*a", "!t ", "%", "---\n",
         "...\n", "\t", "<<: ", "~", "\\", "\0", "\r", "\u0085", "\u2028", "\ufeff", "0", "-1", "u64", "string[<=4]", "[<=most]", "tag", "base",
         "c_name: ", "import: ", "default: ", "max: ", "absent: ", "since: ", "replies: ", "shared: ", "one_of: ", "optional: true"]


def mutated(rng: random.Random, seeds: list[bytes]) -> bytes:
    text = rng.choice(seeds).decode("utf-8", "replace")
    for _ in range(rng.randint(1, 4)):
        at, what = rng.randrange(len(text) + 1), rng.random()
        if what < 0.01:
            text = rng.choice(SCALARS)
        elif what < 0.4:
            text = text[:at] + rng.choice(PARTS + SCALARS) + text[at:]
        elif what < 0.6:
            text = text[:at] + text[at + rng.randint(1, 12):]
        elif what < 0.8:                # a line of this schema or of another, somewhere
            lines = text.split("\n")
            lines.insert(rng.randrange(len(lines)), rng.choice((lines, rng.choice(seeds).decode("utf-8", "replace").split("\n"))[rng.random() < 0.5]))
            text = "\n".join(lines)
        else:                           # another scalar where one stands
            words = list(re.finditer(r"[\w.\[\]<=?]+", text))
            if words:
                word = rng.choice(words)
                text = text[:word.start()] + rng.choice(SCALARS) + text[word.end():]
    raw = text.encode("utf-8", "replace")
    return raw if rng.random() < 0.95 else raw[:rng.randrange(len(raw) + 1)] + rng.randbytes(rng.randint(1, 3)) + raw[rng.randrange(len(raw) + 1):]


def from_grammar(rng: random.Random) -> bytes:
    """A schema that is mostly right, so that it gets far, and wrong in some places."""
    wrong = rng.choice((0, 0.02, 0.1))

    def anything(good: str) -> str:
        return rng.choice(SCALARS) if rng.random() < wrong else good

    def entries(indent: str, pairs: list[tuple[str, str]]) -> str:
        return "".join(f"\n{indent}{key}: {value}" for key, value in pairs)

    def field(indent: str, named: list[str], own: tuple[str, ...] = ("c_name", "since", "deprecated")) -> str:
        number = rng.choice(("u8", "i64", "u24", "f16", "f32", "f64"))
        form = rng.choice(("{}", "'{}?'", "'{}[3]'", "'{}[<=most]'", "'{}[<=300]?'"))
        good = rng.choice((form.format(number), form.format(rng.choice(["u16", "bool", *named])), "'char[4]'", "'string[<=9]?'", "'bytes[<=9]'"))
        kind = good if rng.random() > 3 * wrong else rng.choice(TYPES).format(rng.choice(SCALARS[:12]))
        if own and rng.random() < 0.15:
            return one_of(indent + "  ", named)
        given = {"type": kind, "one_of": "{a: u8, b: i64}", "optional": "true", "doc": "A text.", "unit": "mm", "range": "[1, 9]", "default": "1", "pad": "' '", "max": "9", "c_name": f"n{rng.randrange(10**6)}",
                 "since": "2", "deprecated": "true", "absent": "127", "constant": "1"}
        others = [key for key in ("doc", "unit", *own, *(("range",) if good == form.format(number) else ())) if rng.random() < 0.3]
        others += ["absent"] if good == f"'{number}?'" and rng.random() < 0.5 else []
        others += rng.sample(FIELD[1:], 1) if rng.random() < wrong else []
        if not others and rng.random() < 0.7:
            return kind
        return entries(indent + "  ", [(key, anything(given[key])) for key in dict.fromkeys(["type", *others])])

    def one_of(indent: str, named: list[str]) -> str:
        names = [anything(f"y{rng.randrange(10**6)}") for _ in range(rng.randint(2, 4))]
        alternatives = entries(indent + "  ", [(name, anything(field(indent + "  ", named, ("c_name", "since", "deprecated")[:rng.randint(0, 1) and 3])
                                                             .replace("?", ""))) for name in names])
        given = {"one_of": alternatives, "optional": "true", "doc": "A text.", "since": "2", "deprecated": "true", "c_name": f"n{rng.randrange(10**6)}"}
        return entries(indent, [(key, anything(given[key]) if key != "one_of" else alternatives) for key in ["one_of", *rng.sample(list(given)[1:], rng.randint(0, 2))]])

    def fields(indent: str, of: str) -> str:
        found = [(anything(f"x{i}"), field(indent, [] if of == "structs" else ["s1", "s2", "e1", "f1", "t1", "t2", "b1"])) for i in range(rng.randint(1, 4))]
        if of == "messages" and rng.random() < 0.3:
            tail = anything(rng.choice(("string", "'string[<=4][]'", "'s1[]'")))
            found.append(("t", f"{{type: {tail}, max: {anything('9')}}}"))
        return entries(indent, found)

    def values(indent: str) -> str:
        if rng.random() < 0.5:
            return "[" + ", ".join(anything(f"v{i}") for i in range(rng.randint(1, 3))) + "]"
        return entries(indent, [(anything(f"v{i}"), anything(str(2 * i + 1))) for i in range(rng.randint(1, 3))])

    def parts(indent: str) -> str:
        forms, last = ("3", "{bits: 2, range: [1, 3]}", "{bits: 9, type: e1}", "{bits: 2, unit: mm, doc: A text.}"), rng.randint(0, 2)
        return entries(indent, [(anything(f"p{i}"), anything(rng.choice(forms if i < last else (*forms, "{type: bool, at: 31}")))) for i in range(last + 1)])

    def thing(of: str, i: int) -> str:
        if of == "constants":
            return anything(str(rng.randint(1, 9)))
        if of == "types":
            return field("  ", ["u32"], ()).replace("?", "")
        given = {"fields": fields("      ", of), "values": values("      "), "bits": parts("      "), "doc": "A text.", "c_name": f"c{of[0]}{i}", "tag": str(10 * i + rng.randint(11, 19)),
                 "max_live": "3", "weight": "0.5", "deprecated": "true", "since": "3", "replies": "M0", "shared": "true",
                 "base": rng.choice({"enums": ("u8", "i16", "u64"), "flags": ("u8", "u16", "u64")}.get(of, ("u32", "u64")))}
        first = [key for key in ("fields", "values", "bits") if key in SHARED[of]]
        rest = [key for key in SHARED[of] if key not in first and key in given]
        return entries("    ", [(key, anything(given[key])) for key in first + rng.sample(rest, rng.choice((0, 0, 1, 2)))])

    lines = [("protocol", anything("p"))] + ([("import", anything("lost.yaml"))] if rng.random() < wrong else [])
    for of in SHARED:
        names = {"constants": ["most"], "messages": [f"M{i}" for i in range(rng.randint(1, 4))]}.get(of, [of[0] + "1", of[0] + "2"])
        lines.append((of, anything(entries("  ", [(anything(name), anything(thing(of, i))) for i, name in enumerate(names)]))))
    if rng.random() < 0.2:
        rng.shuffle(lines)
    return entries("", lines)[1:].encode("utf-8", "replace") + b"\n"


def run(raw: bytes, emits: bool) -> bool:
    """Runs every pass and view on the schema. emits: also the last pass, which takes longest. Returns whether it is accepted."""
    try:
        layout = generate.lay_out([("fuzzed.yaml", raw)])
    except SchemaError as error:
        shown = [str(diagnostic) for diagnostic in error.diagnostics]
        if not shown or not all(re.match(r"[^\n]+:[1-9]\d*:[1-9]\d*: error: \S", one) for one in shown):
            raise AssertionError(f"errors without a place: {shown}") from error
        return False
    files = render.render(layout[0], ("cpp", "bench")) | render.suite(layout[0]) if emits else {}
    plan.as_text(layout, ["fuzzed.yaml"])
    plan.as_json(layout, ["fuzzed.yaml"])
    markdown.markdown(layout[0])
    if not all(files.values()) or breaking.compare(layout[0], layout[0]):
        raise AssertionError("an empty file, or a schema that differs from itself")
    return True


def too_long(*_) -> None:
    raise AssertionError(f"more than {LIMIT} seconds")


def main(seconds: float, seed: int) -> int:
    rng = random.Random(seed)
    seeds = [path.read_bytes()[:6000] for path in (*GOOD, *sorted(BAD.glob("*.yaml")))] + [random_schema(i, 4, 5).encode() for i in range(20)]
    signal.signal(signal.SIGVTALRM, too_long)
    end, tried, accepted = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        raw = from_grammar(rng) if rng.random() < 0.4 else mutated(rng, seeds)
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
            good = run(raw, rng.random() < 0.15)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            if tried % 500 == 0:
                done = command("--list-outputs", "-", input=raw, text=False)
                if done.returncode != (0 if good else 1) or b"Traceback" in done.stderr:
                    raise AssertionError(f"exit status {done.returncode}: {done.stderr!r}")
        except Exception:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            FAILED.mkdir(parents=True, exist_ok=True)
            (FAILED / "failed.yaml").write_bytes(raw)
            traceback.print_exc()
            print(f"fuzz-schema: number {tried} of seed {seed} failed: it is in {FAILED / 'failed.yaml'}", file=sys.stderr)
            return 1
        tried, accepted = tried + 1, accepted + good
    print(f"fuzz-schema: {tried} schemas of seed {seed}, {accepted} of them accepted")
    return 0 if accepted and accepted < tried else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**9)))
