"""Writes the table of AIOpsLab's problems, from its sources and without importing them.

usage: python3 -m opslab_aiopslab_driver.catalogue AIOPSLAB_CHECKOUT [--commit ID] [--lenient] > problems.json
"""

import argparse
import ast
import json
import pathlib
import subprocess
import sys

from opslab_aiopslab_driver.results import TASK_TYPES

REGISTRY = "aiopslab/orchestrator/problems/registry.py"
APPLICATIONS = {
    "HotelReservation": "hotel-reservation",
    "SocialNetwork": "social-network",
    "AstronomyShop": "astronomy-shop",
    "Flower": "flower",
    "TiDBCluster": "tidb-cluster",
    "FlightTicket": "flight-ticket",
    "TrainTicket": "train-ticket",
}
MEMBERS = ("id", "task_type", "application", "deployment", "needs")
NEEDS = {"SymptomFaultInjector": "chaos-mesh"}


class UnknownShape(Exception):
    """AIOpsLab's sources are not written as this generator expects."""


def generate(checkout, commit, lenient=False):
    """The table. What cannot be read off the sources is refused, or `lenient` left out: a table that is
    built in is looked at by a person, one that an image makes of its own sources is not."""
    checkout = pathlib.Path(checkout)
    registry = ast.parse((checkout / REGISTRY).read_text(encoding="utf-8"))
    classes = _classes(checkout / pathlib.Path(REGISTRY).parent)
    docker = set(ast.literal_eval(_assigned(registry, "DOCKER_REGISTRY")))
    problems = []
    table = _assigned(registry, "PROBLEM_REGISTRY")
    for key, value in zip(table.keys, table.values):
        problem = {"id": key.value, "deployment": "docker" if key.value in docker else "kubernetes"}
        for read in (_read_class, _read_family):
            try:
                read(problem, value, classes)
            except (UnknownShape, AttributeError, ValueError):
                if not lenient:
                    raise
        problems.append({member: problem[member] for member in MEMBERS if member in problem})
    return {"source": "microsoft/AIOpsLab", "commit": commit, "problems": problems}


def _read_class(problem, value, classes):
    problem["task_type"] = _task_type(_constructor(value)[0], classes)


def _read_family(problem, value, classes):
    name, arguments = _constructor(value)
    family = [classes[base] for base in _ancestry(name, classes)]
    used = {call for node in family for call in _calls(node)}
    problem["needs"] = sorted({need for call, need in NEEDS.items() if call in used})
    problem["application"] = _application(problem["id"], family, arguments)


def _assigned(tree, attribute):
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "attr", "") == attribute:
            return node.value
    raise UnknownShape(f"no {attribute} in {REGISTRY}")


def _classes(folder):
    found = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = node
    return found


def _constructor(value):
    """A class, or `lambda: Class(argument="…")`."""
    if isinstance(value, ast.Name):
        return value.id, {}
    if isinstance(value, ast.Lambda) and isinstance(value.body, ast.Call):
        words = {word.arg: ast.literal_eval(word.value) for word in value.body.keywords}
        return value.body.func.id, words
    raise UnknownShape(f"a registry entry is neither a class nor a lambda: {ast.dump(value)}")


def _ancestry(name, classes):
    if name not in classes:
        return []
    bases = [base.id for base in classes[name].bases if isinstance(base, ast.Name)]
    return [name] + [ancestor for base in bases for ancestor in _ancestry(base, classes)]


def _task_type(name, classes):
    wanted = {f"{task_type.capitalize()}Task": task_type for task_type in TASK_TYPES}
    for ancestor in _ancestry(name, classes):
        for base in classes[ancestor].bases:
            if getattr(base, "id", "") in wanted:
                return wanted[base.id]
    raise UnknownShape(f"{name} derives from no task")


def _calls(node):
    calls = (item.func for item in ast.walk(node) if isinstance(item, ast.Call))
    return [call.id for call in calls if isinstance(call, ast.Name)]


def _application(problem_id, family, arguments):
    """The one application that the constructor makes; where it has a choice, `app_name` decides."""
    made = {APPLICATIONS[call] for node in family for call in _calls(node) if call in APPLICATIONS}
    word = str(arguments.get("app_name", "")).replace("_", "-")
    fitting = [name for name in made if len(made) == 1 or name.startswith(word or "?")]
    if len(fitting) != 1:
        raise UnknownShape(f"{problem_id}: which application? {sorted(made)}")
    return fitting[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=pathlib.Path)
    parser.add_argument("--commit", help="what to state; default: the checkout's HEAD")
    parser.add_argument("--lenient", action="store_true", help="leave out what cannot be read")
    options = parser.parse_args()
    commit = options.commit or subprocess.run(
        ["git", "-C", options.checkout, "rev-parse", "HEAD"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    try:
        table = generate(options.checkout, commit, options.lenient)
    except (UnknownShape, AttributeError, ValueError, OSError, SyntaxError) as error:
        sys.exit(f"catalogue: {error}")
    problems = table.pop("problems")
    lines = ",\n".join("    " + json.dumps(problem) for problem in problems)
    head = json.dumps(table, indent=2)[:-2]
    print(f'{head},\n  "problems": [\n{lines}\n  ]\n}}')


if __name__ == "__main__":
    main()
