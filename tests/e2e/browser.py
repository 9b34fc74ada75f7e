"""A headless Chromium for the end-to-end tests, driven by W3C WebDriver over plain HTTP."""

import http.client
import json
import shutil
import socket
import subprocess

from coordinator import until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key that the standard gives elements


class Browser:
    """Opens no address but 127.0.0.1: every other name is unknown to it."""

    def __init__(self, folder):
        driver = shutil.which("chromedriver")
        if driver is None or shutil.which("chromium") is None:
            raise FileNotFoundError("chromium and chromium-driver are needed")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with open(f"{folder}/chromedriver.log", "wb") as log:
            self.process = subprocess.Popen([driver, f"--port={self.port}"], stdout=log, stderr=log)
        self.session = None
        until(self.is_ready, "chromedriver")
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--window-size=1200,1600", f"--user-data-dir={folder}/profile",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ]},
        }}})  # fmt: skip
        self.session = f"/session/{answer['sessionId']}"

    def is_ready(self):
        try:
            return self.call("GET", "/status")["ready"]
        except OSError:
            return False

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{method} {path}: {answer['error']}: {answer['message']}")
        return answer

    def close(self):
        try:
            if self.session:
                self.call("DELETE", self.session)
        finally:
            self.process.terminate()
            self.process.wait()

    def open(self, url):
        self.call("POST", self.session + "/url", {"url": url})

    def run(self, script, *arguments):
        """The value that the script returns in the page."""
        body = {"script": script, "args": list(arguments)}
        return self.call("POST", self.session + "/execute/sync", body)

    def find(self, css):
        """Waits until there is one."""

        def found():
            elements = self.call(
                "POST", self.session + "/elements", {"using": "css selector", "value": css}
            )
            return elements[0][ELEMENT] if elements else None

        return until(found, f"an element {css}")

    def click(self, css):
        element = self.find(css)
        self.run("arguments[0].scrollIntoView({block: 'center'})", {ELEMENT: element})
        self.call("POST", f"{self.session}/element/{element}/click", {})

    def text(self, css):
        return self.call("GET", f"{self.session}/element/{self.find(css)}/text")

    def fill(self, css, text):
        element = self.find(css)
        self.call("POST", f"{self.session}/element/{element}/clear", {})
        self.call("POST", f"{self.session}/element/{element}/value", {"text": text})

    def complaints(self):
        """What the page or the browser said in the console since the last time."""
        return self.call("POST", self.session + "/se/log", {"type": "browser"})

    def loaded(self):
        """The addresses of all that the page asked for."""
        return self.run(
            "return performance.getEntriesByType('resource').map(entry => entry.name)"
        )

    def screenshot(self):
        """Base64 of a PNG."""
        return self.call("GET", self.session + "/screenshot")
