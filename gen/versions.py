# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Where the old version of a schema is: in a file, in a folder, or in a commit of a git repository."""

import errno
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from . import files
from .diagnostics import SchemaError, Source, quoted
from .generate import lay_out
from .laid_out import Layout
from .language.yaml_tree import MAX_BYTES

_GIT = re.compile(r"(?P<path>[^#]*)#(?P<kind>ref|branch|tag)=(?P<name>[^#]+)")
# git sets these for hooks. They would name a repository to use whatever the folder is.
_OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
_TRIED = {"ref": ("{}", "refs/remotes/origin/{}"), "branch": ("refs/heads/{}", "refs/remotes/origin/{}"), "tag": ("refs/tags/{}",)}


@dataclass(frozen=True)
class Version:
    """A schema with its layout. source: with the name that messages show."""

    source: Source
    layout: Layout


@dataclass(frozen=True)
class Commit:
    """git_folder: a folder in which git finds the repository. name: as the user gave it."""

    git_folder: str
    name: str
    hash: str


def read(path: str) -> Version:
    """Raises OSError, SchemaError."""
    return _version(*files.read_schema(path), files.read_imported)


def of_folder(folder: str, path: str) -> Version | None:
    """The schema of the same relative path in the folder; None if there is none. Raises OSError, SchemaError."""
    inside = os.path.relpath(path)
    old = os.path.join(folder, os.path.basename(path) if inside.startswith(os.pardir + os.sep) else inside)
    return read(old) if os.path.exists(old) else None


def commit(against: str) -> Commit | None:
    """The commit that PATH#ref=NAME, #branch= or #tag= means; None if it is the path of a file or a folder. Raises OSError."""
    match = _GIT.fullmatch(against)
    if match is None:
        is_repository = os.path.basename(os.path.normpath(against)) == ".git"
        if is_repository or "#" in against and not os.path.exists(against):
            raise OSError(errno.EINVAL, 'write it as .git#ref=NAME, .git#branch=NAME or .git#tag=NAME', against)
        return None
    path, name = match["path"] or ".", match["name"]
    if not os.path.exists(path):
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    folder = path if os.path.isdir(path) and os.path.basename(os.path.normpath(path)) != ".git" else os.path.dirname(os.path.normpath(path)) or "."
    _git(folder, "rev-parse", "--git-dir")
    tried = [] if name.startswith("-") else [form.format(name) for form in _TRIED[match["kind"]]]
    found = next((hash for revision in tried if (hash := _git(folder, "rev-parse", "--quiet", "--verify", revision + "^{commit}", missing=b""))), b"")
    if not found:
        raise OSError(errno.ENOENT, f"the repository has no {match['kind']} {quoted(name)}; a shallow clone may lack it: git fetch --unshallow --tags",
                      against)
    return Commit(folder, name, found.decode().strip())


def of_commit(old: Commit, path: str) -> Version | None:
    """The schema as it is in the commit, with what it imports there; None if it is not there. Raises OSError, SchemaError."""
    folder = os.path.dirname(path) or "."
    root, *outer = os.fsdecode(_git(folder, "rev-parse", "--show-toplevel", "--show-superproject-working-tree")).splitlines()
    if outer and outer[0] == os.fsdecode(_git(old.git_folder, "rev-parse", "--show-toplevel", missing=b"")).rstrip("\n"):
        raise OSError(errno.EINVAL, f"it is in a submodule: compare it with {os.path.relpath(root)}/.git#ref=NAME", path)
    inside = Path(os.path.relpath(os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path)), root)).as_posix()

    def load(wanted: str) -> tuple[str, bytes]:
        wanted = Path(wanted).as_posix()
        raw = _show(old, wanted)
        if raw is None:
            raise OSError(errno.ENOENT, f"it is not in {old.name}", wanted)
        return f"{old.name}:{wanted}", raw

    raw = _show(old, inside)
    if raw is None:
        return None
    try:
        version = _version(inside, raw, load)
    except SchemaError as error:
        raise SchemaError([d if d.source.is_imported else replace(d, source=replace(d.source, name=f"{old.name}:{inside}"))
                           for d in error.diagnostics]) from error
    return replace(version, source=replace(version.source, name=f"{old.name}:{inside}"))


def _version(name: str, raw: bytes, load: Callable[[str], tuple[str, bytes]]) -> Version:
    return Version(Source(name, raw.decode("utf-8", "replace").removeprefix("\ufeff")), lay_out([(name, raw)], load)[0])


def _show(old: Commit, path: str) -> bytes | None:
    """The bytes of a file, as far as a schema may be long; None if the commit has no such file. Follows links inside of the commit."""
    if path.startswith(("/", "../")) or "\n" in path:
        return None
    asked = os.fsencode(f"{old.hash}:{path}\n")
    printed, _, raw = _git(old.git_folder, "cat-file", "--batch", "--follow-symlinks", asked=asked).partition(b"\n")
    found = re.fullmatch(rb"[0-9a-f]+ blob ([0-9]+)", printed)
    return raw[:min(int(found[1]), MAX_BYTES + 1)] if found else None


def _git(folder: str, *arguments: str, asked: bytes = b"", missing: bytes | None = None) -> bytes:
    """What git prints. asked: its standard input. missing: returned if git fails; if it is None, that raises OSError with git's
    first line."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}
    try:
        done = subprocess.run(["git", "-C", folder, *arguments], input=asked, capture_output=True, check=False, env=environment)
    except FileNotFoundError as error:
        raise OSError(errno.ENOENT, "git is not installed", "git") from error
    if done.returncode and missing is not None:
        return missing
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"status {done.returncode}"]
        raise OSError(errno.EIO, f"git {arguments[0]}: {lines[0].removeprefix('fatal: ')}", folder)
    return done.stdout
