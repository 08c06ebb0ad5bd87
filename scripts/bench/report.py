"""What the results say: a table, the JSON file, and the tables of Benchmarks/RESULTS.md."""

import json
import statistics
from pathlib import Path

from scenarios import SCENARIOS

BEGIN = "<!-- made by `make bench WRITE=1`: do not edit below -->"
END = "<!-- end of what `make bench WRITE=1` makes -->"


def medians(runs):
    return {scenario: {name: statistics.median(run["value"] for run in measured)
                       for name, measured in by_server.items()}
            for scenario, by_server in runs.items()}


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def order(report):
    """The scenarios of a report, in the table's order."""
    return [each for each in SCENARIOS if report["medians"].get(each.name)]


def table(report):
    names = report["servers"]
    peers = [name for name in names if name != "edge"] if "edge" in names else []
    header = ["measurement", "unit", *names, *(f"edge/{peer}" for peer in peers)]
    rows = [header, ["---"] + ["---", *["---:"] * (len(header) - 2)]]
    for scenario in order(report):
        by_server = report["medians"][scenario.name]
        failed = report["failures"].get(scenario.name, {})
        unit = scenario.unit + (" (less is better)" if scenario.less_is_better else "")
        row = [scenario.title, unit]
        row += [number(by_server[name]) if name in by_server else
                "failed" if name in failed else "-" for name in names]
        for peer in peers:
            both = "edge" in by_server and by_server.get(peer)
            row.append(f"{by_server['edge'] / by_server[peer]:.2f}" if both else "-")
        rows.append(row)
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def generators(report):
    """How busy the load generator was: where it was busier than the server, it was the limit."""
    lines = []
    for scenario in order(report):
        runs = report["runs"][scenario.name]
        busy = {name: statistics.median(run["generator_cpu"] for run in measured)
                for name, measured in runs.items() if all("generator_cpu" in r for r in measured)}
        server = {name: statistics.median(run["cpu"] for run in measured)
                  for name, measured in runs.items() if all("cpu" in r for r in measured)}
        limited = [f"{name} (server {server[name]:.0%}, generator {busy[name]:.0%})"
                   for name in busy if name in server and server[name] < 0.9 and busy[name] > 0.8]
        if limited:
            lines.append(f"- {scenario.title}: the load generator was the limit for "
                         f"{', '.join(limited)}.")
    return "\n".join(lines)


def text(report):
    """The part of RESULTS.md that a run makes."""
    machine = report["machine"]
    versions = ", ".join(f"{name} {report['versions'].get(name, '')}".strip()
                         for name in report["servers"])
    parts = [
        f"`make bench SECONDS={report['seconds']} ROUNDS={report['rounds']}`, {report['time']}, "
        f"{machine['cores']} cores of {machine['cpu']}, Linux {machine['kernel']}: {versions}.",
        table(report)]
    limited = generators(report)
    if limited:
        parts.append(limited)
    failures = [f"- {scenario}, {name}: {reason.splitlines()[0]}"
                for scenario, by_server in report["failures"].items()
                for name, reason in by_server.items()]
    if failures:
        parts.append("Not measured:\n\n" + "\n".join(failures))
    return "\n\n".join(parts)


def write_results(report, path):
    """Replaces the part of RESULTS.md between the two marks."""
    path = Path(path)
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"error: {path} does not have the marks {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n\n{text(report)}\n\n{END}{after}")


def load(path):
    return json.loads(Path(path).read_text())


def save(report, path):
    Path(path).write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
