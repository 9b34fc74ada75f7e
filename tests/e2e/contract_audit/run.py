#!/usr/bin/env python3
"""Goes through the contract of the REST API, the configuration and the driver protocol against the
real program, on SQLite or PostgreSQL. Usage: run.py OPSLAB [--postgres] [NAME...]"""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
from audit import Stand  # noqa: E402


def main(words):
    Stand.program = pathlib.Path(words[0]).resolve()
    Stand.on_postgres = "--postgres" in words
    names = [word for word in words[1:] if word and not word.startswith("--")]
    parts = names or sorted(file.stem for file in HERE.glob("*_audit.py"))
    suite = unittest.defaultTestLoader.loadTestsFromNames(parts)
    try:
        good = unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful()
    finally:
        Stand.down()
    return 0 if good else 1


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
