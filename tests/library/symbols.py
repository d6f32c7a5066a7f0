#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What libviaduct shows to programs is the documented list, and nothing else: symbols.py SHARED STATIC LIST."""
import pathlib
import re
import subprocess
import sys
import unittest

SHARED, STATIC, LIST = sys.argv[1:4]
NEEDED = {"libuv.so.1", "libsodium.so.23", "libssl.so.3", "libcrypto.so.3", "libsecp256k1.so.1", "libc.so.6",
          "libasan.so.8", "libubsan.so.1", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"}
# Writable state of the process: settings of the log, the rate of each place that logs, and the key by which a thread
# keeps the memory of emptied queues (byte_queue).
STATE = re.compile(r"kept_(key|once|ready)|log_fd|log_format|log_levels|(\w+\.)?vd_site_(\.\d+)?")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def defined(*command):
    """Names that nm tells, without versions and what sanitizers add."""
    names = {line.split()[-1].split("@")[0] for line in output(*command).splitlines() if len(line.split()) > 2}
    return {name for name in names if not name.startswith(("VIADUCT_", "__odr_asan", "__asan", "asan."))}


class Symbols(unittest.TestCase):
    wanted = set(pathlib.Path(LIST).read_text().split())

    def test_shared_exports_the_list(self):
        self.assertEqual(defined("nm", "-D", "--defined-only", SHARED), self.wanted)

    def test_static_has_no_other_globals(self):
        self.assertEqual(defined("nm", "--defined-only", "--extern-only", STATIC), self.wanted)

    def test_each_symbol_has_the_version_of_the_soname(self):
        soname = re.search(r"SONAME.*\[libviaduct\.so\.(\d+\.\d+)\]", output("readelf", "-dW", SHARED))
        versions = set(re.findall(r"@@(\w+\S*)", output("nm", "-D", "--defined-only", SHARED)))
        self.assertEqual(versions, {f"VIADUCT_{soname[1]}"})

    def test_it_needs_no_library_of_the_data_plane(self):
        needed = set(re.findall(r"NEEDED.*\[(\S+)\]", output("readelf", "-dW", SHARED)))
        self.assertLessEqual(needed, NEEDED)

    def test_it_stays_loaded(self):
        """A thread's end calls into it: it must be there still."""
        self.assertRegex(output("readelf", "-dW", SHARED), r"FLAGS_1.*NODELETE")

    def test_its_only_state_is_that_of_the_log(self):
        sections = {number: name for number, name in
                    re.findall(r"^\s*\[\s*(\d+)\]\s+(\S+)", output("readelf", "-SW", STATIC), re.M)}
        for row in output("readelf", "-sW", STATIC).splitlines():
            cells = row.split()
            if len(cells) < 8 or cells[3] not in ("OBJECT", "TLS", "COMMON") or cells[2] == "0":
                continue
            section = sections.get(cells[6], "")
            if re.match(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)", section) and not cells[7].startswith("__"):
                self.assertTrue(STATE.fullmatch(cells[7]), row)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
