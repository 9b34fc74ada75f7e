#!/usr/bin/env python3
"""The diagram in docs/state-machine.md shows exactly the table in opslab/task_state.hpp."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
TABLE = ROOT / "core/sdk/include/opslab/task_state.hpp"
DOCUMENT = ROOT / "docs/state-machine.md"


def transitions_of_table():
    row = re.compile(
        r"Transition\{\s*TaskStatus::(\w+),\s*TaskEvent::(\w+),\s*TaskStatus::(\w+),"
        r"\s*Authority::(\w+)\}"
    )
    return {found.groups() for found in row.finditer(TABLE.read_text())}


def diagram():
    return re.search(r"```mermaid\n(.*?)```", DOCUMENT.read_text(), re.S).group(1)


class StateMachineDocument(unittest.TestCase):
    def test_the_table_was_read(self):
        self.assertGreaterEqual(len(transitions_of_table()), 7)

    def test_the_arrows_are_the_table(self):
        arrows = set(re.findall(r"(\w+) --> (\w+) : (\w+)", diagram()))
        self.assertEqual({(a, b, e) for a, e, b, _ in transitions_of_table()}, arrows)

    def test_the_final_states_are_those_that_no_row_leaves(self):
        rows = transitions_of_table()
        terminal = {to for _, _, to, _ in rows} - {source for source, _, _, _ in rows}
        self.assertEqual(terminal, set(re.findall(r"(\w+) --> \[\*\]", diagram())))

    def test_the_list_of_transitions_is_the_table(self):
        listed = re.findall(
            r"^\| `(\w+)` \| `(\w+)` \| `(\w+)` \| (\w+)", DOCUMENT.read_text(), re.M
        )
        words = {"anyone": "anyone", "lease_holder": "lease"}
        self.assertEqual(
            {(a, e, b, words[who]) for a, e, b, who in transitions_of_table()}, set(listed)
        )


if __name__ == "__main__":
    unittest.main()
