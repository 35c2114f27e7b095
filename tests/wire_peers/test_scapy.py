# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Packed messages in either order of bytes, exchanged with Scapy: packets of UDP, SCTP, ICMPv6, DHCPv6, NTP, RADIUS and others are
big-endian, those of Bluetooth, SMB and others little-endian."""

import importlib.util
import unittest

from exchange import Proven
from support import long

IS_INSTALLED = importlib.util.find_spec("scapy") is not None


@long
@unittest.skipUnless(IS_INSTALLED, "Scapy is missing: make deps-ci")
class BigEndian(Proven, unittest.TestCase):
    name, messages = "scapy_big", 200
    few = ("UDP", "RIPEntry", "NTPInfoSysStats")


@long
@unittest.skipUnless(IS_INSTALLED, "Scapy is missing: make deps-ci")
class LittleEndian(Proven, unittest.TestCase):
    name, messages = "scapy_little", 100
    few = ("L2CAP_Hdr", "SMB2_FILEID", "PAC_INFO_BUFFER")
