# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The same eight messages in other libraries and by hand, beside this project: lines, bytes, instructions, and which mistakes
are found."""
