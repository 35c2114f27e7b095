# SPDX-License-Identifier: Apache-2.0 OR MIT
"""python3 -m install OUT bindir=DIR... writes what `make install` installs and is not in the tree as it is. All paths in these
files are relative to the file, so the installed tree can be moved."""

import os
import sys
from pathlib import Path

from gen import __version__

from . import completion, manual

HERE = Path(__file__).resolve().parent
COMMAND = "../bin/protopool"            # in the tree, from install/


def main(out: Path, folders: dict[str, str]) -> None:
    def path_from(folder: str, path: str) -> str:
        return os.path.relpath(path, folders[folder])

    def read(name: str) -> str:
        text = (HERE / name).read_text(encoding="utf-8")
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        return text

    command = f"{folders['bindir']}/protopool"
    values = {"version": __version__, "prefix": path_from("pkgconfigdir", folders["prefix"] or "/"),
              "command": path_from("pkgconfigdir", command),
              "makefile": path_from("pkgconfigdir", f"{folders['includedir']}/protopool.mk"),
              "schema": path_from("pkgconfigdir", f"{folders['home']}/schema.json")}
    files = {"protopool.1": manual.command_page(), "protopool-schema.5": manual.schema_page(), "protopool.bash": completion.script(),
             "protopool.pc": read("protopool.pc.in"), "protopoolConfigVersion.cmake": read("protopoolConfigVersion.cmake.in"),
             "protopoolConfig.cmake": read("protopoolConfig.cmake").replace(COMMAND, path_from("cmakedir", command)),
             "protopool.mk": read("protopool.mk").replace(COMMAND, path_from("includedir", command))}
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), dict(argument.split("=", 1) for argument in sys.argv[2:]))
