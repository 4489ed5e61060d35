#!/usr/bin/env python3
"""Joins the JSON files of the benchmark programs and draws charts with gnuplot.

    charts.py build/bench     reads build/bench/parts/*.json, writes results.json and *.svg
"""

import json
import pathlib
import platform
import subprocess
import sys
import time

# A row of the overview: program, title of its table, contender that stands for parallelpipe, label.
OVERVIEW = [
    ("hop", "hop, K = 1", "map_stage", "hop, 1 stage"),
    ("hop", "hop, K = 4", "map_stage", "hop, 4 stages"),
    ("farm", "farm, 1 us, 2 workers", "map_stage", "farm, 1 µs, 2 workers"),
    ("farm", "farm, 1 us, 4 workers", "map_stage", "farm, 1 µs, 4 workers"),
    ("farm", "farm, 1 us, 2 workers, ordered", "map_stage", "farm, 1 µs, ordered"),
    ("farm", "farm, 10 us, 2 workers", "map_stage", "farm, 10 µs, 2 workers"),
    ("farm", "farm, 10 us, 4 workers", "map_stage", "farm, 10 µs, 4 workers"),
    ("farm", "farm, 10 us, 2 workers, ordered", "map_stage", "farm, 10 µs, ordered"),
    ("chain", "chain of 4 x 2.5 us, serial", "map_stage", "4 stages of 2.5 µs"),
    ("chain", "chain of 4 x 2.5 us, 2 workers each", "map_stage", "the same, 2 workers each"),
    ("skew", "skew, 1 of 64 items 200 us, the others 1 us, 2 workers", "map_stage", "skewed work"),
    ("payload", "payload, 4 KiB through 3 stages", "fuse(range | 3 | sum), 2 workers",
     "4 KiB items, fused"),
    ("payload", "payload, 4 KiB through 3 stages", "map_stage", "4 KiB items, 3 threads"),
    ("text", "text, blocks of 64 KiB, 2 workers count words", "stage, reduce", "counting words"),
    ("text", "text, blocks of 64 KiB, 2 workers count words", "fuse(range | stage), reduce",
     "counting words, fused"),
    ("latency", "latency, 1 item per 200 us through 3 stages", "map_stage", "latency, p50"),
    ("latency", "latency, 1 item per 200 us through 3 stages", "source | fuse(3)",
     "latency, p50, fused"),
]

# The colours differ on white and on black, for colour-blind readers too.
PEERS = [  # prefix of a contender's name, its name in the legend, colour, gnuplot's point type
    ("oneTBB", "oneTBB", "#0a9396", 7),
    ("Taskflow", "Taskflow", "#d98200", 9),
    ("FastFlow", "FastFlow", "#8f7ee7", 5),
    ("threads, deque", "threads, a locked queue", "#8a8f98", 13),
    ("threads, chunks", "threads, chunks of many items", "#8a8f98", 12),
]
OURS = "#e5484d"

STYLE = """<style>
text { fill: #1f2328; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } }
</style>
"""

LOOK = """
set encoding utf8
set border 0
set grid xtics lc rgb '#8a8f98' lw 0.5 dt (2,4)
set tics nomirror scale 0
"""


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def draw(path, size, title, script):
    terminal = f"set terminal svg size {size[0]},{size[1]} dynamic noenhanced font 'sans-serif,13'\n"
    subprocess.run(["gnuplot"], input=terminal + f"set output {quoted(str(path))}\n" + LOOK +
                   f"set title {quoted(title)}\n" + script,
                   text=True, check=True)
    svg = path.read_text()
    # The style gives the text a colour that fits a light or a dark page.
    start = svg.index("<g id=\"gnuplot_canvas\"")
    svg = svg[:start] + STYLE + svg[start:]
    path.write_text(svg.replace("<title>Gnuplot</title>", f"<title>{title}</title>"))


def table_of(results, program, title):
    for one in results["programs"]:
        if one["program"] == program:
            for table in one["tables"]:
                if table["title"] == title:
                    return table
    return None


