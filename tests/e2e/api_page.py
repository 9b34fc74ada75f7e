#!/usr/bin/env python3
"""docs/api.md, run from top to bottom: each call is answered as the page says, and every call of
openapi.json is on it.

Usage: api_page.py OPSLAB [--refresh]: with --refresh the answers are written into the page."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator

REFRESH = "--refresh" in sys.argv and (sys.argv.remove("--refresh") or True)
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
ROOT = pathlib.Path(__file__).parents[2]
PAGE = ROOT / "docs/api.md"
STATED = "127.0.0.1:8000"
CALL = re.compile(r"```sh\n(.*?)```\n(Answer, \d+:\n```\w*\n.*?```\n)?", re.S)
WIDTH = 100
CONFIG = """
runners:
  - {name: process, plugin: process, config: {command: [opslab-driver-simulated]}}
workers:
  - {runner: process, count: 0}
"""


def packed(rows, indent):
    """Short rows share a line."""
    lines = []
    for row in rows:
        if lines and "\n" not in lines[-1] + row and len(indent + lines[-1] + row) < WIDTH:
            lines[-1] += ", " + row
        else:
            lines.append(row)
    return (",\n" + indent).join(lines)


def laid_out(value, indent=""):
    """JSON on one line where it fits."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return flat
    inner = indent + "  "
    if isinstance(value, list):
        rows = [laid_out(item, inner) for item in value]
        return f"[\n{inner}{packed(rows, inner)}\n{indent}]"
    rows = [f"{json.dumps(key)}: {laid_out(item, inner)}" for key, item in value.items()]
    return f"{{\n{inner}{packed(rows, inner)}\n{indent}}}"


class Leveller:
    """Makes answers alike: ids are counted up, times and what was measured are always the same."""

    def __init__(self):
        self.ids = {}

    def text(self, raw):
        def counted(found):
            if found.group(0).startswith("00000000"):
                return found.group(0)  # the page's own
            count = self.ids.setdefault(found.group(0), len(self.ids) + 1)
            return f"019c0b1e-7a00-7000-8000-{count:012d}"

        raw = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b", counted, raw)
        return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "2026-01-31T08:15:30.123456Z", raw)

    def value(self, value, key=""):
        if isinstance(value, dict):
            return {name: self.value(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, key) for item in value]
        measured = re.search(r"(seconds|_ms|^(avg|p50|p95|queue|prepare|setup|loop|evaluate|teardown))$", key)
        if isinstance(value, float) and measured:
            return 0.25
        if isinstance(value, str) and "cursor" in key:
            return "CURSOR"
        if isinstance(value, str) and key == "version":
            return "VERSION"
        return self.text(value) if isinstance(value, str) else value

    def answer(self, raw):
        try:
            return "json", laid_out(self.value(json.loads(raw)))
        except ValueError:
            return "text", self.text(raw.rstrip("\n"))


class Walk:
    """Runs the page's calls in order, and keeps the names that later ones use."""

    def __init__(self, folder, port):
        curl = pathlib.Path(folder, ".curlrc")
        curl.write_text('write-out = "%{stderr}%{http_code}"\n')
        self.names = {"CURL_HOME": folder}
        self.port = port
        self.leveller = Leveller()

    def run(self, lines):
        made = subprocess.run(
            ["bash", "-c", lines.replace(STATED, f"127.0.0.1:{self.port}")],
            env={**os.environ, **self.names},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.remember(made.stdout)
        language, text = self.leveller.answer(made.stdout)
        body = f"```{language}\n{text}\n```\n" if text else "```text\n```\n"
        return f"Answer, {made.stderr.strip()[-3:]}:\n{body}"

    def remember(self, raw):
        try:
            answer = json.loads(raw)
        except ValueError:
            return
        if "problem_id" in answer and "TASK" not in self.names:
            self.names["TASK"] = answer["id"]
        if "tasks" in answer and "SECOND" not in self.names and "total" not in answer:
            for name, task in zip(("SECOND", "THIRD", "FOURTH"), answer["tasks"]):
                self.names[name] = task["id"]


class ApiPage(unittest.TestCase):
    maxDiff = None

    def test_every_call_is_answered_as_the_page_says(self):
        with tempfile.TemporaryDirectory() as folder:
            coordinator = Coordinator(PROGRAM, folder, CONFIG).start()
            try:
                walk = Walk(folder, coordinator.port)
                page = PAGE.read_text()
                ran = CALL.sub(lambda call: f"```sh\n{call[1]}```\n{walk.run(call[1])}", page)
            finally:
                coordinator.stop()
        if REFRESH:
            PAGE.write_text(ran)
        self.assertEqual(
            ran.splitlines(),
            PAGE.read_text().splitlines(),
            "answers have changed: tests/e2e/api_page.py OPSLAB --refresh",
        )

    def test_every_call_of_the_document_is_on_the_page_with_its_curl_line(self):
        paths = json.loads((ROOT / "core/src/http/openapi.json").read_text())["paths"]
        stated = {
            f"{method.upper()} {path}"
            for path, calls in paths.items()
            for method in calls
            if method in ("get", "post", "put", "patch", "delete")
        }
        sections = re.split(r"^### ", PAGE.read_text(), flags=re.M)[1:]
        shown = {section.splitlines()[0] for section in sections}
        self.assertEqual(stated, shown)
        for section in sections:
            method, path = section.splitlines()[0].split()
            pattern = re.escape(path)
            pattern = re.sub(r"\\\{\w+\\\}", r"[^/ ]+", pattern)
            self.assertRegex(section, STATED + pattern + r"""['"?\s]""")
            if method == "DELETE":
                self.assertIn("-X DELETE", section)
            if method == "POST":
                self.assertRegex(section, "-X POST|-d ")


if __name__ == "__main__":
    unittest.main(verbosity=2)
