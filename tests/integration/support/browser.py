"""Headless Chromium, driven over WebDriver's HTTP protocol with the standard library alone."""

import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from .servers import free_port, http, wait_for

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
]


class Browser:
    """One window. Use as a context manager; all processes it started are gone at its end."""

    def __init__(self, width=1400, height=1000, dark=False):
        self.width, self.height, self.dark = width, height, dark
        self.driver = self.session = None

    def __enter__(self):
        for program in ("chromium", "chromedriver"):
            if not shutil.which(program):
                raise AssertionError(f"{program} is missing: tools/install-deps.sh test installs it")
        try:
            self._start()
        except (AssertionError, OSError):   # on a busy machine Chromium sometimes does not come up
            self._end()
            self._start()
        return self

    def __exit__(self, *_):
        self._end()

    def open(self, url):
        self._call("POST", "url", {"url": url})

    def run(self, script, *arguments):
        """Runs the body of a function in the page and returns what it returns."""
        return self._call("POST", "execute/sync", {"script": script, "args": list(arguments)})

    def text(self, selector="body"):
        """The text of all elements that match, as a user sees it."""
        return self.run(
            "return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility())"
            ".map((e) => e.innerText).join('\\n')", selector)

    def resize(self, width, height):
        self._devtools("Emulation.setDeviceMetricsOverride",
                       width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme):
        """"light" or "dark"."""
        self._devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key):
        """One key of the keyboard, such as "Tab"; what has the focus gets it."""
        for kind in ("rawKeyDown", "keyUp"):
            code = {"Tab": 9, "Enter": 13}[key]
            self._devtools("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def console(self):
        """Errors and warnings of the console since the last call: failed requests, exceptions, violations of the policy."""
        return [entry["message"] for entry in self._call("POST", "se/log", {"type": "browser"})]

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self._call("GET", "screenshot")))

    def _start(self):
        self.folder = tempfile.mkdtemp(prefix="mimird-it-browser-")
        self.url = f"http://127.0.0.1:{free_port()}"
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={self.url.rsplit(':', 1)[1]}"], start_new_session=True, cwd=self.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": self.folder})
        wait_for("chromedriver ready", self._is_ready, 30)
        self.session = self._call("POST", None, {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": [*FLAGS, f"--user-data-dir={self.folder}/profile"]},
            "goog:loggingPrefs": {"browser": "WARNING"},
        }}})["sessionId"]
        self.resize(self.width, self.height)
        self.prefer("dark" if self.dark else "light")

    def _is_ready(self):
        try:
            return http("GET", self.url + "/status", timeout=2).json["value"]["ready"]
        except OSError:
            return False

    def _end(self):
        if self.session:
            try:
                http("DELETE", f"{self.url}/session/{self.session}", timeout=10)   # so that Chromium lets go of its files
            except OSError:
                pass
        if self.driver:
            os.killpg(self.driver.pid, signal.SIGKILL)
            self.driver.wait()
            shutil.rmtree(self.folder, ignore_errors=True)
        self.driver = self.session = None

    def _devtools(self, command, **parameters):
        return self._call("POST", "goog/cdp/execute", {"cmd": command, "params": parameters})

    def _call(self, method, path, body=None):
        url = f"{self.url}/session" + (f"/{self.session}/{path}" if path else "")
        answer = http(method, url, body=None if body is None else json.dumps(body).encode(), timeout=60)
        value = answer.json["value"]
        if answer.status != 200:
            raise AssertionError(f"{method} {path}: {value['error']}: {value['message']}")
        return value
