# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What calc takes on a Cortex-M3: builds size.c in each setting and prints flash and RAM beyond the messages' own bytes.

size.py FOLDER: objects go there. Exit status 1 if a figure is above its limit.
"""

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
GENERATED = HERE.parents[2] / "generated"
COMPILE = ["arm-none-eabi-gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Os", "-ffreestanding", "-mcpu=cortex-m3", "-mthumb",
           "-ffunction-sections", "-fdata-sections", "-I", GENERATED, "-I", HERE]
LINK = ["--specs=nano.specs", "-nostartfiles", "-T", HERE / "firmware.ld", "-Wl,--gc-sections"]
SOURCES = [HERE / "size.c", GENERATED / "calc.c", GENERATED / "protopool.c"]
FLASH, RAM = (".text", ".ARM.exidx", ".data"), (".data", ".bss")

# What is linked, slots in a magazine, and the most bytes of flash and of RAM that it may take. None: the default.
LIMITS = [
    ("POOL", None, 2500, 570),
    ("POOL", 2, 2500, 480),
    ("POOL", 4, 2500, 570),
    ("POOL", 8, 2500, 740),
    ("POOL", 64, 2500, 1380),
    ("DEPOT", 2, 5800, 3350),
]


def main(folder: Path) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    flash_of_none, ram_of_none = measure(folder, "MESSAGES", 8)
    print("                 PROTOPOOL_MAGAZINE   flash     RAM    (bytes; the limits)")
    good = True
    for program, magazine, most_flash, most_ram in LIMITS:
        flash, ram = measure(folder, program, magazine)
        flash, ram = flash - flash_of_none, ram - ram_of_none
        fits = flash <= most_flash and ram <= most_ram
        good = good and fits
        print(f"calc, a {program.lower():5} {magazine or 'default':>22} {flash:>10} {ram:>7}    ({most_flash}, {most_ram}){'' if fits else '  TOO LARGE'}")
    return good


def measure(folder: Path, program: str, magazine: int | None) -> tuple[int, int]:
    """Bytes of flash and of RAM."""
    elf = folder / f"size_{program.lower()}_{magazine}.elf"
    settings = [f"-DSIZE_OF={program}"]
    if magazine is not None:
        settings.append(f"-DPROTOPOOL_MAGAZINE={magazine}")
    if program == "DEPOT":
        settings.append("-DPROTOPOOL_PORT=\"port.h\"")
    subprocess.run([*COMPILE, *settings, *SOURCES, *LINK, "-o", elf], check=True)
    sections = subprocess.run(["arm-none-eabi-size", "-A", elf], check=True, capture_output=True, text=True).stdout
    sizes = {name: int(size) for name, size in re.findall(r"^(\.\S+)\s+(\d+)", sections, re.MULTILINE)}
    return sum(sizes.get(name, 0) for name in FLASH), sum(sizes.get(name, 0) for name in RAM)


if __name__ == "__main__":
    sys.exit(0 if main(Path(sys.argv[1])) else 1)
