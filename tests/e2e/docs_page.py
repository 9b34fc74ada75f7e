#!/usr/bin/env python3
"""`/docs` in a real browser that reaches nothing but the coordinator: read, and calls tried.
Usage: docs_page.py OPSLAB"""

import base64
import http.client
import json
import os
import pathlib
import sys
import tempfile
import unittest
import urllib.parse

from browser import Browser
from coordinator import Coordinator, until

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()


def missing():
    """In CI a browser that is missing fails; on a laptop it skips."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            Browser(folder).close()
    except FileNotFoundError as error:
        if os.environ.get("CI") == "true":
            raise
        return str(error)
    return None


MISSING = missing()


class DocsPage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.coordinator = Coordinator(PROGRAM, folder.name, "").start()
        self.addCleanup(self.coordinator.kill)
        self.address = f"http://127.0.0.1:{self.coordinator.port}"

    def browser(self, path="/docs"):
        browser = Browser(self.folder)
        self.addCleanup(browser.close)
        browser.open(self.address + path)
        return browser

    def try_out(self, browser, operation):
        """Opens an operation, ready to be filled in. Its element."""
        block = f"#operations-{operation}"
        browser.click(f"{block} .opblock-summary-control")
        browser.click(f"{block} .try-out__btn")
        return block

    def execute(self, browser, block):
        """Status and body of what the page got."""
        browser.click(f"{block} .execute")
        row = f"{block} .live-responses-table .response"
        status = browser.text(f"{row} .response-col_status").split()[0]
        return status, json.loads(browser.text(f"{row} .response-col_description pre"))

    @unittest.skipIf(MISSING, MISSING)
    def test_it_shows_every_call_and_loads_nothing_from_elsewhere(self):
        browser = self.browser()
        browser.find("#operations-tasks-submitTask")
        document = self.coordinator.get("/openapi.json")
        count = sum(len(methods) for methods in document["paths"].values())
        shown = "return document.querySelectorAll('.opblock').length"
        until(lambda: browser.run(shown) == count, f"{count} operations")
        if picture := os.environ.get("OPSLAB_SCREENSHOT"):
            pathlib.Path(picture).write_bytes(base64.b64decode(browser.screenshot()))
        hosts = {urllib.parse.urlsplit(url).netloc for url in browser.loaded()}
        self.assertEqual(hosts, {f"127.0.0.1:{self.coordinator.port}"})
        # a breach of the page's own policy would show here
        said = [entry for entry in browser.complaints() if "favicon" not in entry["message"]]
        self.assertEqual(said, [])

    @unittest.skipIf(MISSING, MISSING)
    def test_calls_can_be_tried(self):
        browser = self.browser("/docs/")
        block = self.try_out(browser, "service-getLive")
        self.assertEqual(self.execute(browser, block), ("200", {"status": "alive"}))
        block = self.try_out(browser, "tasks-submitTask")
        browser.fill(f"{block} textarea", '{"problem_id": "from-the-page"}')
        status, task = self.execute(browser, block)
        self.assertEqual(status, "201")
        self.assertEqual(self.coordinator.task(task["id"])["problem_id"], "from-the-page")
        if picture := os.environ.get("OPSLAB_SCREENSHOT"):
            pathlib.Path(picture + ".tried.png").write_bytes(base64.b64decode(browser.screenshot()))

    def ask(self, path, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.coordinator.port, timeout=60)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def test_its_files_come_compressed_to_those_who_take_it(self):
        for path in ("/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"):
            plain, text = self.ask(path, {})
            packed, gzip = self.ask("/api/v1" + path, {"Accept-Encoding": "gzip"})
            self.assertEqual((plain.status, packed.status), (200, 200))
            self.assertIsNone(plain.getheader("Content-Encoding"))
            self.assertEqual(packed.getheader("Content-Encoding"), "gzip")
            self.assertLess(len(gzip) * 2, len(text))
            self.assertIn(b"swagger-ui" if "css" in path else b"SwaggerUI", text)


if __name__ == "__main__":
    unittest.main()
