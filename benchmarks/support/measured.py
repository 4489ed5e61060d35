"""Shared by the benchmark scripts: tables in the form that the benchmark programs write."""

import json
import statistics
import sys


def table(title, columns, rows):
    """Returns a table. rows: (name, role, [[figure for each column] for each round])."""
    described = []
    for name, role, rounds in rows:
        medians = [statistics.median(column) for column in zip(*rounds)]
        described.append({"name": name, "role": role, "median": medians, "to_best_peer": None,
                          "to_best_at_once": None, "rounds": rounds})
    return {"title": title, "columns": columns, "line_ns_before": None, "line_ns_after": None,
            "others_processors": [], "rounds_repeated": 0, "rows": described}


def show(table):
    print(f"\n{table['title']}\n  {'':34}" + "".join(f"  {c:>12}" for c in table["columns"]))
    for row in table["rows"]:
        mark = "> " if row["role"] == "ours" else "  "
        print(f"{mark}{row['name']:34}" + "".join(f"  {m:12.2f}" for m in row["median"]))
    sys.stdout.flush()


def write(path, program, tables, good=True):
    if path:
        with open(path, "w") as file:
            json.dump({"program": program, "good": good, "tables": tables}, file, indent=1)
            file.write("\n")
