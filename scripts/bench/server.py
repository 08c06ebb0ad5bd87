"""A server under test: started in its own session, pinned to its cores, stopped by process id."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from machine import Failure, free_port, processes


class Server:
    """One server with its files in a folder of its own.

    `ports` names what it offers: `http` always, `tls`, `h2c`, and a scenario's own name where that
    has a port to itself. `profile` says what it is set up for, see servers.py.
    """

    def __init__(self, name, folder, cores, profile="hits"):
        self.name, self.cores, self.profile = name, cores, profile
        self.folder = folder / (name if profile == "hits" else f"{name}-{profile}")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.port = free_port()
        self.ports = {"http": self.port}
        # Where it keeps objects on disk, if it does.
        self.store = None
        self.process = None
        self.log = None
        self.command, self.settle_seconds = None, 0

    def start(self, command, settle_seconds=0):
        """Starts `command`; `settle_seconds`: it accepts connections before it is ready."""
        self.command, self.settle_seconds = [str(word) for word in command], settle_seconds
        self.log = open(self.folder / "output.log", "ab")
        self.process = subprocess.Popen(
            ["taskset", "-c", ",".join(map(str, self.cores)), *self.command],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
            start_new_session=True, cwd=self.folder)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                time.sleep(settle_seconds)
                return
            except OSError:
                time.sleep(0.002)
        raise Failure(f"{self.name} did not start:\n{self.output()}")

    def start_again(self):
        self.start(self.command, self.settle_seconds)

    def output(self):
        text = (self.folder / "output.log").read_text(errors="replace")
        return text[-2000:] or "(no output)"

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def pause(self):
        """Has its processes stand still."""
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def signal(self, number):
        for pid in {self.process.pid, *self.session()} if self.process else []:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def stop(self):
        """Ends what `start` began: the process, and what is left of its own session."""
        if self.process is None:
            return
        self.resume()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self):
        """Ends all of its processes at once, as a crash would, and waits until all are gone: a
        worker that is still ending would take the connections that are meant for its successor,
        and reset them."""
        if self.process is None:
            return
        self.signal(signal.SIGKILL)
        deadline = time.monotonic() + 10
        while any(state != "Z" for state in self.states()):
            if time.monotonic() > deadline:
                raise Failure(f"{self.name}: processes are left after SIGKILL")
            time.sleep(0.001)
        self.process.wait()
        self.log.close()
        self.process = None

    def remove(self):
        """Stops it and removes its files: stores are large."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def session(self):
        """The ids of the processes of the session that `start` opened."""
        return [pid for pid, fields in processes() if int(fields[3]) == self.process.pid]

    def states(self):
        """The states of these processes; `Z` is gone and waits to be noticed."""
        return [fields[0] for _, fields in processes() if int(fields[3]) == self.process.pid]

    def cpu_seconds(self):
        ticks = sum(int(fields[11]) + int(fields[12]) for _, fields in processes()
                    if int(fields[3]) == self.process.pid)
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self):
        """Memory of its processes; what they share counts once."""
        total = 0
        for pid in self.session():
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total * 1024

    def written_bytes(self):
        """What its processes have caused to be written to disk."""
        total = 0
        for pid in self.session():
            try:
                lines = Path(f"/proc/{pid}/io").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
        return total

    def get(self, path):
        """Status, body and fields of one GET on a connection of its own."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as response:
            return response.status, response.read(), response.headers
