#!/usr/bin/env python3
"""Measures the edge beside other servers. Called by scripts/bench.sh; Python standard library only.

One core for the server, the other for wrk and the origin. Servers alternate within a round, so a
change of the machine's mood meets all of them. Before each measurement every server must give the
right body and, for hits, answer without asking the origin; after it, wrk must have seen no error.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

KIB, MIB = 1024, 1024 * 1024
MIXED_OBJECTS = 1000
NGINX_LIMITS = "worker_connections 4096; "


class Failure(Exception):
    """A measurement that would not mean anything."""


class Scenario:
    def __init__(self, name, title, connections, unit, script, with_h2o=False, hits=True,
                 asked=(0, 0.001)):
        """`asked`: the least and the most share of requests that must reach the origin."""
        self.name, self.title, self.connections, self.unit = name, title, connections, unit
        self.script, self.with_h2o, self.hits, self.asked = script, with_h2o, hits, asked


def fixed(path, delay=None):
    text = f'wrk.path = "{path}"\n'
    if delay is not None:
        text += f"function delay() return {delay} end\n"
    return text


# Every request has a query that was never sent before: `run` differs with each measurement.
MISSES = """
local count = 0
function request()
  count = count + 1
  return wrk.format("GET", "/1k?miss=" .. run .. "-" .. count)
end
"""

# Nine of ten requests for one of a thousand stored objects, the tenth for what nobody has stored.
MIXED = """
local count = 0
math.randomseed(1)
function request()
  count = count + 1
  if count % 10 == 0 then
    return wrk.format("GET", "/1k?mixed=" .. run .. "-" .. count)
  end
  return wrk.format("GET", "/mixed/" .. math.random(0, 999))
end
"""

RESULT = """
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    "RESULT %d %d %d %d %d %d %d\\n", summary.requests, summary.duration, summary.bytes,
    e.connect + e.read + e.write + e.timeout, e.status, latency:percentile(50),
    latency:percentile(99)))
end
"""

SCENARIOS = [
    Scenario("hit-1k", "hits, 1 KiB", 64, "requests/s", fixed("/1k"), with_h2o=True),
    Scenario("hit-64k", "hits, 64 KiB", 64, "requests/s", fixed("/64k"), with_h2o=True),
    Scenario("hit-1m", "hits, 1 MiB", 16, "MiB/s", fixed("/1m"), with_h2o=True),
    Scenario("paced-1k", "p99 of paced 1 KiB hits (less is better)", 64, "p99 µs", fixed("/1k", 8), with_h2o=True),
    # nginx has a port for each of these three; the other servers do the same thing in all of them.
    Scenario("miss-1k", "misses, 1 KiB (nginx: proxy_pass)", 64, "requests/s", MISSES,
             hits=False, asked=(0.98, 1.02)),
    Scenario("miss-1k-kept", "misses, 1 KiB (nginx: proxy_pass with upstream keepalive)", 64,
             "requests/s", MISSES, hits=False, asked=(0.98, 1.02)),
    Scenario("miss-1k-stored", "misses, 1 KiB (nginx: proxy_cache with upstream keepalive)", 64,
             "requests/s", MISSES, hits=False, asked=(0.98, 1.02)),
    Scenario("mixed", "90 % hits, 10 % misses", 64, "requests/s", MIXED, hits=False,
             asked=(0.08, 0.12)),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server in its own session, pinned to one core, with its files in its own folder."""

    def __init__(self, name, folder, core):
        self.name, self.core = name, core
        self.folder = folder / name
        self.folder.mkdir()
        self.port, self.ports = free_port(), {}
        self.process = None
        self.log = None

    def start(self, command, environment=None):
        self.log = open(self.folder / "output.log", "wb")
        self.process = subprocess.Popen(
            ["taskset", "-c", str(self.core), *map(str, command)], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, **(environment or {})}, cwd=self.folder)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Failure(f"{self.name} did not start:\n{self.output()}")

    def output(self):
        text = (self.folder / "output.log").read_text(errors="replace")
        return text[-2000:] or "(no output)"

    def stop(self):
        """Ends what `start` began: the process, and what is left of its own session."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in self.session():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.log.close()
        self.process = None

    def session(self):
        """The ids of the processes of the session that `start` opened."""
        return [pid for pid, fields in processes() if int(fields[3]) == self.process.pid]

    def cpu_seconds(self):
        ticks = sum(int(fields[11]) + int(fields[12]) for _, fields in processes()
                    if int(fields[3]) == self.process.pid)
        return ticks / os.sysconf("SC_CLK_TCK")

    def get(self, path):
        """Status, body and fields of one GET on a connection of its own."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as response:
            return response.status, response.read(), response.headers


