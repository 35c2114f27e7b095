# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Views of a protocol for people: `plan`, `breaking` and `doc`. They read a layout and write no file."""
