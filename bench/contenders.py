# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The contenders and their programs: bench/driver.c, compiled for each way to allocate, linked with each allocator."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
CFLAGS = ["-std=gnu11", "-O3", "-DNDEBUG", "-D_GNU_SOURCE"]
STATIC_LIBS = ["-lstdc++", "-lm", "-ldl", "-lpthread"]


@dataclass(frozen=True)
class Contender:
    """general: it can replace the C library's allocator in any program. package: the Debian package of its library."""

    name: str
    what: str
    define: tuple[str, ...]
    libraries: tuple[str, ...] = ()
    general: bool = False
    one_thread_only: bool = False
    package: str = ""


MALLOC = ("-DBENCH_MALLOC",)
LIMIT = Contender("limit", "the work without an allocator", ("-DBENCH_LIMIT",))
POOL = Contender("pool", "the pool, level 0: nothing is checked", ("-DBENCH_POOL",))
GLIBC = Contender("glibc", "malloc(sizeof variant) of the C library", MALLOC)
CONTENDERS = (
    LIMIT,
    POOL,
    Contender("pool-1", "the pool, level 1: the checks for production", ("-DBENCH_POOL", "-DPROTOPOOL_CHECK=1")),
    Contender("pool-depot", "the pool, joined to a depot, in one thread", ("-DBENCH_POOL", "-DBENCH_DEPOT"), one_thread_only=True),
    GLIBC,
    Contender("jemalloc", "malloc(sizeof variant) of jemalloc, linked statically", MALLOC,
              ("-l:libjemalloc.a", *STATIC_LIBS), True, package="libjemalloc-dev"),
    Contender("mimalloc", "malloc(sizeof variant) of mimalloc, its shared library (Debian has no archive)", MALLOC,
              ("-lmimalloc",), True, package="libmimalloc-dev"),
    Contender("tcmalloc", "malloc(sizeof variant) of tcmalloc (gperftools, minimal), linked statically", MALLOC,
              ("-l:libtcmalloc_minimal.a", *STATIC_LIBS), True, package="libgoogle-perftools-dev"),
    Contender("union", "malloc(sizeof union) of the C library", ("-DBENCH_UNION",)),
    Contender("seed", "the union-and-mutex design: a mutex and a stack of blocks of the union's size", ("-DBENCH_SEED",)),
    Contender("list", "a list of free slots for each slot size, linked through the slots", ("-DBENCH_LIST",), one_thread_only=True),
)
QUICK = ("limit", "pool", "pool-1", "glibc", "jemalloc", "mimalloc", "tcmalloc")
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
                      ("-Wl,--whole-archive", str(path.resolve()), "-Wl,--no-whole-archive", *STATIC_LIBS, "-latomic"), True)
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
          driver: str = "driver") -> tuple[dict[str, Path], list[str]]:
    """The program of each contender by name, and which contenders are left out and why. one: the variant for workloads of one
    variant, by its C name and its name. folder: the generated files."""
    defines = sorted({c.define for c in contenders})
    include = ["-I", folder, "-I", ROOT / "bench", "-I", ROOT / "generated", f'-DBENCH_PROTOCOL="{protocol}_bench.h"',
               f"-DBENCH_ONE={one[0]}", f'-DBENCH_ONE_NAME="{one[1]}"']

    def compile_for(define: tuple[str, ...]) -> None:
        name = "".join(define).replace("-DBENCH_", "_").replace("-DPROTOPOOL_", "_")
        for source, stem in ((ROOT / f"bench/{driver}.c", driver), (folder / f"{protocol}.c", protocol),
                             (folder / "protopool.c", "protopool")):
            if stem != driver and (folder / f"{stem}{name}.o").exists():
                continue
            _must(_compile([*define, *include, "-c", source, "-o", folder / f"{stem}{name}.o"]))

    def link(contender: Contender) -> Path | None:
        name = "".join(contender.define).replace("-DBENCH_", "_").replace("-DPROTOPOOL_", "_")
        program = folder / f"{driver}-{contender.name.replace(' ', '-')}"
        objects = [folder / f"{stem}{name}.o" for stem in (driver, protocol, "protopool")]
        done = _compile([*objects, "-o", program, *contender.libraries, "-lpthread"])
        if done.returncode != 0 and not contender.general:
            _must(done)
        return program if done.returncode == 0 else None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_for, defines))
        linked = dict(zip((c.name for c in contenders), pool.map(link, contenders)))
    left_out = [f"{c.name}: " + (f"not installed ({c.package})" if c.package else "does not link")
                for c in contenders if linked[c.name] is None]
    return {name: program for name, program in linked.items() if program is not None}, left_out
