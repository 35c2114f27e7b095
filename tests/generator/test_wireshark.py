# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The emitted dissector in tshark: what it shows of packets with several messages, of streams that are cut anywhere, and of bytes that are no
messages; ports; and protocols whose names Wireshark has."""

import importlib
import random
import signal
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path

import python_peer
import tshark
import wireshark_peer
from support import GENERATED, GOOD, ROOT, FolderTest, called, lay_out, long, write_all
from test_python import SCHEMA
from test_texts_and_names import NASTY, UNSEEN
from wireshark_peer import Peer

from gen.emit import engine, render

COLUMNS = ("-Tfields", "-e_ws.col.Protocol", "-e_ws.col.Info")
# Frames of 2 bytes, each a length and a message: how a framing outside calls a dissector by its name.
FRAMES = """\
local frames = Proto.new("frames", "Frames")
function frames.dissector(tvb, pinfo, tree)
    local at = 0
    while at < tvb:len() do
        local bytes = tvb:range(at, 2):uint()
        Dissector.get("calc"):call(tvb:range(at + 2, bytes):tvb(), pinfo, tree)
        at = at + 2 + bytes
    end
    return tvb:len()
end
DissectorTable.get("tcp.port"):add(5600, frames)
"""


@unittest.skipUnless(tshark.PATH, "tshark is not there: make deps-ci")
class DissectorTest(FolderTest):
    schemas = [path.read_text() for path in GOOD]

    @classmethod
    def setUpClass(cls):
        cls.files = {name: text for schema in cls.schemas for name, text in render.render(lay_out(schema), ["python", "wireshark"]).items()}
        cls.files |= engine.engine(["python"])

    def setUp(self):
        super().setUp()
        write_all(self.folder, {name: text for name, text in self.files.items() if name.endswith((".py", ".lua"))})

    def imported(self, name: str):
        for each in (name, "protopool_runtime"):
            sys.modules.pop(each, None)
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    def calc(self) -> list:
        """A message of each variant."""
        calc = self.imported("calc")
        return [calc.Add(left=5, right=2**64 - 1), calc.Negate(value=-2**63), calc.Apply(operation=calc.Operation.DIVIDE, left=0.1, right=1e300),
                calc.Sum(count=3, operands=[1, -2, 3] + [0] * 9), calc.Store(name="\u03c0 \"x\"", value=3.14), calc.Recall(name=""),
                calc.Log(time=1, text="a" * 200), calc.Quit()]

    def lua(self, name: str = "calc.lua"):
        return self.folder / name

    def run_calc(self, capture: bytes, *options: str) -> list[str]:
        return tshark.run([self.lua()], capture, f"-ocalc.tcp_ports:{tshark.PORT}", f"-ocalc.udp_ports:{tshark.PORT}", *options).splitlines()


class Packets(DissectorTest):
    def test_the_columns_have_the_protocol_and_the_names_of_the_messages(self):
        messages = [msg.encode() for msg in self.calc()]
        both = tshark.udp([b"".join(messages), messages[7]])
        self.assertEqual(self.run_calc(both, *COLUMNS), ["CALC\tAdd, Negate, Apply, Sum, Store, Recall, Log, Quit", "CALC\tQuit"])
        cut = tshark.udp([messages[0] + messages[1][:5], b"\x63" * 3, b""])
        self.assertEqual(self.run_calc(cut, *COLUMNS)[:2], ["CALC\tAdd, Negate (cut off)", "CALC\tno message"])

    @long
    def test_a_stream_that_is_cut_anywhere_has_its_messages(self):
        messages = self.calc()
        data = b"".join(msg.encode() for msg in messages)
        streams = [[data[:cut], data[cut:]] for cut in range(1, len(data))]
        streams += [[data[i:i + size] for i in range(0, len(data), size)] for size in (1, 2, 3, 7, 100)]
        found: dict[str, list[str]] = {}
        capture = tshark.tcp(streams)
        for line in self.run_calc(capture, "-Tfields", "-etcp.srcport", "-ecalc.tag", "-ecalc.log.text", "-e_ws.expert", "-e_ws.col.Info"):
            port, tags, text, expert, info = line.split("\t")
            self.assertEqual((expert, text or "a" * 200), ("", "a" * 200))
            found.setdefault(port, []).extend(tags.split(",") if tags else [])
            if tags:
                self.assertEqual(len(info.split(", ")), len(tags.split(",")), info)
        self.assertEqual(len(found), len(streams))
        self.assertEqual(set(map(tuple, found.values())), {tuple("12345678")})

    @long
    def test_messages_of_any_length_are_awaited_too(self):
        """Their size is known in two steps, which can both be in one segment."""
        messages = [msg.encode() for msg in self.telemetry(self.imported("telemetry"))[3:]]
        data = b"".join(messages)
        streams = [[data[:cut], data[cut:]] for cut in range(1, len(data))] + [[data[i:i + size] for i in range(0, len(data), size)] for size in (1, 2, 3, 7)]
        found: dict[str, list[str]] = {}
        out = tshark.run([self.lua("telemetry.lua")], tshark.tcp(streams), f"-otelemetry.tcp_ports:{tshark.PORT}", "-Tfields", "-etcp.srcport", "-etelemetry.tag",
                         "-etelemetry.log.text", "-etelemetry.chunk.data", "-etelemetry.position.latitude", "-e_ws.expert")
        for line in out.splitlines():
            port, *fields = line.split("\t")
            found.setdefault(port, []).append("|".join(fields))
        shown = {port: ",".join(filter(None, "|".join(fields).replace(",", "|").split("|"))) for port, fields in found.items()}
        for port, text in shown.items():
            self.assertEqual(sorted(text.split(",")), sorted(["33", "34", "35", "abc", "616263", "48.1", "48.1"]), found[port])

    @long
    def test_a_part_of_a_message_waits_for_the_rest_of_it(self):
        data = self.calc()[6].encode()
        tree = self.run_calc(tshark.tcp([[data[:100], data[100:]]]), "-Tfields", "-etcp.segment_data", "-etcp.reassembled.length", "-ecalc.tag")
        self.assertEqual(tree, [f"{data[:100].hex()}\t\t", f"{data[100:].hex()}\t216\t7"])

    def test_each_fault_is_reported_and_what_comes_before_is_shown(self):
        add, sum_of, apply = (msg.encode() for msg in (self.calc()[0], self.calc()[3], self.calc()[2]))
        store = self.calc()[4].encode()
        for data, tags, fault in (
                (add + b"\x63\0\0", "1", "No message has the tag 99"), (add + sum_of[:20], "1", "The message is cut off"),
                (store[:1] + b"\x20" + store[2:], "5", "Store: name has a length of 32, at most 31"),
                (store[:1] + b"\x05" + store[2:], "5", "Store: name has 6 characters, and its length is 5"),
                (store[:-1] + b"\x01", "5", "Store: byte 47 holds no value, and is not 0"),
                (apply[:1] + b"\x05" + apply[2:], "3", "Apply: operation: 5 is not declared"),
                (add[:4] + b"\x01" + add[5:] + add, "1,1", "Add: byte 4 holds no value, and is not 0")):
            with self.subTest(fault):
                self.assertEqual(self.run_calc(tshark.udp([data]), "-Tfields", "-ecalc.tag", "-e_ws.expert.message"), [f"{tags}\t{fault}"])

    @long
    def test_whatever_the_bytes_are_no_dissector_fails(self):
        """Each byte is changed, and each length is tried."""
        for name in ("calc", "telemetry"):
            module = self.imported(name)
            peer = Peer(self.lua(f"{name}.lua"), module, sys.modules["protopool_runtime"], name)
            messages = self.calc() if name == "calc" else self.telemetry(module)
            hostile = [data[:at] + bytes([byte]) + data[at + 1:] for data in (msg.encode() for msg in messages) if len(data) < 120
                       for at in range(len(data)) for byte in {0, 1, 0x7f, 0xff, data[at] ^ 16}]
            hostile += [data[:at] for data in (msg.encode() for msg in messages) for at in range(1, len(data))]
            found = {}
            for data, frame in zip(hostile, peer.frames(hostile), strict=True):
                kind = peer.compare_verdict(data, frame)
                found[kind] = found.get(kind, 0) + 1
            self.assertEqual(set(found), {"received", "invalid", "incomplete"}, found)

    @long
    def test_a_message_of_more_items_than_wireshark_can_show_is_cut_short(self):
        fields = ", ".join(f"f{i}: bool" for i in range(40))
        schema = f"protocol: large\n{{0}}structs: {{{{many: {{{{fields: {{{{{fields}}}}}}}}}}}}}\nmessages: {{{{All: {{{{fields: {{{{all: 'many[]'}}}}}}}}, End: {{{{}}}}}}}}\n"
        for wire in ("", "wire: {packed: true}\n"):
            (self.folder / "large.lua").write_text(render.render(lay_out(schema.format(wire)), ["wireshark"])["large.lua"])
            count = 30000
            data = (b"\1" + count.to_bytes(4, "little") if wire else b"\1\0\0\0" + count.to_bytes(4, "little")) + bytes(40 * count) + b"\2"
            stream = [data[at:at + 60000] for at in range(0, len(data), 60000)]
            out = tshark.run([self.lua("large.lua")], tshark.tcp([stream]), f"-olarge.tcp_ports:{tshark.PORT}", "-Ylarge", "-Tfields", "-elarge.tag", "-e_ws.expert")
            self.assertEqual(out, "1,2\t\n")

    @staticmethod
    def telemetry(t) -> list:
        home = t.Position(latitude=48.1, longitude=11.6, altitude=519)
        return [t.Heartbeat(time=17, mode=t.Mode.HOLD, working=t.Sensors.GYRO | t.Sensors.CAMERA), t.Attitude(time=1, angles=[1, 2, 3], rates=[0, 0, 1]),
                t.Moved(time=1, at=home), t.Log(time=1, text="abc"), t.Chunk(file=1, offset=2, data=b"abc"), t.Track(period=10, points=[home] * 2)]


class Ports(DissectorTest):
    @long
    def test_decode_as_finds_it(self):
        data = self.calc()[0].encode()
        for capture, table in ((tshark.udp([data]), "udp.port"), (tshark.tcp([[data]]), "tcp.port")):
            self.assertEqual(tshark.run([self.lua()], capture, "-d", f"{table}=={tshark.PORT},calc", *COLUMNS), "CALC\tAdd\n")

    @long
    def test_preferences_name_ports_and_ranges_and_nothing_is_dissected_without_them(self):
        capture = tshark.udp([self.calc()[0].encode()])
        for ports, info in (("4000,5590-5601", "CALC\tAdd\n"), ("5599", "UDP"), ("", "UDP")):
            self.assertEqual(tshark.run([self.lua()], capture, f"-ocalc.udp_ports:{ports}", *COLUMNS)[:len(info)], info)

    @long
    def test_a_framing_outside_calls_it_by_its_name(self):
        messages = [msg.encode() for msg in self.calc()]
        framed = b"".join(len(data).to_bytes(2, "big") + data for data in messages)
        frames = self.folder / "frames.lua"
        frames.write_text(FRAMES)
        out = tshark.run([frames, self.lua()], tshark.tcp([[framed]]), "-Tfields", "-ecalc.tag", "-e_ws.col.Info", "-e_ws.expert")
        self.assertEqual(out, "1,2,3,4,5,6,7,8\tAdd, Negate, Apply, Sum, Store, Recall, Log, Quit\t\n")

    @long
    def test_two_protocols_are_side_by_side(self):
        telemetry = self.imported("telemetry")
        capture = tshark.udp([telemetry.Reboot().encode(), telemetry.SetMode(mode=2).encode()])
        out = tshark.run([self.lua("telemetry.lua"), self.lua()], capture, f"-otelemetry.udp_ports:{tshark.PORT}", "-ocalc.udp_ports:5601", *COLUMNS)
        self.assertEqual(out, "TELEMETRY\tReboot\nTELEMETRY\tSetMode\n")


@long
class Filters(DissectorTest):
    def test_filters_find_fields_by_number_name_and_text(self):
        capture = tshark.udp([msg.encode() for msg in self.calc()])
        for display_filter, frames in (
                ("calc.add.left == 5", "1"), ("calc.add.right == 18446744073709551615", "1"), ("calc.negate.value < 0", "2"),
                ("calc.apply.operation == \"divide\"", "3"), ("calc.sum.operands == -2", "4"), ("calc.store.name contains \"x\"", "5"),
                ("calc.store.value > 3 && calc.store.value < 4", "5"), ("calc.log.text_len == 200", "7"), ("calc.tag == \"Quit\"", "8"),
                ("calc", "1 2 3 4 5 6 7 8"), ("calc.invalid", "")):
            self.assertEqual(self.run_calc(capture, "-Y", display_filter, "-Tfields", "-eframe.number"), frames.split(), display_filter)

    def test_filters_find_bits_and_fields_of_structs(self):
        t = self.imported("telemetry")
        messages = [*Packets.telemetry(t), t.Mission(speed=8, waypoints=[t.Waypoint(at=t.Position(latitude=1, longitude=2, altitude=3), hold=7)])]
        capture = tshark.udp([msg.encode() for msg in messages])
        for display_filter, frames in (
                ("telemetry.heartbeat.working.camera == 1", "1"), ("telemetry.heartbeat.working.gps == 1", ""), ("telemetry.heartbeat.mode == hold", "1"),
                ("telemetry.attitude.rates", "2"), ("telemetry.moved.target", ""), ("telemetry.position.latitude > 48", "3 6"),
                ("telemetry.waypoint.hold == 7", "7"), ("telemetry.attitude.has_rates == 0", ""), ("telemetry.chunk.data == 61:62:63", "5")):
            out = tshark.run([self.lua("telemetry.lua")], capture, f"-otelemetry.udp_ports:{tshark.PORT}", "-Y", display_filter, "-Tfields", "-eframe.number")
            self.assertEqual(out.split(), frames.split(), display_filter)


class Names(FolderTest):
    def test_it_is_an_output_only_on_demand(self):
        called("generate", "-q", "-o", self.folder / "with", "--wireshark", GOOD[0])
        called("generate", "-q", "-o", self.folder / "without", GOOD[0])
        both, c_only = ({path.name for path in (self.folder / name).iterdir()} for name in ("with", "without"))
        self.assertEqual(both - c_only, {"calc.lua"})

    @unittest.skipUnless(tshark.PATH, "tshark is not there: make deps-ci")
    @long
    def test_a_text_of_the_schema_never_changes_the_code(self):
        scripts = []
        for i, text in enumerate(NASTY):
            escaped = "".join(c if c.isalnum() and c.isascii() or c == " " else f"\\U{ord(c):08x}" for c in text)
            schema = (f'protocol: nasty{i}\ndoc: "{escaped}"\nenums:\n  op: {{doc: "{escaped}", values: {{add: {{value: 1, doc: "{escaped}", deprecated: "{escaped}"}}}}}}\n'
                      f'messages:\n  Add: {{doc: "{escaped}", fields: {{left: {{type: u64, doc: "{escaped}", unit: "{escaped}"}}, op: op}}}}\n')
            lua = render.render(lay_out(schema, "--]] \udcff\n.yaml"), ["wireshark"])[f"nasty{i}.lua"]
            self.assertNotRegex(lua, UNSEEN)
            scripts.append(self.folder / f"nasty{i}.lua")
            scripts[-1].write_text(lua)
        message = b"\x01\x01" + bytes(6) + b"\x05" + bytes(7)
        ports = [f"-onasty{i}.udp_ports:{tshark.PORT + i}" for i in range(len(NASTY))]
        fields = [f"-enasty{i}.add.{name}" for i in range(len(NASTY)) for name in ("left", "op")]
        out = tshark.run(scripts, tshark.udp([message] * len(NASTY), step=1), "-Tfields", *ports, *fields, "-e_ws.expert")
        self.assertEqual([line.split() for line in out.splitlines()], [["5", "1"]] * len(NASTY))

    @unittest.skipUnless(tshark.PATH, "tshark is not there: make deps-ci")
    @long
    def test_a_name_that_wireshark_has_gets_an_underscore(self):
        for name in ("http", "all", "in", "x", "frame"):
            lua = render.render(lay_out(f"protocol: {name}\nmessages: {{End: {{fields: {{end: u8, local: 'u8?', Nil: u16}}}}}}\n"), ["wireshark"])[f"{name}.lua"]
            script = self.folder / f"{name}.lua"
            script.write_text(lua)
            out = tshark.run([script], tshark.udp([b"\1\0\7\0\2\0"]), f"-o{name}_.udp_ports:{tshark.PORT}", "-Tfields", f"-e{name}_.end.end", f"-e{name}_.end.nil", "-e_ws.expert")
            self.assertEqual(out, "7\t2\t\n", name)

    def test_the_same_schema_gives_the_same_text(self):
        one, other = (render.render(lay_out(SCHEMA), ["wireshark"])["all.lua"] for _ in range(2))
        self.assertEqual(one, other)


@long
@unittest.skipUnless(tshark.PATH, "tshark is not there: make deps-ci")
class Packed(FolderTest):
    """Formats of others. Combinations of types are compared by wireshark_peer.py."""

    MARKET = """\
