# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The language of schemas, passes 1 and 2: from YAML to a resolved protocol."""
