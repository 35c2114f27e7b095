# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The least and the largest numbers of the integer types, by the types' names."""


def lowest(scalar: str) -> int:
    return 0 if scalar.startswith("u") else -2 ** (int(scalar[1:]) - 1)


def highest(scalar: str) -> int:
    return 2 ** int(scalar[1:]) - 1 if scalar.startswith("u") else 2 ** (int(scalar[1:]) - 1) - 1
