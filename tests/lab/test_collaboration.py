"""One notebook in two browsers at once, by jupyter-collaboration."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.lab.chromium import SETTINGS
from tests.lab.conftest import Lab
from tests.servers import Server, server

pytestmark = [pytest.mark.xdist_group("lab"), pytest.mark.kernel, pytest.mark.timeout(240)]
People = Callable[[str], tuple[Lab, Lab]]
TAG = """([at, tag]) => {
    const cell = jupyterapp.shell.currentWidget.content.model.cells.get(at).sharedModel;
    cell.setMetadata('tags', [...(cell.getMetadata('tags') ?? []), tag]);
}"""
TAGS = "at => jupyterapp.shell.currentWidget.content.model.cells.get(at).sharedModel.getMetadata('tags') ?? []"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("shared")
    (folder / "data" / "labconfig").mkdir(parents=True)
    (folder / "data" / "labconfig" / "default_setting_overrides.json").write_text(SETTINGS, encoding="utf-8")
    with server(folder, "--LabApp.expose_app_in_browser=True", app="lab", collaboration=True) as made:
        yield made


@pytest.fixture
def people(browser: Browser, shared: Server) -> Iterator[People]:
    """Two people before one notebook, with the panel open."""
    contexts = [browser.new_context(viewport={"width": 1440, "height": 900}) for _ in range(2)]
    pages = [Lab(context.new_page(), shared) for context in contexts]

    def meet(path: str) -> tuple[Lab, Lab]:
        for page in pages:
            page.open(path).panel()
            page.page.wait_for_selector("#jupyter-mlops-panel .react-flow__node")
        assert pages[0].page.evaluate("() => jupyterapp.shell.currentWidget.content.model.collaborative")
        return pages[0], pages[1]

    yield meet
    for context in contexts:
        context.close()
    assert [page.problems for page in pages] == [[], []]


def edit(page: Lab, at: int, step: str) -> None:
    page.select(at)
    page.page.keyboard.press("Control+Shift+E")
    page.page.get_by_role("dialog").locator("#jp-mlops-step_step").fill(step)
    page.page.keyboard.press("Enter")


def tags(page: Lab, at: int) -> list[str]:
    found: list[str] = page.page.evaluate(TAGS, at)
    return found


def test_what_one_tags_the_other_sees_and_undo_takes_back_ones_own(shared: Server, people: People) -> None:
    path = shared.write("tags.ipynb", ("a = 1", "step:one mine"), "b = a", "c = b", ("d = c", "step:end"))
    one, two = people(path)
    edit(one, 1, "first")
    two.node("first").wait_for()
    two.chip("first").first.wait_for()
    edit(two, 2, "second")
    one.node("second").wait_for()
    one.chip("second").first.wait_for()
    one.picture("shared-one")
    one.select(1)
    one.page.keyboard.press("z")
    for page in (one, two):
        expect(page.node("first")).to_have_count(0)
        expect(page.node("second")).to_have_count(1)
    two.select(2)
    two.page.keyboard.press("z")
    for page in (one, two):
        expect(page.node("second")).to_have_count(0)
        assert [tags(page, at) for at in range(4)] == [["step:one", "mine"], [], [], ["step:end"]]


def test_what_others_write_while_the_editor_is_open_is_kept(shared: Server, people: People) -> None:
    path = shared.write("meanwhile.ipynb", ("a = 1", "step:one mine"), ("b = a", "step:two"))
    one, two = people(path)
    one.select(1)
    one.page.keyboard.press("Control+Shift+E")
    dialog = one.page.get_by_role("dialog")
    dialog.locator("#jp-mlops-step_retries").fill("3")
    two.page.evaluate(TAG, [1, "theirs"])
    edit(two, 1, "changed")
    one.node("changed").wait_for()
    expect(dialog.locator("#jp-mlops-step_step")).to_have_value("changed")
    one.page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    for page in (one, two):
        page.chip("changed").first.wait_for()
        assert tags(page, 1) == ["step:changed", "theirs"]
    edit(one, 0, "start")
    two.node("start").wait_for()
    assert tags(two, 0) == ["step:start", "mine"]


def test_what_is_seen_is_what_runs(shared: Server, people: People) -> None:
    path = shared.write("run.ipynb", ("import time\nn = 1", "parameters"), ("print(n)", "step:one"))
    one, two = people(path)
    for turn in range(2):  # the second one while the server saves the first
        one.cell(1).locator(".cm-content").click()
        one.page.keyboard.press("Control+a")
        one.page.keyboard.type(f"print('seen', {turn} + 41)")
        one.run()
        for page in (one, two):
            page.page.wait_for_selector(f".jp-mlops-run:nth-child({turn + 1})")
            page.last_run("completed")
            page.page.wait_for_selector(".jp-mlops-header .jp-mlops-state[data-state='completed']")
        run = shared.get("runs", notebook=path)["runs"][0]
        executed = shared.get(f"runs/{run['id']}/notebook")
        assert f"seen {turn + 41}" in json.dumps(executed)
    two.picture("shared-two")