def overview(results, path):
    """Draws the time of each peer as a multiple of parallelpipe's, on a logarithmic axis."""
    labels = []
    points = {name: [] for _, name, _, _ in PEERS}
    for program, title, ours, label in OVERVIEW:
        table = table_of(results, program, title)
        if not table:
            continue
        median = {row["name"]: row["median"][0] for row in table["rows"]}
        if not median.get(ours):
            continue
        y = -len(labels)
        labels.append((label, y))
        for start, name, _, _ in PEERS:
            for contender, value in median.items():
                if contender.startswith(start):
                    points[name].append((value / median[ours], y))
    if not labels:
        return
    values = [x for all in points.values() for x, _ in all] + [1]
    low, high = min(values) / 1.3, max(values) * 1.3
    ticks = [t for t in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low <= t <= high]
    script = "set logscale x\n"
    script += f"set xrange [{low}:{high}]\nset yrange [{1 - len(labels) - 0.7}:0.7]\n"
    script += "set xtics (" + ", ".join(f"'{t:g}x' {t}" for t in ticks) + ")\n"
    script += "set ytics (" + ", ".join(f"{quoted(label)} {y}" for label, y in labels) + ")\n"
    script += "set key outside bottom center horizontal samplen 1.5 width 1\nset bmargin 6\n"
    title = "Time of the peers as a multiple of parallelpipe's: right of the line, parallelpipe is faster"
    script += f"set arrow from 1,graph 0 to 1,graph 1 nohead lc rgb '{OURS}' lw 2.5 front\n"
    plots = [f"1/0 with lines lc rgb '{OURS}' lw 2.5 title 'parallelpipe'"]
    data = ""
    for _, name, colour, shape in PEERS:
        if points[name]:
            plots.append(f"'-' with points pt {shape} ps 1.1 lw 1.6 lc rgb '{colour}' "
                         f"title {quoted(name)}")
            data += "".join(f"{x} {y}\n" for x, y in points[name]) + "e\n"
    draw(path, (860, 150 + 27 * len(labels)), title, script + "plot " + ", ".join(plots) + "\n" + data)


def bars(table, path, title, leave_out=()):
    """Draws one bar for each contender of a table, parallelpipe's in colour."""
    rows = [(row["name"], row["role"], row["median"][0]) for row in table["rows"]
            if row["name"] not in leave_out]
    rows.sort(key=lambda row: row[2])
    most = max(value for _, _, value in rows)
    script = "set style fill solid noborder\nunset key\nunset xtics\n"
    script += f"set xrange [0:{most * 1.15}]\nset yrange [{0.4 - len(rows)}:0.6]\n"
    script += "set ytics (" + ", ".join(f"{quoted(n)} {-i}" for i, (n, _, _) in enumerate(rows)) + ")\n"
    plots = []
    data = ""
    for wanted, colour in ((True, OURS), (False, "#8a8f98")):
        chosen = [(i, v) for i, (_, role, v) in enumerate(rows) if (role == "ours") == wanted]
        if chosen:
            plots.append(f"'-' using 1:2:3:4:5:6 with boxxyerror lc rgb '{colour}'")
            data += "".join(f"{v / 2} {-i} 0 {v} {-i - 0.32} {-i + 0.32}\n" for i, v in chosen) + "e\n"
    plots.append("'-' using 1:2:3 with labels left offset 0.6,0")
    data += "".join(f"{v} {-i} {v:.3g}\n" for i, (_, _, v) in enumerate(rows)) + "e\n"
    draw(path, (760, 70 + 30 * len(rows)), title, script + "plot " + ", ".join(plots) + "\n" + data)


def processor():
    try:
        for line in open("/proc/cpuinfo"):
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    directory = pathlib.Path(sys.argv[1])
    programs = [json.loads(path.read_text()) for path in sorted(directory.glob("parts/*.json"))]
    results = {"schema": 1, "date": time.strftime("%Y-%m-%d"), "processor": processor(),
               "system": f"{platform.system()} {platform.machine()}", "programs": programs}
    (directory / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    overview(results, directory / "overview.svg")
    for k in (1, 4):
        table = table_of(results, "hop", f"hop, K = {k}")
        if table:
            stages = "1 stage" if k == 1 else f"{k} stages"
            bars(table, directory / f"hop_{k}.svg", f"Handing on one item, {stages}: ns a hop",
                 leave_out=("loop",))


if __name__ == "__main__":
    main()
