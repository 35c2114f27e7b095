# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The experiment: is the pool faster, for this protocol? `python3 -m bench -h`; `make bench`, `make bench-quick`."""
