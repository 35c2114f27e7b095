# SPDX-License-Identifier: Apache-2.0 OR MIT
"""--depfile: the make rule that names every file an output depends on. Knows make's escapes and the generator's own files."""

from collections.abc import Iterable
from pathlib import Path

from .emit.render import TEMPLATES


def rule(target: str, schemas: Iterable[str]) -> str:
    """Also has an empty rule for each file, so that make does not stop where one is gone."""
    needed = [_escaped(path) for path in (*schemas, *_own_files())]
    return f"{_escaped(target)}: {' '.join(needed)}\n" + "".join(f"\n{path}:\n" for path in needed)


def _own_files() -> list[str]:
    folders = (Path(__file__).resolve().parent, TEMPLATES)     # one may be in the other
    return [str(path) for path in sorted({path for folder in folders for path in folder.rglob("*.*")})
            if path.is_file() and path.suffix not in (".pyc", ".md")]


def _escaped(path: str) -> str:
    return path.replace("$", "$$").replace("#", "\\#").replace(" ", "\\ ")
