"""JupyterLab in a real browser. Screenshots are kept in `.artifacts/` for people to look at."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, TimeoutError, sync_playwright

from tests.lab.chromium import FLAGS, SETTINGS, chromium
from tests.servers import ROOT, TOKEN, Server, server

ARTIFACTS = ROOT / ".artifacts"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as started:
        made = started.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield made
        made.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("lab")
    (folder / "data" / "labconfig").mkdir(parents=True)
    (folder / "data" / "labconfig" / "default_setting_overrides.json").write_text(SETTINGS, encoding="utf-8")
    with server(folder, app="lab") as made:
        yield made


class Lab:
    """A page of JupyterLab, and what a person does there."""

    def __init__(self, page: Page, made: Server) -> None:
        self.page, self.server = page, made
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", self.asked)
        page.set_default_timeout(45_000)

    def asked(self, dialog: Dialog) -> None:
        """A dialog of the browser itself: only whether to leave what is not saved is one that may come."""
        if dialog.type != "beforeunload":
            self.problems.append(f"a dialog: {dialog.message}")
        dialog.accept()

    def open(self, path: str) -> Lab:
        """A notebook in a workspace of its own."""
        name = re.sub(r"\W+", "-", path)
        self.page.goto(f"{self.server.url}/lab/workspaces/{name}/tree/{path}?token={TOKEN}&reset")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        return self

    def panel(self) -> Lab:
        """Show the side panel."""
        self.page.locator('.jp-SideBar [data-id="jupyter-mlops-panel"]').click()
        self.page.wait_for_selector("#jupyter-mlops-panel:visible .jp-mlops-bar")
        return self

    def chip(self, text: str) -> Any:
        """A chip in the notebook that is in front."""
        return self.page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) .jp-mlops-chip:has-text('{text}')")

    def node(self, name: str) -> Any:
        """A step of the panel's graph."""
        return self.page.locator(f"#jupyter-mlops-panel .react-flow__node[data-id='{name}']")

    def cell(self, at: int) -> Any:
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell").nth(at)

    def select(self, at: int, *more: int) -> None:
        """Select cells, in command mode."""
        self.cell(at).locator(".jp-InputPrompt").click()
        if more:
            self.cell(more[-1]).locator(".jp-InputPrompt").click(modifiers=["Shift"])

    def run(self) -> None:
        self.page.locator(".jp-mlops-bar jp-button:has-text('Run')").first.click()

    def last_run(self, state: str, seconds: float = 60.0) -> None:
        """Wait until the latest run is in this state."""
        self.page.wait_for_selector(f".jp-mlops-run:first-child[data-state='{state}']", timeout=seconds * 1000)

    def command(self, label: str) -> None:
        """A command by the palette. Whatever takes the focus closes it: then a person opens it again."""
        for patience in (5_000, 10_000, 45_000):
            try:
                self._command(label, patience)
                return
            except TimeoutError:
                if patience == 45_000:
                    raise
                self.page.keyboard.press("Escape")

    def _command(self, label: str, patience: int) -> None:
        self.page.locator(".lm-MenuBar-itemLabel:text-is('View')").click(timeout=patience)
        self.page.locator(".lm-Menu-itemLabel:text-is('Activate Command Palette')").click(timeout=patience)
        field = self.page.locator(".lm-CommandPalette-input:visible, #modal-command-palette input:visible").first
        field.fill(label, timeout=patience)
        item = self.page.locator(f".lm-CommandPalette-itemLabel:visible:has-text('{label}')").first
        item.click(timeout=patience)

    def saved(self, path: str) -> Any:
        """The notebook as it is after saving it."""
        dirty = self.page.locator(".lm-TabBar-tab.jp-mod-current.jp-mod-dirty")
        self.page.keyboard.press("Control+s")
        self.page.wait_for_timeout(300)
        for _ in range(40):  # a kernel that connects meanwhile changes the notebook's metadata
            if not dirty.count():
                break
            self.page.keyboard.press("Control+s")
            self.page.wait_for_timeout(500)
        return json.loads((self.server.root / path).read_text(encoding="utf-8"))

    def tags(self, path: str, at: int) -> list[str]:
        found: list[str] = self.saved(path)["cells"][at]["metadata"].get("tags", [])
        return found

    def setting(self, plugin: str, **values: Any) -> None:
        """Settings of a plugin, as JupyterLab's settings editor writes them; none for the defaults."""
        url = f"{self.server.url}/lab/api/settings/{plugin}"
        told = self.page.request.put(url, data={"raw": json.dumps(values)}, headers={"Authorization": f"token {TOKEN}"})
        assert told.status == 204, told.text()

    def picture(self, name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")


@pytest.fixture
def page(browser: Browser, lab: Server, request: pytest.FixtureRequest) -> Iterator[Lab]:
    context: BrowserContext = browser.new_context(viewport={"width": 1440, "height": 900})
    made = Lab(context.new_page(), lab)
    yield made
    failed = getattr(request.node, "failed", False)
    if failed:
        made.picture(f"failed-{Path(request.node.name).name[:60]}")
    context.close()
    assert made.problems == []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    if outcome.get_result().failed and call.when == "call":
        item.failed = True  # type: ignore[attr-defined]


@pytest.fixture
def write(lab: Server) -> Callable[..., str]:
    return lab.write
