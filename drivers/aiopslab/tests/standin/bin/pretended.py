"""kubectl, helm, docker and flwr that do what the plan says: `fails` has the beginning of a command's words, and
what it says on stderr when it fails, for ever or so many times: {"kubectl exec": ["gone", 1]}."""

import json
import os
import pathlib
import sys

plan = json.loads(os.environ.get("STANDIN", "{}"))
words = " ".join(sys.argv[1:])
journal = plan.get("journal", os.devnull)


def note(line):
    with open(journal, "a", encoding="utf-8") as file:
        file.write(line + "\n")


for beginning, fails in plan.get("fails", {}).items():
    text, times = fails if isinstance(fails, list) else (fails, None)
    if words.startswith(beginning):
        with open(journal, encoding="utf-8") as file:
            seen = file.read().splitlines().count(f"failed {beginning}")
        if times is None or seen < times:
            note(f"failed {beginning}")
            sys.exit(text)
if words.startswith("docker exec") and {"-it", "-t"} & set(sys.argv):
    sys.exit("the input device is not a TTY")
note(f"ran {words}")
if words.startswith("docker exec"):
    print("exists")
elif words.startswith("helm dependency update"):
    chart = pathlib.Path(sys.argv[-1])
    (chart / "charts").mkdir(exist_ok=True)
    (chart / "charts" / "geo-1.2.3.tgz").touch()
    lock = {"dependencies": [{"name": "geo", "version": "1.2.3"}]}
    (chart / "Chart.lock").write_text(json.dumps(lock))
elif words.startswith("flwr run"):
    (pathlib.Path(sys.argv[3]) / "pyproject.toml").write_text("# migrated")
elif "apply" in sys.argv and "-f" in sys.argv:
    path = sys.argv[sys.argv.index("-f") + 1]
    if path.startswith("/"):
        with open(path, encoding="utf-8") as manifest:
            print(manifest.read())
elif "json" in sys.argv:
    print("{}")
