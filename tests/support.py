# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Shared by the tests: temporary folders, running the generator, random schemas from a seed, C compilers."""

import contextlib
import io
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BAD = ROOT / "tests/generator/bad"
GOOD = sorted((ROOT / "schema").glob("*.yaml"))
GENERATED = ROOT / "generated"
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from gen import cli, generate, layout                          # noqa: E402  (the path comes first)
from gen.diagnostics import SchemaError                         # noqa: E402

WARNINGS = ("-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes -Wcast-qual "
            "-Wcast-align=strict -Wswitch-enum -Werror").split()
WARNINGS_CPP = [flag for flag in WARNINGS if flag != "-Wstrict-prototypes"]
GOOD_TEXT = "protocol: calc\nmessages: {Add: {max_live: 2, fields: {left: u64, right: u64}}, Quit: }\n"
BAD_TEXT = "protocol: calc\nmessages: {Add: {tag: 0}}\n"
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


def long(test):
    """Marks a test, or a class of them, that takes long: `make check` leaves it out, `make check-long` runs it."""
    test.is_long = True
    return test


class FolderTest(unittest.TestCase):
    """Each test has a temporary folder of its own: self.folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()


class CommandTest(FolderTest):
    """A good schema, a bad one, and self.out, a folder for outputs that does not exist yet."""

    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)            # for tests as another user
        self.good = self.folder / "good.yaml"
        self.good.write_text(GOOD_TEXT)
        self.bad = self.folder / "bad.yaml"
        self.bad.write_text(BAD_TEXT)
        self.out = self.folder / "out"

    def names(self) -> list[str]:
        return sorted(path.name for path in self.out.iterdir()) if self.out.exists() else []

    def states(self, folder: Path | None = None) -> dict[str, tuple]:
        return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes())
                for path in (folder or self.out).iterdir()}

    def assert_trouble(self, done: subprocess.CompletedProcess, part: str = ""):
        """Exit status 2, and one line on stderr, with this part, instead of a traceback."""
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, r"\Aprotopool: [^\n]+\n\Z")
        self.assertIn(part, done.stderr)


def command(*arguments, python=sys.executable, **options) -> subprocess.CompletedProcess:
    """Runs `python -m gen ARGUMENTS` in a process of its own. Its output is text unless the options change that."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    return subprocess.run([python, "-m", "gen", *map(str, arguments)], env=environment, timeout=120,
                          **{"capture_output": True, "text": True, **options})


def runs_unprivileged() -> bool:
    """Whether NOBODY can run the generator."""
    try:
        return command("--version", cwd=ROOT, **NOBODY).returncode == 0
    except PermissionError:
        return False


def processor_seconds() -> float:
    """What the processor has spent on processes that this one started: what else the machine does is left out."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main(*arguments) -> tuple[int, str, str]:
    """Runs the command line in this process. Returns the exit status, standard output and standard error.

    Raises SystemExit for wrong usage and for help.
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.main([str(argument) for argument in arguments])
    return status, out.getvalue(), err.getvalue()


