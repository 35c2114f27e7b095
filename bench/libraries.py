# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What an allocator's library can do, by its symbols: whether it replaces malloc, frees with the size given, and has heaps or
arenas for a thread of its own. Knows its version too."""

import platform
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from .contenders import GLIBC, Contender, compiler

SIZED_FREE = ("free_sized", "sdallocx", "mi_free_size", "tc_free_sized")
# Ways to use a library: by name, the symbols that it needs and what the driver is compiled with. The first that fits.
HEAPS = ((("mi_heap_new", "mi_heap_theap", "mi_theap_malloc"), "-DBENCH_THEAP"), (("mi_heap_new", "mi_heap_malloc"), "-DBENCH_HEAP"))
ARENAS = ((("mallctl", "sdallocx"), "-DBENCH_ARENA"),)
WAYS = (("heap", HEAPS), ("arena", ARENAS))


def known(contender: Contender) -> tuple[list[Contender], str | None]:
    """The contender with what its library can do, and a contender more for each way to use it; or none, and why."""
    if contender is GLIBC:
        return [replace(contender, version=" ".join(platform.libc_ver()))], None
    file = _file(contender.library) if contender.general else None
    if file is None:
        return [contender], None
    symbols = _symbols(file)
    if not {"malloc", "free"} <= symbols:
        return [], f"{contender.name}: {file.name} defines no malloc and free, so the C library's would be measured"
    plain = replace(contender, version=_version(contender, file), sized=next((f for f in SIZED_FREE if f in symbols), ""))
    fit = {way: next((define for needs, define in forms if symbols.issuperset(needs)), None) for way, forms in WAYS}
    return [plain, *(_used(plain, way, define) for way, define in fit.items() if define is not None)], None


def _used(plain: Contender, way: str, define: str) -> Contender:
    article = "an" if way == "arena" else "a"
    return replace(plain, name=f"{plain.name}-{way}", what=f"{plain.name}, each thread from {article} {way} of its own",
                   define=(*plain.define, define), part_of=plain.name)


def _file(library: str) -> Path | None:
    if not library:
        return None
    found = Path(subprocess.run([compiler(), f"-print-file-name={library}"], capture_output=True, text=True).stdout.strip())
    return found if found.is_absolute() and found.exists() else None


def _symbols(file: Path) -> set[str]:
    """The global names that the library defines."""
    listed = subprocess.run(["nm", "--defined-only", "--extern-only", *(["-D"] if file.suffix == ".so" else []), file],
                            capture_output=True, text=True, errors="replace").stdout
    return {words[2].partition("@")[0] for words in map(str.split, listed.splitlines()) if len(words) == 3}


def _version(contender: Contender, file: Path) -> str:
    """Of a Debian package, or as a file beside the archive says, NAME.version; else unknown."""
    if not contender.package:
        beside = file.with_suffix(".version")
        return beside.read_text(encoding="utf-8").strip() if beside.exists() else "unknown"
    if shutil.which("dpkg-query") is None:
        return "unknown"
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", contender.package], capture_output=True, text=True)
    return f"{asked.stdout} of Debian" if asked.returncode == 0 and asked.stdout else "unknown"
