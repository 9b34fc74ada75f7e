#!/usr/bin/env python3
"""What a third party has of opslab: the installed files and nothing of the tree.

`cmake --install` goes into a prefix of its own; the example is built, checked and used against that
prefix; so is what `opslab plugin new` writes; every public header compiles alone, every component
links, and the installed conformance suites pass over a runner and a storage of somebody else.
Usage: consumer.py BUILD SOURCES WORK"""

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
PREFIX = WORK / "prefix"
EXAMPLE = SOURCES / "examples/runner-hello"
LIMIT_SECONDS = 900


def environment():
    """The caller's, with the prefix's programs first and nothing of this build."""
    values = {name: value for name, value in os.environ.items() if not name.startswith("OPSLAB_")}
    values["PATH"] = f"{PREFIX / 'bin'}:{values['PATH']}"
    values["PKG_CONFIG_PATH"] = str(PREFIX / "lib/pkgconfig")
    return values


def run(*words, folder=None):
    """Runs a command and answers what it said; its whole output is the failure's text."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def built(source, folder, *settings):
    """Configures and builds a project against the prefix alone."""
    # the prefix is new: what was found in an earlier one is to be found again
    (folder / "CMakeCache.txt").unlink(missing_ok=True)
    run("cmake", "-S", source, "-B", folder, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={PREFIX}", *settings)
    run("cmake", "--build", folder)
    return folder


def setUpModule():
    shutil.rmtree(PREFIX, ignore_errors=True)
    WORK.mkdir(parents=True, exist_ok=True)
    run("cmake", "--install", BUILD, "--prefix", PREFIX)


class InstalledFiles(unittest.TestCase):
    def test_every_public_header_is_installed_and_no_other(self):
        public = set()
        for part in ("sdk", "sdk/testing", "sdk-exec", "sdk-exec/docker", "sdk-sql"):
            folder = SOURCES / "core" / part / "include"
            public |= {str(file.relative_to(folder)) for file in folder.rglob("*.h*")}
        # what the build makes beside them
        public.add("opslab/storage_interface.hpp")
        installed = {
            str(file.relative_to(PREFIX / "include"))
            for file in (PREFIX / "include").rglob("*")
            if file.is_file()
        }
        self.assertEqual(public, installed)

    def test_nothing_installed_names_the_tree_or_the_build(self):
        found = []
        for file in PREFIX.rglob("*"):
            if not file.is_file() or file.suffix in (".so", ".a", ""):
                continue
            text = file.read_text()
            if str(SOURCES) in text or str(BUILD) in text:
                found.append(str(file.relative_to(PREFIX)))
        self.assertEqual([], found)


class Example(unittest.TestCase):
    def test_it_builds_passes_its_tests_and_is_checked(self):
        folder = built(EXAMPLE, WORK / "runner-hello")
        told = run("ctest", "--test-dir", folder, "--output-on-failure")
        self.assertIn("100% tests passed, 0 tests failed out of 2", told)
        # as the README says it, with nothing but the file
        told = run("opslab", "plugin", "check", folder / "runner-hello.so")
        self.assertRegex(told, r"\d{2} passed, 0 failed")

    def test_pkg_config_is_enough_too(self):
        flags = run("pkg-config", "--cflags", "--libs", "opslab-sdk-exec").split()
        library = WORK / "runner-hello.so"
        run(
            "c++", "-std=c++20", "-fPIC", "-shared", '-DHELLO_VERSION="0"', "-o", library,
            EXAMPLE / "hello_runner.cpp", *flags, "-Wl,-z,defs",
        )
        self.assertIn("greeting", run("opslab", "plugin", "info", "hello", "--path", WORK))

    def test_it_is_about_a_hundred_lines(self):
        self.assertLess(len((EXAMPLE / "hello_runner.cpp").read_text().splitlines()), 125)


class NewProject(unittest.TestCase):
    def test_it_builds_passes_the_check_and_runs_a_task(self):
        shutil.rmtree(WORK / "runner-my-own", ignore_errors=True)
        told = run("opslab", "plugin", "new", "my-own", folder=WORK)
        self.assertIn("runner-my-own/my_own_runner.cpp", told)
        folder = built(WORK / "runner-my-own", WORK / "runner-my-own/build")
        told = run("ctest", "--test-dir", folder, "--output-on-failure")
        self.assertIn("100% tests passed, 0 tests failed out of 2", told)

    def test_it_overwrites_nothing_and_takes_no_name_of_ours(self):
        (WORK / "there").mkdir(exist_ok=True)
        (WORK / "there/file").write_text("mine")
        with self.assertRaisesRegex(AssertionError, "ended with 1:\n.*is there already"):
            run("opslab", "plugin", "new", "mine", "--directory", WORK / "there")
        for name in ("Mine", "docker"):
            with self.assertRaisesRegex(AssertionError, "ended with 2:"):
                run("opslab", "plugin", "new", name, folder=WORK)
        self.assertEqual(["file"], os.listdir(WORK / "there"))


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = built(
            SOURCES / "tests/sdk_consumer/project",
            WORK / "project",
            f"-DOPSLAB_SOURCES={SOURCES}",
            f"-DOPSLAB_HEADERS={PREFIX / 'include'}",
        )

    def test_every_component_links(self):
        run(self.folder / "parts")

    def test_the_runners_suite_is_whole_and_passes(self):
        told = run(self.folder / "runner-suite")
        self.assertGreater(int(re.search(r"\[  PASSED  \] (\d+) tests", told)[1]), 20)

    def test_the_storages_suite_is_whole_and_passes(self):
        told = run(self.folder / "storage-suite")
        self.assertGreater(int(re.search(r"\[  PASSED  \] (\d+) tests", told)[1]), 30)

    def test_a_storage_built_with_the_installed_sdk_is_taken(self):
        told = run("opslab", "plugin", "info", "memory", "--path", self.folder)
        self.assertIn('storage plugin "memory" 0.9', told)

    def test_a_component_that_is_not_there_is_named(self):
        folder = WORK / "wrong"
        folder.mkdir(exist_ok=True)
        (folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.24)\nproject(wrong NONE)\n"
            "find_package(opslab-sdk REQUIRED COMPONENTS kubernetes)\n"
        )
        with self.assertRaisesRegex(AssertionError, 'there is no component\\s+"kubernetes"'):
            built(folder, folder / "build")


if __name__ == "__main__":
    unittest.main()
