#!/usr/bin/env python3
"""Rules that a compiler does not know: no waiting on the wall clock, no std::regex, small files."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
FOLDERS = ("core", "plugins", "cli", "drivers", "tests", "bench")
MAX_LINES = 400

# pattern, why, and the files (by the beginning of their path) that may hold it
RULES = [
    (
        r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(",
        "waiting goes through opslab::Clock, so that a test can advance it",
        # programs that play a driver wait in real time: that is what they are for
        ("core/src/base/system_clock.cpp", "drivers/simulated/"),
    ),
    (
        r"\b(system_clock|steady_clock)::now\s*\(",
        "time comes through opslab::Clock",
        ("core/src/base/system_clock.cpp", "drivers/simulated/", "bench/", "tests/",
         "core/sdk/testing/", "core/src/check/", "core/sdk-exec/", "core/sdk-sql/", "plugins/"),
    ),
    (
        r"\bstd::random_device\b",
        "randomness comes through opslab::Entropy",
        ("core/src/base/", "core/sdk-exec/src/event_prefix.cpp"),
    ),
    (r"\bstd::(basic_)?regex\b|<regex>", "std::regex overflows the stack on long input", ()),
    (
        r"\buse\(\s*(\"|std::string\s*[{(]|[\w:]+\([^)]*\)\s*[,)])",
        "soci::use keeps a reference: a temporary dangles",
        (),
    ),
    (r"\.detach\(\)", "threads are joined, never detached", ()),
]


def files(*suffixes):
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes:
                yield path.relative_to(ROOT)


def offences(pattern, exempt):
    expression = re.compile(pattern)
    for path in files(".cpp", ".hpp", ".h", ".c"):
        if str(path).startswith(exempt or ("\0",)):
            continue
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            code = line.split("//")[0]
            if expression.search(code):
                yield f"{path}:{number}: {line.strip()}"


class SourceRules(unittest.TestCase):
    def test_no_file_breaks_a_rule(self):
        for pattern, why, exempt in RULES:
            with self.subTest(why):
                self.assertEqual([], list(offences(pattern, exempt)), why)

    def test_no_folder_is_a_kind_of_thing(self):
        names = {"utils", "util", "common", "helpers", "misc"}
        found = [
            str(path.relative_to(ROOT))
            for folder in FOLDERS
            for path in (ROOT / folder).rglob("*")
            if path.stem.lower() in names
            # the stand-in has AIOpsLab's own names
            and "drivers/aiopslab/tests/standin" not in str(path)
        ]
        self.assertEqual([], found)

    def test_large_files_are_named(self):
        large = [
            f"{path}: {lines} lines"
            for path in files(".cpp", ".hpp", ".h")
            if (lines := len((ROOT / path).read_text().splitlines())) > MAX_LINES
        ]
        # a warning only: a reviewer asks, the build does not stop
        for line in large:
            print(f"warning: over {MAX_LINES} lines: {line}", file=sys.stderr)

    def test_every_script_says_what_it_does(self):
        silent = [
            path.name
            for path in sorted((ROOT / "scripts").iterdir())
            if path.is_file()
            and path.suffix != ".txt"
            and len(path.read_text().splitlines()[1].strip('#" ')) < 10
        ]
        self.assertEqual([], silent)


if __name__ == "__main__":
    unittest.main()
