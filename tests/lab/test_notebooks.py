"""Notebooks of all kinds, and what is done to their cells, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.lab.conftest import Lab

pytestmark = [pytest.mark.xdist_group("lab"), pytest.mark.kernel, pytest.mark.timeout(240)]
Write = Callable[..., str]
NOTEBOOKS = "@jupyterlab/notebook-extension:tracker"
OURS = "jupyter-mlops:plugin"


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
        dialog.locator(f"input[name={name}]").fill(value)
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
