"""A headless Chromium, driven over its DevTools port: pages as a person has them, and what they ask for.

The protocol: https://chromedevtools.github.io/devtools-protocol/ (a page's socket takes and gives JSON).
"""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket  # websocket-client

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 60.0  # seconds for anything that the browser does
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
)  # fmt: skip
# Keys whose name is not what they type.
_CODES = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


@contextmanager
def browser() -> Iterator[str]:
    """A browser of its own; the address of its DevTools. It is ended at the end, with all that it kept."""
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        words = [PROGRAM, *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                yield f"127.0.0.1:{_port(Path(folder) / 'DevToolsActivePort', process)}"
            finally:
                process.terminate()
                process.wait(PATIENCE)


def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) > 1:
            return int(lines[0])
        time.sleep(0.05)
    raise AssertionError(f"the browser opened no DevTools port (exit status {process.poll()})")


def _is_loaded(event: Mapping[str, Any], loader: str) -> bool:
    told = event.get("params", {})
    return event.get("method") == "Page.lifecycleEvent" and (told["name"], told["loaderId"]) == ("load", loader)


class Page:
    """A tab. events: what the browser told of requests, console and faults, in order."""

    def __init__(self, address: str, *, width: int = 1280, height: int = 800) -> None:
        asked = urllib.request.Request(f"http://{address}/json/new?about:blank", method="PUT")
        directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with directly.open(asked, timeout=PATIENCE) as answer:
            url = json.load(answer)["webSocketDebuggerUrl"]
        host, port = address.split(":")
        straight = socket.create_connection((host, int(port)), PATIENCE)  # by no proxy that the machine may have
        # Without an origin, as no page could ask: so the browser needs no leave for it.
        self._socket = websocket.create_connection(url, timeout=PATIENCE, socket=straight, suppress_origin=True)
        self._number = 0
        self.events: list[dict[str, Any]] = []
        for each in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{each}.enable")
        self.send("Page.setLifecycleEventsEnabled", enabled=True)
        self.resize(width, height)

    def close(self) -> None:
        self.send("Page.close")
        self._socket.close()

    def send(self, method: str, **params: Any) -> Any:
        """Ask the browser, and wait for its answer."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            told = json.loads(self._socket.recv())
            if told.get("id") == self._number:
                assert "error" not in told, told
                return told["result"]
            self.events.append(told)

    def resize(self, width: int, height: int) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme: str) -> None:
        """What the person's system says: "light" or "dark"."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url: str) -> None:
        """Go to a page, afresh even where it is there, and wait until it is."""
        self._load("about:blank")
        self.events.clear()
        self._load(url)

    def _load(self, url: str) -> None:
        loader = self.send("Page.navigate", url=url)["loaderId"]
        end = time.monotonic() + PATIENCE
        while not any(_is_loaded(each, loader) for each in self.events):
            assert time.monotonic() < end, f"{url} did not load"
            self.events.append(json.loads(self._socket.recv()))

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited."""
        told = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def settle(self) -> None:
        """Wait until the page has drawn what was asked for, movements too."""
        self.run("new Promise(done => setTimeout(() => requestAnimationFrame(() => done()), 350))")

    def click(self, selector: str, count: int = 1) -> None:
        """A click of the mouse in the middle of an element."""
        place = self.run(f"(e => [e.x + e.width / 2, e.y + Math.min(e.height / 2, 12)])"
                         f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())")  # fmt: skip
        for number in range(1, count + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self.mouse(kind, *place, clickCount=number)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **{"button": "left", **more})

    def key(self, name: str) -> None:
        """A key, pressed and let go: a character or one of `_CODES`."""
        code = _CODES.get(name, ord(name[0].upper()))
        typed = "\r" if name == "Enter" else name if len(name) == 1 else ""
        text = {"text": typed} if typed else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", key=name, windowsVirtualKeyCode=code, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def picture(self, path: Path) -> None:
        """A screenshot, for a person to look at."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def requests(self) -> list[str]:
        """The addresses that were asked for since the page was opened."""
        told = [each["params"] for each in self.events if each.get("method") == "Network.requestWillBeSent"]
        return [each["request"]["url"] for each in told]

    def complaints(self) -> list[Any]:
        """Errors and warnings of the console, and faults that nothing caught."""
        return [each["params"] for each in self.events if _complains(each)]


def _complains(event: Mapping[str, Any]) -> bool:
    method, params = event.get("method"), event.get("params", {})
    if method == "Log.entryAdded":
        return bool(params["entry"]["level"] != "verbose")
    if method == "Runtime.consoleAPICalled":
        return params["type"] in ("error", "warning", "assert")
    return bool(method == "Runtime.exceptionThrown")
