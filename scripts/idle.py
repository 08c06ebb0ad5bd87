#!/usr/bin/env python3
"""What idle and slow connections cost: memory each, and the latency of those that are served.

    idle.py PATH-TO-EDGE [--connections N] [--rounds N] [--seconds N] [--tls]

Opens N connections of each kind (silent, idle after a hit, stopped within a head, with a body that
stands still, with an answer that is not read) and reads the resident memory before and after. Then
wrk loads one core with hits, in turn of an edge without and of one with N connections of all kinds
beside it (each stopped while the other is measured), and the medians of p99 are compared. Exits 1
when a clear-text connection holds 8 KiB or more, or p99 rises by more than 20 %.
"""

import argparse
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

BODY = b"x" * 1024
HEAD = (
    b"GET /a HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    b"Accept: text/html,application/xhtml+xml\r\nAccept-Encoding: gzip, deflate, br\r\n"
)
LIMIT_BYTES = 8 << 10
KINDS = ["silent", "after a hit", "within a head", "within a body", "answer not read"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def p99_microseconds(output):
    """What wrk says of it."""
    if re.search(r"^ *0 requests in", output, re.MULTILINE):
        sys.exit("error: not one request was answered")
    if "Non-2xx" in output or "Socket errors" in output:
        sys.exit(f"error: wrk had errors:\n{output}")
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", output).groups()
    return float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def serve_origin(server):
    while True:
        connection, _ = server.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection):
    with connection:
        while data := connection.recv(65536):
            if data.startswith(b"GET /large"):
                body = b"y" * (4 << 20)
            elif data.startswith(b"GET"):
                body = BODY
            else:
                continue
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)
                + body
            )


class Edge:
    def __init__(self, binary, folder, connections, tls):
        origin = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=serve_origin, args=(origin,), daemon=True).start()
        self.port = free_port()
        self.context = None
        listener = f"address: 127.0.0.1:{self.port}"
        if tls:
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                 "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
                check=True, capture_output=True)  # fmt: skip
            listener += ", tls: { certificate: certificate.pem, key: key.pem }"
            self.context = ssl.create_default_context()
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE
        (folder / "edge.conf").write_text(
            f"listeners: [{{ {listener} }}]\n"
            f"origins: {{ api: {{ servers: [http://127.0.0.1:{origin.getsockname()[1]}],"
            " pool: 1000, first_byte_timeout: 10 minutes } }\n"
            "routes: [{ match: /*, origin: api }]\n"
            "store: { memory: { size: 256 MiB, largest: 16 MiB } }\nthreads: 1\n"
            f"limits: {{ connections: {2 * connections + 1000}, header_timeout: 10 minutes,"
            " body_timeout: 10 minutes, idle_timeout: 10 minutes, send_timeout: 10 minutes,"
            " body_rate: off, send_rate: off }\nlog: { level: warning }\n"
        )
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", binary, "serve", "--config", folder / "edge.conf"]
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                for path in (b"/a", b"/large"):
                    client = self.connect()
                    self.hit(client, path)
                    client.close()
                break
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.1)

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        return self.context.wrap_socket(client) if self.context else client

    @staticmethod
    def hit(client, path=b"/a"):
        client.sendall(HEAD.replace(b"/a", path) + b"\r\n")
        count = 0
        expected = None
        data = b""
        while expected is None or count < expected:
            more = client.recv(1 << 20)
            if not more:
                raise OSError("closed")
            count += len(more)
            if expected is None:
                data += more
                if b"\r\n\r\n" in data:
                    length = int(re.search(rb"Content-Length: (\d+)", data).group(1))
                    expected = data.index(b"\r\n\r\n") + 4 + length

    def open(self, kind):
        client = self.connect()
        if kind == "after a hit":
            self.hit(client)
        elif kind == "within a head":
            client.sendall(HEAD)
        elif kind == "within a body":
            client.sendall(b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\nz")
        elif kind == "answer not read":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(HEAD.replace(b"/a", b"/large") + b"\r\n")
        return client

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) << 10

    def p99(self, seconds):
        scheme = "https" if self.context else "http"
        output = subprocess.run(
            ["taskset", "-c", "1", "wrk", "-t1", "-c16", f"-d{seconds}s", "--latency",
             f"{scheme}://127.0.0.1:{self.port}/a"],
            check=True, capture_output=True, text=True).stdout  # fmt: skip
        return p99_microseconds(output)


def latencies(arguments):
    """Medians of p99 in microseconds, without idle and slow connections and beside them."""
    count = arguments.connections
    edges, clients, all_p99 = [], [], ([], [])
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name in ("alone", "beside"):
                path = pathlib.Path(folder) / name
                path.mkdir()
                edges.append(Edge(arguments.edge.resolve(), path, count, arguments.tls))
                edges[-1].p99(1)
                if name == "beside":
                    # Bodies that stand still hold a place of the origin's pool each.
                    clients = [
                        edges[-1].open(kind)
                        for kind in KINDS
                        for _ in range(500 if kind in KINDS[3:] else (count - 1000) // 3)
                    ]
                    # What opening them costs is over by then: large answers' first bytes, too.
                    edges[-1].p99(2)
                edges[-1].process.send_signal(signal.SIGSTOP)
            for number in range(arguments.rounds):
                for index in (0, 1) if number % 2 == 0 else (1, 0):
                    edges[index].process.send_signal(signal.SIGCONT)
                    edges[index].p99(1)
                    all_p99[index].append(edges[index].p99(arguments.seconds))
                    edges[index].process.send_signal(signal.SIGSTOP)
        finally:
            for edge in edges:
                edge.process.kill()
                edge.process.wait()
            for client in clients:
                client.close()
    return [statistics.median(each) for each in all_p99]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("edge", type=pathlib.Path)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--tls", action="store_true")
    arguments = parser.parse_args()
    count = arguments.connections
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < count + 500:
        sys.exit(f"too few file descriptors: {hard}; raise the hard limit (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    failed = False
    for kind in KINDS[:3]:
        with tempfile.TemporaryDirectory() as folder:
            edge = Edge(arguments.edge.resolve(), pathlib.Path(folder), count, arguments.tls)
            try:
                clients = [edge.open(kind) for _ in range(200)]
                before = edge.resident_bytes()
                clients += [edge.open(kind) for _ in range(count)]
                time.sleep(1)
                each = (edge.resident_bytes() - before) / count
                print(f"{kind}: {each:.0f} bytes a connection ({count} connections)", flush=True)
                failed |= not arguments.tls and each >= LIMIT_BYTES
                for client in clients:
                    client.close()
            finally:
                edge.process.kill()
                edge.process.wait()
    if not shutil.which("wrk"):
        sys.exit("wrk is needed for the latency (Debian package wrk)")
    first, second = latencies(arguments)
    print(f"p99: {first:.0f} us alone, {second:.0f} us beside {count} idle and slow ones "
          f"({second / first:.2f})")  # fmt: skip
    failed |= second > 1.2 * first
    sys.exit(failed)


if __name__ == "__main__":
    main()
