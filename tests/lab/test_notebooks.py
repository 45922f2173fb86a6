"""Notebooks of all kinds, and what is done to their cells, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.lab.conftest import Lab
from tests.servers import Server, notebook

pytestmark = [pytest.mark.xdist_group("lab"), pytest.mark.kernel, pytest.mark.timeout(240)]
Write = Callable[..., str]
NOTEBOOKS = "@jupyterlab/notebook-extension:tracker"


@pytest.fixture
def settings(page: Lab) -> Iterator[Callable[..., None]]:
    """Write settings; what was written is taken back."""
    written: set[str] = set()

    def write(plugin: str, **values: object) -> None:
        written.add(plugin)
        page.setting(plugin, **values)

    yield write
    for plugin in written:
        page.setting(plugin)


def edit(page: Lab, *cells: int, **fields: str) -> None:
    """Open the step editor on cells by its shortcut, fill some fields, and save."""
    page.select(*cells)
    page.page.keyboard.press("Control+Shift+E")
    dialog = page.page.get_by_role("dialog")
    dialog.wait_for()
    for name, value in fields.items():
        dialog.locator(f"#jp-mlops-step_{name}").fill(value)
    page.page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)


# -- five hundred cells


@pytest.mark.parametrize("mode", ["contentVisibility", "full", "defer", "none"])
def test_a_click_leads_to_a_cell_of_five_hundred(
    page: Lab, write: Write, settings: Callable[..., None], mode: str
) -> None:
    """At once, however JupyterLab draws cells and whether it has come to this one or not."""
    cells = [(f"x{n} = {n}" + (f" + x{n - 1}" if n else ""), f"step:s{n // 12:02d}") for n in range(500)]
    settings(NOTEBOOKS, windowingMode=mode)
    page.open(write(f"many-{mode}.ipynb", *cells)).panel()
    page.node("s00").wait_for()
    expect(page.page.locator("#jupyter-mlops-panel .react-flow__minimap")).to_be_visible()
    for step in ("s41", "s00", "s20"):  # its cells are detached and attached again
        page.node(step).focus()
        page.page.keyboard.press("Enter")
        expect(page.chip(step).first).to_be_in_viewport(timeout=10_000)
        expect(page.page.locator(".jp-Notebook .jp-Cell.jp-mod-active .jp-mlops-chip")).to_contain_text(step)
    page.picture(f"five-hundred-cells-{mode}")
    page.page.wait_for_timeout(3000)  # those above are drawn meanwhile
    expect(page.chip("s20").first).to_be_in_viewport()
    assert page.page.evaluate(
        "() => [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')]"
        ".every(cell => cell.querySelectorAll('.jp-mlops-header').length < 2)"
    )


# -- the grammar of cells


HEADERS = """() => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].map(cell =>
    [...cell.querySelectorAll('.jp-mlops-header:not(.lm-mod-hidden) .jp-mlops-chip')]
        .map(chip => chip.textContent.replace('●', '')).join())"""


def headers(page: Lab, *expected: str) -> None:
    """Wait until the cells' headers say this; "" for a cell without one."""
    wanted = json.dumps(expected, separators=(",", ":"))
    page.page.wait_for_function(f"wanted => JSON.stringify(({HEADERS})()) === wanted", arg=wanted)


def test_a_whole_step_is_renamed_where_it_is_meant_and_other_tags_stay(page: Lab, write: Write) -> None:
    path = write(
        "grammar.ipynb", ("n = 1", "pipeline-parameters mine"), ("a = n", "block:one mine"), ("b = a", "step:one"),
        ("c = b", "step:two prev:one"), "d = c",
    )  # fmt: skip
    page.open(path).panel()
    headers(page, "parameters", "one", "one", "two", "two")
    page.select(1)
    page.page.keyboard.press("Control+Shift+E")
    dialog = page.page.get_by_role("dialog")
    dialog.locator("#jp-mlops-step_step").fill("uno")
    expect(dialog.get_by_role("status")).to_contain_text("one keeps its other cells")
    page.picture("step-rename")
    dialog.locator("#jp-mlops-step_wholeStep").check()
    expect(dialog.get_by_role("status")).to_contain_text("Renames one")
    page.page.keyboard.press("Enter")
    headers(page, "parameters", "uno", "uno", "two", "two")
    assert [page.tags(path, at) for at in range(5)] == [
        ["pipeline-parameters", "mine"], ["block:uno", "mine"], ["step:uno"], ["step:two", "prev:uno"], [],
    ]  # fmt: skip
    page.select(1)
    page.page.keyboard.press("z")
    headers(page, "parameters", "one", "one", "two", "two")
    edit(page, 2, step="x" * 200)
    page.node("x" * 200).wait_for()
    page.picture("step-long-name")
    assert page.tags(path, 1) == ["block:one", "mine"]
    edit(page, 2, step="")
    headers(page, "parameters", "one", "one", "two", "two")
    assert page.tags(path, 2) == []


