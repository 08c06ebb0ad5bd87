"""One bar chart of a report as SVG, readable on light and dark ground, without any library."""

from pathlib import Path
from xml.sax.saxutils import escape

from report import number, order

COLORS = {"edge": "#e8590c", "nginx": "#2f9e44", "varnish": "#1c7ed6", "trafficserver": "#9c36b5",
          "h2o": "#e0a100", "haproxy": "#0c8599"}
COLUMNS, PANEL_WIDTH, GAP = 3, 380, 28
BAR, STEP, LABEL, VALUE = 13, 17, 92, 78
HEAD, TOP, MARGIN = 40, 84, 24

STYLE = """
  .ground { fill: #ffffff } text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 17px; font-weight: 600 } .panel { font-size: 13px; font-weight: 600 }
  .faint { fill: #57606a; font-size: 11px } .edge { font-weight: 700 }
  .axis { stroke: #8c959f; stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } text { fill: #e6edf3 } .faint { fill: #9198a1 }
    .axis { stroke: #656c76 } }
"""


def bar(x, y, width, color):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BAR}" rx="2" fill="{color}"/>'


def label(x, y, content, kind="", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
            f'{escape(content)}</text>')


def panel(report, scenario, x, y):
    """One scenario: a bar a server, the longest as wide as the panel allows."""
    values = report["medians"][scenario.name]
    names = [name for name in report["servers"] if name in values]
    unit = scenario.unit + (", less is better" if scenario.less_is_better else "")
    title, _, aside = scenario.title.partition(" (")
    if aside:
        unit += f"; {aside[:-1]}"
    parts = [label(x, y + 12, title, "panel"), label(x, y + 28, unit, "faint")]
    most = max(values[name] for name in names) or 1
    room = PANEL_WIDTH - LABEL - VALUE
    for place, name in enumerate(names):
        top = y + HEAD + place * STEP
        kind = "edge" if name == "edge" else ""
        width = max(1.0, room * values[name] / most)
        parts += [label(x + LABEL - 8, top + 11, name, kind, "end"),
                  bar(x + LABEL, top, width, COLORS.get(name, "#868e96")),
                  label(x + LABEL + width + 6, top + 11, number(values[name]), kind)]
    bottom = y + HEAD + len(names) * STEP
    parts.append(f'<line x1="{x + LABEL}" y1="{y + HEAD - 3}" x2="{x + LABEL}" y2="{bottom}" '
                 'class="axis"/>')
    return parts


def draw(report):
    scenarios = order(report)
    rows = [scenarios[place:place + COLUMNS] for place in range(0, len(scenarios), COLUMNS)]
    width = 2 * MARGIN + COLUMNS * PANEL_WIDTH + (COLUMNS - 1) * GAP
    parts, y = [], TOP
    for row in rows:
        for column, scenario in enumerate(row):
            parts += panel(report, scenario, MARGIN + column * (PANEL_WIDTH + GAP), y)
        most = max(len(report["medians"][scenario.name]) for scenario in row)
        y += HEAD + most * STEP + GAP
    machine = report["machine"]
    note = (f"Medians of {report['rounds']} alternating rounds of {report['seconds']} s, one core "
            f"for the server; {machine['cores']} cores of {machine['cpu']}, {report['time'][:10]}")
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" '
            f'height="{y}" role="img" aria-label="Synapse Edge beside other servers">',
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{width}" height="{y}"/>',
            label(MARGIN, 34, "Synapse Edge beside other servers", "title"),
            label(MARGIN, 56, note, "faint")]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"


def write(report, path):
    Path(path).write_text(draw(report))