def called(*arguments) -> subprocess.CompletedProcess:
    """As `command`, but in this process, which takes a tenth of the time."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as end:           # wrong usage, and help
            status = end.code
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def lay_out(text: str | bytes, name: str = "schema.yaml") -> layout.Layout:
    return generate.lay_out([(name, text.encode() if isinstance(text, str) else text)])[0]


def emit(text: str | bytes, name: str = "schema.yaml") -> dict[str, str]:
    return generate.generate([(name, text.encode() if isinstance(text, str) else text)])


def errors(text: str | bytes) -> list[str]:
    """The errors in the schema as they are printed; empty if it is good."""
    try:
        lay_out(text)
    except SchemaError as error:
        return [str(diagnostic) for diagnostic in error.diagnostics]
    return []


def of_fields(fields: dict[str, str], head: str = "") -> str:
    """A schema with one message that has these fields."""
    lines = "".join(f"      {name}: {{type: '{kind}'}}\n" for name, kind in fields.items())
    return f"protocol: calc\n{head}messages:\n  Add:\n    fields:\n{lines}"


SCALARS = "bool u8 i8 u16 i16 u24 i24 u32 i32 u48 i48 u64 i64 f16 f32 f64 char".split()
WHOLE_SCALARS = [name for name in SCALARS if name[1:] not in ("24", "48") and name != "f16"]    # C types without a range of their own


def random_type(rng: random.Random, enums: list[str], scalars: list[str] = SCALARS) -> str:
    element = rng.choice(scalars + enums)
    bound = rng.choice((1, 2, 3, 7, 8, 15, 31, 100, 254, 255, 256, 300, 65535, 65536))
    return rng.choice((element, element, element, f"{element}[{bound}]", f"char[{bound}]", f"string[<={bound}]",
                       f"bytes[<={bound}]"))


def random_field(rng: random.Random, named: list[str]) -> str:
    """The type of a field, of any kind. named: enums, flags and structs that it can use."""
    kind = random_type(rng, named)
    if rng.random() < 0.05:
        number = rng.choice(("u8", "i16", "u32", "u64", "f16", "f32", "f64"))
        return f"{{type: '{number}?', absent: {'nan' if number[0] == 'f' else rng.choice((0, 1, 100))}}}"
    if rng.random() < 0.3:
        kind = f"{rng.choice(named + SCALARS[:-1])}[<={rng.choice((1, 3, 8, 255, 256))}]"
    return kind + ("?" if rng.random() < 0.25 else "")


def random_one_of(rng: random.Random, named: list[str]) -> str:
    """A field that is one of several. named: what random_field takes."""
    kinds = [random_type(rng, named) for _ in range(rng.randint(2, 5))]
    kinds += [f"{rng.choice(named)}[<=3]"] if rng.random() < 0.5 else []
    name = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=8))
    written = ", ".join(f"{name}{i}: '{kind}'" for i, kind in enumerate(kinds))
    return f"{{one_of: {{{written}}}{rng.choice(('', ', optional: true'))}}}"


def random_fields(rng: random.Random, named: list[str], most: int, least: int = 0, field=random_type) -> dict[str, str]:
    return {f"field{i}": field(rng, named) for i in range(rng.randint(least, most))}


def random_schema(seed: int, messages: int = 12, most_fields: int = 10) -> str:
    rng, choices = random.Random(seed), random.Random(f"one_of {seed}")
    lines = ["protocol: calc", "enums:"]
    enums = []
    for base in ("u8", "i8", "u16", "i32", "u64", "i64"):
        enums.append(f"choice_{base}")
        low, high = (0, 255) if base[0] == "u" else (-128, 127)
        values = ", ".join(f"v{i}: {n}" for i, n in enumerate(rng.sample(range(low, high), rng.randint(1, 6))))
        lines.append(f"  choice_{base}: {{base: {base}, values: {{{values}}}}}")
    flags = [f"bits_{base}" for base in ("u8", "u16", "u64")]
    lines.append("flags:")
    lines += [f"  {name}: {{base: {name[5:]}, values: {{{', '.join(f'b{n}: {n}' for n in rng.sample(range(8), 3))}}}}}" for name in flags]
    types = [f"count_{base}" for base in ("u8", "i32", "f64")]
    lines.append("types:")
    lines += [f"  {name}: {{type: {name[6:]}, range: [{rng.randint(0, 9)}, {rng.randint(10, 99)}], unit: m}}" for name in types]
    lines.append("bit_fields:")
    for i in range(2):
        parts = ", ".join(f"p{j}: {rng.choice(('1', '3', '{type: bool}', '{bits: 5, range: [2, 9]}', '{bits: 8, type: choice_u8}'))}"
                          for j in range(rng.randint(1, 4)))
        lines.append(f"  parts{i}: {{bits: {{{parts}}}}}")
        flags.append(f"parts{i}")
    structs: list[str] = []
    lines.append("structs:")
    for i in range(3):                  # small ones, because fields may contain many of them
        fields = {f"f{j}": rng.choice((*SCALARS, *enums, *flags, *types, *structs, "u8[3]", "i32[<=2]", "char[5]", "string[<=6]", "f64?"))
                  for j in range(rng.randint(1, 5))}
        written = [f"{name}: '{kind}'" for name, kind in fields.items()]
        if choices.random() < 0.5:
            written.append("choice: {one_of: {whole: " + choices.choice(enums + flags + types) + ", text: 'string[<=5]', list: 'u16[<=3]'}}")
        lines.append(f"  struct{i}: {{fields: {{{', '.join(written)}}}}}")
        structs.append(f"struct{i}")
    lines.append("messages:")
    *tags, last_tag = rng.sample(range(1, rng.choice((255, 65535, 2**31))), messages + 1)
    for i, tag in enumerate(tags):
        lines += [f"  Message{i}:", f"    tag: {tag}", f"    max_live: {rng.randint(0, 9)}", "    fields:"]
        fields = random_fields(rng, [*enums, *flags, *types, *structs], most_fields, field=random_field)
        if fields and i % 5 == 3:
            lines.insert(-1, "    shared: true")
        lines += [f"      {name}: {kind}" for name, kind in fields.items()]
        lines += [f"      choice{k}: {random_one_of(choices, [*enums, *flags, *types, *structs])}" for k in range(choices.choice((0, 0, 1, 2)))]
        if rng.random() < 0.3:
            kind = rng.choice(("string", "bytes", "string[<=20][]", f"{rng.choice((*SCALARS[:-1], *enums, *flags, *types, *structs))}[]")) + rng.choice(("", "?"))
            lines.append(f"      tail: {{type: '{kind}', max: {rng.choice((1, 200, 255, 65535, 100000))}}}")
        if rng.random() < 0.2:
            lines += ["      text: {type: string, max: 300}", f"      more: {{type: '{rng.choice(('bytes', 'u16[]', 'f64[]', 'string[<=30][]'))}', max: 70000}}",
                      "      behind: u8"]
    lines += ["  Enums:", f"    tag: {last_tag}", "    fields:"] + [f"      {enum}: {enum}" for enum in enums]
    return "\n".join(lines) + "\n"


def large_schema(messages: int, fields: int) -> str:
    """A schema with this many messages, and this many fields in all of them."""
    rng = random.Random(1)
    lines = ["protocol: big", "enums:"]
    lines += [f"  choice{i}: {{values: [red, green, blue]}}" for i in range(20)]
    lines.append("messages:")
    for i in range(messages):
        lines += [f"  Message{i}:", f"    doc: The message number {i}.", "    fields:"]
        lines += [f"      field{j}: {{type: '{random_type(rng, ['choice3', 'choice7'], WHOLE_SCALARS)}', doc: The field number {j}.}}"
                  for j in range(fields // messages + (i < fields % messages))]
    return "\n".join(lines) + "\n"


def compilers(*names: str) -> list[str]:
    return [name for name in names if shutil.which(name)]


def engine_is_there() -> bool:
    return (GENERATED / "protopool.h").exists()


def write_all(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")


def compile_c(compiler: str, directory: Path, source: str, *flags: str) -> str:
    """What the compiler prints about the file's syntax and assertions: empty if it is clean."""
    cpp = "++" in compiler
    warnings = WARNINGS_CPP if cpp else WARNINGS
    if "clang" in compiler:
        warnings = [flag.replace("-Wcast-align=strict", "-Wcast-align") for flag in warnings]
    done = subprocess.run([compiler, "-std=c++17" if cpp else "-std=c11", *warnings, "-fsyntax-only", *flags,
                           "-I", str(GENERATED), source], cwd=directory, capture_output=True, text=True, timeout=300)
    return done.stderr if done.returncode or done.stderr else ""
