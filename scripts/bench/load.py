"""Load: wrk for HTTP/1.1, h2load for HTTP/2; each reports in one form."""

import re
import subprocess

from machine import Failure, children_cpu_seconds, write
from scenarios import EACH_ONCE, RESULT


def run(setup, command, seconds):
    """Runs a load generator on its cores; its output, and how busy it was."""
    before = children_cpu_seconds()
    cores = ",".join(map(str, setup.load_cores))
    process = subprocess.run(["taskset", "-c", cores, *map(str, command)], capture_output=True,
                             text=True, timeout=seconds + 60)
    if process.returncode:
        raise Failure(f"{command[0]} ended with {process.returncode}:\n"
                      f"{(process.stdout + process.stderr)[-500:]}")
    return process.stdout, children_cpu_seconds() - before


def wrk_command(setup, connections, seconds, script, url):
    return ["wrk", f"-t{len(setup.load_cores)}", f"-c{connections}", f"-d{seconds}s",
            "--timeout", "20s", "-s", script, url]


def run_wrk(setup, port, scenario, label, seconds):
    script = write(setup.folder / "wrk.lua", f'run = "{label}"\n{scenario.script}\n{RESULT}')
    scheme = "https" if scenario.port == "tls" else "http"
    command = wrk_command(setup, scenario.connections, seconds, script,
                          f"{scheme}://127.0.0.1:{port}")
    output, busy = run(setup, command, seconds)
    line = next((line for line in output.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise Failure(f"wrk reported nothing:\n{output}")
    requests, duration, size, errors, statuses, p50, p99 = map(int, line.split()[1:])
    if errors or statuses or not requests:
        raise Failure(f"{requests} requests, {errors} socket errors, {statuses} error statuses")
    return {"requests": requests, "seconds": duration / 1e6, "bytes": size,
            "p50_us": p50, "p99_us": p99, "generator_cpu": busy / (duration / 1e6)}


def run_h2load(setup, port, scenario, seconds):
    scheme = "https" if scenario.port == "tls" else "http"
    command = ["h2load", f"-t{len(setup.load_cores)}", f"-c{scenario.connections}",
               f"-m{scenario.streams}", "-D", seconds, f"{scheme}://127.0.0.1:{port}/1k"]
    output, busy = run(setup, command, seconds)
    totals = re.search(r"requests: .*?(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, "
                       r"(\d+) timeout", output)
    statuses = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", output)
    size = re.search(r"traffic: .*?\((\d+)\) total", output)
    protocol = re.search(r"Application protocol: (\S+)", output)
    if not totals or not statuses or not size:
        raise Failure(f"h2load reported nothing:\n{output[-500:]}")
    done, succeeded, *bad = map(int, totals.groups())
    if sum(bad) or sum(map(int, statuses.groups()[1:])) or not succeeded:
        raise Failure(f"{done} requests, of them {bad} failed, errored, timed out; {statuses[0]}")
    if protocol and protocol[1] not in ("h2", "h2c"):
        raise Failure(f"{protocol[1]} where HTTP/2 was wanted")
    return {"requests": succeeded, "seconds": float(seconds), "bytes": int(size[1]),
            "generator_cpu": busy / seconds}


def run_once(setup, port, path, objects, connections, label="", limit=120):
    """Asks for each of `objects` objects once, in an order without neighbours."""
    step = next(prime for prime in (7919, 104729, 611953) if objects % prime)
    script = write(setup.folder / "each.lua", EACH_ONCE.format(
        path=path, objects=objects, step=step, label=label))
    cores = setup.load_cores
    try:
        setup.load_cores = cores[:1]
        output, _ = run(setup, wrk_command(setup, connections, limit, script,
                                           f"http://127.0.0.1:{port}"), limit)
    finally:
        setup.load_cores = cores
    line = next((line for line in output.splitlines() if line.startswith("EACH ")), None)
    if line is None:
        raise Failure(f"not all of {objects} objects came within {limit} s:\n{output[-500:]}")
    _, count, seconds, size, bad = line.split()
    if int(bad):
        raise Failure(f"{bad} of {count} answers were not 200")
    return {"requests": int(count), "seconds": float(seconds), "bytes": int(size)}
