# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Files in and out. Writes are atomic, and a file whose text is unchanged is left untouched."""

import errno
import os
import stat
import sys
import tempfile
from pathlib import Path

from .document import MAX_BYTES

STDIN = "-"


def read_schema(path: str) -> tuple[str, bytes]:
    """The schema's shown name and its bytes; of a longer file only so many that it is seen to be too long.

    Raises OSError.
    """
    if path == STDIN:
        if sys.stdin is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), "<stdin>")
        return "<stdin>", sys.stdin.buffer.read(MAX_BYTES + 1)
    with open(path, "rb") as file:
        return path, file.read(MAX_BYTES + 1)


def read_imported(path: str) -> tuple[str, bytes]:
    """The same of a file that a schema names: never standard input, nor a pipe or a device, which may have no end."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file", path)
            return path, file.read(MAX_BYTES + 1)
    except ValueError as error:         # a NUL, or what the file system's encoding lacks
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path) from error


def stale(files: dict[Path, str]) -> list[Path]:
    """The files that are missing or hold another text. Raises OSError."""
    return [path for path, text in files.items() if _read(path) != _encoded(text)]


def write(files: dict[Path, str]) -> list[Path]:
    """Writes what is stale and returns its paths: first all texts beside their places, then all renames.

    Raises OSError, having removed what it had not yet put in place.
    """
    for directory in {path.parent for path in files}:
        directory.mkdir(parents=True, exist_ok=True)
    changed = stale(files)
    temporary: dict[Path, str] = {}
    try:
        for path in changed:
            if _is_replaced(path):
                temporary[path] = _write_beside(path, files[path])
        for path in changed:
            if path in temporary:
                os.replace(temporary[path], path)
                del temporary[path]
            else:
                path.write_bytes(_encoded(files[path]))
    finally:
        for path in temporary.values():
            os.unlink(path)
    return changed


def _encoded(text: str) -> bytes:
    """As UTF-8, but for the bytes of a path (in a depfile) that are not: they stay what they are."""
    return text.encode("utf-8", "surrogateescape")


def _is_replaced(path: Path) -> bool:
    """Whether a new file takes the path. A link, a device or a pipe (/dev/stdout) stays and is written to."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _read(path: Path) -> bytes | None:
    """None for what is not there, and for a device or a pipe, which may have no end."""
    try:
        mode = path.stat().st_mode
        return path.read_bytes() if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else None
    except FileNotFoundError:
        return None


def _write_beside(path: Path, text: str) -> str:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:
            file.write(_encoded(text))
        os.chmod(temporary, _mode(path))
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary


def _mode(path: Path) -> int:
    """That of the file that is there, else what open() would give a new one."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
