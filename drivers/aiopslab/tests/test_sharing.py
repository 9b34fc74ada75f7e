"""What two drivers at once share, as the kernel saw it: every file that either changed and every address that
either bound, by strace."""

import os
import pathlib
import re
import shutil
import tempfile
import unittest

from driver_run import Run

CHANGES = "open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,symlink,link,truncate,chmod,chown,bind"
_OPENED = re.compile(r"open(?:at)?\(.*O_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND).* = \d+<([^>]*)>")
_NAMED = re.compile(r"^(?:\d+ +)?(mkdir|rename|unlink|rmdir|symlink|link|truncate|chmod|chown)\w*\((.*)\) = 0")
_BOUND = re.compile(r"bind\(.*(AF_INET6?).*\) = 0")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
# written before any code of ours runs, atomically and the same by all; a package that pip installed has it
_BYTECODE = re.compile(r"/opslab_aiopslab_driver/__pycache__/__init__\.")
# channels, not files that anything could be left in
_NO_FILES = re.compile(r"^(/dev/(null|tty|urandom|pts/\d+)|pipe:|socket:|anon_inode:|/memfd:|/proc/(self|\d+)/)")

LOOK = (
    "echo x > $HOME/mine; echo x > $TMPDIR/mine; echo x > mine; mkdir -p $HELM_CACHE_HOME/repo;"
    " cat $KUBECONFIG >/dev/null"
)


class Seen:
    """What a trace tells: paths that were changed, and lines that bound an internet address."""

    def __init__(self, trace, cwd):
        self.changed, self.bound = set(), []
        for line in pathlib.Path(trace).read_text(errors="replace").splitlines():
            opened, named = _OPENED.search(line), _NAMED.match(line)
            paths = [opened[1]] if opened else _QUOTED.findall(named[2]) if named else []
            for path in paths:
                if not _NO_FILES.match(path) and not _BYTECODE.search(path):
                    self.changed.add(os.path.realpath(os.path.join(cwd, path)))
            if _BOUND.search(line) and "htons(0)" not in line:  # 0: any free one
                self.bound.append(line)


@unittest.skipUnless(shutil.which("strace"), "needs strace")
@unittest.skipUnless(os.geteuid() == 0, "a driver hides from all but root's strace")
class Sharing(unittest.TestCase):
    def test_two_at_once_change_no_common_file_and_bind_no_port(self):
        config = {"agent": "scripted", "actions": [f"exec_shell({LOOK!r})", 'submit("No")']}
        with tempfile.TemporaryDirectory() as traces:
            def under(name):
                return ("strace", "-f", "-y", "-s", "4096", "-e", f"trace={CHANGES}", "-o",
                        f"{traces}/{name}")

            plan = {"hang_in": "eval"}
            with Run(plan, under=under("a"), agent_config=config) as first, Run(
                plan, under=under("b"), agent_config=config
            ) as second:
                for run in (first, second):  # both are under way now
                    run.stop_when("hanging in eval")
                    self.assertEqual(len(run.of("step")), 2)
                    self.assertIn("helm dependency update", "".join(run.journal()))
                seen = [Seen(f"{traces}/{name}", run.work / "cwd")
                        for name, run in (("a", first), ("b", second))]
                folders = [str(run.folder) for run in (first, second)]
        for one, folder in zip(seen, folders):
            self.assertIn(f"{folder}/work/home/mine", one.changed)  # the trace does see it
            self.assertEqual([], [path for path in one.changed if not path.startswith(folder)])
            self.assertEqual([], one.bound)
        self.assertEqual(set(), seen[0].changed & seen[1].changed)


if __name__ == "__main__":
    unittest.main()
