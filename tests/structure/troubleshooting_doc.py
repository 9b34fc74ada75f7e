#!/usr/bin/env python3
"""Each message that docs/troubleshooting.md explains is one that the program says."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
PAGE = ROOT / "docs/troubleshooting.md"
FOLDERS = ("core/src", "core/sdk-exec", "core/sdk-sql", "plugins", "cli")


def sources():
    """All our texts, with literals that the compiler joins joined."""
    text = ""
    for folder in FOLDERS:
        for suffix in ("*.cpp", "*.hpp"):
            for path in sorted((ROOT / folder).rglob(suffix)):
                text += path.read_text()
    return re.sub(r'"\s*"', "", text).replace('\\"', '"')


class Troubleshooting(unittest.TestCase):
    def test_every_message_exists(self):
        said = sources()
        messages = re.findall(r"^### `(.+)`$", PAGE.read_text(), re.M)
        self.assertGreater(len(messages), 15)
        unknown = [
            message
            for message in messages
            for part in message.split("…")
            if part.strip() not in said
        ]
        self.assertEqual([], unknown)


if __name__ == "__main__":
    unittest.main()
