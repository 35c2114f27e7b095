# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Starts the command line: `python3 -m gen`, `python3 /path/to/gen`, or by its name where it is installed."""

import gc
import os
import signal
import sys
from pathlib import Path

gc.disable()        # a run lasts seconds and has no garbage to collect; looking for it takes a tenth of the time
if __name__.endswith("__main__") and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)    # Ctrl-C ends the process like SIGTERM, without a traceback
if not __package__:                                 # started by path
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    __package__ = Path(__file__).resolve().parent.name
if sys.version_info < (3, 10):
    print(f"protopool: {sys.executable} is Python {sys.version.split()[0]}: use 3.10 or newer", file=sys.stderr)
    sys.exit(2)

try:
    from .cli import main
except ModuleNotFoundError as missing:
    print(f"protopool: {sys.executable} has no module {missing.name!r}: install python3-jinja2 and python3-yaml, "
          "or use another interpreter", file=sys.stderr)
    sys.exit(2)


def run() -> None:
    """The entry point of the installed package."""
    status = main()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(status)    # Python would free each object first, which takes a tenth of the time


if __name__ == "__main__":
    run()
