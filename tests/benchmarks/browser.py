"""`python -m tests.benchmarks.browser`: what JupyterLab's extension costs the person in front of it.

    --rounds N   times that each is measured (15); medians are shown
    --json       one JSON object instead of lines

A tag is written, and the graph of the side panel shows it; a key is pressed, and the letter is painted, with and
without the extension; JupyterLab starts, with and without it. Exit code 1: a target was missed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.lab.chromium import FLAGS, SETTINGS, chromium
from tests.servers import BUILT, TOKEN, Server, server

SIZES = (10, 100, 500)
TARGETS = {"tag to graph, 500 cells, ms": 150.0, "keystroke, ratio": 1.05, "bundle, kB": 600.0, "start, more ms": 50.0}
TAG = """async name => {
    const model = jupyterapp.shell.currentWidget.content.model;
    const cell = model.cells.get(model.cells.length - 1).sharedModel;
    const began = performance.now();
    cell.setMetadata('tags', ['step:' + name]);
    const there = () => document.querySelector(`#jupyter-mlops-panel .react-flow__node[data-id="${name}"]`);
    while (!there()) {
        await new Promise(requestAnimationFrame);
    }
    return performance.now() - began;
}"""
LISTEN = """() => {
    window.painted = [];
    document.addEventListener('keydown', event => {
        const began = event.timeStamp;
        requestAnimationFrame(() => {
            const channel = new MessageChannel();
            channel.port1.onmessage = () => window.painted.push(performance.now() - began);
            channel.port2.postMessage(0);
        });
    }, true);
}"""


def cells(count: int) -> list[tuple[str, str]]:
    """A chain of assignments, twelve cells a step."""
    return [(f"x{n} = {n}" + (f" + x{n - 1}" if n else ""), f"step:s{n // 12}") for n in range(count)]


def opened(browser: Browser, made: Server, name: str) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{made.url}/lab/workspaces/{time.monotonic_ns()}/tree/{name}?token={TOKEN}&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell .cm-content")
    return page


def drawn(page: Page, count: int) -> None:
    """Wait until JupyterLab, which draws cells one after the other, is through: its work is not what is measured."""
    page.wait_for_function(
        "n => document.querySelectorAll('.jp-Notebook .jp-Cell .cm-content').length === n", arg=count, timeout=180_000
    )
    page.wait_for_timeout(2000)


def tag_to_graph(browser: Browser, made: Server, count: int, rounds: int) -> list[float]:
    page = opened(browser, made, made.write(f"tag{count}.ipynb", *cells(count)))
    page.locator('.jp-SideBar [data-id="jupyter-mlops-panel"]').click()
    page.wait_for_selector("#jupyter-mlops-panel .react-flow__node[data-id='s0']")
    drawn(page, count)
    found = []
    for turn in range(rounds):
        found.append(float(page.evaluate(TAG, f"new{turn}")))
        page.wait_for_timeout(700)  # the checks, which come later, are not what is measured
    page.close()
    return found


def keystrokes(browser: Browser, made: Server, rounds: int) -> list[float]:
    page = opened(browser, made, made.write("keys.ipynb", *cells(500)))
    drawn(page, 500)
    page.locator(".jp-Cell .cm-content").nth(3).click()
    page.evaluate(LISTEN)
    for _ in range(rounds * 8):
        page.keyboard.press("a")
        page.wait_for_timeout(60)
    found: list[float] = page.evaluate("window.painted")
    page.close()
    return found


def start(browser: Browser, made: Server) -> float:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    began = time.perf_counter()
    page.goto(f"{made.url}/lab/workspaces/{time.monotonic_ns()}?token={TOKEN}&reset")
    page.wait_for_selector("#jp-main-dock-panel .jp-LauncherCard")
    took = time.perf_counter() - began
    page.close()
    return took * 1000


def measure(rounds: int) -> dict[str, Any]:
    """All figures; times in milliseconds."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        places = {"with": Path(folder, "with"), "without": Path(folder, "without")}
        for place in places.values():
            (place / "data" / "labconfig").mkdir(parents=True)
            settings = place / "data" / "labconfig" / "default_setting_overrides.json"
            settings.write_text(SETTINGS, encoding="utf-8")
        shown = "--LabApp.expose_app_in_browser=True"
        with (
            server(places["with"], shown, app="lab") as ours,
            server(places["without"], shown, app="lab", extension=False) as plain,
        ):
            for count in SIZES:
                found[f"tag to graph, {count} cells, ms"] = statistics.median(
                    tag_to_graph(browser, ours, count, rounds)
                )
            keys: dict[str, list[float]] = {"with": [], "without": []}
            starts: dict[str, list[float]] = {"with": [], "without": []}
            for _ in range(3):  # one after the other, so that both have the machine at its best and its worst
                for name, made in (("without", plain), ("with", ours)):
                    keys[name] += keystrokes(browser, made, rounds)
            for turn in range(rounds + 1):
                for name, made in (("without", plain), ("with", ours)):
                    took = start(browser, made)
                    if turn:  # the first one fills caches
                        starts[name].append(took)
        browser.close()
    for name in ("without", "with"):
        found[f"keystroke {name} the extension, ms"] = statistics.median(keys[name])
        found[f"start {name} the extension, ms"] = statistics.median(starts[name])
    found["keystroke, ratio"] = statistics.median(keys["with"]) / statistics.median(keys["without"])
    found["start, more ms"] = statistics.median(starts["with"]) - statistics.median(starts["without"])
    found["bundle, kB"] = sum(len(gzip.compress(p.read_bytes())) for p in BUILT.glob("static/*.js")) / 1000
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.browser")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    found = measure(arguments.rounds)
    missed = [name for name, limit in TARGETS.items() if found[name] > limit]
    if arguments.json:
        print(json.dumps({"figures": found, "missed": missed}))
    else:
        for name, value in found.items():
            limit = f"  (at most {TARGETS[name]:g}{', missed' if name in missed else ''})" if name in TARGETS else ""
            print(f"{name:<40} {value:9.3f}{limit}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
