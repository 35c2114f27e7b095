# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The whole way of definitions in another language: import, format, lint, generate, compile with all warnings in C and in C++, and run
the emitted suite under sanitizers. Of MAVLink, the sizes of payloads are compared with those that the XML gives.

    python3 tests/importers/whole_way.py mavlink common.xml minimal.xml

prints a line for each file. The files are not part of this repository: fetch them yourself."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import WARNINGS, WARNINGS_CPP, main                     # noqa: E402

from gen import files, generate                                                          # noqa: E402
from gen.importers.names import identifier                                                # noqa: E402
from gen.model import Flags                                                              # noqa: E402

SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -O0".split()
LIBRARIES = "-lcheck -lsubunit -lrt -lm -lpthread".split()
MAVLINK_BYTES = {"char": 1, "float": 4, "double": 8, "uint8_t_mavlink_version": 1,
                 **{f"{sign}int{8 * size}_t": size for sign in ("", "u") for size in (1, 2, 4, 8)}}


class Failed(Exception):
    """What went wrong, as text."""


def imported(language: str, paths: list[str], folder: Path, include: list[str] = [], options: list[str] = []) -> list[Path]:
    """Imports the files, and makes sure that lint and fmt find nothing. Returns the protocols' schemas."""
    status, out, err = main("import", language, *options, "-o", folder, *(f"-I{one}" for one in include), *paths)
    if status:
        raise Failed(err)
    written = [Path(line) for line in out.split("\n") if line]
    schemas = [path for path in written if re.search(r"(?m)^protocol: ", path.read_text(encoding="utf-8"))]
    for words in (["fmt", "--check", *written], ["lint", *schemas]):
        if (result := main(*words)) != (0, "", ""):
            raise Failed(f"{words[0]}: {result}")
    return schemas


def built_and_run(schema: Path, folder: Path, suite: bool = True) -> str:
    """Generates the C, compiles it, and runs its suite. Returns the last line of the suite."""
    status, _, err = main("generate", "--cpp", "--tests", folder, "-o", folder, schema)
    if status:
        raise Failed(err)
    name = next(folder.glob("*_check.c")).name.removesuffix("_check.c")
    (folder / "use.cpp").write_text(f'#include "{name}.hpp"\n', encoding="utf-8")
    common = ["-D_POSIX_C_SOURCE=200809L", "-I", folder]
    _run(["g++", "-std=c++17", *WARNINGS_CPP, *common, "-fsyntax-only", folder / "use.cpp"])
    _run(["clang", "-std=c11", *(flag.partition("=strict")[0] for flag in WARNINGS), *common, "-fsyntax-only", folder / f"{name}.c"])
    sources = [folder / f"{name}.c", folder / "protopool.c", *([folder / f"{name}_check.c"] if suite else [])]
    objects = [source.with_suffix(".o") for source in sources]
    for source, made in zip(sources, objects):
        _run(["gcc", "-std=c11", *WARNINGS, *common, *SANITIZERS, "-c", source, "-o", made])
    if not suite:
        return "not run"
    _run(["gcc", *SANITIZERS, *objects, "-o", folder / "suite", *LIBRARIES])
    return _run([folder / "suite"], env={**os.environ, "CK_FORK": "no"}).strip().splitlines()[-1]


