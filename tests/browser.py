"""A real browser for tests: Debian's chromium, spoken to through a pipe, so that a test sees a page as a reader does.

Nothing is downloaded and nothing listens. Where there is no chromium the tests that need it are skipped, and say so.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WHY_NOT = "there is no chromium (Debian: apt-get install chromium)"
_NAMED_ROLES = frozenset(
    {"button", "link", "textbox", "searchbox", "radio", "checkbox", "combobox", "img", "image", "table", "region"}
    | {"columnheader", "navigation", "group"}
)
_CONTRAST = """
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const parse = text => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
  const light = ([r, g, b]) => { const f = [r, g, b].map(v => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
  const behind = element => { for (let e = element; e; e = e.parentElement) {
    const colour = parse(getComputedStyle(e).backgroundColor); if (colour[3] > 0.99) return colour; }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18, 1] : [255, 255, 255, 1]; };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();) {
    if (!node.textContent.trim()) continue;
    const element = node.parentElement, style = getComputedStyle(element);
    if (['SCRIPT', 'STYLE', 'TITLE'].includes(element.tagName) || !element.checkVisibility({visibilityProperty: true}))
      continue;
    const box = element.getBoundingClientRect(); if (box.width < 2 || box.height < 2) continue;
    const [a, b] = [light(parse(style.color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05), large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) poor.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className}: `
      + node.textContent.trim().slice(0, 40));
  }
  return poor.slice(0, 10);
})()
"""


@dataclass
class Page:
    """One tab. `problems` are the errors and warnings of its console, and what could not be loaded."""

    browser: Browser
    session: str
    problems: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""
        self.browser.loaded.discard(self.session)
        answer = self._ask("Page.navigate", url=url)
        assert "errorText" not in answer, answer
        self.wait_loaded()

    def wait_loaded(self) -> None:
        """Wait until the page under way is there."""
        while self.session not in self.browser.loaded:
            self.browser.take()

    def size(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Look through a window of this size, in the light or in the dark."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", media="", features=[scheme])

    def on_paper(self) -> None:
        """Look at the page as it is printed, until `size` is asked for again."""
        self._ask("Emulation.setEmulatedMedia", media="print", features=[])

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def submit(self, script: str) -> None:
        """Do what leads to another page, and wait for that one."""
        self.browser.loaded.discard(self.session)
        self.run(script)
        self.wait_loaded()

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.run("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def nameless(self) -> list[str]:
        """What a person can use or look at that has no name for those who cannot see it."""
        nodes = self._ask("Accessibility.getFullAXTree")["nodes"]
        return [
            str(node["role"]["value"])
            for node in nodes
            if not node.get("ignored")
            and node["role"]["value"] in _NAMED_ROLES
            and not str(node.get("name", {}).get("value", "")).strip()
        ]

    def poor_contrast(self) -> list[str]:
        """Texts that are hard to read against what is behind them: less than 4.5 to 1, large ones less than 3."""
        return list(self.run(_CONTRAST))

    def picture(self, path: Path, *, whole: bool = False, height: int | None = None) -> None:
        """A PNG of the window, or of the whole page, or of so much of it."""
        options: dict[str, Any] = {"format": "png"}
        if whole or height:
            size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
            tall = min(size["height"], height or size["height"])
            options |= {"captureBeyondViewport": True}
            options |= {"clip": {"x": 0, "y": 0, "width": size["width"], "height": tall, "scale": 1}}
        path.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot", **options)["data"]))

    def printed(self) -> bytes:
        """The page as a PDF."""
        return base64.b64decode(self._ask("Page.printToPDF", printBackground=True)["data"])

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.ask(method, session=self.session, **params)


class Browser:
    """A running chromium and the pipe to it."""

    def __init__(self, process: subprocess.Popen[bytes], sending: int, taking: int) -> None:
        self.process = process
        self.loaded: set[str] = set()
        self._sending, self._taking = sending, os.fdopen(taking, "rb")
        self._number = 0
        self._buffer = b""
        self._answers: dict[int, dict[str, Any]] = {}
        self._pages: dict[str, Page] = {}

    def page(self) -> Page:
        """A new tab."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._pages[session] = page = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Accessibility", "Network"):
            self.ask(f"{domain}.enable", session=session)
        return page

    def ask(self, method: str, *, session: str | None = None, **params: Any) -> dict[str, Any]:
        """One command and its answer."""
        self._number += 1
        number, message = self._number, {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._sending, json.dumps(message).encode() + b"\0")
        while number not in self._answers:
            self.take()
        answer = self._answers.pop(number)
        assert "error" not in answer, (method, answer["error"])
        return dict(answer["result"])

    def take(self) -> None:
        """Take one message of the browser's."""
        while b"\0" not in self._buffer:
            chunk = self._taking.read1(65536)  # type: ignore[attr-defined]
            assert chunk, "chromium ended"
            self._buffer += chunk
        text, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(text)
        if "id" in message:
            self._answers[message["id"]] = message
            return
        page, params = self._pages.get(message.get("sessionId", "")), message.get("params", {})
        if page is None:
            return
        if message["method"] == "Page.loadEventFired":
            self.loaded.add(page.session)
        elif message["method"] == "Runtime.exceptionThrown":
            page.problems.append(str(params["exceptionDetails"]))
        elif message["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            page.problems.append(str(params["args"]))
        elif message["method"] == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            page.problems.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A chromium of its own for the length of a with-block, its files in a folder."""
    assert CHROMIUM is not None
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    process = _started(folder, theirs_in, theirs_out)
    os.close(theirs_in)
    os.close(theirs_out)
    found = Browser(process, ours_out, ours_in)
    try:
        yield found
    finally:
        with suppress(AssertionError, OSError):
            found.ask("Browser.close")
        os.close(ours_out)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        found._taking.close()


def _started(folder: Path, reads: int, writes: int) -> subprocess.Popen[bytes]:
    """Chromium with the pipe at its descriptors 3 and 4, where it looks for them."""
    command = [str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe"]
    command += [f"--user-data-dir={folder}", "about:blank"]
    script = f'exec 3<&{reads} 4>&{writes}; exec "$@"'
    environ = {**os.environ, "HOME": str(folder)}
    return subprocess.Popen(
        ["/bin/bash", "-c", script, "chromium", *command],
        pass_fds=(reads, writes),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environ,
    )
