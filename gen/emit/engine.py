# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The engine's files, each put together from its parts in templates/engine/. Knows which parts there are and their order."""

import re
from collections.abc import Collection

from .render import TEMPLATES

FOLDER = TEMPLATES / "engine"
PARTS = {
    "protopool.h": ("port.h", "settings.h", "compiler.h", "source.h", "types.h", "fault.h", "refusal.h", "fast.h", "pool.h",
                    "depot.h", "holders.h", "text.h", "texts.h", "f16.h", "hash.h", "record.h", "wire.h", "packed.h", "print.h", "message.h"),
    "protopool.c": ("port.c", "check.c", "fault.c", "lock.c", "slab.c", "counts.c", "shape.c", "heap.c", "store.c", "magazine.c",
                    "exchange.c", "cache.c", "fixed.c", "pool.c", "prefill.c", "depot.c", "check1.c", "check2.c", "holders.c", "leak.c",
                    "texts.c", "record.c", "decimal.c", "print.c", "hash.c", "refusal.c", "wire.c", "packed.c"),
}
ON_DEMAND = {"cpp": "protopool.hpp"}    # in one piece
RUNTIME_FOLDER = TEMPLATES / "python"
RUNTIME = "protopool_runtime.py"        # what the modules of all protocols share
RUNTIME_PARTS = ("printing.py", "numbers.py", "named.py", "fields.py", "texts.py", "optional.py", "records.py", "bit_fields.py", "messages.py", "packed.py")
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 OR MIT */\n"
WIDTH = 120


def engine(on_demand: Collection[str] = ()) -> dict[str, str]:
    """{file name: text} of the engine. on_demand: "cpp" for its header for C++, "python" for what modules share."""
    return ({name: _put_together(name, parts) for name, parts in PARTS.items()}
            | {name: _read(name) for kind, name in ON_DEMAND.items() if kind in on_demand}
            | ({RUNTIME: _runtime()} if "python" in on_demand else {}))


def _runtime() -> str:
    frame, *parts = ((RUNTIME_FOLDER / name).read_text(encoding="utf-8") for name in (RUNTIME, *RUNTIME_PARTS))
    bodies = "\n\n".join(f"# ---- {name} ".ljust(WIDTH - 1, "-") + "\n" + text.split("\n", 1)[1]
                         for name, text in zip(RUNTIME_PARTS, parts))
    return frame.replace("# @PARTS\n", bodies)


def opening(part: str) -> str:
    """The first sentence of the part's opening comment, which says what the part is for."""
    comment = re.match(r"/\*(.*?)\*/\n", _read(part).removeprefix(LICENCE), re.DOTALL)
    text = re.sub(r"\s*\n \* ?", " ", comment[1]).strip() if comment else ""
    return re.match(r"(?:.*?[.](?= |$))?", text)[0]


def _put_together(name: str, parts: tuple[str, ...]) -> str:
    width = max(map(len, parts))
    contents = "\n".join(f" *   {part:{width}}  {opening(part)}" for part in parts)
    bodies = "\n".join(_section(part) + _read(part).removeprefix(LICENCE) for part in parts)
    return _read(name).replace(" * @CONTENTS", contents).replace("/* @PARTS */\n", bodies)


def _section(part: str) -> str:
    return f"/* ---- {part} ".ljust(WIDTH - 3, "-") + " */\n"


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
