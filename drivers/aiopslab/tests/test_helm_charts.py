"""Charts of a checkout that runs share are read, and filled elsewhere."""

import json
import pathlib
import tempfile
import unittest

from driver_run import HERE, played

from opslab_aiopslab_driver import helm_charts
from opslab_aiopslab_driver.helm_charts import HelmCharts

CHART = HERE / "standin" / "chart"


class Charts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.chart = self.folder / "a" / "chart"
        self.charts = HelmCharts(self.folder / "copies")
        self.write(self.chart / "Chart.yaml", dependencies=[{"name": "geo", "version": "1.*"}])

    def write(self, path, **content):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))  # JSON is YAML

    def rewritten(self, command):
        return self.charts.rewrite(command, {})

    def test_a_chart_that_is_not_filled_is_filled_in_a_copy_and_used_from_there(self):
        copy = f"{self.folder}/copies/0-chart"
        self.assertEqual(
            self.rewritten(f"helm dependency update {self.chart}/"), f"helm dependency update {copy}"
        )
        self.assertEqual(
            self.rewritten(f"helm install r {self.chart} -n x --create-namespace"),
            f"helm install r {copy} -n x --create-namespace",
        )
        values = self.chart / "values.yaml"
        self.assertEqual(
            self.rewritten(["helm", "upgrade", "r", self.chart, "-f", values]),
            ["helm", "upgrade", "r", copy, "-f", values],
        )
        self.assertEqual(
            self.rewritten(f"helm dependency update {self.chart}"),
            f"helm dependency update {copy}",
            "deployed anew, from the same copy",
        )

    def test_a_chart_that_is_filled_as_its_lock_says_stays_where_it_is(self):
        self.write(self.chart / "Chart.lock", dependencies=[{"name": "geo", "version": "1.2.3"}])
        self.assertFalse(helm_charts.is_filled(self.chart))
        self.write(self.chart / "charts" / "geo" / "Chart.yaml", version="1.2.2")
        self.assertFalse(helm_charts.is_filled(self.chart), "another version")
        self.write(self.chart / "charts" / "geo" / "Chart.yaml", version="1.2.3")
        self.assertEqual(self.rewritten(f"helm dependency update {self.chart}"), ":")
        install = f"helm install r {self.chart} -n x"
        self.assertEqual(self.rewritten(install), install)

    def test_an_archive_fills_it_too_and_one_without_dependencies_is_full(self):
        self.write(self.chart / "Chart.lock", dependencies=[{"name": "geo", "version": "1.2.3"}])
        self.write(self.chart / "charts" / "geo-1.2.3.tgz")
        self.assertTrue(helm_charts.is_filled(self.chart))
        self.write(self.chart / "Chart.yaml", name="alone")
        self.assertTrue(helm_charts.is_filled(self.chart))

    def test_commands_of_remote_charts_are_as_they_were(self):
        for command in ("helm install shop open-telemetry/opentelemetry-demo -n shop", "helm list -n a"):
            self.assertEqual(self.rewritten(command), command)

    def test_a_release_is_made_and_changed_from_the_same_copy(self):
        run = played({"fault": "release"})
        self.assertEqual((run.events[-1], run.code), ({"type": "clean"}, 0), run.logs())
        ran = [line for line in run.journal() if line.startswith("ran helm")]
        self.assertEqual(len(ran), 4, ran)
        for line in ran:
            self.assertIn(f"{run.work}/charts/0-chart", line)
        self.assertFalse((CHART / "Chart.lock").exists())


if __name__ == "__main__":
    unittest.main()
