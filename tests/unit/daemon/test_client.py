#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The client `viaduct` against a daemon that is only a socket: output, exit statuses, errors with cure."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading

VIADUCT = sys.argv[1]
ANSWERS = {
    "status": {"ok": {"peer": "12D3", "version": "9", "uptime_s": 61, "workers": 1, "links": 0, "sessions": 0}},
    "links": {"ok": {"links": [{"peer": "12D3\u001b[2J\u009b\u007fé", "state": "up", "rx_bytes": 1500, "rtt_ms": None}]}},
    "accounts": {"ok": {"accounts": [{"peer": "12D3", "rx_bytes": 1500}], "left_out": 15000}},
    "routes": {"ok": {"routes": []}},
    "stats": {"ok": {"switched": 5, "delivered": 0, "punted": 1, "drops": {"bad_tag": 3, "replayed": 0},
                     "workers": [{"id": 0, "busy": 0.25, "cycles_per_packet": 150}]}},
    "ping": {"error": "no session with that peer; see `viaduct sessions`"},
    "connect": {"ok": {"kind": "link", "peer": "12D3", "state": "up", "already": True}},
    "disconnect": {"error": "no link to that address; see `viaduct links`"},
    "drain": {"ok": {"draining": True, "links": 3}},
    "resolve": {"ok": {"hosts": [{"overlay": "fd76::1", "peer": "12D3", "names": ["a", "b"]},
                                 {"overlay": "fd76::2", "peer": None, "names": []}]}},
    "trace": {"ok": {"peer": "12D3b", "worst": 1, "legs": [
        {"from": "12D3", "to": "12D3r", "sent": 20, "received": 20, "rtt_ms": 1.0, "leg_ms": 1.0, "leg_loss": 0.0},
        {"from": "12D3r", "to": "12D3b", "sent": 20, "received": 10, "rtt_ms": 3.0, "leg_ms": 2.0, "leg_loss": 0.5}]}},
    "capture": {"error": "another capture is under way; end that one first"},
    "sessions": None,  # closes instead
}

asked = []  # all requests


def serve(listener):
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw", encoding="utf-8") as lines:
            asked.append(json.loads(lines.readline()))
            answer = ANSWERS[asked[-1]["command"]]
            if answer:
                lines.write(json.dumps(answer) + "\n")


