#!/usr/bin/env python3
"""Counts the instructions per item and hop of some small pipelines, with valgrind's callgrind.

The counts do not depend on the load of the machine: with one thread they repeat exactly, with several
threads to a few in a thousand (farms: a few in a hundred). They show changes too small for a clock.
"""

import argparse
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import measured

PIPELINES = [  # name in instructions.cpp, name in the table, hops and nested calls of an item
    ("source", "source", 1),
    ("generator_4", "source | 4 generator stages", 5),
    ("map_4", "source | 4 map_stages", 5),
    ("fused_generator_4", "source | fuse(4 generator stages)", 5),
    ("fused_map_4", "source | fuse(4 map_stages)", 5),
    ("farm", "source | map_stage, 2 workers", 2),
    ("ordered_farm", "the same, ordered", 2),
    ("inline_map_4", "source | 4 map_stages, inline", 5),
    ("inline_fused_map_4", "fuse(source | 4 map_stages), inline", 5),
]


def count(program, what, items):
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--fair-sched=try",
         program, what, str(items)], capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode or not found:
        sys.exit(f"{program} {what} failed under valgrind:\n{run.stderr}")
    return int(found.group(1))


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("program", help="bench_instructions")
    options.add_argument("--quick", action="store_true")
    options.add_argument("--json")
    options = options.parse_args()
    few, many = (5_000, 25_000) if options.quick else (20_000, 120_000)
    rows = []
    for what, name, steps in PIPELINES:
        more = count(options.program, what, many) - count(options.program, what, few)
        an_item = more / (many - few)
        rows.append((name, "ours", [[an_item, an_item / steps]]))
    table = measured.table("instructions", ["an item", "a step"], rows)
    measured.show(table)
    print("  a step is a hop, or one stage of a fused stage")
    measured.write(options.json, "instructions", [table])


if __name__ == "__main__":
    main()
