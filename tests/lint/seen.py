# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What a slow lint has found clean before, so that it need not look again: as ccache does for compilers.

A key is a hash of all that a finding can depend on; a file in the cache folder says that there was none.
Findings are not kept: who mends one looks again. The folder is ${XDG_CACHE_HOME:-~/.cache}/viaduct/lint,
to be deleted at any time; what was not asked for in 30 days goes by itself.
"""
import contextlib
import functools
import hashlib
import os
import pathlib
import subprocess
import time

from lint import ROOT

FOLDER = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "viaduct" / "lint"
KEPT = 30 * 24 * 3600


@functools.cache
def content(path):
    if not os.path.exists(path):
        return "gone since it was compiled"
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def read_by(build):
    """{object file: the files that its compiler read}, of a folder that is built."""
    told = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True).stdout
    read = {}
    for block in told.split("\n\n"):
        head, *files = block.split("\n")
        if "(VALID)" in head:
            read[head.split(":")[0]] = [os.path.normpath(build / name.strip()) for name in files]
    return read


def key(words, files):
    """Of the words (a command, a version, a configuration) and of each file's place and content."""
    digest = hashlib.sha256()
    for word in [*words, *(word for path in files for word in (path, content(path)))]:
        digest.update(word.replace(str(ROOT), ".").encode() + b"\0")
    return digest.hexdigest()


def is_clean(name):
    try:
        os.utime(FOLDER / name)
    except OSError:
        return False
    return True


def keep_clean(name):
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).touch()


def forget_old():
    for file in FOLDER.glob("*"):
        with contextlib.suppress(FileNotFoundError):  # another clone's lint forgets it, too
            if file.stat().st_mtime < time.time() - KEPT:
                file.unlink()
