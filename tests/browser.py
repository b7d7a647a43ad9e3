"""A headless Chromium for tests, driven by the DevTools protocol over a pipe: nothing but the standard library.

The browser reads commands from descriptor 3 and writes answers to 4, JSON documents that end with a NUL
(https://chromedevtools.github.io/devtools-protocol/, --remote-debugging-pipe).
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sanitizing

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 120.0  # seconds for one answer: a busy machine starts a browser slowly

# Puts the two ends of the pipes where the browser looks for them. They come as numbers above 4.
START = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"
)
OPTIONS = (
    "--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


def find_browser() -> str | None:
    """Return the path of a Chromium: what GLOVESTORE_BROWSER names, else the first on PATH; None if there is none."""
    asked = os.environ.get("GLOVESTORE_BROWSER")
    if asked:
        found = shutil.which(asked)
        assert found, f"GLOVESTORE_BROWSER: expected a program, got {asked!r}"
        return found
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A running browser with one page. `problems` is what the page logs, blocks or throws, `requests` its URLs."""

    def __init__(self, program: str) -> None:
        self.problems: list[str] = []
        self.requests: list[str] = []
        self._loaded = 0
        self._number = 0
        self._session: str | None = None
        self._pending = b""
        with contextlib.ExitStack() as stack:
            self._profile = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            self._start(program)
            stack.callback(self._stop)
            self._open_page()
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def show(self, path: Path, width: int, dark: bool = False) -> None:
        """Open a file in a window of `width` CSS pixels, and wait until it is loaded."""
        self.problems.clear()
        self.requests.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        loaded = self._loaded
        self.call("Page.navigate", url=path.resolve().as_uri())
        while self._loaded == loaded:
            self._receive()

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression, which may be a promise."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """Write a PNG of the whole page."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def print(self, path: Path) -> None:
        """Write the page as it would be printed, a PDF."""
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"]))

    def call(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result; events that arrive meanwhile are noted."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while (answer := self._receive()).get("id") != self._number:
            pass
        assert "error" not in answer, f"{method}: {answer}"
        return answer["result"]

    def _start(self, program: str) -> None:
        ours, theirs = os.pipe(), os.pipe()  # ours: what it reads
        self._to, self._from = ours[1], theirs[0]
        high = [os.dup(os.dup(os.dup(fd))) for fd in (ours[0], theirs[1])]
        options = [*OPTIONS, f"--user-data-dir={self._profile}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--no-sandbox")  # it refuses to start as root with one
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, *map(str, high), program, *options, "about:blank"],
            pass_fds=high,
            env=sanitizing.environment_without(),  # it does not start under ASAN
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for fd in (ours[0], theirs[1], *high):
            os.close(fd)

    def _stop(self) -> None:
        with contextlib.suppress(Exception):
            self._session = None
            self.call("Browser.close")
        os.close(self._to)
        os.close(self._from)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _open_page(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network", "Audits"):
            self.call(f"{domain}.enable")

    def _receive(self) -> dict[str, Any]:
        """Return the next message, noted if it is an event that counts."""
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._pending:
            ready, _, _ = select.select([self._from], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"the browser did not answer for {PATIENCE:.0f} s"
            data = os.read(self._from, 1 << 16)
            assert data, "the browser ended"
            self._pending += data
        document, _, self._pending = self._pending.partition(b"\0")
        message: dict[str, Any] = json.loads(document)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, event: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded += 1
        elif method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Audits.issueAdded"):
            self.problems.append(f"{method}: {json.dumps(event)}")
