"""What the machine offers: cores, ports, processes, versions."""

import os
import socket
import subprocess
from pathlib import Path


class Failure(Exception):
    """A measurement that would not mean anything, or a server that does not do its part."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write(path, text):
    path.write_text(text)
    return path


def processes():
    """Each process's id and the fields of its /proc stat line from the state on."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            yield int(entry), stat.rpartition(")")[2].split()


def children_cpu_seconds():
    """CPU time of all processes that this one has started and waited for."""
    times = os.times()
    return times.children_user + times.children_system


def description():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "unknown")
    return {"cpu": model, "cores": os.cpu_count(), "kernel": os.uname().release}


def version(command):
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return "unknown" if run.returncode else (run.stdout + run.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "unknown"
