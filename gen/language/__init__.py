# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The language of schemas: YAML to a resolved protocol (passes 1 and 2)."""
