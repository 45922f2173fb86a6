"""The pages of runs and jobs, the forms and the dialogs, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.lab.conftest import Lab
from tests.servers import Server

pytestmark = [pytest.mark.xdist_group("lab"), pytest.mark.kernel, pytest.mark.timeout(240)]
Write = Callable[..., str]


def tab(page: Lab, name: str) -> None:
    page.page.get_by_role("tab", name=name, exact=True).click()


def test_the_log_is_told_cell_by_cell_as_it_comes(page: Lab, write: Write) -> None:
    path = write(
        "log.ipynb", ("n = 3", "parameters"), ("import time", "imports"),
        ("print('loaded', n)", "step:load"),
        ("for i in range(8):\n    print('epoch', i, flush=True); time.sleep(0.5)", "step:train"),
        ("print('<b>needle</b> in a line')\nprint('other')", "step:show"),
        ("for i in range(1000): print('row', i)", "step:many"),
    )  # fmt: skip
    page.open(path).panel()
    page.run()
    page.page.wait_for_selector(".jp-mlops-node[data-state='running']")
    page.page.locator(".jp-mlops-run-open").first.click()
    tab(page, "Log")
    cells = page.page.locator(".jp-mlops-log-cell")
    training = page.page.locator(".jp-mlops-log-cell:has-text('train')")
    expect(training).to_have_attribute("data-state", "running")
    expect(training.locator("pre")).to_contain_text("epoch 2")
    page.picture("log-running")
    page.page.wait_for_selector(".jp-mlops-run-page h2 [data-state='completed']")
    expect(cells).to_have_count(6)
    expect(cells.nth(2)).to_contain_text("loaded 3")
    expect(cells.nth(3)).to_contain_text("for i in range(8):")
    assert page.page.locator(".jp-mlops-log b").count() == 0
    many = cells.nth(5)
    expect(many.locator("pre")).to_have_count(0)
    many.locator("summary").focus()
    page.page.keyboard.press("Enter")
    expect(many.locator("pre")).to_contain_text("row 999")
    expect(many.locator("pre")).not_to_contain_text("row 5\n")
    many.get_by_role("button", name="Show all 1000 lines").click()
    expect(many.locator("pre")).to_contain_text("row 5\n")
    page.page.get_by_role("button", name="Close all").click()
    expect(page.page.locator(".jp-mlops-log-cell pre")).to_have_count(0)
    page.page.get_by_label("Search the log").fill("needle")
    expect(page.page.locator(".jp-mlops-log mark")).to_have_text("needle")
    expect(cells).to_have_count(1)
    expect(cells.locator("pre")).not_to_contain_text("other")
    page.picture("log-search")
    page.page.get_by_label("Search the log").fill("")
    with page.page.expect_download() as saved:
        page.page.get_by_role("button", name="Save…").click()
    assert "row 500\n" in saved.value.path().read_text(encoding="utf-8")


def test_a_run_is_reproduced_from_its_page_and_the_verdict_shown(page: Lab, write: Write, lab: Server) -> None:
    write("even.ipynb", ("print('same', flush=True)", "step:a"))
    write("odd.ipynb", ("x = 1", "step:one"), ("import os; print(os.urandom(8).hex())", "step:two"))
    runs = {name: lab.over(lab.post("runs", {"notebook": f"{name}.ipynb"})["id"])["id"] for name in ("even", "odd")}
    page.open("even.ipynb").panel()
    for name, state in (("even", "reproduced"), ("odd", "differs")):
        if name == "odd":
            page.page.locator(".jp-DirListing-item:has-text('odd.ipynb')").dblclick()
            page.page.wait_for_selector(".jp-mlops-bar-name:has-text('odd.ipynb')")
        page.page.locator(f".jp-mlops-run-open[title*='{runs[name]}']").click()
        here = page.page.locator(".jp-mlops-page:not(.lm-mod-hidden)")
        here.get_by_role("button", name="Reproduce").click()
        box = here.locator(f".jp-mlops-verdict[data-state='{state}']")
        box.wait_for()
        page.picture(f"verdict-{state}")
        assert lab.get(f"runs/{runs[name]}")["verdict"]["state"] == state
    expect(box).to_contain_text("cell 2 of step two")
    expect(box.locator("pre")).to_have_count(2)
    box.get_by_role("button", name="Show cell").click()
    expect(here.locator(".jp-mlops-executed .jp-CodeCell").nth(1)).to_be_in_viewport()


def test_what_changed_since_the_last_good_run_stands_by_a_failure(page: Lab, write: Write, lab: Server) -> None:
    cells = (
        ("n = 2  # what is divided by", "parameters"),
        ("ratio = 1 / n", "step:divide"),
        ("print(ratio)", "step:tell"),
    )
    write("blame.ipynb", *cells)
    good = lab.over(lab.post("runs", {"notebook": "blame.ipynb"})["id"])
    write("blame.ipynb", cells[0], ("ratio = 1 / (n - 2)", "step:divide"), cells[2])
    bad = lab.over(lab.post("runs", {"notebook": "blame.ipynb"})["id"])
    page.open("blame.ipynb").panel()
    page.page.locator(f".jp-mlops-run-open[title*='{bad['id']}']").click()
    blame = page.page.locator(".jp-mlops-blame")
    expect(blame).to_contain_text("1 difference")
    blame.locator("summary").click()
    expect(blame.locator("li").first).to_contain_text("Code")
    expect(blame.locator("[data-sign='+']")).to_have_text("+ratio = 1 / (n - 2)\n")
    page.picture("blame")
    blame.get_by_role("button", name="Compare the two runs").click()
    page.page.wait_for_selector(f".jp-mlops-compare:has-text('{good['id']}')")
    page.page.locator(".jp-mlops-failure").get_by_role("button", name="Show cell").click()
    expect(page.page.locator(".jp-mlops-executed .jp-RenderedText[data-mime-type*='stderr']").first).to_be_visible()


def test_the_executed_notebook_is_a_record(page: Lab, write: Write, lab: Server) -> None:
    """It can't be changed, and what its outputs hold is not let loose."""
    html = "<script>window.ran = 1</script><img src=y onerror='window.ran = 2'><b>bold</b>"
    write("record.ipynb", (f"from IPython.display import HTML, Javascript\nHTML({html!r})", "step:show"))
    run = lab.over(lab.post("runs", {"notebook": "record.ipynb"})["id"])
    page.open("record.ipynb").panel()
    page.page.locator(f".jp-mlops-run-open[title*='{run['id']}']").click()
    tab(page, "Notebook")
    executed = page.page.locator(".jp-mlops-executed")
    expect(executed.locator(".jp-RenderedHTML b")).to_have_text("bold")
    assert page.page.evaluate("window.ran") is None
    before = executed.locator(".cm-content").inner_text()
    executed.locator(".cm-content").click()
    page.page.keyboard.type("spoiled")
    assert executed.locator(".cm-content").inner_text() == before


def test_pages_come_back_as_they_were(page: Lab, write: Write, lab: Server) -> None:
    write("back.ipynb", ("print('hello')", "step:a"))
    run = lab.over(lab.post("runs", {"notebook": "back.ipynb"})["id"])
    page.open("back.ipynb").panel()
    page.page.locator(f".jp-mlops-run-open[title*='{run['id']}']").click()
    tab(page, "Log")
    page.page.wait_for_selector(".jp-mlops-log-cell:has-text('hello')")
    page.page.get_by_role("tab", name="back.ipynb").click()
    page.saved("back.ipynb")
    page.page.get_by_role("tab", name="back · run").click()
    page.page.wait_for_timeout(1500)  # JupyterLab saves its layout a second after it changed
    page.page.goto(page.page.url.replace("&reset", "").replace("?reset", ""))
    page.page.wait_for_selector(".jp-mlops-log-cell:has-text('hello')")
    expect(page.page.get_by_role("tab", name="Log", exact=True)).to_have_attribute("aria-selected", "true")
