#!/usr/bin/env python3
"""The Debian packages, as an administrator meets them: made, installed into a copy of this machine
that goes away (an overlay, with a network of its own), run as the service user, upgraded, removed and
purged. Usage: packages.py BUILD SOURCES WORK"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

WORK = pathlib.Path(sys.argv.pop()).resolve()
SOURCES = pathlib.Path(sys.argv.pop()).resolve()
BUILD = pathlib.Path(sys.argv.pop()).resolve()
LIMIT_SECONDS = 900
# Configuration and data, and what dpkg and systemd's helpers keep to know a package again.
KEPT_BY_REMOVE = re.compile(
    r"/(etc/opslab|var/lib/(opslab|dpkg|systemd/deb-systemd-helper-enabled)|etc/systemd/system)(/|$)"
)
# The user, and what dpkg and its helpers write for themselves.
KEPT_BY_PURGE = re.compile(
    r"/(etc/(passwd|shadow|group|gshadow|subuid|subgid)-?|etc/\.pwd\.lock|etc/ld\.so\.cache|"
    r"var/(lib/dpkg|log|cache/ldconfig|cache/man|cache/debconf)/.*)$"
)


def run(*words, **more):
    done = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
        **more,
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def setUpModule():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    run(SOURCES / "scripts/package", "--build", BUILD, "--out", WORK)


def package(name):
    (found,) = WORK.glob(f"{name}_*.deb")
    return found


def entries(name):
    """Mode, owner and path of everything in a package."""
    for line in run("dpkg-deb", "--contents", package(name)).splitlines():
        mode, owner, _, _, _, path = line.split(None, 5)
        yield mode, owner, path.split(" -> ")[0].removeprefix(".")


class Contents(unittest.TestCase):
    def test_files_are_roots_and_nobody_else_may_write_them(self):
        for name in ("opslab", "opslab-sdk-dev"):
            for mode, owner, path in entries(name):
                self.assertEqual("root/root", owner, path)
                self.assertRegex(mode, r"^(d|-)rwx?.*r-.r-.$|^(d|-)rw-r--r--$", path)

    def test_each_has_what_is_its_own_and_nothing_for_usr_local(self):
        program = {path for _, _, path in entries("opslab")}
        sdk = {path for _, _, path in entries("opslab-sdk-dev")}
        self.assertLessEqual(
            {
                "/etc/opslab/opslab.yaml", "/usr/bin/opslab", "/usr/lib/opslab/opslab-supervise",
                "/usr/lib/opslab/plugins/runner-process.so",
                "/usr/lib/systemd/system/opslab.service",
                "/usr/lib/systemd/system/opslab-worker@.service",
            },
            program | {path.replace("/lib/", "/usr/lib/", 1) for path in program},
        )
        self.assertIn("/usr/include/opslab/plugin.h", sdk)
        shared = {path for path in program & sdk if not path.endswith("/")}
        self.assertEqual(set(), shared)
        for path in program | sdk:
            self.assertRegex(path, r"^/($|etc|usr/($|bin|include|lib|share))")

    def test_the_program_depends_on_its_libraries(self):
        depends = run("dpkg-deb", "--field", package("opslab"), "Depends")
        for library in ("libc6", "libstdc++6", "libsoci-core4.0", "libcurl4", "adduser"):
            self.assertIn(library, depends)

    def test_the_configuration_is_a_conffile(self):
        info = run("dpkg-deb", "--ctrl-tarfile", package("opslab"), errors="replace")
        self.assertIn("/etc/opslab/opslab.yaml", info)


@unittest.skipUnless(shutil.which("systemd-analyze") or os.environ.get("CI"), "no systemd here")
class Units(unittest.TestCase):
    def test_they_are_sound_and_shut_in(self):
        for unit in ("opslab.service", "opslab-worker@.service"):
            text = (SOURCES / "core/packaging/systemd" / unit).read_text()
            # verified where the programs of this build are in the place of the installed ones
            instance = WORK / unit.replace("@", "@worker-001-docker")
            instance.write_text(text.replace("/usr/bin/opslab", str(BUILD / "bin/opslab")))
            run("systemd-analyze", "verify", "--man=no", instance)
            told = run("systemd-analyze", "security", "--offline=true", instance)
            exposure = float(re.search(r"Overall exposure level .*: ([\d.]+)", told)[1])
            self.assertLess(exposure, 3.0, told)


@unittest.skipUnless(os.geteuid() == 0 or os.environ.get("CI"), "needs root")
class Life(unittest.TestCase):
    def test_it_installs_runs_is_upgraded_removed_and_purged(self):
        layers = WORK / "layers"
        layers.mkdir()
        told = run(
            "unshare", "--mount", "--net", "--pid", "--fork", SOURCES / "tests/package/in_a_copy",
            layers, package("opslab"), package("opslab-sdk-dev"),
            SOURCES / "tests/e2e/upgrade/sqlite-1",
        )
        self.assertEqual([], self.left(told, "after-remove", KEPT_BY_REMOVE))
        self.assertEqual([], self.left(told, "after-purge", KEPT_BY_PURGE))

    def left(self, told, when, kept):
        paths = re.findall(rf"^{when} (.*)$", told, re.M)
        self.assertTrue(paths, told)
        return [path for path in paths if not kept.match(path)]


if __name__ == "__main__":
    unittest.main()
