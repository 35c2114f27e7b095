# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Reads schemas and writes outputs. A run writes all of its files or none, and leaves a file whose text is unchanged as it is."""

import contextlib
import errno
import os
import re
import signal
import stat
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from .language.yaml_tree import MAX_BYTES

STDIN = "-"
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<process>[0-9]{1,10})\.protopool")


def read_schema(path: str) -> tuple[str, bytes]:
    """The name that messages show, and the bytes: of a file that is too long, one byte more than a schema may have.

    Raises OSError.
    """
    if path == STDIN:
        if sys.stdin is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), "<stdin>")
        return "<stdin>", sys.stdin.buffer.read(MAX_BYTES + 1)
    with open(path, "rb") as file:
        return path, file.read(MAX_BYTES + 1)


def read_imported(path: str) -> tuple[str, bytes]:
    """The same for a file that a schema imports. Refuses standard input, pipes and devices: they may have no end."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file", path)
            return path, file.read(MAX_BYTES + 1)
    except ValueError as error:         # a NUL, or a character that the file system cannot encode
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path) from error


def stale(files: dict[Path, str]) -> list[Path]:
    """The files that are missing or have another text. Raises OSError."""
    return [path for path, text in files.items() if _read(path) != _encoded(text)]


def write(files: dict[Path, str], touched: Collection[Path] = ()) -> list[Path]:
    """Writes the stale files and returns their paths. touched: files whose time is updated even if their text is unchanged.

    All texts are first written to temporary files, then renamed to their places. Signals wait until that is done.
    Raises OSError, with the file's name, after removing the temporary files.
    """
    for directory in {path.parent for path in files}:
        directory.mkdir(parents=True, exist_ok=True)
    changed = stale(files)
    temporary: dict[Path, Path] = {}
    with _signals_held():
        try:
            for path in changed:
                if _is_replaced(path):
                    temporary[path] = _write_beside(path, files[path])
            for path in list(temporary):
                os.replace(temporary[path], path)
                del temporary[path]
        finally:
            for path in temporary.values():
                path.unlink(missing_ok=True)
            _remove_leftovers(files)
    for path in changed:
        if not _is_replaced(path):      # writing to it may block until somebody reads
            with _naming(path):
                path.write_bytes(_encoded(files[path]))
    for path in touched:
        if path not in changed:
            os.utime(path)
    return changed


def create(files: dict[Path, str]) -> None:
    """Writes new files, all or none, and the folders for them. Raises OSError, also if a file exists already."""
    with _signals_held():
        created: list[Path] = []
        try:
            for path, text in files.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                with _naming(path), open(path, "xb") as file:
                    created.append(path)
                    file.write(_encoded(text))
        except OSError:
            for path in created:
                path.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Delays SIGINT, SIGTERM and SIGHUP until the block ends."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Makes an OSError name the output: write() names no file, and users do not know the temporary one."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _remove_leftovers(files: Collection[Path]) -> None:
    """Removes temporary files of killed runs: those whose process no longer exists."""
    if os.name != "posix":
        return
    for directory in {path.parent for path in files}:
        names = {path.name for path in files if path.parent == directory}
        for entry in os.listdir(directory):
            match = _TEMPORARY.fullmatch(entry)
            if match and match["name"] in names and not _is_alive(int(match["process"])):
                (directory / entry).unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _encoded(text: str) -> bytes:
    """As UTF-8. Bytes of a path that are not UTF-8, which a depfile can have, stay as they are."""
    return text.encode("utf-8", "surrogateescape")


def _is_replaced(path: Path) -> bool:
    """Whether a new file replaces the old one. A link, a device or a pipe (/dev/stdout) stays and is written to."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _read(path: Path) -> bytes | None:
    """None for a missing file, and for a device or a pipe, which may have no end."""
    try:
        mode = path.stat().st_mode
        return path.read_bytes() if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else None
    except FileNotFoundError:
        return None


def _write_beside(path: Path, text: str) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.protopool")
    with _naming(path):
        try:
            with open(temporary, "wb") as file:
                file.write(_encoded(text))
            if hasattr(os, "chown"):
                with contextlib.suppress(OSError):      # only root may, and a new file has no owner to keep
                    before = path.stat()
                    os.chown(temporary, before.st_uid, before.st_gid)
            os.chmod(temporary, _mode(path))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return temporary


def _mode(path: Path) -> int:
    """The mode of the existing file, or the one that open() would give a new file."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
