"""Load scenarios: checks that a server does what is to be measured, and measures it."""

import hashlib
import random
import subprocess
import sys
import time

from load import run_h2load, run_wrk
from machine import Failure
from scenarios import KIB, MIB, MIXED_OBJECTS
from server import Server
from servers import start_origin


class Setup:
    """The folder of a run, the origin's files, a certificate, and the origin."""

    def __init__(self, folder, edge, cores, encryption):
        self.folder, self.edge, self.encryption = folder, edge, encryption
        # Two cores: one each. More: two for a pair of workers, the rest for the load.
        self.server_core, self.all_cores = cores[0], cores
        self.load_cores = cores[1:2] if len(cores) < 4 else cores[2:]
        self.files = folder / "files"
        (self.files / "mixed").mkdir(parents=True)
        self.bodies = {}
        self.asked = 0
        sizes = random.Random("sizes")
        contents = random.Random("contents")
        for name, size in (("1k", KIB), ("64k", 64 * KIB), ("1m", MIB), ("16k", 16 * KIB),
                           ("400b", 400), ("4m", 4 * MIB)):
            self.add(name, contents.randbytes(size))
        for number in range(MIXED_OBJECTS):
            # From 512 bytes to 128 KiB, as many in each power of two.
            self.add(f"mixed/{number}", contents.randbytes(int(512 * 2 ** sizes.uniform(0, 8))))
        self.certificate, self.certificate_key = folder / "edge.pem", folder / "edge.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", self.certificate_key, "-out", self.certificate],
            check=True, capture_output=True)
        self.origin = Server("origin", folder, self.load_cores)
        start_origin(self.origin, self.files)

    def add(self, name, body):
        (self.files / name).write_bytes(body)
        self.bodies[f"/{name}"] = hashlib.sha256(body).digest()

    def origin_requests(self):
        """Requests that the origin has answered, without the questions for it."""
        words = self.origin.get("/origin-status")[1].split()
        self.asked += 1
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
            raise Failure(f"{server.name} asked the origin {asked} times for what it should have")


def takes_part(server, scenario):
    if server.name == "h2o" and not scenario.with_h2o:
        return False
    return scenario.port in server.ports


def load(setup, port, scenario, label, seconds):
    if scenario.streams:
        return run_h2load(setup, port, scenario, seconds)
    return run_wrk(setup, port, scenario, label, seconds)


def measure(setup, server, scenario, label, seconds, warm=True):
    """One measurement; its value is in the scenario's unit."""
    port = server.ports.get(scenario.name, server.ports[scenario.port])
    if warm:
        load(setup, port, scenario, label + "-warm", 1)
    asked, cpu = setup.origin_requests(), server.cpu_seconds()
    result = load(setup, port, scenario, label, seconds)
    asked = setup.origin_requests() - asked
    result["cpu"] = (server.cpu_seconds() - cpu) / result["seconds"]
    result["cpu_us_per_request"] = result["cpu"] * result["seconds"] / result["requests"] * 1e6
    result["origin_requests"] = asked
    least, most = scenario.asked
    # Of what is under way when the time is up the load generator counts nothing.
    under_way = scenario.connections if least > 0 else 0
    if not least * result["requests"] <= asked <= most * result["requests"] + under_way:
        raise Failure(f"the origin saw {asked} of {result['requests']} requests")
    if scenario.unit == "MiB/s":
        result["value"] = result["bytes"] / result["seconds"] / MIB
    elif scenario.unit == "p99 µs":
        result["value"] = result["p99_us"]
    else:
        result["value"] = result["requests"] / result["seconds"]
    return result


class Results:
    """Values by scenario and server, and what failed; both go on when something fails."""

    def __init__(self):
        self.runs, self.failures = {}, {}

    def add(self, scenario, server_name, result, round_number):
        self.runs.setdefault(scenario.name, {}).setdefault(server_name, []).append(result)
        note = f"  p99 {result['p99_us']} µs" if "p99_us" in result else ""
        if "cpu" in result:
            note += f"  server {result['cpu']:.0%}"
        if "generator_cpu" in result:
            note += f"  generator {result['generator_cpu']:.0%}"
        print(f"round {round_number}  {scenario.name:<19} {server_name:<14}"
              f"{result['value']:>12,.1f} {scenario.unit}{note}", file=sys.stderr, flush=True)

    def fail(self, scenario_name, server_name, reason):
        """Notes a failure; what the server had of this scenario before counts no more."""
        self.failures.setdefault(scenario_name, {})[server_name] = str(reason).strip()
        self.runs.get(scenario_name, {}).pop(server_name, None)
        print(f"failed: {scenario_name}, {server_name}: {reason}", file=sys.stderr, flush=True)

    def has_failed(self, scenario_name, server_name):
        return server_name in self.failures.get(scenario_name, {})


def run_load_scenarios(setup, servers, scenarios, rounds, seconds, results):
    for scenario in scenarios:
        for server in servers:
            if takes_part(server, scenario):
                attempt(results, scenario, server,
                        lambda: check_hits(setup, server, scenario.paths))
        for round_number in range(1, rounds + 1):
            for server in servers:
                if not takes_part(server, scenario):
                    continue
                label = f"{scenario.name}-{server.name}-{round_number}"
                result = attempt(results, scenario, server, lambda: measure(
                    setup, server, scenario, label, seconds, warm=round_number == 1))
                if result:
                    results.add(scenario, server.name, result, round_number)


def attempt(results, scenario, server, action):
    """What `action` returns; nil, and a note, when it fails or the server has failed before."""
    if results.has_failed(scenario.name, server.name):
        return None
    try:
        if not server.is_running():
            server.start_again()
        return action()
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        results.fail(scenario.name, server.name, failure)
        return None
