"""The table of problems: what is committed, and how it is made."""

import json
import pathlib
import re
import tempfile
import unittest
from collections import Counter

from driver_run import HERE

from opslab_aiopslab_driver import catalogue

REGISTRY = """
class ProblemRegistry:
    def __init__(self):
        self.PROBLEM_REGISTRY = {
            "kill-detection": KillDetection,
            # "left_out-detection-1": LeftOut,
            "noop-astronomy-1": lambda: NoOp(app_name="astronomy_shop"),
            "stop-localization": lambda: Stop(service="x"),
        }
        self.DOCKER_REGISTRY = ["stop-localization"]
"""
PROBLEMS = """
class KillBase:
    def __init__(self):
        self.app = HotelReservation()
        self.injector = SymptomFaultInjector(namespace="n")

class KillDetection(KillBase, DetectionTask):
    pass

class NoOp(DetectionTask):
    def __init__(self, app_name):
        self.app = HotelReservation() if app_name == "hotel" else AstronomyShop()

class Stop(LocalizationTask):
    def __init__(self, service):
        self.app = Flower()
"""


class Catalogue(unittest.TestCase):
    def test_the_committed_table_holds_all_of_aiopslab(self):
        table = json.loads((HERE.parent / "problems.json").read_text())
        problems = table["problems"]
        self.assertRegex(table["commit"], "^[0-9a-f]{40}$")
        self.assertEqual(len({problem["id"] for problem in problems}), 89)
        count = {key: Counter(problem[key] for problem in problems)
                 for key in ("task_type", "application", "deployment")}
        self.assertEqual(
            count["task_type"],
            {"detection": 34, "localization": 28, "analysis": 13, "mitigation": 14},
        )
        self.assertEqual(
            count["application"],
            {"hotel-reservation": 38, "social-network": 25, "astronomy-shop": 24, "flower": 2},
        )
        self.assertEqual(count["deployment"], {"kubernetes": 87, "docker": 2})
        self.assertEqual(sum("chaos-mesh" in problem["needs"] for problem in problems), 10)

    def test_the_image_is_made_of_the_commit_that_the_table_is_of(self):
        table = json.loads((HERE.parent / "problems.json").read_text())
        self.assertIn(f"AIOPSLAB_COMMIT={table['commit']}", (HERE.parent / "Dockerfile").read_text())

    def test_the_image_makes_the_table_that_its_label_names(self):
        dockerfile = (HERE.parent / "Dockerfile").read_text()
        (path,) = re.findall(r'opslab\.driver\.problems="(.*)"', dockerfile)
        self.assertIn(f"/opt/aiopslab > {path}", dockerfile)

    def made(self, registry=REGISTRY, lenient=False):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / catalogue.REGISTRY
            (path.parent / "some").mkdir(parents=True)
            path.write_text(registry)
            (path.parent / "some" / "some.py").write_text(PROBLEMS)
            return catalogue.generate(folder, "c", lenient)["problems"]

    def test_sources_are_read_without_being_run(self):
        self.assertEqual(
            self.made(),
            [
                {"id": "kill-detection", "task_type": "detection", "deployment": "kubernetes",
                 "application": "hotel-reservation", "needs": ["chaos-mesh"]},
                {"id": "noop-astronomy-1", "task_type": "detection", "deployment": "kubernetes",
                 "application": "astronomy-shop", "needs": []},
                {"id": "stop-localization", "task_type": "localization", "deployment": "docker",
                 "application": "flower", "needs": []},
            ],
        )

    def test_sources_of_another_shape_are_refused_rather_than_guessed(self):
        for registry in (
            "",
            REGISTRY.replace("KillDetection", "KillBase"),
            REGISTRY.replace("KillDetection", "make()"),
        ):
            with self.assertRaises(catalogue.UnknownShape):
                self.made(registry)


    def test_an_image_of_another_commit_lists_what_it_can_read(self):
        for change, lost in (
            (("KillDetection", "KillBase"), {"task_type"}),
            (("KillDetection,", "make(),"), {"task_type", "application", "needs"}),
            (("KillDetection,", "lambda: some.Kill(),"), {"task_type", "application", "needs"}),
        ):
            whole, changed = self.made()[0], self.made(REGISTRY.replace(*change), lenient=True)[0]
            for member in lost:
                whole.pop(member)
            self.assertEqual(changed, whole)


if __name__ == "__main__":
    unittest.main()
