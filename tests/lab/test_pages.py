"""The pages of runs and jobs, the forms and the dialogs, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Route, expect

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


def test_the_page_of_jobs_comes_back_as_it_was(page: Lab, write: Write, lab: Server) -> None:
    lab.post("jobs/again/versions", {"notebook": write("again.ipynb", ("x = 1", "step:a")), "message": "the one"})
    page.open("again.ipynb").panel()
    page.command("Open Jobs")
    page.page.locator(".jp-mlops-jobs td button:text-is('again')").click()
    tab(page, "Versions")
    page.page.wait_for_selector(".jp-mlops-job td:has-text('the one')")
    page.page.wait_for_timeout(1500)  # JupyterLab saves its layout a second after it changed
    page.page.goto(page.page.url.replace("&reset", "").replace("?reset", ""))
    page.page.wait_for_selector(".jp-mlops-job td:has-text('the one')")
    expect(page.page.get_by_role("tab", name="Versions", exact=True)).to_have_attribute("aria-selected", "true")


def past(lab: Server, job: str, count: int, steps: int) -> None:
    """Runs that the job had before, written into its database."""
    import random
    import time

    from sqlalchemy import insert

    from jupyter_mlops.config import RunConfig
    from jupyter_mlops.db import tables as t
    from jupyter_mlops.service.jobs import open_workspace

    chance = random.Random(7)
    space = open_workspace(RunConfig(home=str(lab.home)))
    known = space.catalog.job(job)
    version = space.catalog.versions(known)[0]
    runs, of_steps = [], []
    for at in range(count):
        run_id, began = f"past-{at:04d}", time.time() - 3600 * (count - at)
        failed = chance.random() < 0.12
        seconds = [chance.uniform(0.5, 3) for _ in range(steps)]
        runs.append(
            {"id": run_id, "job_id": known.id, "version_id": version.id, "trigger": "schedule", "slot": began,
             "state": "failed" if failed else "completed", "created": began, "started": began + 0.5,
             "finished": began + sum(seconds), "attempt": 1, "parameters": {"n": at // 20},
             "metrics": {"auc": round(0.9 + chance.random() / 20, 4)}}
        )  # fmt: skip
        for position, took in enumerate(seconds):
            late = failed and position == steps - 1
            of_steps.append(
                {"run_id": run_id, "position": position, "name": f"step_with_a_rather_long_name_{position:02d}",
                 "state": "failed" if late else "completed", "attempts": 1, "seconds": took}
            )  # fmt: skip
    with space.db.write() as c:
        c.execute(insert(t.run), runs)
        c.execute(insert(t.step_run), of_steps)
    space.close()


CELLS = (("n: int = 1  # how many", "parameters"), ("auc = 0.9; print('auc', auc)", "step:a metrics"))
PARTS = {
    "Runs": ".jp-mlops-runs-grid", "Timeline": ".jp-mlops-bar-of-run", "Parameters": "td[data-changed='true']",
    "Log": ".jp-mlops-log-cell:has-text('auc 0.9')", "Versions": ".jp-mlops-pair", "Schedules": "td:has-text('paused')",
    "Settings": "#jp-mlops-settings_runs_retries",
}  # fmt: skip


def test_the_page_of_a_job_with_a_past(page: Lab, write: Write, lab: Server) -> None:
    write("busy.ipynb", *CELLS)
    lab.post("jobs/busy/versions", {"notebook": "busy.ipynb", "message": "the first"})
    write("busy.ipynb", CELLS[0], ("auc = 0.91; print('auc', auc)", "step:a metrics"))
    past(lab, "busy", 200, 40)
    lab.post("jobs/busy/versions", {"notebook": "busy.ipynb", "message": "better, and with a long word about why"})
    last = lab.over(lab.post("runs", {"job": "busy@v1"})["id"])
    made = lab.post("schedules", {"job": "busy", "cron": "0 6 * * MON-FRI", "zone": "Europe/Paris"})
    lab.post("schedules", {"job": "busy", "cron": "*/5 * * * *", "zone": "UTC"})
    lab.ask("PATCH", f"schedules/{made['id']}", {"paused": True})
    page.open(write("beside.ipynb", ("x = 1", "step:a"))).panel()
    page.command("Open Jobs")
    row = page.page.locator(".jp-mlops-jobs tr:has(button:text-is('busy'))")
    expect(row.locator(".jp-mlops-health i")).to_have_count(20)
    assert "completed" in str(row.locator(".jp-mlops-health i").last.get_attribute("title"))
    expect(row).to_contain_text("UTC")
    page.picture("jobs-busy")
    tab(page, "Calendar")
    page.page.wait_for_selector(".jp-mlops-frequent:has-text('busy')")
    expect(page.page.locator(".jp-mlops-week th")).to_have_count(7)
    page.picture("calendar-busy")
    tab(page, "All")
    row.get_by_role("button", name="Pause busy").click()
    expect(row).to_contain_text("paused")
    row.get_by_role("button", name="Resume busy").click()
    row.get_by_role("button", name="busy", exact=True).click()
    for name, sign in PARTS.items():
        tab(page, name)
        page.page.wait_for_selector(f".jp-mlops-job {sign}")
        page.picture(f"job-{name.lower()}")
    tab(page, "Versions")
    page.page.get_by_role("button", name="Changes of v2").click()
    page.page.wait_for_selector(".jp-mlops-pair [data-sign='+']")
    tab(page, "Timeline")
    page.page.locator(".jp-mlops-bars").first.click()
    page.page.wait_for_selector(".jp-mlops-in-time .jp-mlops-span")
    page.picture("job-timeline-open")
    tab(page, "Runs")
    heads = page.page.locator(".jp-mlops-runs-grid thead button")
    heads.nth(-2).click(modifiers=["Shift"])
    expect(page.page.locator(".jp-mlops-runs-grid thead")).to_contain_text("another")
    heads.last.click(modifiers=["Shift"])
    page.page.wait_for_selector(f".jp-mlops-compare:has-text('{last['id']}')")


def test_settings_of_a_job_are_changed_and_errors_stand_at_their_fields(page: Lab, write: Write, lab: Server) -> None:
    lab.post("jobs/kept/versions", {"notebook": write("kept.ipynb", *CELLS)})
    page.open("kept.ipynb").panel()
    page.command("Open Jobs")
    page.page.locator(".jp-mlops-jobs td button:text-is('kept')").click()
    tab(page, "Settings")
    form = page.page.locator(".jp-mlops-settings")
    form.get_by_label("Retries of a failed run").fill("-1")
    form.get_by_role("button", name="Save").click()
    expect(form.locator("#jp-mlops-settings_runs_retries__error")).to_contain_text("0 or more")
    form.get_by_label("Retries of a failed run").fill("2")
    form.get_by_label("Addresses").fill("https://example.org/hook")
    form.get_by_label("a long run").check()
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("status")).to_have_text("Saved.")
    told = lab.get("jobs/kept")["policies"]
    assert (told["retries"], told["notify"], told["concurrency"]) == (2, ["https://example.org/hook"], 1)
    assert "long-running" in told["notify_on"]


def scheduling(page: Lab, write: Write, lab: Server, job: str) -> Locator:
    """The dialog that schedules a job, published just now."""
    lab.post(f"jobs/{job}/versions", {"notebook": write(f"{job}.ipynb", *CELLS)})
    page.open(f"{job}.ipynb").panel()
    page.command("Open Jobs")
    page.page.get_by_role("button", name=f"Schedule {job}").click()
    return page.page.locator(".jp-Dialog")


def test_a_schedule_is_made_by_hand_refused_at_its_field_and_changed(page: Lab, write: Write, lab: Server) -> None:
    dialog = scheduling(page, write, lab, "clock")
    dialog.locator(".jp-mlops-preset:has-text('Weekly')").click()
    dialog.get_by_label("Day of the week").select_option(label="Wednesday")
    dialog.get_by_label("Time of day").fill("08:30")
    expect(dialog.locator(".jp-mlops-preview p")).to_contain_text("Wednesday")
    expect(dialog.locator(".jp-mlops-preview li")).to_have_count(5)
    dialog.locator(".jp-mlops-preset:has-text('Custom')").click()
    field = dialog.get_by_label("Cron expression")
    expect(field).to_have_value("30 8 * * WED")
    field.fill("61 * * * *")
    expect(dialog.locator("#jp-mlops-when_cron__error")).to_be_visible()
    expect(dialog.locator(".jp-Dialog-footer button.jp-mod-accept")).to_be_disabled()
    page.picture("schedule-wrong")
    field.fill("30 2 * * *")
    dialog.get_by_label("Time zone").fill("Mars/Base")
    expect(dialog.locator("#jp-mlops-when_zone__error")).to_be_visible()
    dialog.get_by_label("Time zone").fill("Asia/Kathmandu")
    expect(dialog.locator(".jp-Dialog-footer button.jp-mod-accept")).to_be_enabled()
    dialog.locator("summary:has-text('Parameters')").click()
    dialog.locator("#jp-mlops-parameters_n").fill("5")
    page.picture("schedule-custom")
    dialog.locator(".jp-Dialog-footer button.jp-mod-accept").click()
    expect(dialog).to_have_count(0)
    [made] = lab.get("schedules", job="clock")["schedules"]
    assert (made["cron"], made["zone"], made["parameters"]) == ("30 2 * * *", "Asia/Kathmandu", {"n": 5})
    page.page.locator(".jp-mlops-jobs td button:text-is('clock')").click()
    tab(page, "Schedules")
    page.page.get_by_role("button", name="Change the schedule").click()
    expect(dialog.get_by_label("Time of day")).to_have_value("02:30")
    expect(dialog.locator("#jp-mlops-parameters_n")).to_have_value("5")
    dialog.get_by_label("Time of day").fill("03:15")
    dialog.get_by_role("button", name="Change schedule").click()
    expect(dialog).to_have_count(0)
    [changed] = lab.get("schedules", job="clock")["schedules"]
    assert (changed["id"], changed["cron"], changed["parameters"]) == (made["id"], "15 3 * * *", {"n": 5})


def test_a_dialog_stays_until_the_server_has_answered(page: Lab, write: Write, lab: Server) -> None:
    dialog = scheduling(page, write, lab, "slow")
    accept = dialog.locator(".jp-Dialog-footer button.jp-mod-accept")
    dialog.locator(".jp-mlops-preset:has-text('Custom')").click()
    dialog.get_by_label("Cron expression").fill("15 4 * * *")
    held: list[Route] = []
    page.page.route(lambda url: url.split("?")[0].endswith("/mlops/schedules"), lambda route: held.append(route))
    accept.click()
    expect(dialog).to_have_attribute("aria-busy", "true")
    expect(accept).to_be_disabled()
    expect(dialog.locator("button.jp-mod-reject")).to_have_text("Close")
    page.picture("dialog-waits")
    page.page.keyboard.press("Enter")  # which asks nothing a second time
    page.page.wait_for_timeout(300)
    [asked] = held
    asked.fulfill(status=503, json={"field": "", "message": "the database is locked"})
    expect(dialog.locator(".jp-mlops-callout")).to_contain_text("the database is locked")
    expect(dialog.get_by_label("Cron expression")).to_have_value("15 4 * * *")
    page.page.unroute_all()
    expect(accept).to_be_enabled()
    accept.click()
    expect(dialog).to_have_count(0)
    [made] = lab.get("schedules", job="slow")["schedules"]
    assert made["cron"] == "15 4 * * *"


def test_the_day_on_which_clocks_change_is_told(page: Lab, write: Write, lab: Server) -> None:
    zone = ZoneInfo("Europe/Paris")

    def midnight(ahead: int) -> datetime:
        day = datetime.now(zone).date() + timedelta(days=ahead)
        return datetime(day.year, day.month, day.day, tzinfo=zone)

    ahead = next(n for n in range(1, 366) if midnight(n).utcoffset() != midnight(n + 1).utcoffset())
    change = midnight(ahead).date()
    dialog = scheduling(page, write, lab, "shifted")
    dialog.locator(".jp-mlops-preset:has-text('Custom')").click()
    dialog.get_by_label("Time zone").fill("Europe/Paris")
    dialog.get_by_label("Cron expression").fill(f"30 2 {change.day} {change.month} *")
    expect(dialog.locator(".jp-mlops-preview li").first).to_contain_text("clocks change that day")
    page.picture("schedule-clocks")
    dialog.get_by_label("Cron expression").fill(f"30 2 {change.day} {change.month % 12 + 1} *")
    expect(dialog.locator(".jp-mlops-preview li").first).to_be_visible()
    expect(dialog.locator(".jp-mlops-preview em")).to_have_count(0)


def test_publishing_tells_what_changed_and_its_button_says_what_it_does(page: Lab, write: Write, lab: Server) -> None:
    lab.post("jobs/news/versions", {"notebook": write("news.ipynb", *CELLS)})
    page.open(write("news.ipynb", CELLS[0], ("auc = 0.95; print('auc', auc, missing)", "step:a metrics"))).panel()
    page.page.wait_for_selector(".jp-mlops-check[data-severity='error']")
    page.page.locator(".jp-mlops-publish button:has-text('Publish v2…')").click()
    dialog = page.page.locator(".jp-Dialog")
    expect(dialog.locator(".jp-Dialog-footer button.jp-mod-accept")).to_have_text("Publish v2")
    expect(dialog).to_contain_text("will not run headless")
    expect(dialog.locator("details")).to_have_count(5)
    expect(dialog.locator("details[open]")).to_have_count(1)
    page.picture("publish-changes")
    dialog.get_by_label("Job").fill("other")
    expect(dialog.locator(".jp-Dialog-footer button.jp-mod-accept")).to_have_text("Publish v1")
    dialog.get_by_label("Job").fill("../up")
    dialog.locator(".jp-Dialog-footer button.jp-mod-accept").click()
    expect(dialog.locator("#jp-mlops-publish_job__error")).to_contain_text("is not a valid job name")
    dialog.get_by_label("Job").fill("news")
    expect(dialog.locator("#jp-mlops-publish_job__error")).to_have_count(0)
    expect(dialog.locator(".jp-Dialog-footer button.jp-mod-accept")).to_have_text("Publish v2")
    dialog.locator(".jp-Dialog-footer button.jp-mod-accept").click()
    page.page.wait_for_selector("text=news v2 is published")


def test_each_parameter_has_a_field_of_its_type(page: Lab, write: Write, lab: Server) -> None:
    source = """from datetime import date, datetime
