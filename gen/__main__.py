# SPDX-License-Identifier: Apache-2.0 OR MIT
"""python3 -m gen, or python3 /path/to/gen"""

import gc
import signal
import sys
from pathlib import Path

gc.disable()        # for a second or two there is nothing to collect, and looking for it takes a tenth of them
if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)    # as SIGTERM: it ends the process, without a traceback
if not __package__:                                 # started by its path
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

try:
    from gen.cli import main
except ModuleNotFoundError as missing:
    print(f"protopool: {sys.executable} has no module {missing.name!r}: install python3-jinja2 and python3-yaml, "
          "or name another interpreter", file=sys.stderr)
    sys.exit(2)

sys.exit(main())
