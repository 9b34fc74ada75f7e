#!/usr/bin/env python3
"""Completion in real shells, and the manual pages, as they are installed.

Usage: shell_help.py BUILD_FOLDER"""

import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
PROGRAM = BUILD / "bin/opslab"
LIMIT_SECONDS = 30


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, command, environment):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, {**os.environ, "TERM": "dumb", **environment})
        self.heard = ""

    def type(self, text):
        self.heard = ""
        os.write(self.terminal, text.encode())

    def expect(self, pattern):
        end = time.monotonic() + LIMIT_SECONDS
        while not re.search(pattern, self.heard):
            ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {pattern!r} in {self.heard!r}")
            self.heard += os.read(self.terminal, 4096).decode(errors="replace")
        return self.heard

    def close(self):
        os.close(self.terminal)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.prefix = pathlib.Path(cls.folder.name)
        subprocess.run(
            ["cmake", "--install", BUILD, "--prefix", cls.prefix],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        cls.share = cls.prefix / "share"

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def shell(self, *command, **environment):
        shell = Shell(command, environment)
        self.addCleanup(shell.close)
        return shell


class Completion(Installed):
    def test_bash_completes_verbs_options_values_and_files(self):
        script = self.share / "bash-completion/completions/opslab"
        bash = self.shell("bash", "--norc", "--noprofile", "-i", INPUTRC="/dev/null")
        bash.type(f"bind 'set enable-bracketed-paste off'; cd {self.prefix}; PS1='ready''> '\n")
        bash.expect("ready> ")
        bash.type(f"source {script}; echo sou''rced\n")
        bash.expect("sourced")
        for typed, completed in {
            "opslab traj\t": "opslab trajectory ",
            "opslab task sub\t": "opslab task submit ",
            "opslab task list --stat\t": "--status ",
            "opslab task list --status pen\t": "--status pending ",
            "opslab task list --status=pen\t": "--status=pending ",
            "opslab worker --runner list --max\t": "--max-parallel-tasks ",
            "opslab config check shar\t": "check share/",
        }.items():
            bash.type(typed)
            bash.expect(re.escape(completed))
            bash.type("\x15")  # take the line back

    def test_zsh_completes_verbs_and_values(self):
        folder = self.share / "zsh/vendor-completions"
        zsh = self.shell("zsh", "-f", "-i", HOME=str(self.prefix))
        zsh.type(f"PROMPT='ready''> '; fpath=({folder} $fpath); autoload -Uz compinit\n")
        zsh.expect("ready> ")
        zsh.type("compinit -u -D && echo comp''iled\n")
        zsh.expect("compiled")
        for typed, completed in {
            "opslab traj\t": "trajectory",
            "opslab task sub\t": "submit",
            "opslab task list --stat\t": "--status",
            "opslab task list --status pen\t": "pending",
        }.items():
            zsh.type(typed)
            zsh.expect(re.escape(completed))
            zsh.type("\x15")

    def test_fish_completes_verbs_and_values(self):
        script = self.share / "fish/vendor_completions.d/opslab.fish"
        for line, offered in {
            "opslab traj": "trajectory",
            "opslab task sub": "submit",
            "opslab task list --stat": "--status",
            "opslab task list --status pen": "pending",
            "opslab worker --runner list --max": "--max-parallel-tasks",
        }.items():
            made = subprocess.run(
                ["fish", "--no-config", "-c", f'source {script}; complete -C "{line}"'],
                capture_output=True,
                text=True,
                timeout=LIMIT_SECONDS,
            )
            self.assertEqual([offered], [row.split("\t")[0] for row in made.stdout.splitlines()])


class Manual(Installed):
    def pages(self):
        return sorted((self.share / "man/man1").glob("*.1"))

    def test_every_command_has_a_page(self):
        names = {page.stem for page in self.pages()}
        waiting = ["opslab"]
        while waiting:
            path = waiting.pop()
            self.assertIn(path.replace(" ", "-"), names)
            shown = subprocess.run(
                [PROGRAM, *path.split()[1:], "--help"], capture_output=True, text=True
            ).stdout
            verbs = re.search(r"^Subcommands:\n((?:  .*\n)+)", shown, re.M)
            for verb in re.findall(r"^  (\w+)", verbs.group(1) if verbs else "", re.M):
                waiting.append(f"{path} {verb}")
        self.assertGreater(len(names), 25)

    def test_every_option_of_the_help_is_on_the_page(self):
        for words in (["task", "submit"], ["worker"], ["doctor"], ["plugin", "check"]):
            shown = subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True)
            page = self.share / "man/man1" / ("-".join(["opslab", *words]) + ".1")
            text = page.read_text().replace("\\-", "-")
            for option in re.findall(r"^  (?:-\w,)?(--[\w-]+)", shown.stdout, re.M):
                self.assertIn(option, text, page.name)

    def test_the_drivers_page_says_what_its_help_says(self):
        driver = BUILD / "bin/opslab-driver-simulated"
        shown = subprocess.run([driver, "--help"], capture_output=True, text=True, check=True).stdout
        page = self.share / "man/man1/opslab-driver-simulated.1"
        text = page.read_text().replace("\\-", "-").replace("\\(aq", "'")
        self.assertIn(shown.splitlines()[0], text)
        settings = re.findall(r"^  ([a-z_]+)  .*$", shown, re.M)
        self.assertIn("step_ms", settings)
        for setting in settings:
            self.assertIn(setting, text)
        for section in ("EXIT STATUS", "EXAMPLES"):
            self.assertIn(f".SH {section}\n", text)
        refused = subprocess.run([driver, "mistake"], capture_output=True, text=True)
        self.assertEqual((2, "", shown), (refused.returncode, refused.stdout, refused.stderr))

    def test_pages_are_set_without_a_warning(self):
        for page in self.pages():
            made = subprocess.run(
                ["groff", "-ww", "-man", "-Tutf8", page], capture_output=True, text=True
            )
            self.assertEqual((0, ""), (made.returncode, made.stderr), page.name)
            linted = subprocess.run(
                ["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True
            )
            # no date: one build is like the next
            complaints = [
                line for line in linted.stdout.splitlines() if "missing date" not in line
            ]
            self.assertEqual([], complaints)

    def test_examples_can_be_copied(self):
        page = self.share / "man/man1/opslab-task-submit.1"
        made = subprocess.run(
            ["groff", "-man", "-Tutf8", "-P-cbou", page], capture_output=True, text=True
        )
        self.assertIn("""--agent-config '{"model": "gpt-4o"}' \\\n""", made.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
