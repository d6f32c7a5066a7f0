#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""viaductd with each kind of mistake in its configuration and key file: exit status, line, cure; nothing is made."""
import os
import pathlib
import subprocess
import sys
import tempfile

VIADUCTD, VIADUCT = sys.argv[1:3]
PEER = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
PORT = "dataplane: { ports: [ { name: u0, driver: udp, bind: '127.0.0.1:0' } ] }\n"
NOBODY = 65534

# name: (text of the file, line told, key told, what and cure)
MISTAKES = {
    "unknown key": ("link:\n  widht: 4\n", 2, "link.widht", "did you mean `width`?"),
    "unknown section": ("\nelephant: {}\n", 2, "elephant", "known here: "),
    "wrong type, list": ("link:\n  width: [ 4 ]\n", 2, "link.width", "is a list; write a single value"),
    "wrong type, text": ("dataplane:\n  workers: two\n", 2, "dataplane.workers", "number from 1 to 64; write one"),
    "wrong type, mapping": ("log:\n  level: { a: b }\n", 2, "log.level", "is a mapping; write a single value"),
    "wrong type, number": ("link: 7\n", 1, "link", "is not a mapping; write keys below it"),
    "out of range, high": ("dataplane:\n  workers: 65\n", 2, "dataplane.workers", "from 1 to 64"),
    "out of range, low": ("tun: { mtu: 1279 }\n", 1, "tun.mtu", "from 1280 to 9000"),
    "out of range, negative": ("link:\n  links_max: -1\n", 2, "link.links_max", "from 16"),
    "out of range, huge": ("link:\n  links_max: 18446744073709551617\n", 2, "link.links_max", "from 16"),
    "duplicate key": ("link:\n  width: 8\n  width: 8\n", 3, "link.width", "given twice; take one out"),
    "duplicate section": ("link: {}\nlog: {}\nlink: {}\n", 3, "link", "given twice; take one out"),
    "duplicate port": (PORT.replace("} ]", "}, { name: u0, driver: udp, bind: '127.0.0.1:9' } ]"), 0,
                       "dataplane.ports", "two ports are named `u0`; give each"),
    "bad multiaddr": ("link:\n  listen: [ /ip4/300.1.1.1/udp/1 ]\n", 2, "link.listen", "not a multiaddr; write it as"),
    "bad router": ("link:\n  routers: [ /ip4/198.18.0.1/udp/1 ]\n", 2, "link.routers", "add /viaduct/p2p/"),
    "bad peer id": ("session:\n  allow: [ 12D3KooW ]\n", 2, "session.allow", "not a peer id; write it as 12D3"),
    "bad address": ("api:\n  listen: localhost\n", 2, "api.listen", "not an address and port"),
    "bad indentation": ("link:\n  width: 4\n reserve: true\n", 3, "YAML", "check indentation"),
    "tab": ("link:\n\twidth: 4\n", 2, "YAML", "check indentation"),
    "open bracket": ("link: { width: 4\n", 2, "YAML", "brackets"),
    "open quote": ("log: { level: 'info }\n", 2, "YAML", "quotes"),
    "two documents": (PORT + "---\n" + PORT, 3, "file", "take out the `---`"),
    "a list": ("- a\n- b\n", 1, "file", "is not a mapping"),
    "a word": ("hello\n", 1, "file", "is not a mapping"),
    "not text": (b"\xff\xfe\x00l", 0, "file", "UTF-8"),
    "a program": (b"\x7fELF\x02\x01\x01\x00", 0, "file", "; "),
    "empty": ("", 0, "dataplane.ports", "there is no port; add one"),
    "only a comment": ("# nothing\n", 0, "dataplane.ports", "there is no port; add one"),
    "huge": ("#" * (9 << 20), 0, "file", "larger than 8 MiB"),
    "deep": ("link:\n  " + "[" * 200000, 2, "YAML", "nested deeper than any configuration; close what is open"),
    "deep, with dashes": ("- " * 200000, 1, "YAML", "nested deeper than any configuration; close what is open"),
    "many aliases": ("link: &a { width: 4 }\nlog: *a\n", 1, "log.width", "unknown key"),
}


def run(*words, user=None, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("VIADUCT_", "XDG_"))}
    return subprocess.run([VIADUCTD, *map(str, words)], capture_output=True, text=True, errors="replace", timeout=60,
                          env=clean | environment, user=user, group=user, extra_groups=[] if user else None)


def others_can_run():
    """Root can try as somebody else, if that one may reach the build folder."""
    try:
        return os.geteuid() == 0 and run("--version", user=NOBODY).returncode == 0
    except PermissionError:
        return False


