#!/usr/bin/env python3
"""The plugin ABI: plugin.h comes to what is recorded in core/sdk/abi/plugin.abi, every version is
one that plugins of the first survive, and a change that would break them cannot be recorded.
Usage: plugin_abi.py SOURCE_DIR"""

import hashlib
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
TOOL = ROOT / "scripts/abi"
RECORDED = ROOT / "core/sdk/abi/plugin.abi"
FIRST_HEADER = ROOT / "tests/plugins/runner-v1/include/opslab/plugin.h"
FIRST_RECORDED = ROOT / "tests/plugins/runner-v1/plugin-1.0.abi"
# as it was when the first plugins were built: it is never edited
FIRST_DIGEST = "3ae020f88bfd5696ff79f71bc83b8f645c09913c69525e159ae07316f4b4558a"

MINOR = "#define OPSLAB_ABI_MINOR "


def tool():
    loader = importlib.machinery.SourceFileLoader("abi", str(TOOL))
    spec = importlib.util.spec_from_loader("abi", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def next_minor(text):
    at = text.index(MINOR) + len(MINOR)
    return text[:at] + str(int(text[at]) + 1) + text[at + 1 :]


def appended(text, member, struct):
    return text.replace(f"}} {struct};", f"    {member}\n}} {struct};")


class Recorded(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.header = pathlib.Path(self.folder.name, "plugin.h")
        self.recorded = pathlib.Path(self.folder.name, "plugin.abi")
        # the first version, so that these tests need no change when something is appended
        self.recorded.write_text(FIRST_RECORDED.read_text())
        self.text = FIRST_HEADER.read_text()

    def abi(self, *options):
        return subprocess.run(
            [TOOL, "--header", self.header, "--recorded", self.recorded, *options],
            capture_output=True,
            text=True,
            check=False,
        )

    def refused(self, text, because):
        self.assertNotEqual(self.text, text, "the header was not changed")
        self.header.write_text(text)
        for options in ([], ["--refresh"]):
            done = self.abi(*options)
            self.assertEqual(1, done.returncode, done.stdout)
            self.assertIn(because, done.stderr)
        self.assertEqual(FIRST_RECORDED.read_text(), self.recorded.read_text())

    def test_the_header_of_the_tree_is_what_was_recorded(self):
        done = subprocess.run([TOOL], capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_plugins_of_the_first_version_survive_this_one(self):
        abi = tool()
        first = abi.Recorded(FIRST_RECORDED.read_text())
        now = abi.Recorded(RECORDED.read_text())
        self.assertEqual(first.constants["OPSLAB_ABI_MAJOR"], now.constants["OPSLAB_ABI_MAJOR"])
        self.assertEqual([], abi.faults(first, now))

    def test_the_first_versions_header_is_never_edited(self):
        digest = hashlib.sha256(FIRST_HEADER.read_bytes()).hexdigest()
        self.assertEqual(FIRST_DIGEST, digest)
        frozen = subprocess.run(
            [TOOL, "--header", FIRST_HEADER, "--recorded", FIRST_RECORDED],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, frozen.returncode, frozen.stdout + frozen.stderr)

    def test_an_appended_member_with_the_next_minor_is_recorded_when_asked(self):
        self.header.write_text(
            next_minor(appended(self.text, "int32_t (*pause)(void* self);", "opslab_runner"))
        )
        unasked = self.abi()
        self.assertEqual(1, unasked.returncode)
        self.assertIn("scripts/abi --refresh", unasked.stderr)

        self.assertEqual(0, self.abi("--refresh").returncode)
        self.assertIn("   88 pause (void*) -> int32_t\n", self.recorded.read_text())
        self.assertEqual(0, self.abi().returncode)

    def test_an_appended_member_without_the_next_minor_is_refused(self):
        self.refused(
            appended(self.text, "int32_t (*pause)(void* self);", "opslab_runner"),
            "something was appended, and OPSLAB_ABI_MINOR is 0: wanted 1",
        )

    def test_a_member_in_the_middle_is_refused(self):
        before = "    /* Starts a run and writes its handle"
        self.refused(
            next_minor(self.text.replace(before, "    int32_t (*pause)(void* self);\n" + before)),
            'struct opslab_runner: "start" (',
        )

    def test_a_member_that_is_gone_is_refused(self):
        self.refused(
            next_minor(self.text.replace("    int32_t code;\n} opslab_run_end;", "} opslab_run_end;")),
            'struct opslab_run_end: "code" is gone',
        )

    def test_a_member_of_another_type_or_name_is_refused(self):
        self.refused(
            next_minor(self.text.replace("    int32_t grace_ms;", "    uint32_t grace_ms;")),
            'struct opslab_stop_request: "grace_ms" (int32_t at 4) became "grace_ms" (uint32_t at 4)',
        )
        self.refused(
            next_minor(self.text.replace("    int32_t grace_ms;", "    int32_t grace_seconds;")),
            'became "grace_seconds"',
        )

    def test_another_signature_of_a_function_is_refused(self):
        self.refused(
            next_minor(self.text.replace("void (*close)(void* self);", "int32_t (*close)(void* self);")),
            'struct opslab_runner: "close" ((void*) -> void at 80) became',
        )

    def test_a_constant_of_another_value_or_none_is_refused(self):
        self.refused(
            next_minor(self.text.replace("OPSLAB_E_TASK = 2", "OPSLAB_E_TASK = 9")),
            "constant OPSLAB_E_TASK was 2 and is 9",
        )
        self.refused(
            next_minor(self.text.replace("#define OPSLAB_PLUGIN_RUNNER 2u", "")),
            "constant OPSLAB_PLUGIN_RUNNER is gone",
        )

    def test_a_struct_without_a_size_cannot_grow(self):
        self.refused(
            next_minor(appended(self.text, "void* more;", "opslab_writer")),
            "struct opslab_writer: it has no struct_size, so nothing can be appended to it",
        )

    def test_growth_into_padding_is_refused(self):
        abi = tool()
        was = (16, [(0, "struct_size", "uint32_t"), (8, "flag", "char")])
        now = (16, was[1] + [(9, "other", "char")])
        self.assertIn("grew into its own padding", abi.struct_faults("x", was, now)[0])

    def test_the_next_major_may_change_everything(self):
        text = self.text.replace("#define OPSLAB_ABI_MAJOR 1u", "#define OPSLAB_ABI_MAJOR 2u")
        self.header.write_text(text.replace("    int32_t grace_ms;", "    uint32_t grace_ms;"))
        self.assertEqual(0, self.abi("--refresh").returncode)


if __name__ == "__main__":
    unittest.main()
