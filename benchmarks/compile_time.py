#!/usr/bin/env python3
"""How long does it take to compile? Measures 01_hello.cpp, the same program as a plain loop, and
pipelines of 1, 5, 10 and 20 stages with a function of their own each. Prints the compiler's CPU seconds
at -O0."""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import measured

ROOT = pathlib.Path(__file__).parent.parent

LOOP = """
#include <iostream>
#include <string>
#include <vector>
int main() {
    std::vector<std::string> words = {"a", "loop", "becomes", "a", "parallel", "pipeline"};
    std::size_t letters = 0;
    for (auto& word : words) letters += (word + '!').size();
    std::cout << letters << " characters\\n";
}
"""


def standard_headers():
    """A program that includes the standard headers that the library includes, but not the library."""
    found = set()
    for header in (ROOT / "include").rglob("*.hpp"):
        found |= set(re.findall(r"^#include <([a-z_]+)>", header.read_text(), re.MULTILINE))
    includes = "".join(f"#if __has_include(<{name}>)\n#include <{name}>\n#endif\n"
                       for name in sorted(found))
    return includes + LOOP


def pipeline(stages):
    lines = ["#include <parallelpipe.hpp>", "#include <iostream>", "#include <vector>", "int main() {",
             "    auto pipeline = std::vector{1, 2, 3}"]
    for i in range(stages):
        lines.append(f"        | parallelpipe::map_stage([](int x) {{ return x + {i}; }})")
    lines += ["        ;", "    for (int x : pipeline.results()) std::cout << x;", "}"]
    return "\n".join(lines) + "\n"


def seconds_of_cpu(compiler, source, directory):
    path = pathlib.Path(directory) / "program.cpp"
    path.write_text(source)
    before = os.times()
    subprocess.run([*compiler, "-std=c++20", "-O0", f"-I{ROOT / 'include'}", "-c", str(path), "-o",
                    str(path.with_suffix(".o"))], check=True)
    after = os.times()
    return (after.children_user - before.children_user +
            after.children_system - before.children_system)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--json")
    options = options.parse_args()
    rounds = 2 if options.quick else options.rounds
    compiler = os.environ.get("CXX", "c++").split()
    contenders = [("the same as a loop", "reference", LOOP),
                  ("and the library's standard headers", "reference", standard_headers()),
                  ("01_hello.cpp", "ours", (ROOT / "examples/01_hello.cpp").read_text())]
    contenders += [(f"a pipeline of {n} stages" if n > 1 else "a pipeline of 1 stage", "ours",
                    pipeline(n)) for n in (1, 5, 10, 20)]
    figures = {name: [] for name, _, _ in contenders}
    with tempfile.TemporaryDirectory() as directory:
        for round in range(rounds + 1):
            for name, _, source in contenders:
                spent = seconds_of_cpu(compiler, source, directory)
                if round:
                    figures[name].append([spent])
    table = measured.table(f"compile time, {compiler[0]} -O0", ["CPU s"],
                           [(name, role, figures[name]) for name, role, _ in contenders])
    measured.show(table)
    measured.write(options.json, "compile_time", [table])


if __name__ == "__main__":
    main()
