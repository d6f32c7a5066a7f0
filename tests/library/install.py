#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""An installed libviaduct is enough to build and run what the documentation shows: install.py BUILD."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = sys.argv[1]
ROOT = pathlib.Path(__file__).resolve().parents[2]
WAIT_S = 60
CPP = """
#include <viaduct/host.h>
#include <viaduct/log_settings.h>
#include <viaduct/version.h>
#include <cstring>
int main()
{
	struct host_config config = {};
	struct host *host;
	char why[HOST_WHY], address[VD_MULTIADDR_TEXT];
	if (host_new(&config, &host) || host_listen_text(host, "/ip4/127.0.0.1/tcp/0", why))
		return 1;
	bool good = host_address_text(host, 0, address) && strcmp(vd_version(), VD_VERSION) == 0;
	host_free(host);
	return good ? 0 : 2;
}
"""
# Names that the library has inside.
OWN_NAMES = """
#include <viaduct/host.h>
int timers_init(void), noise_stream_new(void), host_layers_init(void), connection_init(void);
int timers_init(void) { return 0; }
int noise_stream_new(void) { return 0; }
int host_layers_init(void) { return 0; }
int connection_init(void) { return 0; }
int main(void)
{
	struct host_config config = { 0 };
	struct host *host;
	if (host_new(&config, &host))
		return 1;
	host_free(host);
	return timers_init() + noise_stream_new() + host_layers_init() + connection_init();
}
"""


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temp.name)
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", cls.folder / "dest"],
                       check=True, stdout=subprocess.DEVNULL)
        cls.pc, = cls.folder.rglob("viaduct.pc")
        cls.libdir = cls.pc.parents[1]
        prefix = re.search(r"^prefix=(.*)$", cls.pc.read_text(), re.M)[1]
        tools = cls.folder / "tools"  # pkg-config as it were if the prefix were /usr
        tools.mkdir()
        (tools / "pkg-config").write_text(
            f'#!/bin/sh\nexec {shutil.which("pkg-config")} --define-variable=prefix={cls.folder}/dest{prefix} "$@"\n')
        (tools / "pkg-config").chmod(0o755)
        cls.include = cls.folder / "dest" / prefix.lstrip("/") / "include"
        cls.env = dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}", PKG_CONFIG_PATH=str(cls.pc.parent),
                       LD_LIBRARY_PATH=str(cls.libdir))

    @classmethod
    def tearDownClass(cls):
        cls.temp.cleanup()

    def sh(self, command):
        done = subprocess.run(["sh", "-euc", command], cwd=self.folder, env=self.env, capture_output=True, text=True,
                              timeout=WAIT_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def first_line(self, program, then):
        """The line that a program prints before it waits; `then` is done while it runs."""
        with subprocess.Popen([self.folder / program], env=self.env, stdout=subprocess.PIPE, text=True) as process:
            try:
                then(process.stdout.readline().strip())
            finally:
                process.kill()

    def static_libs(self):
        return self.sh("pkg-config --static --libs viaduct").strip().replace("-lviaduct", "-l:libviaduct.a")

    def test_examples_build_by_the_line_in_each(self):
        for source in sorted((ROOT / "examples").glob("*.c")):
            (self.folder / source.name).write_bytes(source.read_bytes())
            line = re.search(r"^ \*\t(cc .*)$", source.read_text(), re.M)
            self.sh(line[1].replace("cc ", "cc -std=gnu11 -Wall -Wextra -Werror ", 1))
            self.assertIn("libviaduct.so.", self.sh(f"ldd ./{source.stem}"))
        self.first_line("echo", lambda address:
                        self.assertEqual(self.sh(f"./echo {address} hello"), "hello\n"))

    def test_an_example_builds_statically(self):
        self.sh(f"cc -o echo_static {ROOT}/examples/echo.c $(pkg-config --cflags viaduct) {self.static_libs()}")
        self.assertNotIn("libviaduct", self.sh("ldd ./echo_static"))
        self.first_line("echo_static", lambda address:
                        self.assertEqual(self.sh(f"./echo_static {address} hello"), "hello\n"))

    def test_the_program_of_the_readme_builds_and_answers(self):
        part = (ROOT / "README.md").read_text().split("## Use it as a library")[1]
        source = re.search(r"```c\n(.*?)```", part, re.S)[1]
        (self.folder / "smallest.c").write_text(source.replace("/tcp/4001", "/tcp/0"))  # 4001 may be taken
        line = re.search(r"^(cc .*)$", part, re.M)[1]
        self.sh(line.replace("cc ", "cc -Wall -Wextra -Werror ", 1))
        self.first_line(re.search(r"-o (\w+)", line)[1], lambda address:
                        self.assertRegex(address, r"^/ip4/.*/p2p/12D3"))

    def test_cplusplus_includes_and_links(self):
        (self.folder / "a.cc").write_text(CPP)
        for compiler in ("g++", "clang++"):
            self.sh(f"{compiler} -std=c++17 -Wall -Wextra -Werror a.cc -o a $(pkg-config --cflags --libs viaduct); ./a")

    def test_a_static_program_may_use_names_that_are_ours_inside(self):
        (self.folder / "own.c").write_text(OWN_NAMES)
        self.sh(f"cc -o own own.c $(pkg-config --cflags viaduct) {self.static_libs()}; ./own")

    def test_nothing_else_is_installed_for_programs(self):
        listed = (ROOT / "library/headers.txt").read_text().split()
        self.assertEqual({str(path.relative_to(self.include)) for path in self.include.rglob("*.h")},
                         {f"viaduct/{pathlib.Path(name).name}" for name in listed})
        for header in self.include.rglob("*.h"):
            self.assertNotRegex(header.read_text(), r'#include "')


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