protocol: market
wire: {order: big, packed: true}
messages:
  OrderDelete: {tag: 'D', fields: {stock_locate: u16, tracking_number: u16, timestamp: u48, order_ref: u64}}
  Note: {tag: 'N', fields: {stock: {type: 'char[8]', pad: ' '}, price: 'u32?', text: {type: string, max: 255}, level: {type: 'i24[<=2]', wire: u16}}}
"""
    STREAM = (b"D\0\7\0\2\x0d\x18\xc2\xe2\x86\0\0\0\0\0\0\0\x12\x67" b"N\1ACME    \0\0\x30\x39\2hi\0\2\0\0\5\xff\xff\xfe" b"N\0        \0\0\0")
    FIELDS = [f"-emarket.{name}" for name in ("order_delete.stock_locate", "order_delete.timestamp", "order_delete.order_ref", "note.stock", "note.price",
                                              "note.text", "note.level")]

    def script(self, schema: str, name: str) -> Path:
        path = self.folder / f"{name}.lua"
        path.write_text(render.render(lay_out(schema), ["wireshark"])[path.name])
        return path

    def test_fields_follow_each_other_and_streams_are_cut_anywhere(self):
        market = self.script(self.MARKET, "market")
        out = tshark.run([market], tshark.udp([self.STREAM]), f"-omarket.udp_ports:{tshark.PORT}", "-Tfields", "-emarket.tag", *self.FIELDS, "-e_ws.expert")
        self.assertEqual(out.rstrip("\n").split("\t"), ["68,78,78", "7", "14400000001536", "4711", "ACME,", "12345", "hi,", "5,-2", ""])
        wide = self.script(self.MARKET.replace("packed: true", "packed: true, tag: u24"), "market").rename(self.folder / "wide.lua")
        market = self.script(self.MARKET, "market")
        of_wide = b"".join(b"\0\0" + message for message in (self.STREAM[:19], self.STREAM[19:44], self.STREAM[44:]))
        for script, data in ((market, self.STREAM), (wide, of_wide)):
            streams = [[data[:cut], data[cut:]] for cut in range(1, len(data))] + [[data[i:i + size] for i in range(0, len(data), size)] for size in (1, 2, 3, 7)]
            found: dict[str, str] = {}
            out = tshark.run([script], tshark.tcp(streams), f"-omarket.tcp_ports:{tshark.PORT}", "-Tfields", "-etcp.srcport", "-emarket.tag", "-e_ws.expert")
            for line in out.splitlines():
                port, tags, faults = line.split("\t")
                self.assertEqual(faults, "")
                found[port] = ",".join(filter(None, (found.get(port, ""), tags)))
            self.assertEqual(list(found.values()), ["68,78,78"] * len(streams))

    def test_faults_of_packed_messages_are_reported(self):
        market = self.script(self.MARKET, "market")
        note = self.STREAM[19:]
        for data, fault in ((note[:1] + b"\2" + note[2:], "Note: a bit that means nothing is set"), (note[:16] + b"\0" + note[17:], "Note: text has a NUL at 1"),
                            (note[:18] + b"\3" + note[19:], "Note: level has a length of 3, at most 2"), (note[:20], "The message is cut off")):
            out = tshark.run([market], tshark.udp([data]), f"-omarket.udp_ports:{tshark.PORT}", "-Tfields", "-e_ws.expert.message")
            self.assertEqual(out, f"{fault}\n")

    def test_a_framing_gives_the_tag_of_a_message_without_one(self):
        device = self.script("protocol: device\nwire: {order: little, packed: true, tag: none}\nmessages:\n"
                             "  Log: {tag: 1025, fields: {level: u8, text: {type: string, max: 254, wire: rest}}}\n  Reset: {tag: 182}\n", "device")
        frames = self.folder / "frames.lua"
        frames.write_text(wireshark_peer.FRAMES.format("device", tshark.PORT))
        datagrams = [tag.to_bytes(4, "little") + data for tag, data in ((1025, b"\4hello"), (182, b""), (1025, b"\4"), (1025, b""), (182, b"x"), (7, b""))]
        out = tshark.run([frames, device], tshark.udp(datagrams), "-Tfields", "-e_ws.col.Info", "-edevice.log.level", "-edevice.log.text", "-e_ws.expert.message")
        self.assertEqual([line.split("\t") for line in out.splitlines()], [
            ["Log", "4", "hello", ""], ["Reset", "", "", ""], ["Log", "4", "", ""], ["Log (cut off)", "", "", "The message is cut off"],
            ["Reset", "", "", "Reset: 1 bytes are left over"], ["no message", "", "", "No message has the tag 7"]])


@long
class Live(DissectorTest):
    """What programs send over the loopback interface."""

    def setUp(self):
        super().setUp()
        self.started: list[subprocess.Popen] = []
        self.addCleanup(self.end_all)

    def end_all(self):
        for process in self.started:
            process.kill()
            process.communicate()

    def start(self, *command) -> subprocess.Popen:
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.started.append(process)
        return process

    def build(self, name: str, *arguments) -> Path:
        program = self.folder / name
        subprocess.run(["gcc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", f"-I{GENERATED}", *map(str, arguments), GENERATED / "calc.c", GENERATED / "protopool.c",
                        "-o", program, *(["-lzmq", "-lpthread"] if name in ("feed", "reader") else [])], check=True, timeout=120)
        return program

    def ports(self, count: int) -> int:
        """The first of some ports that nobody uses."""
        for _ in range(100):
            with socket.socket() as first:
                first.bind(("127.0.0.1", 0))
                port = first.getsockname()[1]
            try:
                for i in range(count):
                    with socket.socket() as other:
                        other.bind(("127.0.0.1", port + i))
                return port
            except (OSError, OverflowError):
                pass
        raise AssertionError("no port is free")

    def capture(self, port: int, run) -> Path:
        """The packets of these TCP and UDP ports, while `run` runs. Skips the test if nobody may capture here."""
        path = self.folder / "live.pcap"
        dumpcap = self.start("dumpcap", "-q", "-i", "lo", "-f", f"portrange {port}-{port + 1}", "-w", path)
        said = []
        for line in dumpcap.stderr:
            said.append(line.strip())
            if line.startswith("File:"):
                break
        else:
            print(f"{self.id()}: skipped: dumpcap cannot capture: {' '.join(said)}", file=sys.stderr)
            self.skipTest(f"dumpcap cannot capture: {' '.join(said)}")
        run()
        for _ in range(100):                    # until what is in the kernel's buffer is written
            time.sleep(0.1)
            size = path.stat().st_size
            if size == getattr(self, "size", -1) and size > 1000:
                break
            self.size = size
        dumpcap.send_signal(signal.SIGINT)
        dumpcap.communicate(timeout=30)
        return path

    def test_messages_of_a_program_over_tcp_and_udp(self):
        sender, port = self.build("sender", ROOT / "tests/generator/sender.c"), self.ports(1)
        received, printed = [], []

        def run():
            with socket.create_server(("127.0.0.1", port)) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
                datagrams.bind(("127.0.0.1", port))
                program = self.start(sender, port)
                connection, _ = server.accept()
                with connection:
                    while data := connection.recv(1000):
                        received.append(data)
                printed.extend(program.communicate(timeout=30)[0].splitlines())

        path = self.capture(port, run)
        calc = self.imported("calc")
        messages = list(calc.decode_all(b"".join(received)))
        self.assertEqual(list(map(str, messages)), printed)
        self.assertEqual(len(messages), 8)
        peer = Peer(self.lua(), calc, sys.modules["protopool_runtime"], "calc")
        frames = tshark.frames([self.lua()], path, "calc", f"-ocalc.tcp_ports:{port}", f"-ocalc.udp_ports:{port}")
        shown = [layer for frame in frames for layer in frame.of("calc")]
        self.assertEqual(len(shown), 8 + 8 + 2)
        for msg, layer in zip([*messages, *messages, *messages[:2]], shown, strict=True):
            peer.compare_message(msg, layer, layer.at)

    @unittest.skipUnless(Path("/usr/include/zmq.h").exists(), "libzmq is not there: make deps-ci")
    def test_the_bus_over_zeromq(self):
        count, asked, port = 200, 20, self.ports(2)
        programs = [self.build(name, ROOT / f"examples/bus/{name}.c", ROOT / "examples/bus/bus.c") for name in ("feed", "reader")]

        def run():
            for process in [self.start(program, "--messages", count, "--requests", asked, "--port", port) for program in programs]:
                self.assertEqual((process.communicate(timeout=60)[1], process.returncode), ("", 0))

        path = self.capture(port, run)
        zmtp = ROOT / "tests/generator/zmtp.lua"

        def shown(display_filter: str, *fields: str) -> list[list[str]]:
            out = tshark.run([zmtp, self.lua()], path, f"-dtcp.port=={port},zmtp", f"-dtcp.port=={port + 1},zmtp", f"-ocalc.zmtp_ports:{port}-{port + 1}",
                             "-Y", display_filter, "-Tfields", *(f"-e{field}" for field in fields))
            lines = [line.split("\t") for line in out.splitlines()]
            return [",".join(filter(None, column)).split(",") for column in zip(*lines)]

        tags, left, negated, values, times, texts = shown(f"calc && tcp.srcport == {port}", "calc.tag", "calc.add.left", "calc.negate.value", "calc.store.value",
                                                          "calc.log.time", "calc.log.text")
        self.assertEqual(tags, ["1", "2", "5", "7"] * (count // 4) + ["8"])
        for found, first in ((left, 0), (negated, 1), (values, 2), (times, 3)):
            self.assertEqual(found, [str(n) for n in range(first, count, 4)])
        self.assertEqual(texts, [f"message {n}" for n in range(3, count, 4)])
        tags, asked_for, values, faults = shown(f"calc && tcp.port == {port + 1}", "calc.tag", "calc.apply.left", "calc.store.value", "_ws.expert.message")
        self.assertEqual(tags, ["3", "5"] * asked + ["8", "8"])
        self.assertEqual((asked_for, values, faults), ([str(n) for n in range(asked)], [str(3 * n) for n in range(asked)], [""]))


@long
class Kinds(DissectorTest):
    schemas = [SCHEMA]

    def test_each_message_of_random_values_is_shown_as_python_prints_it(self):
        module = self.imported("all")
        peer, rng = Peer(self.lua("all.lua"), module, sys.modules["protopool_runtime"]), random.Random(1)
        messages = [python_peer.of_values(of, rng, peer.runtime) for of in module._decoder.by_tag.values() for _ in range(20)]
        self.assertGreater(peer.compare_messages(messages), len(messages))


if __name__ == "__main__":
    unittest.main()
