# SPDX-License-Identifier: Apache-2.0 OR MIT
"""protopool's generator: a schema of messages in, C out. The four passes are in generate.py."""

__version__ = "0.1.0"
