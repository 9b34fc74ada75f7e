#!/usr/bin/env python3
"""Reads a JUnit report of ctest: prints "total failed skipped", or with --failures what failed."""

import sys
import xml.etree.ElementTree as ElementTree

MAX_OUTPUT_LINES = 60


def cases(path):
    return list(ElementTree.parse(path).getroot().iter("testcase"))


def is_failed(case):
    return case.get("status") == "fail" or case.find("failure") is not None


def is_skipped(case):
    return not is_failed(case) and case.get("status") != "run"


def print_failures(path):
    for case in filter(is_failed, cases(path)):
        print(f"--- {case.get('name')}")
        output = case.findtext("system-out") or ""
        print("\n".join(output.splitlines()[-MAX_OUTPUT_LINES:]))


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--failures":
        print_failures(arguments[1])
        return 0
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    found = cases(arguments[0])
    print(len(found), sum(map(is_failed, found)), sum(map(is_skipped, found)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