def told(done, what, *needles):
    """Ended with 1, said nothing on stdout, and its last line has all of it and no control characters."""
    line = done.stderr.rstrip("\n").split("\n")[-1]
    assert done.returncode == 1 and not done.stdout, (what, done)
    assert line.startswith("viaductd: ") and line.isprintable() and len(line) < 600, (what, done)
    for needle in needles:
        assert needle in line, (what, needle, line)


def test_mistake(directory, name, text, line, key, says):
    path = directory / "v.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    place = f"{path}:{line}: " if line else f"{path}: "
    needles = [says, place + key + ": " if key else place]
    told(run("--config", path, "--check-config"), name, *needles)
    told(run("--config", path, VIADUCT_IDENTITY_KEY=directory / "key"), name, *needles)


def test_a_full_disk():
    with open("/dev/full", "w", encoding="utf-8") as full:
        for word in ("--config-reference", "--version", "--help"):
            done = subprocess.run([VIADUCTD, word], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            assert done.returncode == 1 and "cannot write the output" in done.stderr, done


def test_files(directory):
    config = directory / "v.yaml"
    config.write_text(PORT)
    for check in [["--check-config"], []]:
        told(run("--config", directory / "none.yaml", *check), "missing", "none.yaml", "No such file", "--config")
        told(run("--config", directory, *check), "directory", str(directory), "directory", "give a readable file")
        told(run("--config", "", *check), "no name", "No such file")
        told(run("--config", "/dev/zero", *check), "endless", "larger than 8 MiB")
        told(run("--config", config, *check, VIADUCT_LINK_WIDTH="99"), "variable", "VIADUCT_LINK_WIDTH", "4 to 24")
        if others_can_run():
            config.chmod(0o600)
            told(run("--config", config, *check, user=NOBODY), "permissions", "Permission denied; let this user")
            config.chmod(0o644)
    assert run("--check-config").returncode == 2 and run("--cofig", config).returncode == 2
    done = run("--config", config, "--check-config")
    assert done.returncode == 0 and done.stdout == "configuration ok\n" and not done.stderr, done


def test_keys(directory):
    config, key = directory / "v.yaml", directory / "key"
    config.write_text(PORT + "user: root\napi: { socket: '' }\n" if os.geteuid() == 0 else PORT + "api: { socket: '' }\n")
    subprocess.run([VIADUCT, "key", "gen", key], check=True, capture_output=True)
    good = key.read_bytes()
    pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n"
    contents = {
        "empty": (b"", "is empty; put the key back"),
        "truncated": (good[:67], "too short"), "one byte": (good[:1], "too short"),
        "longer": (good + b"\0", "something else"), "PEM": (pem.encode(), "something else (PEM"),
        "RSA": (b"\x08\x00" + good[2:], "no libp2p Ed25519"), "secp256k1": (b"\x08\x02" + good[2:], "no libp2p Ed25519"),
        "another public half": (good[:-1] + bytes([good[-1] ^ 1]), "damaged"), "zeros": (bytes(68), "damaged"),
    }
    modes = {"readable by all": 0o644, "readable by the group": 0o640, "writable by all": 0o602}

    def refused(what, *needles, user=None):
        before = (os.lstat(key).st_ino, os.lstat(key).st_mode, key.read_bytes()) if key.is_file() else None
        told(run("--config", config, user=user, VIADUCT_IDENTITY_KEY=str(key)), what, str(key), *needles)
        after = (os.lstat(key).st_ino, os.lstat(key).st_mode, key.read_bytes()) if key.is_file() else None
        assert before == after, f"{what}: the key file was changed"

    for what, (content, says) in contents.items():
        key.write_bytes(content)
        refused(what, says, "; ")
    key.write_bytes(good)
    for what, mode in modes.items():
        key.chmod(mode)
        refused(what, "chmod 600")
    key.chmod(0o600)
    if os.geteuid() == 0:
        directory.chmod(0o755)
        config.write_text(PORT + "api: { socket: '' }\n")
        if others_can_run():
            refused("not ours to read", "Permission denied; let this user", user=NOBODY)
        os.chown(key, 12345, 12345)
        refused("a stranger's", "belongs to another user", "chown")
        os.chown(key, 0, 0)
    key.unlink()
    refused("missing", "viaduct key gen")
    assert not key.exists(), "a key was made silently"
    key.symlink_to(directory / "nowhere")
    refused("dangling", "viaduct key gen")
    assert not (directory / "nowhere").exists()
    key.unlink()
    key.mkdir()
    refused("directory", "is a directory; name the file in it")
    key.rmdir()
    os.mkfifo(key, 0o600)
    refused("fifo", "no regular file")
    key.unlink()
    key.write_bytes(good)
    key.chmod(0o600)


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    for mistake, row in MISTAKES.items():
        test_mistake(folder, mistake, *row)
    test_files(folder)
    test_keys(folder)
    test_a_full_disk()
