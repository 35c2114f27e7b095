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


def stale(directory: Path, files: dict[str, str]) -> list[str]:
    """The names of the files that are missing or hold another text. Raises OSError."""
    return [name for name, text in files.items() if _read(directory / name) != _encoded(text)]


def write(directory: Path, files: dict[str, str]) -> list[str]:
    """Writes what is stale and returns its names: first all texts beside their places, then all renames.

    Raises OSError, having removed what it had not yet put in place.
    """
    directory.mkdir(parents=True, exist_ok=True)
    changed = stale(directory, files)
    temporary: dict[str, str] = {}
    try:
        for name in changed:
            if _is_replaced(directory / name):
                temporary[name] = _write_beside(directory / name, files[name])
        for name in changed:
            if name in temporary:
                os.replace(temporary[name], directory / name)
                del temporary[name]
            else:
                (directory / name).write_bytes(_encoded(files[name]))
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
