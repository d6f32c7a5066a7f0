#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""viaductd under limits on open files: raises the soft one, refuses what does not fit, and opens no more than it says."""
import os
import re
import resource
import subprocess
import sys
import tempfile

VIADUCTD, VIADUCT = sys.argv[1:3]
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("VIADUCT_")} | {"VIADUCT_USER": "root"}
HARD = 3000


def start(*words, soft=256, hard=HARD, **environment):
    return subprocess.Popen([VIADUCTD, "--config", f"{directory}/v.yaml", *words], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=ENVIRONMENT | environment,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)))


def refused(*words, **environment):
    done = start(*words, **environment)
    out, err = done.communicate(timeout=60)
    assert done.returncode == 1 and not out, (out, err)
    assert f"{directory}/v.yaml: host.connections_max: " in err and "LimitNOFILE=" in err, err
    return int(re.search(r"and (\d+) for the rest", err)[1]), int(re.search(r"lower it to (\d+)", err)[1])


with tempfile.TemporaryDirectory() as directory:
    subprocess.run([VIADUCT, "key", "gen", f"{directory}/key"], check=True, capture_output=True)
    with open(f"{directory}/v.yaml", "w", encoding="utf-8") as file:
        file.write(f"identity: {{ key: {directory}/key }}\n"
                   'dataplane: { workers: 2, ports: [ { name: u0, driver: udp, bind: "127.0.0.1:0" } ] }\n'
                   f"host: {{ listen: [ /ip4/127.0.0.1/tcp/0 ], threads: 8, state: {directory}/peers }}\n"
                   f'api: {{ socket: {directory}/api.sock, listen: "127.0.0.1:0" }}\n')
    rest, fits = refused("--check-config")
    assert (rest, fits) == refused() and rest + fits == HARD, (rest, fits)

    # The soft limit, 256, is raised: else this would not fit.
    daemon = start(VIADUCT_HOST_CONNECTIONS_MAX=str(fits))
    ready = daemon.stdout.readline()
    assert ready.startswith("ready "), (ready, daemon.stderr.read())
    opened = len(os.listdir(f"/proc/{daemon.pid}/fd"))
    assert opened < rest / 2, (opened, rest)  # half of them are for clients and names
    daemon.terminate()
    daemon.communicate(timeout=60)
    assert daemon.returncode == 0, daemon.returncode
