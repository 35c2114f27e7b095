# SPDX-License-Identifier: Apache-2.0 OR MIT
"""protopool's generator: reads a schema of messages, writes C. generate.py has its four passes, README.md lists its files."""

__version__ = "0.1.0"
