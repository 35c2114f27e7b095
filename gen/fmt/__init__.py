# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Makes the folder a package. `protopool fmt`: a schema in its canonical form."""
