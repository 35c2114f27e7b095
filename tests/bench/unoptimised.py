# SPDX-License-Identifier: Apache-2.0 OR MIT
"""For tests that do not look at what the benchmark measures: programs that are not optimised are compiled in a quarter of the time."""

from unittest import mock

from bench import contenders

UNOPTIMISED = mock.patch.object(contenders, "CFLAGS", ["-O0" if flag == "-O3" else flag for flag in contenders.CFLAGS])