from pathlib import Path
from typing import Literal
n: int = 3  # how many
rate: float = 0.5  # learning rate, between nothing and one
fast: bool = True
name: str = "a"
since: date = date(2026, 1, 1)
at: datetime = datetime(2026, 1, 1, 6, 0)
how: Literal["one", "two"] = "one"
shares: list = [0.1, 0.2]
place: Path = Path("data/in.csv")
limit: int | None = None"""
    path = write("typed.ipynb", (source, "parameters"), ("print(n, rate, fast, how, limit)", "step:a"))
    page.open(path).panel()
    for name in ("Checks", "Pipeline", "Last runs", "Publish and schedule"):
        page.page.locator(f"#jupyter-mlops-panel .jp-AccordionPanel-title:has-text('{name}')").click()
    form = page.page.locator(".jp-mlops-parameters")

    types = {"n": "number", "rate": "number", "fast": "checkbox", "since": "date", "at": "datetime-local"}
    for name, kind in types.items():
        expect(form.locator(f"[id='jp-mlops-parameters_{name}']")).to_have_attribute("type", kind)
    page.picture("parameters-typed")
    n = form.locator("#jp-mlops-parameters_n")
    n.fill("")
    expect(form.locator(".jp-mlops-parameter:has(#jp-mlops-parameters_n)")).to_contain_text("Enter a value")
    page.run()
    page.page.wait_for_selector("text=The run was not started")
    n.fill("4")
    form.locator("#jp-mlops-parameters_fast").uncheck()
    form.locator("#jp-mlops-parameters_how").select_option(label="two")
    form.locator("#jp-mlops-parameters_since").fill("2026-02-03")
    form.locator("#jp-mlops-parameters_limit").fill("9")
    expect(form).to_contain_text("5 changed")
    form.get_by_role("button", name="Reset since").click()
    expect(form).to_contain_text("4 changed")
    page.picture("parameters-changed")
    page.run()
    page.page.locator("#jupyter-mlops-panel .jp-AccordionPanel-title:has-text('Last runs')").click()
    page.last_run("completed")
    [run] = lab.get("runs", notebook="typed.ipynb")["runs"]
    assert run["parameters"] == {"n": 4, "fast": False, "how": "two", "limit": 9}
    form.get_by_role("button", name="Reset all").click()
    expect(form).to_contain_text("defaults")
    form.get_by_label("Values of an earlier run").select_option(index=1)
    expect(form).to_contain_text("4 changed")
    expect(n).to_have_value("4")


def test_a_backfill_is_counted_and_refused_at_its_field(page: Lab, write: Write, lab: Server) -> None:
    lab.post("jobs/fill/versions", {"notebook": write("fill.ipynb", *CELLS)})
    page.open("fill.ipynb").panel()
    page.command("Open Jobs")
    page.page.locator(".jp-mlops-jobs td button:text-is('fill')").click()
    page.page.get_by_role("button", name="Backfill…").click()
    dialog = page.page.locator(".jp-Dialog")
    dialog.locator("#jp-mlops-batch_begin").fill("2026-01-05")
    dialog.locator("#jp-mlops-batch_end").fill("2026-01-06")
    dialog.locator("#jp-mlops-batch_zone").fill("UTC")
    expect(dialog.locator(".jp-mlops-count")).to_have_text("2 runs of v1")
    expect(dialog.locator(".jp-Dialog-footer button.jp-mod-accept")).to_have_text("Start 2 runs")
    dialog.locator("#jp-mlops-batch_cron").fill("61 * * * *")
    expect(dialog.locator("#jp-mlops-batch_cron__error")).to_be_visible()
    expect(dialog.locator(".jp-Dialog-footer button.jp-mod-accept")).to_be_disabled()
    dialog.locator("#jp-mlops-batch_cron").fill("0 6 * * *")
    dialog.locator("#jp-mlops-batch_end").fill("2026-01-01")
    expect(dialog.locator("#jp-mlops-batch_end__error")).to_contain_text("before the beginning")
    page.picture("backfill-wrong")
    dialog.locator("#jp-mlops-batch_end").fill("2026-01-06")
    dialog.get_by_role("button", name="Start 2 runs").click()
    page.page.wait_for_selector("section[aria-label^='Batch']:has-text('2 completed')", timeout=60_000)


def test_a_notebook_renamed_while_it_runs_keeps_its_run(page: Lab, write: Write, lab: Server) -> None:
    page.open(write("early.ipynb", ("import time; time.sleep(8)", "step:wait"), ("print('done')", "step:end"))).panel()
    page.run()
    page.page.wait_for_selector(".jp-mlops-run[data-state='running']")
    page.page.locator(".jp-DirListing-item:has-text('early.ipynb')").click()
    page.page.keyboard.press("F2")
    page.page.keyboard.type("late")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".jp-mlops-bar-name:has-text('late.ipynb')")
    expect(page.page.locator(".jp-mlops-run")).to_have_count(1)
    page.last_run("completed")
    assert [run["state"] for run in lab.get("runs", notebook="late.ipynb")["runs"]] == ["completed"]


def test_a_run_ends_though_its_notebook_was_closed(page: Lab, write: Write, lab: Server) -> None:
    page.open(write("shut.ipynb", ("import time; time.sleep(4)", "step:wait"))).panel()
    page.run()
    page.page.wait_for_selector(".jp-mlops-run[data-state='running']")
    [run] = lab.get("runs", notebook="shut.ipynb")["runs"]
    page.saved("shut.ipynb")
    page.page.locator(".lm-TabBar-tab.jp-mod-current .lm-TabBar-tabCloseIcon").first.click()
    expect(page.page.locator(".jp-mlops-bar")).to_have_count(0)
    assert lab.over(run["id"])["state"] == "completed"
    page.page.locator(".jp-DirListing-item:has-text('shut.ipynb')").dblclick()
    page.last_run("completed")


def test_what_is_typed_but_not_saved_is_what_runs(page: Lab, write: Write, lab: Server) -> None:
    page.open(write("dirty.ipynb", ("print('old')", "step:a"))).panel()
    page.node("a").wait_for()
    page.cell(0).locator(".cm-content").click()
    page.page.keyboard.press("Control+a")
    page.page.keyboard.type("print('new')")
    page.run()
    page.last_run("completed")
    [run] = lab.get("runs", notebook="dirty.ipynb")["runs"]
    assert "new\n" in lab.get(f"runs/{run['id']}/log")["text"]


def test_a_kernel_that_is_missing_is_said_and_nothing_runs(page: Lab, write: Write, lab: Server) -> None:
    import json

    path = lab.root / write("nokernel.ipynb", ("print(1)", "step:a"))
    made = json.loads(path.read_text(encoding="utf-8"))
    made["metadata"]["kernelspec"] = {"name": "gone", "display_name": "Gone", "language": "python"}
    path.write_text(json.dumps(made), encoding="utf-8")
    page.page.goto(f"{lab.url}/lab/workspaces/nokernel/tree/nokernel.ipynb?token=secret-of-the-tests&reset")
    choice = page.page.locator(".jp-Dialog:has-text('Select Kernel')")
    choice.get_by_role("button", name="No Kernel").click()
    page.panel()
    page.run()
    notice = page.page.locator(".jp-toast-message, .Toastify__toast")
    expect(notice.first).to_contain_text("no kernel named 'gone'")
    expect(page.page.locator(".jp-toast-button:has-text('Try again')")).to_be_visible()
    expect(page.page.locator(".jp-toast-button:has-text('Show cell')")).to_have_count(0)
    page.last_run("failed")
    page.picture("kernel-missing")
