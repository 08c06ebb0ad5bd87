#!/usr/bin/env python3
"""Counts the heap allocations of hits in memory on a kept-alive connection. The goal for a release
build: at most one a hit over HTTP/1.1, at most three over HTTP/2.

    allocations.py PATH-TO-EDGE [--http1 LIMIT] [--http2 LIMIT]

Preloads fixtures/allocation_counter.c into the edge, has an object stored, asks for it 10,000 times
over one connection of each protocol, and reads how often the event loop's thread allocated
meanwhile. Exits 1 beyond a limit.
"""

import argparse
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HITS = 10_000
BODY = b"x" * 1024
ROOT = pathlib.Path(__file__).resolve().parent.parent


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def serve_origin(server):
    while True:
        connection, _ = server.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection):
    with connection:
        while data := connection.recv(65536):
            if data.endswith(b"\r\n\r\n"):
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: \"1\"\r\n"
                    b"Cache-Control: max-age=3600\r\nContent-Length: 1024\r\n\r\n" + BODY
                )


def loop_allocations(pid, counts):
    """Allocations so far of the threads named like NIO's event loops."""
    names = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        names[int(task.name)] = (task / "comm").read_text()
    total = 0
    for thread, count in struct.iter_unpack("qq", counts.read_bytes()):
        if names.get(thread, "").startswith("NIO-ELT"):
            total += count
    return total


class HTTP1:
    REQUEST = (
        b"GET /a HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)"
        b" AppleWebKit/537.36\r\nAccept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\n"
        b"Accept-Encoding: identity\r\nCookie: a=12345678\r\n\r\n"
    )

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)

    def hit(self):
        self.socket.sendall(self.REQUEST)
        data = b""
        while not data.endswith(BODY):
            more = self.socket.recv(65536)
            if not more:
                raise OSError("closed")
            data += more
        assert b" 200 OK" in data[:16], data[:200]


class HTTP2:
    """As much of HTTP/2 as one request after the other takes."""

    FIELDS = [
        (":method", "GET"), (":scheme", "http"), (":authority", "www.example.com"),
        (":path", "/a"), ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("accept", "text/html"), ("accept-encoding", "identity"), ("cookie", "a=12345678"),
    ]  # fmt: skip

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = 1
        self.received = b""
        self.block = b"".join(
            b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
            for name, value in self.FIELDS
        )
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(4, 0, 0, b""))

    @staticmethod
    def frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload

    def read(self, count):
        while len(self.received) < count:
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError(f"closed after {self.stream // 2} hits")
            self.received += data

    def hit(self):
        self.socket.sendall(self.frame(1, 5, self.stream, self.block))
        window = 0
        while True:
            self.read(9)
            length = int.from_bytes(self.received[:3], "big")
            kind, flags, stream = struct.unpack(">BBI", self.received[3:9])
            self.read(9 + length)
            self.received = self.received[9 + length :]
            if kind == 4 and not flags & 1:
                self.socket.sendall(self.frame(4, 1, 0, b""))
            if kind in (3, 7):
                raise AssertionError(f"frame of type {kind} on stream {stream}")
            if kind == 0:
                window += length
            if stream == self.stream and flags & 1 and kind in (0, 1):
                break
        assert window == len(BODY)
        self.stream += 2
        self.socket.sendall(self.frame(8, 0, 0, struct.pack(">I", window)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("edge", type=pathlib.Path)
    # The loop's own timers allocate, too: a hundredth of a hit here.
    parser.add_argument("--http1", type=float, default=1.05)
    parser.add_argument("--http2", type=float, default=3.05)
    arguments = parser.parse_args()
    binary = arguments.edge.resolve()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shim = folder / "allocation_counter.so"
        subprocess.run(
            [shutil.which("cc") or "clang", "-O2", "-shared", "-fPIC", "-o", shim, ROOT / "fixtures/allocation_counter.c"],
            check=True,
        )
        origin = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=serve_origin, args=(origin,), daemon=True).start()
        port = free_port()
        (folder / "edge.conf").write_text(
            f"listeners: [{{ address: 127.0.0.1:{port} }}]\n"
            f"origins: {{ api: {{ servers: [http://127.0.0.1:{origin.getsockname()[1]}] }} }}\n"
            "routes: [{ match: /*, origin: api }]\nstore: { memory: { size: 64 MiB } }\n"
            "threads: 1\nlog: { level: warning }\n"
        )
        counts = folder / "counts"
        environment = os.environ | {"LD_PRELOAD": str(shim), "ALLOCATION_COUNTS": str(counts)}
        edge = subprocess.Popen(
            [binary, "serve", "--config", folder / "edge.conf"], env=environment)
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    HTTP1(port).hit()
                    break
                except OSError:
                    if time.monotonic() > deadline or edge.poll() is not None:
                        raise
                    time.sleep(0.1)
            for name, protocol, limit in (
                ("HTTP/1.1", HTTP1, arguments.http1),
                ("HTTP/2", HTTP2, arguments.http2),
            ):
                client = protocol(port)
                for _ in range(1000):
                    client.hit()
                before = loop_allocations(edge.pid, counts)
                for _ in range(HITS):
                    client.hit()
                each = (loop_allocations(edge.pid, counts) - before) / HITS
                print(f"{name}: {each:.3f} allocations a hit (at most {limit})", flush=True)
                failed |= each > limit
        finally:
            edge.kill()
            edge.wait()
    sys.exit(failed)


if __name__ == "__main__":
    main()
