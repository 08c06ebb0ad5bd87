#!/usr/bin/env python3
"""Clients of many kinds, at random, against a running edge; every body is compared.

    clients.py PATH-TO-EDGE [--seconds N] [--workers N] [--seed N]

Starts the fixture origin and the edge, with a small memory, a disk and TLS, and asks for objects
of 1 byte to 9 MB: by curl over HTTP/1.0, 1.1 and 2, in clear and over TLS, one by one and in
parallel, whole and in ranges, with and without gzip, fast and slowly; by pipelined requests on a
socket; by clients that go away in the middle. Objects expire and are purged meanwhile. Prints what
did not come as it should, and counts; exits 1 when there was any of the former.
"""

import argparse
import http.client
import os
import pathlib
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from idle import free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIZES = [1, 100, 5_000, 20_000, 65_000, 66_000, 131_072, 200_000, 262_143, 262_144, 262_145,
         300_000, 524_288, 1_000_000, 3_000_000, 9_000_000]
STREAMS = [(1, 10), (5, 1_000), (7, 40_000), (3, 200_000), (12, 100_000)]
PASSWORD = "correct horse"

EDGE = """
listeners:
  - address: 127.0.0.1:{port}
  - address: 127.0.0.1:{tls}
    tls: {{ certificate: {folder}/edge.pem, key: {folder}/edge.key }}
origins: {{ api: {{ servers: [http://127.0.0.1:{origin}] }} }}
routes: [{{ match: /*, origin: api, compression_types: [application/octet-stream] }}]
store:
  memory: {{ size: 4 MiB, largest: 64 KiB }}
  disk: {{ path: cache, size: 256 MiB }}
admin: {{ address: 127.0.0.1:{admin}, users: [{{ name: admin, password: {password} }}] }}
threads: 2
log: {{ level: error, access: off }}
"""

WAYS = {
    "HTTP/1.0": (False, ["--http1.0"]),
    "close": (False, ["-H", "Connection: close"]),
    "HTTP/1.1": (False, ["--http1.1"]),
    "h2c": (False, ["--http2-prior-knowledge"]),
    "h2": (True, ["--http2"]),
    "TLS": (True, ["--http1.1"]),
}


class Setup:
    """The origin, the edge, and what the origin's bodies are."""

    def __init__(self, edge, folder):
        self.folder = folder
        self.origin, origin_port = start_origin()
        self.port, self.tls, self.admin = free_port(), free_port(), free_port()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "edge.key",
             "-out", "edge.pem", "-days", "365", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost"],
            cwd=folder, check=True, capture_output=True)  # fmt: skip
        (folder / "edge.key").chmod(0o600)
        (folder / "edge.conf").write_text(EDGE.format(
            port=self.port, tls=self.tls, admin=self.admin, origin=origin_port, folder=folder,
            password=PASSWORD))
        self.edge = subprocess.Popen(
            [edge.resolve(), "serve", "--config", folder / "edge.conf"],
            stdout=subprocess.DEVNULL)
        wait_for(self.port, self.edge)
        self.bodies = {
            path: fetch(origin_port, path)
            for path in [large(size) for size in SIZES] + [stream(*each) for each in STREAMS]
        }

    def curl(self, *arguments):
        resolve = []
        for port in (self.port, self.tls):
            resolve += ["--resolve", f"localhost:{port}:127.0.0.1"]
        return subprocess.run(
            ["curl", "-sS", "--noproxy", "*", "--max-time", "60", "--cacert",
             self.folder / "edge.pem", *resolve, *arguments],
            capture_output=True, text=True, check=False)  # fmt: skip

    def url(self, is_secure, path):
        if is_secure:
            return f"https://localhost:{self.tls}{path}"
        return f"http://localhost:{self.port}{path}"

    def stop(self):
        self.edge.terminate()
        status = self.edge.wait(60)
        self.origin.kill()
        self.origin.wait()
        return status


def large(size):
    return f"/large?bytes={size}"


def stream(count, size):
    return f"/stream?chunks={count}&ms=0&bytes={size}"


def start_origin():
    origin = subprocess.Popen(
        ["python3", "-u", ROOT / "fixtures/origin.py", "--port", "0", "--quiet"],
        stdout=subprocess.PIPE, text=True)  # fmt: skip
    line = next(line for line in origin.stdout if "listening on" in line)
    return origin, int(line.split(":")[-1])


