#!/usr/bin/env python3
"""Dependencies point one way: who may include whom, and the one owner of each heavy library.

The table is the one of docs/architecture.md. An include that breaks it fails here, with its file
and line.
"""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()

# area: the areas that it may include, beside itself. `sdk` is public and may be used by all.
ALLOWED = {
    "sdk": set(),
    "sdk-sql": {"sdk"},
    "sdk-exec": {"sdk"},
    "base": {"sdk"},
    "domain": {"sdk", "base"},
    "config": {"sdk", "base"},
    "telemetry": {"sdk", "base"},
    "plugin": {"sdk", "base", "config"},
    "check": {"sdk", "base", "config", "plugin"},
    "service": {"sdk", "base", "domain"},
    "worker": {"sdk", "base", "domain"},
    "callback": {"sdk", "base", "domain"},
    "remote": {"sdk", "base", "domain", "worker"},
    "http": {"sdk", "base", "domain", "service"},
    "daemon": {
        "sdk", "base", "domain", "config", "telemetry", "plugin", "service", "worker", "callback",
        "remote", "http",
    },
    "cli": {"sdk", "base", "config", "plugin", "remote", "daemon"},
    "plugins/storage": {"sdk", "sdk-sql"},
    "plugins/runner": {"sdk", "sdk-exec"},
    "drivers": set(),
}
# the headers of the daemon that the command line may use: its entries
CLI_ENTRY = {
    "daemon/database_schema.hpp", "daemon/doctor.hpp", "daemon/serve.hpp",
    "daemon/worker_process.hpp",
}

# library: what its headers look like, and the only places that may include them.
OWNERS = {
    "RESTinio": (r"restinio/", ("core/src/http/restinio_server.cpp",)),
    "Boost.DLL": (r"boost/dll", ("core/src/plugin/library.cpp",)),
    "yaml-cpp": (r"yaml-cpp/", ("core/src/config/",)),
    "SOCI": (r"soci/", ("core/sdk-sql/", "plugins/storage-")),
    "libcurl": (r"curl/", ("core/src/callback/", "core/src/remote/", "core/sdk-exec/")),
    "spdlog": (r"spdlog/", ("core/src/telemetry/",)),
    "prometheus-cpp": (r"prometheus/", ("core/src/telemetry/",)),
    "zlib": (r"zlib\.h", ("core/src/http/gzip_stream.cpp",)),
    "CLI11": (r"CLI/", ("cli/commands/",)),
}

PRIVATE_AREAS = {
    "base", "domain", "config", "plugin", "check", "service", "worker", "callback", "http",
    "telemetry", "remote", "daemon",
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def area_of_file(path):
    parts = path.parts
    if parts[:2] == ("core", "src"):
        return parts[2]
    if parts[0] == "core":
        return parts[1]
    if parts[0] == "plugins":
        return "plugins/" + parts[1].split("-")[0]
    return parts[0]


def area_of_include(header):
    if header.startswith("opslab/sql/"):
        return "sdk-sql"
    if header.startswith(("opslab/exec/", "opslab/docker/")):
        return "sdk-exec"
    if header.startswith("opslab/"):
        return "sdk"
    first = header.split("/")[0]
    return first if "/" in header and first in PRIVATE_AREAS else None


def sources():
    for folder in ("core", "plugins", "cli", "drivers"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".cpp", ".hpp", ".h", ".c"):
                yield path.relative_to(ROOT)


def includes():
    for path in sources():
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if found:
                yield path, number, found.group(1)


def broken_edges(found):
    for path, number, header in found:
        area, wanted = area_of_file(path), area_of_include(header)
        if area not in ALLOWED:
            yield f"{path}:{number}: {area} is an area that the table does not know"
        elif wanted and wanted != area:
            if wanted not in ALLOWED[area]:
                yield f"{path}:{number}: {area} may not include {wanted} ({header})"
            elif area == "cli" and wanted == "daemon" and header not in CLI_ENTRY:
                yield f"{path}:{number}: cli may include only the daemon's entry, not {header}"


def strays(found):
    for path, number, header in found:
        for library, (pattern, owners) in OWNERS.items():
            if re.match(pattern, header) and not str(path).startswith(owners):
                yield f"{path}:{number}: {library} belongs to {' and '.join(owners)}"


class IncludeRules(unittest.TestCase):
    def test_there_is_something_to_check(self):
        self.assertGreater(len(list(sources())), 50)

    def test_every_include_follows_the_table(self):
        self.assertEqual([], list(broken_edges(includes())))

    def test_every_heavy_library_has_its_one_owner(self):
        self.assertEqual([], list(strays(includes())))

    def test_the_table_itself_has_no_cycle(self):
        def reachable(area, seen):
            for other in ALLOWED.get(area, ()):
                if other not in seen:
                    seen.add(other)
                    reachable(other, seen)
            return seen

        self.assertEqual([], [area for area in ALLOWED if area in reachable(area, set())])

    def test_a_forbidden_include_is_found(self):
        wrong = [
            (pathlib.Path("core/src/base/x.cpp"), 3, "domain/task_codec.hpp"),
            (pathlib.Path("plugins/runner-x/x.cpp"), 4, "opslab/sql/session.hpp"),
            (pathlib.Path("cli/x.cpp"), 5, "daemon/program.hpp"),
        ]
        self.assertEqual(3, len(list(broken_edges(wrong))))

    def test_a_stray_library_is_found(self):
        wrong = [(pathlib.Path("core/src/http/router.cpp"), 1, "restinio/all.hpp")]
        self.assertEqual(1, len(list(strays(wrong))))


if __name__ == "__main__":
    unittest.main()
