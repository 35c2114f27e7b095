# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The contenders and their programs: bench/driver.c, compiled for each way to allocate, linked with each allocator."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
CFLAGS = ["-std=gnu11", "-O3", "-DNDEBUG", "-D_GNU_SOURCE"]
STATIC_LIBS = ["-lstdc++", "-lm", "-ldl", "-lpthread"]


@dataclass(frozen=True)
class Contender:
    """general: it can replace the C library's allocator in any program. package: the Debian package of its library. library: the
    library's file. sized: its function that frees and is given the size, if it has one. frees: the function that frees. part_of:
    the contender that it is a way to use of. is_aside: left out of long workloads."""

    name: str
    what: str
    define: tuple[str, ...]
    libraries: tuple[str, ...] = ()
    general: bool = False
    one_thread_only: bool = False
    package: str = ""
    library: str = ""
    version: str = ""
    sized: str = ""
    frees: str = "free"
    two_threads_only: bool = False
    part_of: str = ""
    is_aside: bool = False

    def sizing(self) -> "Contender":
        """The same, which frees with the function that is given the size."""
        how = "-DBENCH_SDALLOCX" if self.sized == "sdallocx" else f"-DBENCH_SIZED_FREE={self.sized}"
        return replace(self, define=(*self.define, how), frees=self.sized)

    def described(self) -> str:
        """In words, for the report."""
        how = f", freed with {self.frees}" if self.frees != "free" else ""
        return self.what + (f"; version {self.version}" if self.version else "") + how


MALLOC = ("-DBENCH_MALLOC",)
LIMIT = Contender("limit", "the work without an allocator; between two threads the better of two: free writes nothing, or one byte", ("-DBENCH_LIMIT",))
POOL = Contender("pool", "the pool, level 0: nothing is checked", ("-DBENCH_POOL",))
GLIBC = Contender("glibc", "malloc(sizeof variant) of the C library", MALLOC)
LIMIT_WRITING = Contender("limit, writing", "the work without an allocator; free writes a byte", ("-DBENCH_LIMIT", "-DBENCH_WRITE"),
                          two_threads_only=True)
CONTENDERS = (
    LIMIT,
    LIMIT_WRITING,
    POOL,
    Contender("pool-1", "the pool, level 1: the checks for production", ("-DBENCH_POOL", "-DPROTOPOOL_CHECK=1")),
    Contender("pool-writing", "the pool, level 0, with PROTOPOOL_FREE_WRITES: free writes into the message",
              ("-DBENCH_POOL", "-DPROTOPOOL_FREE_WRITES"), two_threads_only=True, is_aside=True),
    Contender("pool-depot", "the pool, joined to a depot, in one thread", ("-DBENCH_POOL", "-DBENCH_DEPOT"), one_thread_only=True,
              is_aside=True),
    GLIBC,
    Contender("jemalloc", "malloc(sizeof variant) of jemalloc, linked statically", MALLOC,
              ("-l:libjemalloc.a", *STATIC_LIBS), True, package="libjemalloc-dev", library="libjemalloc.a"),
    Contender("mimalloc", "malloc(sizeof variant) of mimalloc, its shared library (Debian has no archive)", MALLOC,
              ("-lmimalloc",), True, package="libmimalloc-dev", library="libmimalloc.so"),
    Contender("tcmalloc", "malloc(sizeof variant) of tcmalloc (gperftools, minimal), linked statically", MALLOC,
              ("-l:libtcmalloc_minimal.a", *STATIC_LIBS), True, package="libgoogle-perftools-dev", library="libtcmalloc_minimal.a"),
    Contender("union", "malloc(sizeof union) of the C library", ("-DBENCH_UNION",), is_aside=True),
    Contender("seed", "the union-and-mutex design: a mutex and a stack of blocks of the union's size", ("-DBENCH_SEED",),
              is_aside=True),
    Contender("list", "a list of free slots for each slot size, linked through the slots", ("-DBENCH_LIST",), one_thread_only=True,
              is_aside=True),
)
QUICK = ("limit", "limit, writing", "pool", "pool-1", "glibc", "jemalloc", "mimalloc", "tcmalloc")
SWEPT = ("limit", "pool", "glibc", "jemalloc", "mimalloc", "tcmalloc", "list")
POOL_AGAIN = Contender("pool again", "the pool under another name", POOL.define)
POOL_SLOWED = Contender("pool slowed", "the pool, each message allocated, read and freed twice", (*POOL.define, "-DBENCH_SLOW"))


