#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""packaging/wireshark/viaduct.lua under tshark: frames as of switch/SPEC.md, whole, cut and wrong."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "packaging/wireshark/viaduct.lua"
if not shutil.which("tshark"):
    print("skip: no tshark; run scripts/setup")
    sys.exit(77)


def hexes(text):
    return bytes.fromhex(text.replace(" ", ""))


SWITCH = hexes("06 01020304 0000000000000001 000000000005a7e9 00 00 b8 00 4fb56ac226451d9a")  # switch/SPEC.md, 6.1
SEALED = hexes("05 0a0b0c0d 0000000000000007") + bytes(20) + b"t" * 16
REPORT = SWITCH[:21] + b"\x80" + SWITCH[22:] + hexes("07 05 0500 10 001234 1122334455667788")
MESSAGE_1 = hexes("04 01 00000102 00000000") + b"e" * 32 + bytes(1024 - 58) + b"c" * 16
# name, UDP payload, port, bytes kept, what tshark must show; None: nothing of ours
CASES = [
    ("message 1", MESSAGE_1, 4001, None, {"viaduct.index": "4", "viaduct.handshake.type": "1",
     "viaduct.sender": "0x00000102", "viaduct.receiver": "0x00000000", "viaduct.handshake.cookie": "63" * 16}),
    ("message 2", hexes("04 02 00000201 00000102") + b"e" * 32 + b"s" * 48 + b"p" * 100, 4001, None,
     {"viaduct.handshake.type": "2", "viaduct.handshake.s": "73" * 48, "viaduct.handshake.payload": "70" * 100}),
    ("message 3", hexes("04 03 00000102 00000201") + b"s" * 48 + b"p" * 100, 4001, None,
     {"viaduct.handshake.type": "3", "viaduct.handshake.payload": "70" * 100}),
    ("cookie", hexes("04 04 00000000 00000102") + b"h" * 8 + b"m" * 16, 4001, None,
     {"viaduct.handshake.type": "4", "viaduct.cookie.e_hash": "68" * 8, "viaduct.cookie.mac": "6d" * 16}),
    ("sealed", SEALED, 4001, None, {"viaduct.index": "5", "viaduct.receiver": "0x0a0b0c0d", "viaduct.counter": "7",
     "viaduct.sealed.tag": "74" * 16, "viaduct.sealed.ciphertext": "00" * 20}),
    ("keepalive", SWITCH, 4001, None, {"viaduct.index": "6", "viaduct.label": "0x000000000005a7e9",
     "viaduct.used": "0", "viaduct.class": "0xb8", "viaduct.class.dscp": "46", "viaduct.class.ecn": "0",
     "viaduct.tag": "4fb56ac226451d9a", "viaduct.keepalive": "1"}),
    ("sealed in a switch frame", SWITCH + SEALED, 4001, None, {"viaduct.index": "6,5",
     "viaduct.receiver": "0x01020304,0x0a0b0c0d", "viaduct.counter": "1,7"}),
    ("report in a switch frame", REPORT, 4001, None, {"viaduct.index": "6,7", "viaduct.flags.error": "1",
     "viaduct.report.code": "5", "viaduct.report.limit": "1280", "viaduct.report.used": "16",
     "viaduct.report.director": "0x001234", "viaduct.report.echo": "1122334455667788"}),
    ("lost", hexes("07 00 01020304 0000000000000009"), 4001, None, {"viaduct.report.code": "0",
     "viaduct.report.index": "0x01020304", "viaduct.report.counter": "9"}),
    ("cut in the header", SWITCH + SEALED, 4001, 20, {"viaduct.index": "6", "viaduct.counter": "1",
     "viaduct.label": "", "viaduct.cut": "viaduct.cut"}),
    ("cut in the ciphertext", SWITCH + SEALED, 4001, 60, {"viaduct.index": "6,5", "viaduct.sealed.tag": "",
     "viaduct.cut": "viaduct.cut"}),
    ("unknown type", hexes("04 09 00000102 00000201") + bytes(24), 4001, None,
     {"viaduct.handshake.type": "9", "viaduct.malformed": "viaduct.malformed"}),
    ("a switch frame in a switch frame", SWITCH + SWITCH, 4001, None,
     {"viaduct.index": "6,6", "viaduct.malformed": "viaduct.malformed"}),
    ("a short payload", SWITCH + b"\x05", 4001, None, {"viaduct.malformed": "viaduct.malformed"}),
    ("too short", SWITCH[:32], 4001, None, None),
    ("QUIC", b"\x40" + bytes(40), 4001, None, None),
    ("STUN", hexes("0001 0000 2112a442") + bytes(12), 4001, None, None),
    ("another port", SWITCH, 5001, None, None),
    ("message 1 on another port", MESSAGE_1, 6001, None, {"viaduct.handshake.type": "1"}),
    ("what follows it there", SWITCH, 6001, None, {"viaduct.index": "6"}),
]


def record(payload, port, kept):
    udp = struct.pack(">HHHH", 7001, port, 8 + len(payload), 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0x4000, 64, 17, 0,
                     bytes([198, 18, 0, 1]), bytes([198, 18, 0, 2]))
    whole = ip + udp + payload
    cut = whole if kept is None else whole[:28 + kept]
    return struct.pack("<IIII", 0, 0, len(cut), len(whole)) + cut


def tshark(path, fields):
    command = ["tshark", "-n", "-r", path, "-X", f"lua_script:{SCRIPT}", "-T", "fields", "-E", "separator=|"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Lua:" not in done.stderr and "Lua Error" not in done.stdout, done.stderr + done.stdout
    return [line.split("|") for line in done.stdout.splitlines()]


with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "frames.pcap")
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for _, payload, port, kept, _ in CASES:
            file.write(record(payload, port, kept))
    fields = sorted({name for *_, wanted in CASES for name in wanted or {}} | {"viaduct.index"})
    rows = tshark(path, fields)
    assert len(rows) == len(CASES), rows
    wrong = 0
    for (name, _, _, _, wanted), row in zip(CASES, rows):
        shown = dict(zip(fields, row))
        for field, value in (wanted if wanted is not None else {"viaduct.index": ""}).items():
            if shown[field].replace(":", "") != value and not (value and field in ("viaduct.cut", "viaduct.malformed")
                                                               and shown[field]):
                print(f"{name}: {field} is {shown[field]!r}, not {value!r}")
                wrong += 1
    print(f"dissector: {len(CASES)} frames, {wrong} wrong fields")
    sys.exit(wrong > 0)