def run(*words, **environment):
    """With a runtime directory of its own: a `viaductd --dev` that runs beside the test is not to be seen."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("VIADUCT_", "XDG_"))}
    own = {"XDG_RUNTIME_DIR": directory}
    return subprocess.run([VIADUCT, *words], capture_output=True, text=True, timeout=30, env=clean | own | environment)


def check(done, status, out="", err=""):
    assert done.returncode == status, done
    assert out in done.stdout, done
    assert err in done.stderr, done


with tempfile.TemporaryDirectory() as directory:
    path = directory + "/api.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    threading.Thread(target=serve, args=(listener,), daemon=True).start()

    check(run("--api", path, "status"), 0, "up for        1m01s\n")
    check(run("status", VIADUCT_API=path), 0, "peer          12D3\n")
    done = run("--api", path, "links")
    check(done, 0, "12D3?[2J??é")
    check(done, 0, "1.50 kB")
    check(run("--api", path, "accounts"), 0, "\nand 15000 more\n")
    check(run("--api", path, "routes"), 0, "no routes\n")
    done = run("--api", path, "stats")
    check(done, 0, "bad_tag")
    assert "replayed" not in done.stdout, done
    check(run("--api", path, "-a", "stats"), 0, "replayed")
    assert "damaged on the way" not in done.stdout, done
    done = run("--api", path, "stats", "--explain")
    check(done, 0, "\nbad_tag (3): tag does not verify: corrupted, or forged\n    The frame names a link of ours")
    assert "\nreplayed (" not in done.stdout and max(map(len, done.stdout.splitlines())) <= 80, done
    done = run("--api", path, "stats", "--explain", "--all")
    check(done, 0, "\nreplayed (0): counter seen before")
    explained = json.loads(run("--api", path, "stats", "--explain", "-o", "json").stdout)["explain"]
    assert list(explained) == ["bad_tag"] and "SipHash" in explained["bad_tag"]["advice"], explained
    assert json.loads(run("stats", "-o", "json", "--api", path).stdout) == ANSWERS["stats"]["ok"]
    done = run("links", "-o", "json", "--api", path)
    check(done, 0, r'"12D3\u001B[2J\u009B\u007Fé"')
    assert json.loads(done.stdout) == ANSWERS["links"]["ok"], done
    check(run("--api", path, "ping", "-n", "1", "x"), 1, "1: no session with that peer; see")
    done = run("--api", path, "-o", "json", "ping", "-n", "1", "x")
    check(done, 1)
    assert json.loads(done.stdout)["received"] == 0, done
    check(run("--api", path, "connect", "/ip4/…"), 0, "link with 12D3 is already up\n")
    assert json.loads(run("--api", path, "-o", "json", "connect", "x").stdout)["kind"] == "link"
    check(run("--api", path, "drain"), 0, "draining: 3 links told;")
    check(run("--api", path, "resolve"), 0, "fd76::1 a b  # 12D3\n# fd76::2\n")
    check(run("--api", path, "ping", "--path", "x"), 0, "most is lost between 12D3r and 12D3b: 50 %\n")
    assert json.loads(run("--api", path, "-o", "json", "ping", "--path", "x").stdout)["worst"] == 1
    last = ANSWERS["trace"]["ok"]["legs"][1]
    last["received"] = 0
    check(run("--api", path, "ping", "--path", "x"), 1, "most is lost between 12D3r and 12D3b: 50 %\n")
    done = run("--api", path, "-o", "json", "ping", "--path", "x")
    check(done, 1)
    assert json.loads(done.stdout)["worst"] == 1, done
    last["sent"] = 0
    ANSWERS["trace"]["ok"]["worst"] = None
    check(run("--api", path, "ping", "--path", "x"), 1, "no ping left for 12D3b; see `viaduct sessions`\n")
    check(run("--api", path, "connect", "/a", "/b", "/c"), 0)
    assert asked[-1]["args"] == ["/a", None, "/b", "/c"], asked[-1]
    check(run("--api", path, "disconnect", "x"), 1, err="no link to that address; see")
    ANSWERS["ping"] = ANSWERS["disconnect"] = {"error": "refused (\u001b]0;me\u0007 \u009b2J\u007f) é"}
    check(run("--api", path, "ping", "-n", "1", "x"), 1, "1: refused (?]0;me? ?2J?) é\n")
    check(run("--api", path, "disconnect", "x"), 1, err="viaduct: refused (?]0;me? ?2J?) é\n")
    check(run("--api", path, "sessions"), 3, err="closed the connection")

    kept = directory + "/kept.pcapng"
    with open(kept, "w", encoding="utf-8") as file:
        file.write("of yesterday")
    check(run("--api", path, "capture", "-w", kept), 1, err="end that one first")
    check(run("--api", directory + "/none", "capture", "-w", kept), 3, err="start viaductd")
    with open(kept, encoding="utf-8") as file:
        assert file.read() == "of yesterday", "a capture that did not begin keeps the file"
    ANSWERS["capture"] = {"ok": {"id": 7, "ports": ["u0"]}}
    done = run("--api", path, "capture", "-w", directory)
    check(done, 1, err="name a file you can write")
    assert "packets" not in done.stderr and asked[-1]["args"] == ["stop", 7], (done, asked[-1])

    check(run("--api", directory + "/none", "status"), 3, err="start viaductd")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(directory + "/dead.sock")
    check(run("--api", directory + "/dead.sock", "status"), 3, err="(Connection refused); start viaductd")
    os.makedirs(directory + "/dev/viaduct")
    open(directory + "/dev/viaduct/api.sock", "w").close()
    check(run("--api", directory + "/none", "status", XDG_RUNTIME_DIR=directory + "/dev"), 3,
          err=f"there is one of --dev; add --api {directory}/dev/viaduct/api.sock\n")
    check(run("--api", "/x" * 80, "status"), 3, err="too long")
    check(run("reboot"), 2, err="unknown command `reboot`")
    check(run("ping"), 2, err="usage: viaduct ping PEER")
    check(run("-n", "0", "ping", "x"), 2, err="from 1 to")
    for words, why in ((["stats", "--count", "3"], "--count is not for stats, but for: ping capture"),
                       (["-a", "links"], "--all is not for links, but for: stats"),
                       (["status", "more"], "usage: viaduct status\n"),
                       (["drain", "all"], "usage: viaduct drain [cancel]"),
                       (["connect", "a", "b"], "connect to one peer at a time"),
                       (["capture", "--direction", "up"], "--direction is in or out")):
        check(run("--api", path, *words), 2, err=why)
    with open("/dev/full", "w", encoding="utf-8") as full:
        for words in (["help"], ["--version"], ["--api", path, "links"]):
            done = subprocess.run([VIADUCT, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            assert done.returncode == 1 and "cannot write the output" in done.stderr, done
    # Who reads a capture's lines goes away before a packet comes.
    with subprocess.Popen([VIADUCT, "--api", path, "capture"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as deaf:
        deaf.stdout.close()
        deaf.wait(20)
    assert asked[-1]["args"] == ["stop", 7], asked[-1]
    check(run("-o", "xml", "status"), 2, err="text or json")
    check(run(), 2, "usage:")
    check(run("--help"), 0, "exit status:")
    known = len(asked)
    for words in (["ping", b"\xff"], ["ping", "--path", "-n", "2", b"\xff"], ["connect", "/a", b"/\xff"],
                  ["capture", "--link", b"\xff"], ["connect", "--network", b"\xff", "a"]):
        done = run("--api", path, *words)
        check(done, 2, err="an argument is not UTF-8; write it as UTF-8 text\n")
        assert not done.stdout, done
    assert len(asked) == known, asked[known:]

    key = directory + "/key"
    done = run("key", "gen", key)
    check(done, 0, "12D3Koo")
    assert os.stat(key).st_mode & 0o777 == 0o600 and os.stat(key).st_size == 68
    assert run("key", "show", key).stdout == done.stdout
    check(run("key", "gen", key), 1, err="never replaced")
    os.chmod(key, 0o644)
    check(run("key", "show", key), 1, err="chmod 600")
    check(run("key", "show", directory + "/none"), 1, err="No such file")
    check(run("key", "burn", key), 2, err="key gen FILE")
