# SPDX-License-Identifier: Apache-2.0 OR MIT
"""python3 -m gen"""

import gc
import sys

gc.disable()        # for a second or two there is nothing to collect, and looking for it takes a tenth of them

try:
    from .cli import main
except ModuleNotFoundError as missing:
    print(f"protopool: {sys.executable} has no module {missing.name!r}: install python3-jinja2 and python3-yaml, "
          "or name another interpreter", file=sys.stderr)
    sys.exit(2)

sys.exit(main())