def test_headers_follow_what_is_done_to_cells(page: Lab, write: Write) -> None:
    path = write("life.ipynb", ("a = 1", "step:one mine"), ("b = a", "step:two"), ("print(b)", "step:end"))
    page.open(path).panel()
    headers(page, "one", "two", "end")
    page.select(1)
    page.page.keyboard.press("m")
    headers(page, "one", "", "end")
    page.page.keyboard.press("y")
    headers(page, "one", "two", "end")
    page.select(0)
    page.page.keyboard.press("c")
    page.page.keyboard.press("v")
    headers(page, "one", "one", "two", "end")
    assert page.tags(path, 1) == ["step:one", "mine"]
    page.select(1)
    page.page.wait_for_timeout(600)  # what comes sooner is undone together with what was before it
    page.page.keyboard.press("d")
    page.page.keyboard.press("d")
    headers(page, "one", "two", "end")
    page.page.keyboard.press("z")
    headers(page, "one", "one", "two", "end")
    page.select(0, 1)
    page.page.keyboard.press("Shift+M")
    headers(page, "one", "two", "end")
    page.cell(0).locator(".cm-line").first.click()
    page.page.keyboard.press("End")
    page.page.keyboard.press("Control+Shift+Minus")
    headers(page, "one", "one", "two", "end")
    assert page.tags(path, 1) == ["step:one", "mine"]


def test_headers_follow_the_setting_at_once(page: Lab, write: Write, settings: Callable[..., None]) -> None:
    settings("jupyter-mlops:plugin")  # as it comes, now and afterwards
    page.open(write("shown.ipynb", ("x = 1", "step:a"), ("y = x", "step:b")))
    headers(page, "a", "b")
    page.command("Settings Editor")
    page.page.locator(".jp-PluginList-entry:has-text('MLOps')").click()
    choice = page.page.locator(".jp-SettingsForm select").first
    for value, shown in (("never", ("", "")), ("always", ("a", "b"))):
        choice.select_option(label=value)
        page.page.locator(".lm-TabBar-tab:has-text('shown.ipynb')").click()
        headers(page, *shown)
        page.page.locator(".lm-TabBar-tab:has-text('Settings')").click()


def test_how_long_to_wait_before_a_retry_is_set_beside_it(page: Lab, write: Write) -> None:
    page.open(path := write("waits.ipynb", ("x = 1", "step:a"), ("y = x", "step:b")))
    headers(page, "a", "b")
    edit(page, 1, retries="2", backoff="0.5")
    assert page.saved(path)["cells"][1]["metadata"]["jupyter_mlops"] == {"retries": 2, "backoff": 0.5}
    page.select(1)
    page.page.keyboard.press("Control+Shift+E")
    expect(page.page.locator(".jp-mlops-editor #jp-mlops-step_backoff")).to_have_value("0.5")
    page.page.locator(".jp-mlops-editor #jp-mlops-step_backoff").fill("-1")
    expect(page.page.locator("#jp-mlops-step_backoff__error")).to_contain_text("Seconds")
    page.page.keyboard.press("Escape")


def test_a_notebook_in_another_language_is_one_step(page: Lab, lab: Server) -> None:
    made = notebook(("x <- 1", "step:one"), "y <- x")
    made["metadata"] = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}
    (lab.root / "other.R.ipynb").write_text(json.dumps(made), encoding="utf-8")
    page.open("other.R.ipynb")
    page.page.locator(".jp-Dialog button:has-text('No Kernel')").click()
    page.panel()
    page.node("notebook").wait_for()
    headers(page, "notebook", "notebook")
    page.page.wait_for_selector(".jp-mlops-check:has-text('not installed here')")


# -- the graph


def test_a_graph_of_forty_steps_is_read_by_mouse_and_by_keyboard(page: Lab, write: Write) -> None:
    names = ["__proto__", "constructor", "a" * 80, *(f"step-{n}" for n in range(37))]
    cells = [
        (f"x{n} = {n}" + (f" + x{n - 1} + x{n // 2}" if n else ""), f"step:{name}") for n, name in enumerate(names)
    ]
    page.open(write("forty.ipynb", *cells)).panel()
    nodes = page.page.locator("#jupyter-mlops-panel .react-flow__node")
    expect(nodes).to_have_count(40)
    expect(page.page.locator("#jupyter-mlops-panel .react-flow__minimap")).to_be_visible()
    for name in names[:3]:
        expect(page.node(name)).to_contain_text(name)
    page.picture("forty-steps")
    page.node("constructor").focus()
    expect(page.page.locator(".jp-mlops-join-label").first).to_contain_text("x")
    page.page.keyboard.press("Tab")
    expect(page.page.locator("#jupyter-mlops-panel .react-flow :focus")).to_have_count(1)
    page.node("step-36").focus()
    page.page.keyboard.press("Enter")
    expect(page.page.locator(".jp-Notebook .jp-Cell.jp-mod-active .jp-mlops-chip")).to_contain_text("step-36")