def _run(words: list, **options) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    if done.returncode or (done.stderr and "suite" not in str(words[0])):
        raise Failed(f"{words[0]}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def layout(schema: Path):
    return generate.lay_out([files.read_schema(str(schema))], files.read_imported)[0]


# The sizes of MAVLink's payloads, by another reader of the XML than the importer's.

def payloads(path: Path, is_packed: bool, seen: set[Path] | None = None) -> dict[int, list[tuple[str, int, bool]]]:
    """By the number of the message: for each field its name, its bytes, and whether its values are those of an enum. is_packed: in the order
    of MAVLink's payloads."""
    seen = set() if seen is None else seen
    if path.resolve() in seen:
        return {}
    seen.add(path.resolve())
    root = ElementTree.parse(path).getroot()
    found: dict[int, list[tuple[str, int, bool]]] = {}
    for include in root.iter("include"):
        found |= payloads(path.parent / include.text.strip(), is_packed, seen)
    for message in root.iter("message"):
        children = list(message)
        sent = [child.tag for child in children].index("extensions") if message.find("extensions") is not None else len(children)
        if is_packed:
            children[:sent] = sorted(children[:sent], key=lambda child: -_bytes(child.get("type", "").partition("[")[0]) if child.tag == "field" else 0)
        found[int(message.get("id"))] = [(field.get("name"), _bytes(field.get("type")), field.get("enum") is not None)
                                         for field in children if field.tag == "field"]
    return found


def _bytes(kind: str) -> int:
    name, _, count = kind.partition("[")
    return MAVLINK_BYTES[name.strip()] * int(count.rstrip("] ") or 1)


def compare_payloads(xml: Path, schema: Path, is_packed: bool = False) -> tuple[int, int]:
    """Compares each message of the schema with the XML: its fields, and their bytes. Unless it is packed, a field with an enum may take fewer,
    because the generator chooses the enum's base, or more, if the enum has values that the field of the XML does not hold. Returns the
    bytes of all payloads, and how many of them the enums save."""
    wanted = payloads(xml, is_packed)
    made = {message.tag: message for message in layout(schema).protocol.messages}
    zero = set(made) - set(wanted)
    if len(wanted) != len(made) or (0 in wanted) != (len(zero) == 1):
        raise Failed(f"{xml} has {len(wanted)} messages, {schema} has {len(made)}")
    total = saved = 0
    for number, fields in wanted.items():
        message = made[number if number in made else zero.pop()]
        if len(message.fields) != len(fields):
            raise Failed(f"{message.name.schema}: {len(fields)} fields in {xml}, {len(message.fields)} in the schema")
        for field, (name, size, is_enum) in zip(message.fields, fields):
            bytes_here = field_bytes(field)
            if bytes_here != size and not (is_enum and not is_packed and (bytes_here < size or not _holds(size, field))):
                raise Failed(f"{message.name.schema}.{field.name.schema}: {bytes_here} bytes, and {size} of {name} in {xml}")
            if is_packed and field.name.schema != identifier(name, "field"):
                raise Failed(f"{message.name.schema}: {field.name.schema} is where the payload has {name}")
            total, saved = total + size, saved + size - bytes_here
    return total, saved


def field_bytes(field) -> int:
    inner = field.inner
    element = getattr(inner.element, "base", inner.element)         # None: characters
    return (element.size if element else 1) * (inner.most if inner.kind in ("array", "chars") else 1)


def _holds(size: int, field) -> bool:
    """Whether this number of bytes holds each value of the field's enum. Some definitions have fields that do not."""
    bits = 8 * size // (field.inner.most if field.inner.kind == "array" else 1)
    most = bits if isinstance(field.inner.element, Flags) else 2**bits
    return all(value.number < most for value in field.inner.element.values)


def main_() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("language", choices=("mavlink", "sbe", "proto"))
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("-I", "--include", action="append", default=[])
    parser.add_argument("--packed", action="store_true", help="import MAVLink's payloads, which must have the bytes of the XML")
    parser.add_argument("--no-suite", action="store_true", help="compile, but do not run the suite")
    options = parser.parse_args()
    failures = 0
    for path in options.files:
        with tempfile.TemporaryDirectory() as folder:
            try:
                print(f"{path.name}: {_line(options, path, Path(folder))}", flush=True)
            except Failed as error:
                failures += 1
                print(f"{path.name}: FAILED: {error}", flush=True)
    return 1 if failures else 0


def _line(options: argparse.Namespace, path: Path, folder: Path) -> str:
    parts = []
    for schema in imported(options.language, [str(path)], folder / "schema", options.include, ["--packed"] * options.packed):
        protocol = layout(schema).protocol
        texts = [file.read_text(encoding="utf-8") for file in (folder / "schema").glob("*.yaml")]
        (folder / schema.stem).mkdir()
        fields = sum(len(record.fields) for record in (*protocol.messages, *protocol.structs))
        parts.append(f"{len(protocol.messages)} messages, {len(protocol.structs)} structs, {fields} fields, "
                     f"{sum(text.count('# lost: ') for text in texts)} lost, {sum(text.count('# choose: ') for text in texts)} bounds to choose; "
                     f"suite: {built_and_run(schema, folder / schema.stem, not options.no_suite)}")
        if options.language == "mavlink":
            total, saved = compare_payloads(path, schema, options.packed)
            parts.append(f"payloads agree: {total} bytes, of which the bases of enums save {saved}")
    return "; ".join(parts)


if __name__ == "__main__":
    sys.exit(main_())
