# SPDX-License-Identifier: Apache-2.0 OR MIT
"""From a layout to C (pass 4)."""
