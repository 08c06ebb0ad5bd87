#!/usr/bin/env python3
"""Runs a command for a limited time and leaves nothing of it behind.

    bounded.py SECONDS LOG COMMAND...

What the command prints goes to standard output and into the file LOG. At its end, at the limit or
at a signal, every process that it has started and that still runs is killed: one that kept the
output open would keep whoever reads it waiting. The exit status is the command's, or 124 at the
limit.
"""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time


def members(session):
    """The processes of a session."""
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold anything; state, parent, group and session follow.
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            yield int(path.parent.name)


def kill_all(session):
    """Kills the processes of a session until there are none: they may be starting others. One
    that waits for a device cannot be killed; it is left after ten seconds."""
    deadline = time.monotonic() + 10
    while (left := list(members(session))) and time.monotonic() < deadline:
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)


def copy(source, log):
    """Copies what comes to standard output and to a file."""
    with open(log, "wb", buffering=0) as file:
        while piece := os.read(source, 1 << 16):
            file.write(piece)
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()


def main():
    limit, log, *command = sys.argv[1:]
    # A session of its own: its processes may make groups, but stay in it.
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    copier = threading.Thread(target=copy, args=(child.stdout.fileno(), log), daemon=True)
    copier.start()
    try:
        status = child.wait(float(limit))
    except subprocess.TimeoutExpired:
        status = 124
    finally:
        kill_all(child.pid)
        copier.join(10)
    if status == 124:
        print(f"{' '.join(command[:2])} did not end within {limit} s", flush=True)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
