# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Makes the folder a package. What a schema allows, but should perhaps not have: `protopool lint`."""
