#!/usr/bin/env python3
"""What clients notice of an invalidation over many objects, through a running edge.

    sweep.py PATH-TO-EDGE [--objects N] [--rounds N] [--cores LIST]

Stores N objects of 300 bytes by asking for them, half of them below /images/, and has wrk hit the
other half at a steady rate, for two seconds without and two seconds with an invalidation of
/images/* in between. wrk and the origin run on core 1, the edge on both. Prints how long the acknowledgement and the sweep took and the medians of p99,
and exits 1 when the acknowledgement takes 5 ms, the sweep 250 ms, or p99 rises by more than 20 %.
Needs nginx and wrk.
"""

import argparse
import http.client
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

from idle import free_port, p99_microseconds

ORIGIN = """
worker_processes 1; daemon off; error_log stderr crit; pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      add_header Cache-Control max-age=86400;
      default_type application/octet-stream;
      return 200 "{body}";
    }}
  }}
}}
"""

EDGE = """
listeners: [{{ address: 127.0.0.1:{port} }}]
origins: {{ api: {{ servers: [http://127.0.0.1:{origin}], pool: 64 }} }}
routes: [{{ match: /*, origin: api }}]
store: {{ memory: {{ size: 4 GiB, idle: 1 day }}, disk: off }}
threads: 1
admin: {{ address: 127.0.0.1:{admin}, users: [{{ name: admin, password: secret }}] }}
log: {{ level: warning, access: off }}
"""

# Paths 0 to COUNT - 1 below FOLDER, one after the other and again; ends when as many have come.
FILL = """
local sent, come = 0, 0
function request()
  sent = sent + 1
  return wrk.format("GET", "/{folder}/" .. ((sent - 1) % {count}) .. ".html")
end
function response()
  come = come + 1
  if come >= {count} then os.exit(0) end
end
"""

# One of the objects that stay, at random, every 8 ms on each connection.
PACED = """
math.randomseed(1)
function request() return wrk.format("GET", "/pages/" .. math.random(0, {count} - 1) .. ".html") end
function delay() return 8 end
"""


def wrk(url, script, folder, seconds):
    path = folder / "script.lua"
    path.write_text(script)
    return subprocess.Popen(
        ["taskset", "-c", "1", "wrk", "-t1", "-c64", f"-d{seconds}s", "--latency",
         "-s", path, url],
        stdout=subprocess.PIPE, text=True)  # fmt: skip


def p99(process):
    return p99_microseconds(process.communicate()[0])


class Admin:
    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None):
        headers = {"Authorization": "Basic YWRtaW46c2VjcmV0", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def objects(self):
        text = self.ask("GET", "/metrics")[1]
        return int(float(re.search(r"^edge_store_memory_objects(?:\{.*\})? (\S+)", text, re.M)[1]))

    def invalidate(self):
        """Milliseconds to the acknowledgement, and to the sweep's end."""
        start = time.monotonic()
        status, text = self.ask("POST", "/v1/invalidations", '{"paths":["/images/*"]}')
        acknowledged = time.monotonic() - start
        if status != 201:
            sys.exit(f"error: the invalidation was answered {status}: {text}")
        job = json.loads(text)
        while job["status"] != "Completed":
            time.sleep(0.005)
            job = json.loads(self.ask("GET", f"/v1/invalidations/{job['id']}")[1])
        return acknowledged * 1e3, (time.monotonic() - start) * 1e3


def fill(url, folder, admin, kind, count, wanted):
    """Asks for everything until it is stored: wrk ends with requests under way."""
    for _ in range(5):
        script = FILL.format(count=count, folder=kind)
        process = wrk(url, script, folder, 120)
        process.communicate()
        if admin.objects() >= wanted:
            return
    sys.exit(f"error: {admin.objects()} objects are stored, not {wanted}")


def wait_for(admin, process):
    deadline = time.monotonic() + 60
    while True:
        try:
            if admin.ask("GET", "/readyz")[0] == 200:
                return
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
        time.sleep(0.1)


def measure(folder, arguments, started):
    origin_port, port, admin_port = free_port(), free_port(), free_port()
    (folder / "nginx.conf").write_text(
        ORIGIN.format(folder=folder, port=origin_port, body="x" * 300))
    (folder / "edge.conf").write_text(EDGE.format(port=port, origin=origin_port, admin=admin_port))
    started.append(subprocess.Popen(
        ["taskset", "-c", "1", "nginx", "-p", folder, "-c", folder / "nginx.conf"]))
    edge = subprocess.Popen(
        ["taskset", "-c", arguments.cores, arguments.edge.resolve(), "serve", "--config",
         folder / "edge.conf"])  # fmt: skip
    started.append(edge)
    admin = Admin(admin_port)
    wait_for(admin, edge)
    url, half = f"http://127.0.0.1:{port}", arguments.objects // 2
    fill(url, folder, admin, "pages", half, half)
    acknowledged, swept, alone, beside = [], [], [], []
    for number in range(arguments.rounds):
        fill(url, folder, admin, "images", half, 2 * half)
        alone.append(p99(wrk(url, PACED.format(count=half), folder, 2)))
        load = wrk(url, PACED.format(count=half), folder, 2)
        time.sleep(0.7)
        first, second = admin.invalidate()
        acknowledged.append(first)
        swept.append(second)
        beside.append(p99(load))
        print(f"round {number + 1}: acknowledged after {first:.1f} ms, swept after {second:.0f} ms, "
              f"p99 {alone[-1]:.0f} us without, {beside[-1]:.0f} us with it", flush=True)
    return [statistics.median(each) for each in (acknowledged, swept, alone, beside)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("edge", type=pathlib.Path)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", default="0,1", help="the edge's, as taskset takes them")
    arguments = parser.parse_args()
    started = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            acknowledged, swept, alone, beside = measure(
                pathlib.Path(folder), arguments, started)
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()
    print(f"medians: acknowledged after {acknowledged:.1f} ms, swept after {swept:.0f} ms, "
          f"p99 {alone:.0f} us without, {beside:.0f} us with it ({beside / alone:.2f})")
    sys.exit(acknowledged > 5 or swept > 250 or beside > 1.2 * alone)


if __name__ == "__main__":
    main()
