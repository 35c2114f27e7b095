# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The names that a C header defines at file scope. `python3 names.py HEADER...` prints them, one per line, as in names.txt."""

import re
import sys
from pathlib import Path

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*$", re.MULTILINE | re.DOTALL)
_MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)
_TAG = re.compile(r"\b(?:struct|union|enum)\s+(\w+)\s*\{")
_ENUMERATORS = re.compile(r"\benum\s*\w*\s*\{([^}]*)\}")
_TYPE = re.compile(r"\btypedef\b[^;{}]*?(?:\(\s*\*\s*)?\b(\w+)\s*(?:\)?\s*\([^;]*\))?\s*;")
_FUNCTION = re.compile(r"\b(\w+)\s*\(")
_NOT_FUNCTIONS = {"static_assert", "_Static_assert", "__attribute__", "_Alignas", "alignas"}


def names_of(header: str) -> set[str]:
    """Macros, tags of structs, unions and enums, enumerators, types and functions. Names that end in "_" are internal: left out."""
    code = _STRING.sub('""', _COMMENT.sub("", header))
    names = set(_MACRO.findall(code))
    code = _DIRECTIVE.sub("", code)
    names.update(_TAG.findall(code))
    for enumerators in _ENUMERATORS.findall(code):
        names.update(re.findall(r"(?:^|,)\s*(\w+)", enumerators))
    names.update(_TYPE.findall(code))
    names.update(set(_functions(code)) - _NOT_FUNCTIONS)
    return {name for name in names if not name.endswith("_") and re.match(r"(?:protopool|calc|telemetry|itch)(?:_|\Z)", name, re.IGNORECASE)}


def _functions(code: str) -> list[str]:
    """The name before the first parenthesis of each declaration at file scope that has one, attributes aside."""
    outside = code.replace('extern "" {', "")
    while re.search(r"\{[^{}]*\}", outside):
        outside = re.sub(r"\{[^{}]*\}", ";", outside)
    outside = re.sub(r"\b(?:__attribute__|PROTOPOOL_[A-Z_]+)\s*\((?:[^()]|\([^()]*\))*\)+", "", outside)
    found = (_FUNCTION.search(declaration) for declaration in outside.split(";") if "typedef" not in declaration)
    return [match[1] for match in found if match]


if __name__ == "__main__":
    headers = "\n".join(Path(path).read_text(encoding="utf-8") for path in sys.argv[1:])
    print(*sorted(names_of(headers)), sep="\n")