def give_up(why: str) -> NoReturn:
    print(f"bench: {why}", file=sys.stderr)
    sys.exit(2)


def named_by_user(folder: Path | None) -> list[Contender]:
    """A contender for each archive of an allocator in the folder."""
    if folder is None:
        return []
    if not folder.is_dir():
        give_up(f"{folder}: there is no such folder")
    return [Contender(path.stem.removeprefix("lib"), f"malloc(sizeof variant) of {path.name}, linked statically", MALLOC,
                      ("-Wl,--whole-archive", str(path.resolve()), "-Wl,--no-whole-archive", *STATIC_LIBS, "-latomic"), True,
                      library=str(path.resolve()))
            for path in sorted(folder.glob("*.a"))]


def compiler() -> str:
    return os.environ.get("CC", "gcc")


def version() -> str:
    """The first line of the compiler's --version."""
    lines = subprocess.run([compiler(), "--version"], capture_output=True, text=True).stdout.splitlines()
    return lines[0] if lines else "unknown"


def _compile(arguments: list[str]) -> subprocess.CompletedProcess:
    return subprocess.run([compiler(), *CFLAGS, *map(str, arguments)], capture_output=True, text=True)


def _must(done: subprocess.CompletedProcess) -> None:
    if done.returncode != 0:
        give_up(f"the compiler fails:\n{done.stderr}")


def build(contenders: list[Contender], protocol: str, one: tuple[str, str], folder: Path,
          driver: str = "driver", suffix: str = "") -> tuple[dict[str, Path], list[str]]:
    """The program of each contender by name, and which contenders are left out and why. one: the variant for workloads of one
    variant, by its C name and its name. folder: the generated files. suffix: of the programs' names."""
    include = ["-I", folder, "-I", ROOT / "bench", "-I", ROOT / "generated", f'-DBENCH_PROTOCOL="{protocol}_bench.h"',
               f"-DBENCH_ONE={one[0]}", f'-DBENCH_ONE_NAME="{one[1]}"']

    def objects(define: tuple[str, ...]) -> dict[Path, Path]:
        """The source of each object. The emitted code and the engine know of no contender, only of a level."""
        own, shared = _named(define), _named(tuple(each for each in define if not each.startswith("-DBENCH_")))
        return {folder / f"{driver}{own}.o": ROOT / f"bench/{driver}.c", folder / f"{protocol}{shared}.o": folder / f"{protocol}.c",
                folder / f"protopool{shared}.o": folder / "protopool.c"}

    def compile_to(entry: tuple[Path, tuple]) -> None:
        _must(_compile([*entry[1][1], *include, "-c", entry[1][0], "-o", entry[0]]))

    def link(contender: Contender) -> str | None:
        """Why it does not link, or None."""
        done = _compile([*objects(contender.define), "-o", program_of(contender), *contender.libraries, "-lpthread"])
        if done.returncode != 0 and not contender.general:
            _must(done)
        return None if done.returncode == 0 else _complaint(done.stderr)

    def program_of(contender: Contender) -> Path:
        return folder / f"{driver}-{contender.name}{suffix}".replace(",", "").replace(" ", "-")

    sources = {path: (source, define) for define in dict.fromkeys(c.define for c in contenders)
               for path, source in objects(define).items() if not path.exists()}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_to, sources.items()))
        failed = dict(zip((c.name for c in contenders), pool.map(link, contenders)))
    left_out = [f"{c.name}: " + (f"not installed ({c.package})" if c.package else f"does not link: {failed[c.name]}")
                for c in contenders if failed[c.name] is not None]
    return {c.name: program_of(c) for c in contenders if failed[c.name] is None}, left_out


def _named(define: tuple[str, ...]) -> str:
    return "".join(define).replace("-DBENCH_", "_").replace("-DPROTOPOOL_", "_")


def _complaint(text: str) -> str:
    """The first line in which the linker names what is wrong."""
    lines = [line for line in text.splitlines() if "undefined" in line or "multiple" in line or "error" in line] or text.splitlines()
    return lines[0].rpartition(": ")[2][:120] if lines else "the linker says nothing"
