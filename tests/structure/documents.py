#!/usr/bin/env python3
"""What the documents name exists: links, files, and every command line of the program.

With --program FILE the commands that begin with `opslab` in fenced blocks are tried: each verb must
exist and each long option must be in its help.
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else None


def documents():
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    return found + sorted((ROOT / "docs").rglob("*.md"))


def commands():
    """Each `opslab …` line of a fenced block, continued lines joined."""
    for path in documents():
        for block in re.findall(r"```(?:sh|bash)?\n(.*?)```", path.read_text(), re.S):
            for line in block.replace("\\\n", " ").splitlines():
                line = line.split(" #")[0]
                for part in re.split(r"[|;&]+", line):
                    words = part.split()
                    if words and words[0].split("/")[-1] == "opslab":
                        yield path.relative_to(ROOT), words[1:]


class Documents(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        broken = []
        for path in documents():
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
                if "://" not in target and not (path.parent / target).exists():
                    broken.append(f"{path.relative_to(ROOT)}: {target}")
        self.assertEqual([], broken)

    def test_every_script_that_is_named_exists(self):
        missing = [
            f"{path.relative_to(ROOT)}: {script}"
            for path in documents()
            for script in re.findall(r"\bscripts/[a-z][\w-]+", path.read_text())
            if not list(ROOT.glob(script + "*"))
        ]
        self.assertEqual([], missing)

    @unittest.skipUnless(PROGRAM, "no program was given")
    def test_every_command_line_exists(self):
        wrong = []
        for path, words in commands():
            verbs = []
            for word in words:
                if not re.fullmatch(r"[a-z]+", word) or len(verbs) == 2:
                    break
                verbs.append(word)
            if verbs and verbs[0] in ("serve", "queue"):
                verbs = verbs[:1]
            shown = subprocess.run(
                [PROGRAM, *verbs, "--help"], capture_output=True, text=True, timeout=20
            )
            options = [word.split("=")[0] for word in words if word.startswith("--")]
            missing = [option for option in options if option not in shown.stdout]
            if shown.returncode != 0 or missing:
                wrong.append(f"{path}: opslab {' '.join(words)} {missing}")
        self.assertEqual([], wrong)


if __name__ == "__main__":
    unittest.main()
