"""What a person does in JupyterLab, in a real browser."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.jobs.workspace import wait_until
from tests.lab.conftest import Lab
from tests.servers import Server

pytestmark = [pytest.mark.xdist_group("lab"), pytest.mark.kernel, pytest.mark.timeout(240)]
Write = Callable[..., str]
STEPS = (
    ("n = 10  # how many\nlabel = 'x'\nshares = [0.1, 0.2]", "parameters"),
    ("import time", "imports"),
    ("time.sleep(1); data = list(range(n)); print('loaded', len(data))", "step:load"),
    ("total = sum(data)", "step:sum"),
    ("ratio = total / len(label)", "step:ratio"),
    ("print(ratio, shares)\nscore = 0.5", "step:show metrics"),
)


def test_steps_are_suggested_accepted_and_undone(page: Lab, write: Write) -> None:
    path = write("suggest.ipynb", "import math", "n = 3", "x = math.sqrt(n)\ny = [x] * n", "print(sum(y))")
    page.open(path).panel()
    expect(page.page.locator(".jp-mlops-header")).to_have_count(0)
    page.picture("untagged")
    page.page.click("text=Suggest steps")
    page.page.wait_for_selector(".jp-mlops-header[data-suggested='true']")
    page.picture("suggested")
    assert page.tags(path, 0) == []
    page.page.click("#jupyter-mlops-panel button:has-text('Accept')")
    page.page.wait_for_selector("#jupyter-mlops-panel .react-flow__node")
    assert page.tags(path, 0) == ["imports"]
    page.select(0)
    page.page.keyboard.press("z")
    page.page.wait_for_selector("text=Suggest steps")
    assert [page.tags(path, at) for at in range(4)] == [[], [], [], []]
    page.page.click("text=Suggest steps")
    page.page.click("#jupyter-mlops-panel button:has-text('Dismiss')")
    expect(page.page.locator(".jp-mlops-header:visible")).to_have_count(0)


def test_a_cell_is_tagged_by_mouse(page: Lab, write: Write) -> None:
    path = write("mouse.ipynb", ("a = 1", "step:first mine"), "b = a + 1", "c = b")
    page.open(path).panel()
    page.chip("first").first.click()
    page.picture("step-editor")
    dialog = page.page.get_by_role("dialog")
    dialog.locator("#jp-mlops-step_step").fill("begin")
    dialog.locator("#jp-mlops-step_retries").fill("2")
    dialog.get_by_label("Cache").select_option(label="never")
    dialog.get_by_role("button", name="Save").click()
    page.node("begin").wait_for()
    saved = page.saved(path)["cells"][0]["metadata"]
    assert saved == {"tags": ["step:begin", "mine"], "jupyter_mlops": {"retries": 2, "cache": "disabled"}}
    page.select(0)
    page.page.keyboard.press("z")
    page.node("first").wait_for()
    assert page.saved(path)["cells"][0]["metadata"] == {"tags": ["step:first", "mine"]}


def test_cells_are_tagged_by_keyboard(page: Lab, write: Write) -> None:
    path = write("keys.ipynb", ("a = 1", "step:first"), "b = a + 1", "c = b", "print(c)")
    page.open(path).panel()
    page.select(1, 2)
    page.page.keyboard.press("Control+Shift+E")
    page.page.keyboard.type("second step!")
    expect(page.page.get_by_role("dialog").locator(".jp-mlops-error")).to_contain_text("second_step")
    page.page.keyboard.press("Enter")
    expect(page.page.get_by_role("dialog")).to_be_visible()
    page.page.keyboard.press("Control+a")
    page.page.keyboard.type("second")
    page.page.keyboard.press("Enter")
    page.node("second").wait_for()
    assert [page.tags(path, at) for at in (1, 2)] == [["step:second"], ["step:second"]]
    page.select(3)
    page.page.keyboard.press("Control+Shift+E")
    page.page.keyboard.press("Escape")
    expect(page.page.get_by_role("dialog")).to_have_count(0)
    assert page.tags(path, 3) == []
    page.select(1)
    page.page.keyboard.press("z")
    expect(page.node("second")).to_have_count(0)
    assert [page.tags(path, at) for at in (1, 2)] == [[], []]


def test_roles_by_the_palette_and_the_menu(page: Lab, write: Write) -> None:
    path = write("roles.ipynb", ("n = 1", ""), ("print(n)", "step:a"))
    page.open(path).panel()
    page.select(0)
    page.page.locator(".lm-MenuBar-itemLabel:has-text('Edit')").click()
    page.page.locator(".lm-Menu-itemLabel:text('Role of the Cell')").click()
    page.page.locator(".lm-Menu-itemLabel:text-is('parameters')").click()
    page.chip("parameters").wait_for()
    assert page.tags(path, 0) == ["parameters"]
    page.page.wait_for_selector("#jupyter-mlops-panel label:has-text('n'), #jp-mlops-parameters_n")


def test_the_graph_follows_edits_and_leads_to_cells(page: Lab, write: Write) -> None:
    path = write("follow.ipynb", ("a = 1", "step:one"), ("b = a", "step:two"), ("c = b", "step:two"))
    page.open(path).panel()
    page.node("two").click()
    expect(page.page.locator(".jp-Notebook .jp-Cell.jp-mod-selected")).to_have_count(2)
    edge = page.page.locator("#jupyter-mlops-panel .react-flow__edge")
    expect(edge).to_have_count(1)
    page.node("two").focus()
    expect(page.page.locator(".jp-mlops-join-label")).to_have_text("a")
    page.cell(1).locator(".cm-content").click()
    page.page.keyboard.press("Control+a")
    page.page.keyboard.type("b = 2")
    expect(edge).to_have_count(0)


def test_a_run_with_parameters_live_states_and_its_page(page: Lab, write: Write) -> None:
    page.open(write("whole.ipynb", *STEPS)).panel()
    field = page.page.locator("#jp-mlops-parameters_n")
    field.fill("12")
    page.page.wait_for_selector("text=1 changed")
    shares = page.page.locator("#jp-mlops-parameters_shares")
    shares.fill("[0.1, ")
    expect(page.page.locator(".jp-mlops-parameters")).to_contain_text("Not JSON")
    shares.fill("[0.5]")
    page.page.wait_for_selector("text=2 changed")
    expect(page.page.locator(".jp-mlops-parameters")).not_to_contain_text("Not JSON")
    page.run()
    page.page.wait_for_selector(".jp-mlops-node[data-state='running']")
    page.page.wait_for_selector(".jp-mlops-bar:has-text('load')")
    page.picture("running")
    page.last_run("completed")
    page.picture("completed")
    expect(page.page.locator(".jp-mlops-node[data-state='completed']")).to_have_count(4)
    expect(page.page.locator(".jp-mlops-header .jp-mlops-state[data-state='completed']").first).to_be_visible()
    expect(page.page.locator(".jp-mlops-run:first-child .jp-mlops-given")).to_contain_text("n=12")
    page.run()
    page.last_run("completed")
    expect(page.page.locator(".jp-mlops-node[data-state='cached']").first).to_be_visible()
    page.page.locator(".jp-mlops-run-open").first.click()
    page.page.wait_for_selector(".jp-mlops-run-page .react-flow__node")
    page.picture("run-graph")
    for tab, sign in (
        ("Timeline", ".jp-mlops-timeline"),
        ("Notebook", ".jp-mlops-executed .jp-OutputArea-output:has-text('loaded 12')"),
        ("Parameters", "td:has-text('12')"),
        ("Metrics", ".jp-mlops-chart :is(svg, canvas)"),
        ("Log", ".jp-mlops-log:has-text('completed')"),
    ):
        page.page.get_by_role("tab", name=tab, exact=True).click()
        page.page.wait_for_selector(f".jp-mlops-run-page {sign}")
        page.picture(f"run-{tab.lower()}")
    page.page.locator("button:has-text('Open history')").click()
    expect(page.page.locator(".jp-mlops-runs-grid tbody tr")).to_have_count(4)
    expect(page.page.locator(".jp-mlops-runs-grid thead button")).to_have_count(2)
    page.picture("history")
    page.page.locator(".jp-mlops-runs-grid thead button").last.click()
    select = page.page.locator("select[aria-label='Compare with']")
    select.select_option(index=1)
    page.page.wait_for_selector(".jp-mlops-compare table")
    page.picture("run-compare")


def test_an_error_of_the_server_stands_at_its_field(page: Lab, write: Write) -> None:
    page.open(write("fields.ipynb", ("day: 'date' = None\nn: int = 1", "parameters"), ("print(n)", "step:a"))).panel()
    page.page.locator("#jp-mlops-parameters_n").fill("1.5")
    page.run()
    expect(page.page.locator(".jp-mlops-parameters")).to_contain_text(re.compile("int", re.I))
    expect(page.page.locator(".jp-mlops-run")).to_have_count(0)


def test_a_run_from_one_step_on(page: Lab, write: Write, lab: Server) -> None:
    page.open(write("from.ipynb", *STEPS)).panel()
    page.run()
    page.last_run("completed")
    page.select(4)
    page.page.locator(".jp-mlops-bar jp-button[title='More actions']").click()
    page.page.locator(".lm-Menu-itemLabel:text-is('Run from This Step')").click()
    page.page.wait_for_selector(".jp-mlops-run:nth-child(2)")
    page.last_run("completed")
    run = lab.get("runs", notebook="from.ipynb")["runs"][0]
    assert run["asked"]["from_step"] == "ratio"
    assert [s["state"] for s in run["steps"]] == ["cached", "cached", "completed", "completed"]


def test_a_run_is_stopped(page: Lab, write: Write) -> None:
    page.open(write("stop.ipynb", ("import time\nfor i in range(600): time.sleep(0.1)", "step:wait"))).panel()
    page.run()
    page.page.wait_for_selector(".jp-mlops-node[data-state='running']")
    page.page.locator(".jp-mlops-bar jp-button:has-text('Stop')").click()
    page.last_run("stopped")
    expect(page.page.locator(".jp-mlops-bar jp-button:has-text('Run')")).to_be_visible()


def test_a_failed_run_is_repaired_and_goes_on(page: Lab, write: Write, lab: Server) -> None:
    path = write(
        "repair.ipynb", ("import time; time.sleep(0.5); data = [1, 2, 3]", "step:load"),
        ("total = sum(data)", "step:sum"), ("ratio = total / 0", "step:ratio"), ("print('ratio', ratio)", "step:show"),
    )  # fmt: skip
    page.open(path).panel()
    page.run()
    page.page.wait_for_selector(".jp-toast-button:has-text('Repair')")
    page.picture("failed")
    page.page.click(".jp-toast-button:has-text('Show cell')")
    expect(page.cell(2)).to_have_class(re.compile("jp-mod-active"))
    page.page.locator(".jp-mlops-run:first-child button:has-text('Repair')").click()
    page.page.wait_for_selector(".jp-RenderedMarkdown h3:has-text('Repair of step')")
    repair = page.page.locator(".jp-NotebookPanel:has(h3:has-text('Repair of step'))")
    cell = repair.locator(".jp-CodeCell .cm-content:has-text('total / 0')")
    cell.click()
    page.page.keyboard.press("Control+a")
    page.page.keyboard.type("ratio = total / 2; print('now', ratio)")
    page.page.keyboard.press("Control+Enter")
    page.page.wait_for_selector(".jp-OutputArea-output:has-text('now 3.0')")
    page.picture("repair")
    page.page.locator(".jp-mlops-bar jp-button:has-text('Resume run')").click()
    page.page.wait_for_selector(".jp-mlops-run-page h2 [data-state='completed']")
    page.picture("resumed")
    [run] = lab.get("runs", notebook="repair.ipynb")["runs"]
    assert (run["state"], run["attempt"]) == ("completed", 2)
    assert [s["state"] for s in run["steps"]][2:] == ["completed", "completed"]
    live = page.page.locator(".jp-NotebookPanel .cm-content:has-text(\"ratio = total / 2; print('now', ratio)\")")
    expect(live.first).to_be_attached()


def test_a_reload_goes_on_following(page: Lab, write: Write) -> None:
    wait = f"import time; time.sleep(15); print({time.time()})"  # nothing of an earlier try is kept
    page.open(write("reload.ipynb", (wait, "step:wait"), ("print('done')", "step:end"))).panel()
    page.run()
    page.page.wait_for_selector(".jp-mlops-node[data-state='running']")
    page.page.goto(page.page.url.replace("&reset", ""))
    page.page.wait_for_selector(".jp-Notebook .jp-Cell")
    if not page.page.locator("#jupyter-mlops-panel:visible").count():
        page.panel()
    page.page.wait_for_selector(".jp-mlops-run[data-state='running']")
    page.last_run("completed")
    expect(page.page.locator(".jp-mlops-node[data-state='completed']")).to_have_count(2)


def test_two_notebooks_are_kept_apart_and_one_seen_twice_is_the_same(page: Lab, write: Write) -> None:
    write("other.ipynb", ("z = 1", "step:elsewhere"))
    page.open(write("same.ipynb", ("a = 1", "step:here"))).panel()
    page.node("here").wait_for()
    page.page.locator(".lm-MenuBar-itemLabel:text-is('File')").click()
    page.page.locator(".lm-Menu-itemLabel:has-text('New View for')").click()
    expect(page.page.locator(".jp-NotebookPanel .jp-mlops-chip:has-text('here')")).to_have_count(2)
    page.page.locator(".jp-mlops-chip:has-text('here'):visible").first.click()
    page.page.get_by_role("dialog").locator("#jp-mlops-step_step").fill("there")
    page.page.keyboard.press("Enter")
    expect(page.page.locator(".jp-NotebookPanel .jp-mlops-chip:has-text('there')")).to_have_count(2)
    page.page.locator(".jp-DirListing-item:has-text('other.ipynb')").dblclick()
    page.node("elsewhere").wait_for()
    expect(page.node("there")).to_have_count(0)


def test_an_untagged_notebook_runs_as_it_is(page: Lab, write: Write) -> None:
    page.open(write("plain.ipynb", "x = 2", "print(x * 21)")).panel()
    page.page.click("text=Run as it is")
    page.last_run("completed")
    page.page.locator(".jp-mlops-run-open").first.click()
    page.page.get_by_role("tab", name="Notebook", exact=True).click()
    page.page.wait_for_selector(".jp-mlops-executed .jp-OutputArea-output:has-text('42')")


def test_checks_lead_to_cells_and_mend_what_they_can(page: Lab, write: Write) -> None:
    path = write("checks.ipynb", ("a = 1", "step:a%b"), ("print(missing)", "step:ok"))
    page.open(path).panel()
    page.page.wait_for_selector(".jp-mlops-check[data-severity='error']")
    page.picture("checks")
    page.page.locator(".jp-mlops-check button:has-text('Use')").click()
    page.node("a_b").wait_for()
    assert page.tags(path, 0) == ["step:a_b"]
    page.page.locator(".jp-mlops-check:has-text('missing') button:has-text('Go')").click()
    expect(page.cell(1)).to_have_class(re.compile("jp-mod-active"))


def test_html_is_only_text(page: Lab, write: Write) -> None:
    evil = "<img src=x onerror=alert(1)>"
    path = write(
        "html.ipynb", (f"n = 1  # {evil}\ntext = '{evil}'", "parameters"), ("a = n", f"step:{evil.replace(' ', '_')}"),
        (f"raise ValueError('{evil}')", "step:fails"),
    )  # fmt: skip
    page.open(path).panel()
    page.page.wait_for_selector(".jp-mlops-check[data-severity='error']")
    page.select(1)
    page.page.keyboard.press("Control+Shift+E")
    page.page.keyboard.type("plain")
    page.page.keyboard.press("Enter")
    page.node("plain").wait_for()
    page.run()
    page.last_run("failed")
    page.page.locator(".jp-mlops-run-open").first.click()
    page.page.wait_for_selector(".jp-mlops-failure")
    for tab in ("Parameters", "Log", "Notebook"):
        page.page.get_by_role("tab", name=tab, exact=True).click()
        page.page.wait_for_timeout(300)
    assert page.page.locator("img[src='x']").count() == 0


def test_publish_schedule_and_the_page_of_jobs(page: Lab, write: Write, lab: Server) -> None:
    page.open(write("report.ipynb", *STEPS)).panel()
    page.node("show").wait_for()
    page.page.locator(".jp-mlops-publish button:has-text('Publish')").click()
    page.page.wait_for_selector(".jp-Dialog .jp-mlops-dialog")
    expect(page.page.locator(".jp-Dialog").get_by_label("Job")).to_be_focused()  # as JupyterLab does a moment later
    page.page.locator(".jp-Dialog").get_by_label("Message").fill("the first")
    page.picture("publish")
    page.page.locator(".jp-Dialog button:has-text('Publish v1')").click()
    page.page.wait_for_selector("text=report v1 is published")
    page.page.locator(".jp-mlops-publish button:has-text('New schedule')").click()
    page.page.locator(".jp-mlops-preset:has-text('Weekdays')").click()
    page.page.wait_for_selector(".jp-mlops-preview:has-text('Monday through Friday')")
    page.page.locator(".jp-mlops-dialog").get_by_label("Time zone").fill("Europe/Paris")
    page.page.wait_for_selector(".jp-mlops-preview:has-text('Europe/Paris time')")
    page.picture("schedule")
    page.page.locator(".jp-Dialog-footer button.jp-mod-accept").click()
    page.page.wait_for_selector(".jp-mlops-publish:has-text('Europe/Paris time')")
    assert lab.get("schedules", job="report")["schedules"][0]["cron"] == "0 6 * * MON-FRI"
    page.command("Open Jobs")
    page.page.locator("button[aria-label='Run report']").click()
    page.page.wait_for_selector(".jp-mlops-health i[data-state='completed']")
    page.picture("jobs")
    page.page.get_by_role("tab", name="Calendar").click()
    expect(page.page.locator(".jp-mlops-calendar button:has-text('report')").first).to_be_visible()
    page.picture("calendar")
    page.page.get_by_role("tab", name="All", exact=True).click()
    page.page.locator(".jp-mlops-jobs td button:has-text('report')").click()
    page.page.wait_for_selector(".jp-mlops-runs-grid [data-state='completed']")
    page.picture("job")
    page.page.locator("button:has-text('Sweep…')").click()
    page.page.locator(".jp-mlops-dialog #jp-mlops-batch_axes_n").fill("1, 2, 3")
    page.page.wait_for_selector(".jp-mlops-dialog:has-text('3 runs of v1')")
    page.page.locator(".jp-mlops-dialog #jp-mlops-batch_axes_n").fill("1, many")
    page.page.wait_for_selector(".jp-mlops-dialog .jp-mlops-error")
    page.page.locator(".jp-mlops-dialog #jp-mlops-batch_axes_n").fill("4, 5")
    page.page.wait_for_selector(".jp-mlops-dialog:has-text('2 runs of v1')")
    page.picture("sweep")
    page.page.locator(".jp-Dialog button:has-text('Start 2 runs')").click()
    page.page.wait_for_selector("section[aria-label^='Batch']:has-text('2 completed')", timeout=60_000)
    page.picture("batch")
    page.page.locator("button:has-text('Backfill…')").click()
    page.page.wait_for_selector(".jp-mlops-dialog [role=status]:has-text('of v1')")
    page.page.locator(".jp-Dialog button:has-text('Cancel')").click()
    page.page.get_by_role("tab", name="Versions").click()
    page.page.locator("button:has-text('Make it production')").click()
    page.page.wait_for_selector("td:has-text('production')")
    page.page.get_by_role("tab", name="Schedules").click()
    page.page.locator("button:has-text('Delete…')").click()
    page.page.locator(".jp-Dialog button:has-text('Delete schedule')").click()
    page.page.wait_for_selector("text=No schedules")
    page.page.get_by_role("tab", name="Settings").click()
    page.page.locator("#jp-mlops-settings_runs_retries").fill("3")
    page.page.locator(".jp-mlops-settings button:has-text('Save')").click()
    expect(page.page.locator("#jp-mlops-settings_runs_retries")).to_have_value("3")
    wait_until(lambda: lab.get("jobs/report")["policies"]["retries"] == 3)


def test_the_demo_from_the_launcher(page: Lab, lab: Server) -> None:
    (lab.root / "fresh").mkdir(exist_ok=True)
    page.page.goto(f"{lab.url}/lab/workspaces/launch?token=secret-of-the-tests&reset")
    page.page.locator(".jp-LauncherCard:has-text('MLOps Demo')").click()
    page.page.wait_for_selector("#jupyter-mlops-panel:visible .react-flow__node[data-id='load']")
    page.picture("demo")
    page.run()
    page.page.wait_for_selector(".jp-mlops-node[data-state='running']")
    page.picture("demo-running")
    page.last_run("completed", 120)
    page.page.keyboard.press("Control+b")
    page.page.locator(".jp-toast-button:has-text('Open run')").first.wait_for(state="hidden")
    page.node("boosting").click()
    page.page.wait_for_timeout(500)
    page.picture("demo-completed")
    page.page.locator(".jp-mlops-run-open").first.click()
    page.page.get_by_role("tab", name="Timeline", exact=True).click()
    page.page.wait_for_selector(".jp-mlops-span")
    page.picture("demo-timeline")


AXE = "node_modules/axe-core/axe.min.js"


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_no_view_shuts_anybody_out(page: Lab, write: Write, lab: Server, theme: str) -> None:
    """Nothing that axe-core calls serious or critical, in what is ours."""
    from tests.servers import ROOT

    name = f"axe-{theme.split()[-1].lower()}"
    page.open(write(f"{name}.ipynb", *STEPS)).panel()
    page.node("show").wait_for()
    if theme.endswith("Dark"):
        page.page.locator(".lm-MenuBar-itemLabel:has-text('Settings')").click()
        page.page.locator(".lm-Menu-itemLabel:text-is('Theme')").click()
        page.page.locator(f".lm-Menu-itemLabel:text-is('{theme}')").click()
        page.page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")
    page.run()
    page.last_run("completed")
    page.page.add_script_tag(path=ROOT / "labextension" / AXE)
    found: list[str] = []

    def look(view: str, *within: str) -> None:
        told = page.page.evaluate(
            "w => axe.run({include: w.map(x => [x])}, {resultTypes: ['violations']})", list(within)
        )
        for one in told["violations"]:
            if one["impact"] in ("serious", "critical"):
                nodes = [f"{n['html'][:160]} {[c['message'] for c in n['any'][:1]]}" for n in one["nodes"][:3]]
                found.append(f"{view}: {one['id']}: {json.dumps(nodes)}")

    look("panel", "#jupyter-mlops-panel")
    look("headers", ".jp-Notebook .jp-mlops-header")
    page.picture(f"panel-{name}")
    page.chip("load").first.click()
    look("editor", ".jp-mlops-editor")
    page.page.locator(".jp-mlops-editor #jp-mlops-step_step").fill("no good name!")
    page.page.wait_for_selector(".jp-mlops-editor .jp-mlops-error")
    look("editor, with what is wrong", ".jp-mlops-editor")
    foot = page.page.locator(".jp-mlops-editor button:has-text('Save')").bounding_box()
    assert foot is not None and foot["y"] + foot["height"] <= 900
    page.picture(f"editor-wrong-{name}")
    page.page.keyboard.press("Escape")
    page.page.locator(".jp-mlops-run-open").first.click()
    page.page.get_by_role("button", name="Reproduce").click()
    page.page.wait_for_selector(".jp-mlops-verdict[data-state='reproduced']")
    look("verdict", ".jp-mlops-run-page")
    for tab in ("Graph", "Timeline", "Parameters", "Metrics", "Log"):
        page.page.get_by_role("tab", name=tab, exact=True).click()
        page.page.wait_for_timeout(300)
        look(f"run, {tab}", ".jp-mlops-run-page")
    page.picture(f"run-{name}")
    page.command("Open Jobs")
    page.page.wait_for_selector(".jp-mlops-jobs")
    look("jobs", ".jp-mlops-jobs")
    page.page.get_by_role("tab", name="Calendar", exact=True).click()
    page.page.wait_for_selector(".jp-mlops-calendar, .jp-mlops-placeholder")
    look("calendar", ".jp-mlops-jobs")
    lab.post(f"jobs/{name}/versions", {"notebook": write(f"{name}-before.ipynb", *STEPS[:2])})
    lab.over(lab.post("runs", {"job": name})["id"])
    lab.post("schedules", {"job": name, "cron": "0 6 * * *", "zone": "Europe/Paris"})
    page.page.locator(".jp-mlops-publish button:has-text('Publish')").first.click()
    page.page.wait_for_selector(".jp-Dialog details")
    look("publish", ".jp-mlops-dialog")
    page.picture(f"dialog-publish-{name}")
    page.page.keyboard.press("Escape")
    page.page.wait_for_selector(".jp-Dialog", state="detached")
    page.page.get_by_role("tab", name="All", exact=True).click()
    page.page.locator(f".jp-mlops-jobs td button:text-is('{name}')").click()
    for tab in ("Runs", "Timeline", "Parameters", "Log", "Versions", "Schedules", "Settings"):
        page.page.get_by_role("tab", name=tab, exact=True).click()
        page.page.wait_for_timeout(500)
        look(f"job, {tab}", ".jp-mlops-job")
        page.picture(f"job-{tab.lower()}-{name}")
    for button in ("New schedule…", "Backfill…", "Sweep…"):
        page.page.locator(".jp-mlops-job").get_by_role("button", name=button).click()
        page.page.wait_for_selector(".jp-Dialog .jp-mlops-dialog")
        page.page.wait_for_timeout(500)
        look(button, ".jp-mlops-dialog")
        page.picture(f"dialog-{button.split()[0].strip('…').lower()}-{name}")
        page.page.keyboard.press("Escape")
        page.page.wait_for_selector(".jp-Dialog", state="detached")
    assert found == []


def test_it_costs_little(browser: Browser) -> None:
    """At most 600 kB of script, compressed, all of it together."""
    import gzip

    from tests.servers import BUILT

    files = sorted((BUILT / "static").glob("*.js"))
    assert files
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 600_000
