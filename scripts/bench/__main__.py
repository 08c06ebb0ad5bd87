"""Measures the edge beside other servers. Called by scripts/bench.sh; Python standard library only.

One core for the server, the other for the load and the origin. Servers alternate within a round,
so a change of the machine's mood meets all of them. Before each measurement every server must give
the right body and, for hits, answer without asking the origin; after it, the load generator must
have seen no error. What fails is reported, and the rest goes on.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import chart
import machine
import report as reports
from machine import Failure
from measure import Results, Setup, check_bodies, run_load_scenarios
from scenarios import SCENARIOS
from server import Server
from servers import NAMES, STARTERS, VERSIONS
from store import ALTERNATING, GROUPS, MEASURES


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--servers", default=",".join(NAMES))
    parser.add_argument("--scenarios", default=",".join(each.name for each in SCENARIOS))
    parser.add_argument("--edge", default=".build/release/edge")
    parser.add_argument("--encryption", choices=("on", "off"), default="on",
                        help="whether the edge encrypts what it stores on disk")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--output", default="Benchmarks/latest.json")
    parser.add_argument("--chart", default="Benchmarks/latest.svg")
    parser.add_argument("--write-results", action="store_true",
                        help="replace the tables of Benchmarks/RESULTS.md and its chart")
    parser.add_argument("--from", dest="source", metavar="FILE",
                        help="measure nothing: table and chart of an earlier run's JSON file")
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
    if arguments.encryption == "off" and arguments.write_results:
        parser.error("the tables of Benchmarks/RESULTS.md are with --encryption on, as the edge "
                     "comes; write the figures of a store in clear beside them")
    needs_edge = "edge" in arguments.servers and not arguments.source
    if needs_edge and not os.access(arguments.edge, os.X_OK):
        parser.error(f"there is no edge at {arguments.edge}")
    return arguments


def start_servers(setup, names, results, register):
    """The servers that could be started; of the others it is noted why not."""
    servers = []
    for name in names:
        server = Server(name, setup.folder, [setup.server_core])
        register(server)
        try:
            STARTERS[name](server, setup)
            check_bodies(setup, server, ["/1k", "/64k", "/1m"])
            servers.append(server)
        except (Failure, OSError, subprocess.SubprocessError) as failure:
            results.fail("start", name, failure)
            server.stop()
    return servers


def in_turn(measurements, alternate):
    """The measurements that are left: each to its end, or all in turn."""
    while measurements:
        for name in list(measurements) if alternate else list(measurements)[:1]:
            yield name, measurements[name]


def run_store_scenarios(setup, names, scenarios, rounds, seconds, results, register):
    by_name = {scenario.name: scenario for scenario in scenarios}
    for group in GROUPS:
        wanted = [scenario.name for scenario in scenarios if scenario.group == group]
        measurements = {
            name: MEASURES[group](setup, name, rounds, seconds, register)
            for name in names if wanted and name in GROUPS[group]}
        counts = {name: {} for name in measurements}
        for name, measurement in in_turn(measurements, group in ALTERNATING):
            try:
                measured, result = next(measurement)
            except StopIteration:
                del measurements[name]
                continue
            except (Failure, OSError, subprocess.SubprocessError) as failure:
                del measurements[name]
                for scenario in wanted:
                    if scenario not in counts[name]:
                        results.fail(scenario, name, failure)
                continue
            number = counts[name][measured] = counts[name].get(measured, 0) + 1
            if measured in by_name:
                results.add(by_name[measured], name, result, number)


def bench(arguments, folder, started):
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise Failure("two cores are needed: one for the server, one for the load")
    if os.getloadavg()[0] > 0.5:
        print(f"warning: the machine is busy (load {os.getloadavg()[0]:.1f}); the figures will be "
              "lower than they should and their ratios uncertain", file=sys.stderr)
    scenarios = [each for each in SCENARIOS if each.name in arguments.scenarios]
    setup = Setup(folder, os.path.abspath(arguments.edge), cores, arguments.encryption == "on")
    started.append(setup.origin)
    results = Results()
    load_scenarios = [each for each in scenarios if each.group is None]
    if load_scenarios:
        servers = start_servers(setup, arguments.servers, results, started.append)
        run_load_scenarios(setup, servers, load_scenarios, arguments.rounds, arguments.seconds,
                           results)
        for server in servers:
            server.stop()
    run_store_scenarios(setup, arguments.servers, scenarios, arguments.rounds, arguments.seconds,
                        results, started.append)
    commands = {**VERSIONS, "edge": [setup.edge, "--version"]}
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine.description(), "servers": arguments.servers,
        "versions": {name: machine.version(commands[name]) for name in arguments.servers},
        "rounds": arguments.rounds, "seconds": arguments.seconds,
        "medians": reports.medians(results.runs), "runs": results.runs,
        "failures": results.failures,
    }


def publish(arguments, report):
    reports.save(report, arguments.output)
    chart.write(report, arguments.chart)
    print(reports.table(report))
    limited = reports.generators(report)
    if limited:
        print(f"\n{limited}")
    if arguments.write_results:
        reports.write_results(report, "Benchmarks/RESULTS.md")
        chart.write(report, "Benchmarks/results.svg")
    for scenario, by_server in report["failures"].items():
        for name, reason in by_server.items():
            print(f"\nfailed: {scenario}, {name}: {reason}")
    print(f"\nMedians of {report['rounds']} rounds of {report['seconds']} s, one core for the "
          f"server; all runs are in {arguments.output}, the chart in {arguments.chart}.")


def main():
    arguments = parse_arguments()
    if arguments.source:
        return publish(arguments, reports.load(arguments.source))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="edge-bench-"))
    folder.chmod(0o755)
    started = []
    try:
        report = bench(arguments, folder, started)
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
    publish(arguments, report)
    # Peers may fail, as long as it is said; the edge may not.
    if any("edge" in by_server for by_server in report["failures"].values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
