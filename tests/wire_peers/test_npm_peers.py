# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Packed messages of Swift Navigation's SBP and of MAVLink 2, exchanged with implementations that are not ours. `make wire-peers`
installs them in build/wire_peers with npm."""

import shutil
import unittest

import printed
from exchange import INSTALLED, Proven
from support import long

IS_INSTALLED = shutil.which("node") and (INSTALLED / "node_modules").exists()


@long
@unittest.skipUnless(IS_INSTALLED, "the peers are missing: make wire-peers")
class Sbp(Proven, unittest.TestCase):
    name, messages = "sbp", 141
    few = ("MSG_EXT_EVENT", "MSG_POS_ECEF", "MSG_THREAD_STATE")

    def test_no_other_message_is_left_out(self):
        """The peer cannot decode this one, either."""
        self.assertEqual(self.described.left_out, {"MSG_FILEIO_WRITE_REQ": "filename has no length, and other fields follow"})

    def test_what_devices_have_sent_is_received_with_its_values(self):
        recorded = self.peer.ask("recorded")
        self.assertEqual(len(recorded), 232)
        messages = [self.described.messages[found["id"]] for found in recorded]
        answers = self.program.ask([self.program.receive(message.tag, found["payload"]) for message, found in zip(messages, recorded)])
        for message, found, (kind, rest) in zip(messages, recorded, answers):
            payload, _, text = rest.partition(" ")
            self.assertEqual((kind, payload), ("received", "-" + found["payload"]), message)
            self.assert_none(self.exchange.unlike(message, found["values"], printed.read(text)[1]))


@long
@unittest.skipUnless(IS_INSTALLED, "the peers are missing: make wire-peers")
class MavLink(Proven, unittest.TestCase):
    name, messages = "mavlink", 336
    few = ("ATTITUDE", "PARAM_VALUE", "GPS_RAW_INT")

    def test_no_message_is_left_out(self):
        self.assertEqual(self.described.left_out, {})