def fetch(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return body


def wait_for(port, process):
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("error: the edge did not start")


class Worker(threading.Thread):
    """One client after the other."""

    def __init__(self, setup, number, seed, end):
        super().__init__()
        self.setup, self.number, self.end = setup, number, end
        self.random = random.Random(seed * 1000 + number)
        self.faults, self.counts = [], {}

    def run(self):
        kinds = [self.single] * 6 + [self.parallel] * 2 + [self.pipelined, self.leave, self.leave]
        while time.monotonic() < self.end:
            kind = self.random.choice(kinds) if self.random.random() > 0.005 else self.purge
            self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
            kind()

    def fault(self, *words):
        self.faults.append(words)
        print("fault:", *words, flush=True)

    def pick(self, most=9_000_000):
        """A path as it is asked for, and its body."""
        base, body = self.random.choice(
            [each for each in self.setup.bodies.items() if len(each[1]) <= most])
        path = f"{base}&tag=t{self.random.randrange(5)}"
        if base.startswith("/stream"):
            path += f"&cache-control=max-age={self.random.choice([1, 60])}"
        elif self.random.random() < 0.2:
            path += "&cache-control=max-age=1"
        return path, body

    def single(self):
        path, body = self.pick()
        name, (is_secure, way) = self.random.choice(list(WAYS.items()))
        output = self.setup.folder / f"single-{self.number}"
        output.unlink(missing_ok=True)
        arguments = ["-o", output, "-w", "%{http_code}", *way]
        first = last = None
        if self.random.random() < 0.3:
            first = self.random.randrange(len(body))
            last = self.random.randrange(first, len(body))
            arguments += ["-r", f"{first}-{last}"]
        if self.random.random() < 0.3:
            arguments.append("--compressed")
        if self.random.random() < 0.1 and len(body) < 1_000_000:
            arguments += ["--limit-rate", self.random.choice(["200k", "2M"])]
        done = self.setup.curl(*arguments, self.setup.url(is_secure, path))
        got = output.read_bytes() if output.exists() else b""
        wanted = body[first : last + 1] if done.stdout == "206" else body
        if done.returncode or done.stdout not in ("200", "206") or got != wanted:
            self.fault(name, path, arguments[4:], done.stdout, done.stderr.strip(),
                       f"{len(got)} of {len(wanted)} bytes")

    def parallel(self):
        # curl 7.88 fails with several transfers over one connection of prior knowledge.
        is_secure = self.random.random() < 0.7
        arguments = ["-Z", self.random.choice(["--http2", "--http1.1"]) if is_secure
                     else "--http1.1"]
        if self.random.random() < 0.2:
            arguments += ["--limit-rate", "3M"]
        asked = []
        for number in range(self.random.randrange(2, 12)):
            path, body = self.pick(3_000_000)
            output = self.setup.folder / f"parallel-{self.number}-{number}"
            output.unlink(missing_ok=True)
            asked.append((path, body, output))
            arguments += ["-o", output, self.setup.url(is_secure, path)]
        done = self.setup.curl(*arguments)
        for path, body, output in asked:
            got = output.read_bytes() if output.exists() else b""
            if done.returncode or got != body:
                self.fault("parallel", arguments[1], path, done.stderr.strip()[-200:],
                           f"{len(got)} of {len(body)} bytes")

    def pipelined(self):
        asked = [self.pick(524_288) for _ in range(self.random.randrange(1, 6))]
        asked = [each for each in asked if each[0].startswith("/large")]
        if not asked:
            return
        requests = [f"GET {path} HTTP/1.1\r\nHost: localhost\r\n" for path, _ in asked]
        requests[-1] += "Connection: close\r\n"
        got = bytearray()
        try:
            with socket.create_connection(("127.0.0.1", self.setup.port), 30) as client:
                client.sendall("".join(f"{each}\r\n" for each in requests).encode())
                if self.random.random() < 0.3:
                    client.shutdown(socket.SHUT_WR)
                while piece := client.recv(self.random.choice([1_000, 65_536, 1 << 20])):
                    got += piece
        except OSError as error:
            return self.fault("pipelined", [path for path, _ in asked], error)
        for path, body in asked:  # one answer behind the other
            head, _, rest = bytes(got).partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200") or rest[: len(body)] != body:
                return self.fault("pipelined", path, head[:40], f"{len(rest)} bytes")
            got = rest[len(body) :]

    def leave(self):
        path, _ = self.pick()
        is_secure = self.random.random() < 0.5
        port = self.setup.tls if is_secure else self.setup.port
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as client:
                if is_secure:
                    context = ssl.create_default_context(cafile=self.setup.folder / "edge.pem")
                    client = context.wrap_socket(client, server_hostname="localhost")
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                client.recv(self.random.choice([1, 1_000, 100_000]))
                client.close()
        except OSError as error:
            self.fault("leave", path, error)

    def purge(self):
        path, _ = self.pick()
        pattern = self.random.choice([path.partition("&tag")[0] + "*", "/large*", "/*"])
        done = self.setup.curl(
            "-u", f"admin:{PASSWORD}", "-H", "Content-Type: application/json", "-o", os.devnull,
            "-w", "%{http_code}", "-d", f'{{"paths":["{pattern}"]}}',
            f"http://127.0.0.1:{self.setup.admin}/v1/invalidations")  # fmt: skip
        if done.stdout != "201":
            self.fault("purge", pattern, done.stdout, done.stderr.strip())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("edge", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(arguments.edge, pathlib.Path(folder))
        end = time.monotonic() + arguments.seconds
        workers = [Worker(setup, number, arguments.seed, end)
                   for number in range(arguments.workers)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        status = setup.stop()
    counts = {}
    for worker in workers:
        for name, count in worker.counts.items():
            counts[name] = counts.get(name, 0) + count
    faults = sum(len(worker.faults) for worker in workers)
    print(f"{counts}, {faults} faults, the edge ended with {status}")
    sys.exit(faults > 0 or status != 0)


if __name__ == "__main__":
    main()
