#!/usr/bin/env python3
"""Each threat in docs/security.md names the tests that hold it, and they exist."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
DOCUMENT = ROOT / "docs/security.md"
LINK = re.compile(r"\[`([^`]+)`\]\(\.\./([^)]+)\)")


def threats(text):
    """(threat, its tests' cell) of each row of the tables under `## Threats`."""
    for section in re.split(r"^## ", text, flags=re.M):
        if section.startswith("Threats"):
            for row in re.findall(r"^\| (.*) \|$", section, flags=re.M)[2:]:
                cells = row.split(" | ")
                yield cells[0], cells[-1]


def missing(cell):
    """What the cell names and the tree does not have."""
    found = list(LINK.finditer(cell))
    ends = [link.start() for link in found[1:]] + [len(cell)]
    for link, end in zip(found, ends):
        path = ROOT / link.group(2)
        if not path.is_file() or path.name != link.group(1):
            yield link.group(2)
            continue
        text = path.read_text()
        for name in re.findall(r"`([^`]+)`", cell[link.end():end]):
            if name not in text:
                yield f"{name} in {link.group(2)}"


class SecurityDocument(unittest.TestCase):
    def test_every_threat_names_a_test(self):
        rows = list(threats(DOCUMENT.read_text()))
        self.assertGreater(len(rows), 20)
        self.assertEqual([], [threat for threat, cell in rows if not LINK.search(cell)])

    def test_every_test_is_there(self):
        rows = threats(DOCUMENT.read_text())
        self.assertEqual([], [name for _, cell in rows for name in missing(cell)])

    def test_a_test_that_is_gone_is_found(self):
        cell = "[`hostile.py`](../tests/e2e/hostile.py) `no such test`; [`x.py`](../tests/x.py)"
        self.assertEqual(["no such test in tests/e2e/hostile.py", "tests/x.py"], list(missing(cell)))


if __name__ == "__main__":
    unittest.main()
