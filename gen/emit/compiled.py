# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Keeps compiled templates beside Python's compiled modules: to compile them takes longer than all passes together.

A kept template depends on its text, on the generator's own code and on the versions of Python and Jinja. It must not depend on
what is rendered. So nothing may be computed while templates are compiled: `options` and direct.py turn off what Jinja would
compute then, such as filters of constants.
"""

import contextlib
import hashlib
import sys
from pathlib import Path
from types import CodeType

import jinja2

_FOLDER = Path(__file__).resolve().parent


class _Kept(jinja2.FileSystemBytecodeCache):
    def __init__(self) -> None:
        super().__init__(str(_FOLDER / "__pycache__"), f"%s.jinja-{jinja2.__version__}.{sys.implementation.cache_tag}.pyc")
        self._code = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(_FOLDER.parent.rglob("*.py")))).hexdigest()

    def get_source_checksum(self, source: str) -> str:
        return super().get_source_checksum(self._code + source)

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:               # damaged: the pickle in it may raise anything
            bucket.reset()
        if not isinstance(bucket.code, CodeType):
            bucket.reset()

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                super().dump_bytecode(bucket)


def options() -> dict[str, object]:
    """Arguments of jinja2.Environment."""
    return {"bytecode_cache": _Kept(), "optimized": False}