def processes():
    """Each process's id and the fields of its /proc stat line from the state on."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            yield int(entry), stat.rpartition(")")[2].split()


# The servers


def write(path, text):
    path.write_text(text)
    return path


def nginx_config(folder, http):
    user = "user root;" if os.geteuid() == 0 else ""
    return write(folder / "nginx.conf", f"""
{user} worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ {NGINX_LIMITS} }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  open_file_cache max=10000; open_file_cache_valid 60s;
  {http}
}}""")


def start_nginx_like(server, http):
    config = nginx_config(server.folder, http)
    server.start(["nginx", "-e", server.folder / "error.log", "-c", config])


def start_origin(server, files):
    start_nginx_like(server, f"""
  server {{
    listen 127.0.0.1:{server.port} backlog=1024; root {files};
    location = /origin-status {{ stub_status; }}
    location / {{ add_header Cache-Control "max-age=86400"; default_type text/plain; }}
  }}""")


def start_nginx(server, setup):
    """nginx: proxy_cache at /; for misses its plain proxy_pass, and one with kept connections."""
    upstream = "proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection '';"
    plain, kept = free_port(), free_port()
    server.ports = {"miss-1k": plain, "miss-1k-kept": kept}
    start_nginx_like(server, f"""
  upstream origin {{ server 127.0.0.1:{setup.origin.port}; keepalive 128;
                     keepalive_requests 100000000; }}
  proxy_cache_path {server.folder}/cache levels=1:2 keys_zone=main:200m max_size=4g inactive=1h
                   use_temp_path=off;
  server {{
    listen 127.0.0.1:{server.port} backlog=1024;
    location / {{ {upstream} proxy_cache main; }}
  }}
  server {{
    listen 127.0.0.1:{plain} backlog=1024;
    location / {{ proxy_pass http://127.0.0.1:{setup.origin.port}; }}
  }}
  server {{
    listen 127.0.0.1:{kept} backlog=1024;
    location / {{ {upstream} }}
  }}""")


def start_varnish(server, setup):
    program = write(server.folder / "edge.vcl", f"""vcl 4.1;
backend origin {{ .host = "127.0.0.1"; .port = "{setup.origin.port}"; }}
""")
    server.start(["varnishd", "-F", "-n", server.folder / "work", "-f", program, "-T", "none",
                  "-a", f"127.0.0.1:{server.port}", "-s", "malloc,1g",
                  "-p", "thread_pools=1", "-p", "thread_pool_min=100"])


def start_trafficserver(server, setup):
    folder = server.folder
    for name in ("etc", "cache", "log", "run"):
        (folder / name).mkdir()
    packaged = Path("/etc/trafficserver")
    if packaged.is_dir():
        shutil.copytree(packaged, folder / "etc", dirs_exist_ok=True)
    write(folder / "etc/remap.config", f"map / http://127.0.0.1:{setup.origin.port}/\n")
    write(folder / "etc/storage.config", f"{folder}/cache 1G\n")
    user = "" if os.geteuid() else "CONFIG proxy.config.admin.user_id STRING #-1\n"
    write(folder / "etc/records.config", f"""{user}
CONFIG proxy.config.http.server_ports STRING {server.port}:ip-in=127.0.0.1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.accept_threads INT 0
CONFIG proxy.config.task_threads INT 1
CONFIG proxy.config.cache.threads_per_disk INT 2
CONFIG proxy.config.cache.ram_cache.size INT 1G
CONFIG proxy.config.http.cache.required_headers INT 0
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.crash_log_helper STRING ""
CONFIG proxy.config.http.keep_alive_no_activity_timeout_in INT 120
CONFIG proxy.config.url_remap.remap_required INT 1
""")
    layout = {
        "prefix": "/usr", "exec_prefix": "/usr", "bindir": "/usr/bin", "sbindir": "/usr/sbin",
        "sysconfdir": folder / "etc", "datadir": folder / "cache", "includedir": "/usr/include",
        "libdir": "/usr/lib/trafficserver", "libexecdir": "/usr/lib/trafficserver/modules",
        "localstatedir": folder / "run", "runtimedir": folder / "run", "logdir": folder / "log",
        "cachedir": folder / "cache",
    }
    root = write(folder / "runroot.yaml", "".join(f"{k}: {v}\n" for k, v in layout.items()))
    server.start(["traffic_server", f"--run-root={root}"])
    # It accepts connections before its cache is open.
    time.sleep(2)


def start_h2o(server, setup):
    user = "user: root\n" if os.geteuid() == 0 else ""
    config = write(server.folder / "h2o.conf", f"""{user}num-threads: 1
listen: {{ host: 127.0.0.1, port: {server.port} }}
hosts:
  default:
    paths:
      /: {{ file.dir: {setup.files} }}
""")
    server.start(["h2o", "-m", "worker", "-c", config])


def start_edge(server, setup):
    config = write(server.folder / "edge.conf", f"""listeners:
  - address: 127.0.0.1:{server.port}
origins:
  files:
    servers: [http://127.0.0.1:{setup.origin.port}]
routes:
  - match: /*
    origin: files
store:
  memory: {{ size: 1 GiB }}
  disk: off
threads: 1
log:
  access: off
""")
    server.start([setup.edge, "serve", "--config", config])


STARTERS = {
    "edge": start_edge, "nginx": start_nginx, "varnish": start_varnish,
    "trafficserver": start_trafficserver, "h2o": start_h2o,
}


# Measuring


class Setup:
    """The folder of a run, the origin's files and the origin."""

    def __init__(self, folder, edge, cores):
        self.folder, self.edge = folder, edge
        self.server_core, self.load_core = cores
        self.files = folder / "files"
        (self.files / "mixed").mkdir(parents=True)
        self.bodies = {}
        sizes = random.Random("sizes")
        contents = random.Random("contents")
        for name, size in (("1k", KIB), ("64k", 64 * KIB), ("1m", MIB)):
            self.add(name, contents.randbytes(size))
        for number in range(MIXED_OBJECTS):
            # From 512 bytes to 128 KiB, as many in each power of two.
            self.add(f"mixed/{number}", contents.randbytes(int(512 * 2 ** sizes.uniform(0, 8))))
        self.origin = Server("origin", folder, self.load_core)
        start_origin(self.origin, self.files)

    def add(self, name, body):
        (self.files / name).write_bytes(body)
        self.bodies[f"/{name}"] = hashlib.sha256(body).digest()

    def origin_requests(self):
        """Requests that the origin has answered, without the questions for it."""
        words = self.origin.get("/origin-status")[1].split()
        self.asked = getattr(self, "asked", 0) + 1
        return int(words[9]) - self.asked


def check_bodies(setup, server, paths):
    for path in paths:
        status, body, headers = server.get(path)
        if status != 200 or hashlib.sha256(body).digest() != setup.bodies[path]:
            raise Failure(f"{server.name} answers {path} with {status} and {len(body)} bytes, "
                          f"which is not the origin's body:\n{headers}\n{server.output()}")


def check_hits(setup, server, paths):
    """The second time round the origin must not be asked."""
    check_bodies(setup, server, paths)
    deadline = time.monotonic() + 5
    while True:
        before = setup.origin_requests()
        check_bodies(setup, server, paths)
        asked = setup.origin_requests() - before
        if asked == 0:
            return
        if time.monotonic() > deadline:
            raise Failure(f"{server.name} asked the origin {asked} times for what it has stored")


def run_wrk(setup, port, scenario, label, seconds):
    script = write(setup.folder / "wrk.lua", f'run = "{label}"\n{scenario.script}\n{RESULT}')
    output = subprocess.run(
        ["taskset", "-c", str(setup.load_core), "wrk", "-t1", f"-c{scenario.connections}",
         f"-d{seconds}s", "--timeout", "10s", "-s", str(script), f"http://127.0.0.1:{port}"],
        capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    line = next((line for line in output.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise Failure(f"wrk reported nothing:\n{output}")
    requests, duration, size, errors, statuses, p50, p99 = map(int, line.split()[1:])
    if errors or statuses or not requests:
        raise Failure(f"{requests} requests, {errors} socket errors, {statuses} error statuses")
    return {"requests": requests, "seconds": duration / 1e6, "bytes": size,
            "p50_us": p50, "p99_us": p99}


def measure(setup, server, scenario, label, seconds):
    """One measurement; its value is in the scenario's unit."""
    port = server.ports.get(scenario.name, server.port)
    run_wrk(setup, port, scenario, label + "-warm", 1)
    asked, cpu = setup.origin_requests(), server.cpu_seconds()
    result = run_wrk(setup, port, scenario, label, seconds)
    asked = setup.origin_requests() - asked
    result["cpu"] = (server.cpu_seconds() - cpu) / result["seconds"]
    result["origin_requests"] = asked
    share = asked / result["requests"]
    least, most = scenario.asked
    if not least <= share <= most:
        raise Failure(f"{server.name}: the origin saw {share:.1%} of the requests of {scenario.name}")
    if scenario.unit == "MiB/s":
        result["value"] = result["bytes"] / result["seconds"] / MIB
    elif scenario.unit == "p99 µs":
        result["value"] = result["p99_us"]
    else:
        result["value"] = result["requests"] / result["seconds"]
    return result


def run_all(setup, servers, scenarios, rounds, seconds):
    results = {}
    for scenario in scenarios:
        for round_number in range(1, rounds + 1):
            for server in servers:
                if server.name == "h2o" and not scenario.with_h2o:
                    continue
                label = f"{scenario.name}-{server.name}-{round_number}"
                result = measure(setup, server, scenario, label, seconds)
                results.setdefault(scenario.name, {}).setdefault(server.name, []).append(result)
                print(f"round {round_number}  {scenario.name:<15} {server.name:<14}"
                      f"{result['value']:>12,.0f} {scenario.unit}  p99 {result['p99_us']} µs"
                      f"  server core {result['cpu']:.0%}", file=sys.stderr, flush=True)
    return results


# Reporting


def medians(results):
    return {scenario: {name: statistics.median(run["value"] for run in runs)
                       for name, runs in by_server.items()}
            for scenario, by_server in results.items()}


def table(scenarios, servers, values):
    names = [server.name for server in servers]
    peers = [name for name in names if name != "edge"] if "edge" in names else []
    header = ["measurement", "unit", *names, *(f"edge/{peer}" for peer in peers)]
    rows = [header, ["---"] * len(header)]
    for scenario in scenarios:
        by_server = values.get(scenario.name, {})
        row = [scenario.title, scenario.unit]
        row += [f"{by_server[name]:,.0f}" if name in by_server else "-" for name in names]
        row += [f"{by_server['edge'] / by_server[peer]:.2f}" if peer in by_server else "-"
                for peer in peers]
        rows.append(row)
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "unknown")
    return {"cpu": model, "cores": os.cpu_count(), "kernel": os.uname().release}


def version(command):
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return "unknown" if run.returncode else (run.stdout + run.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "unknown"


def versions(servers, edge):
    commands = {"nginx": ["nginx", "-v"], "varnish": ["varnishd", "-V"], "h2o": ["h2o", "-v"],
                "trafficserver": ["traffic_server", "-V"], "edge": [edge, "--version"]}
    return {server.name: version(commands[server.name]) for server in servers}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--servers", default=",".join(STARTERS))
    parser.add_argument("--scenarios", default=",".join(each.name for each in SCENARIOS))
    parser.add_argument("--edge", default=".build/release/edge")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--output", default="Benchmarks/latest.json")
    arguments = parser.parse_args()
    arguments.servers = [name for name in arguments.servers.split(",") if name]
    arguments.scenarios = [name for name in arguments.scenarios.split(",") if name]
    for name in arguments.servers:
        if name not in STARTERS:
            parser.error(f"no server {name}; there are {', '.join(STARTERS)}")
    for name in arguments.scenarios:
        if name not in [each.name for each in SCENARIOS]:
            parser.error(f"no scenario {name}; there are {', '.join(e.name for e in SCENARIOS)}")
    if arguments.rounds < 1 or arguments.seconds < 1:
        parser.error("--rounds and --seconds are at least 1")
    if "edge" in arguments.servers and not os.access(arguments.edge, os.X_OK):
        parser.error(f"there is no edge at {arguments.edge}")
    return arguments


def bench(arguments, folder, started):
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise Failure("two cores are needed: one for the server, one for the load")
    if os.getloadavg()[0] > 0.5:
        print(f"warning: the machine is busy (load {os.getloadavg()[0]:.1f}); the figures will be "
              "lower than they should and their ratios uncertain", file=sys.stderr)
    scenarios = [each for each in SCENARIOS if each.name in arguments.scenarios]
    setup = Setup(folder, os.path.abspath(arguments.edge), cores[:2])
    started.append(setup.origin)
    for name in arguments.servers:
        server = Server(name, folder, setup.server_core)
        started.append(server)
        STARTERS[name](server, setup)
        paths = ["/1k", "/64k", "/1m"] + [f"/mixed/{n}" for n in range(MIXED_OBJECTS)]
        check_hits(setup, server, paths)
        print(f"{name}: right bodies, and hits when asked again", file=sys.stderr, flush=True)
    servers = started[1:]
    results = run_all(setup, servers, scenarios, arguments.rounds, arguments.seconds)
    values = medians(results)
    report = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine(),
        "versions": versions(servers, setup.edge), "rounds": arguments.rounds,
        "seconds": arguments.seconds, "medians": values, "runs": results,
        "units": {each.name: each.unit for each in scenarios},
    }
    Path(arguments.output).write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    print(table(scenarios, servers, values))
    print(f"\nMedians of {arguments.rounds} rounds of {arguments.seconds} s, one core for the "
          f"server; all runs are in {arguments.output}.")


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="edge-bench-"))
    folder.chmod(0o755)
    started = []
    try:
        bench(arguments, folder, started)
    except Failure as failure:
        sys.exit(f"error: {failure}")
    except subprocess.CalledProcessError as failure:
        sys.exit(f"error: {failure}\n{failure.stderr}")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        for server in reversed(started):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
