# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Keeps compiled templates beside Python's compiled modules: to compile them takes longer than all passes together.

A kept template depends on its text and on the versions of Python and Jinja alone. So nothing may be computed while templates
are compiled: `options` turns off what Jinja would compute then, such as filters of constants.
"""

import contextlib
import sys
from pathlib import Path

import jinja2

_FOLDER = Path(__file__).resolve().parent / "__pycache__"


class _Kept(jinja2.FileSystemBytecodeCache):
    def __init__(self) -> None:
        super().__init__(str(_FOLDER), f"%s.jinja-{jinja2.__version__}.{sys.implementation.cache_tag}.pyc")

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:               # damaged: the pickle in it may raise anything
            bucket.reset()

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                super().dump_bytecode(bucket)


@jinja2.pass_context
def _when_rendered(_context: jinja2.runtime.Context, value: object) -> object:
    return value


def options() -> dict[str, object]:
    """Arguments of jinja2.Environment."""
    return {"bytecode_cache": _Kept(), "optimized": False, "finalize": _when_rendered}
