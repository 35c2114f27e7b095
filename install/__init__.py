# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What is installed besides the generator: `python3 -m install` writes the files that depend on where things go."""
