# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What a person reads of a schema: its plan, the difference of two, its reference."""
