"""Leaving for another engine, as a person does it in JupyterLab."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Route, expect

from jupyter_mlops.export.exporter import BUILT_IN, exporter
from jupyter_mlops.export.folder import RECORD
from tests.cli.command import command
from tests.lab.conftest import Lab
from tests.servers import TOKEN, Server

pytestmark = [pytest.mark.xdist_group("lab"), pytest.mark.kernel, pytest.mark.timeout(240)]
expect.set_options(timeout=30_000)
Write = Callable[..., str]
CELLS = (("n: int = 1  # how many", "parameters"), ("rows = [n]", "step:load"), ("print(len(rows))", "step:rate"))


def demo(page: Lab, lab: Server) -> Path:
    """The demo, published, in front; its export folders are empty."""
    path: str = lab.post("demo", {"folder": ""})["path"]
    lab.post("jobs/demo/versions", {"notebook": path})
    page.open(path).panel()
    return lab.root


def dialog_of(page: Lab) -> Locator:
    """The dialog for the notebook in front, once it has compared."""
    page.command("Export Pipeline…")
    dialog = page.page.locator(".jp-Dialog:has(.jp-mlops-export)")
    expect(dialog.locator(".jp-mlops-file").first).to_be_visible()
    return dialog


def rows(dialog: Locator) -> dict[str, str]:
    """Path -> mark of each file."""
    paths = dialog.locator(".jp-mlops-file span[title]").all_inner_texts()
    marks = [text.split()[-1] for text in dialog.locator(".jp-mlops-file > .jp-mlops-state").all_inner_texts()]
    return dict(zip(paths, marks, strict=True))


def accept(dialog: Locator) -> None:
    dialog.get_by_role("button", name="Export", exact=True).click()
    expect(dialog).to_have_count(0)


def test_the_demo_leaves_for_three_engines(page: Lab, lab: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    root = demo(page, lab)
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(lab.home))
    for target, file in (("airflow", "demo.py"), ("github", ".github/workflows/demo.yml"), ("docker", "Dockerfile")):
        dialog = dialog_of(page)
        dialog.get_by_label("Engine").select_option(label=exporter(target).label)
        folder = f"exports/{target}/demo"
        expect(dialog.get_by_label("Folder", exact=True)).to_have_value(folder)
        expect(dialog.locator(f".jp-mlops-file:has-text('{file}')").first).to_be_visible()
        expect(dialog.locator("[role=status] strong")).to_contain_text("to write")
        assert set(rows(dialog).values()) == {"New"}
        assert not (root / folder).exists()
        page.picture(f"export-{target}-new")
        accept(dialog)
        notice = page.page.locator(f".Toastify__toast:has-text('are in {folder}')")
        expect(notice).to_be_visible()
        assert (root / folder / file).is_file() and (root / folder / RECORD).is_file()
        checked = command("export", "demo", "--to", target, "-o", root / folder, "--check")
        assert checked.code == 0, checked.out
    for script in (root / "exports").rglob("*.sh"):
        assert script.stat().st_mode & 0o111, script
    notice.get_by_role("button", name="Open folder").click()
    expect(page.page.locator(".jp-DirListing-item:has-text('Dockerfile')")).to_be_visible()


def test_the_second_export_is_the_same_and_an_edit_is_kept(page: Lab, lab: Server) -> None:
    root = demo(page, lab)
    accept(dialog_of(page))
    dialog = dialog_of(page)
    expect(dialog.locator("[role=status] strong")).to_have_text("The folder already has this export.")
    assert set(rows(dialog).values()) == {"Same"}
    page.picture("export-same")
    dialog.get_by_role("button", name="Cancel").click()
    dag = root / "exports" / "airflow" / "demo" / "demo.py"
    mine = dag.read_text(encoding="utf-8").replace("retries", "tries")
    dag.write_text(mine, encoding="utf-8")
    dialog = dialog_of(page)
    assert rows(dialog)["demo.py"] == "Edited"
    export = dialog.get_by_role("button", name="Export", exact=True)
    expect(export).to_be_disabled()
    expect(dialog.locator("[data-sign='-']").first).to_contain_text("tries")
    page.picture("export-edited")
    dialog.get_by_label("Replace edited files").check()
    expect(export).to_be_enabled()
    assert dag.read_text(encoding="utf-8") == mine
    accept(dialog)
    assert "tries\n" not in dag.read_text(encoding="utf-8") and dag.read_text(encoding="utf-8") != mine


def test_the_dialog_in_a_dark_theme_and_by_keyboard(page: Lab, write: Write, lab: Server) -> None:
    lab.post("jobs/dark/versions", {"notebook": write("dark.ipynb", *CELLS)})
    lab.post("jobs/dark/export", {"target": "docker", "folder": "exports/docker/dark", "write": True})
    file = lab.root / "exports" / "docker" / "dark" / "Dockerfile"
    file.write_text(file.read_text(encoding="utf-8").replace("USER", "# USER"), encoding="utf-8")
    page.setting("@jupyterlab/apputils-extension:themes", theme="JupyterLab Dark")
    try:
        page.open("dark.ipynb").panel()
        page.page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")
        dialog = dialog_of(page)
        dialog.get_by_label("Engine").select_option(label="Docker and Compose")
        expect(dialog.locator("[data-sign='-']").first).to_contain_text("# USER")
        page.picture("export-dark")
        dialog.locator(".jp-mlops-file").last.focus()
        page.page.keyboard.press("Enter")
        expect(dialog.locator(".jp-mlops-file[aria-pressed='true']")).to_have_count(1)
        expect(dialog.locator(".jp-mlops-file").last).to_have_attribute("aria-pressed", "true")
        page.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    finally:
        page.setting("@jupyterlab/apputils-extension:themes")


def test_refusals_stand_at_their_fields(page: Lab, write: Write, lab: Server) -> None:
    lab.post("jobs/wrong/versions", {"notebook": write("wrong.ipynb", *CELLS)})
    page.open("wrong.ipynb").panel()
    dialog = dialog_of(page)
    for folder, message in (
        ("../up", "outside of the server's root"),
        ("wrong.ipynb", "wrong.ipynb is a file"),
        (".hidden", "hidden folders"),
    ):
        dialog.get_by_label("Folder", exact=True).fill(folder)
        expect(dialog.locator("#jp-mlops-export_folder__error")).to_contain_text(message)
        expect(dialog.get_by_role("button", name="Export", exact=True)).to_be_disabled()
    page.picture("export-refused")
    dialog.get_by_label("Folder", exact=True).fill("fine")
    expect(dialog.locator("#jp-mlops-export_folder__error")).to_have_count(0)
    dialog.get_by_label("Engine").select_option(label="Slurm")
    expect(dialog.get_by_label("Folder", exact=True)).to_have_value("fine")  # what a person entered stays
    page.page.route(exporting("wrong"), lambda route: route.abort() if is_write(route) else route.continue_())
    expect(dialog.get_by_role("button", name="Export", exact=True)).to_be_enabled()
    dialog.get_by_role("button", name="Export", exact=True).click()
    expect(dialog.locator("[role=alert]")).to_be_visible()
    page.page.unroute_all()
    accept(dialog)
    assert (lab.root / "fine" / RECORD).is_file()


def exporting(job: str) -> Callable[[str], bool]:
    """Whether a URL is that of the job's exports."""
    return lambda url: url.split("?")[0].endswith(f"/mlops/jobs/{job}/export")


def is_write(route: Route) -> bool:
    return bool((route.request.post_data_json or {}).get("write"))


def test_leaving_the_dialog_ends_the_export(page: Lab, write: Write, lab: Server) -> None:
    lab.post("jobs/left/versions", {"notebook": write("left.ipynb", *CELLS)})
    page.open("left.ipynb").panel()
    dialog = dialog_of(page)
    held: list[Route] = []
    aborted: list[str] = []
    page.page.on("requestfailed", lambda request: aborted.append(request.url))
    page.page.route(exporting("left"), lambda route: held.append(route))
    dialog.get_by_role("button", name="Export", exact=True).click()
    expect(dialog).to_have_attribute("aria-busy", "true")
    expect(dialog.locator("progress").last).to_be_visible()
    page.picture("export-waits")
    with page.page.expect_event("requestfailed"):
        dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert [url for url in aborted if exporting("left")(url)] and held
    assert page.page.locator(".jp-Dialog, .Toastify__toast").count() == 0
    page.page.unroute_all()
    assert not (lab.root / "exports" / "airflow" / "left").exists()


def test_a_notebook_that_is_not_published(page: Lab, write: Write, lab: Server) -> None:
    page.open(write("draft.ipynb", *CELLS)).panel()
    page.page.locator(".jp-mlops-publish").get_by_role("button", name="Export…").click()
    dialog = page.page.locator(".jp-Dialog:has(.jp-mlops-export)")
    expect(dialog.locator("#jp-mlops-export_version option:checked")).to_contain_text("not published")
    expect(dialog).to_contain_text("is not published has no schedule")
    expect(dialog.locator(".jp-mlops-file").first).to_be_visible()
    page.picture("export-draft")
    accept(dialog)
    assert (lab.root / "exports" / "airflow" / "draft" / "draft.py").is_file()
    dialog = dialog_of(page)
    dialog.get_by_role("button", name="Publish first…").click()
    expect(page.page.locator(".jp-Dialog:has(#jp-mlops-publish_job)")).to_be_visible()
    page.page.keyboard.press("Escape")


def test_a_version_of_a_job_is_chosen_on_its_page(page: Lab, write: Write, lab: Server) -> None:
    lab.post("jobs/many/versions", {"notebook": write("many.ipynb", *CELLS)})
    lab.post("jobs/many/versions", {"notebook": write("many.ipynb", *CELLS, ("print(n)", "step:more"))})
    page.open("many.ipynb").panel()
    page.command("Open Jobs")
    page.page.locator(".jp-mlops-jobs td button:text-is('many')").click()
    page.page.get_by_role("tab", name="Versions", exact=True).click()
    page.page.get_by_role("button", name="Export v1").click()
    dialog = page.page.locator(".jp-Dialog:has(.jp-mlops-export)")
    expect(dialog.locator("#jp-mlops-export_version option:checked")).to_have_text("v1")
    expect(dialog.locator(".jp-mlops-file:has-text('many-v1.zip')")).to_be_visible()
    dialog.get_by_label("Version").select_option(label="v2")
    expect(dialog.locator(".jp-mlops-file:has-text('many-v2.zip')")).to_be_visible()
    expect(dialog.get_by_label("Version").locator("option")).to_have_count(2)
    accept(dialog)
    record = json.loads((lab.root / "exports" / "airflow" / "many" / RECORD).read_text(encoding="utf-8"))
    assert (record["job"], record["version"]) == ("many", 2)


def test_the_menu_names_the_engines(page: Lab, write: Write, lab: Server) -> None:
    with page.page.expect_response(lambda response: "/api/nbconvert" in response.url, timeout=120_000):
        page.open(write("menu.ipynb", *CELLS))
    submenu = page.page.locator(".lm-Menu:has-text('Apache Airflow'):has-text('HTML')").last
    for _ in range(30):  # the formats are in the menu soon after the server has told them
        page.page.locator(".lm-MenuBar-itemLabel:text-is('File')").click()
        page.page.locator(".lm-Menu-itemLabel:text-is('Save and Export Notebook As')").hover()
        page.page.wait_for_timeout(1000)
        if submenu.count():
            break
        page.page.locator("#jp-top-panel").click(position={"x": 900, "y": 5})  # closes the menu
    expect(submenu).to_be_visible()
    page.picture("export-menu")
    labels = submenu.locator(".lm-Menu-itemLabel").all_inner_texts()
    assert {f"{exporter(target).label} (jupyter_mlops)" for target in BUILT_IN} <= set(labels)
    assert labels.index("HTML") < labels.index("Apache Airflow (jupyter_mlops)") < labels.index("Export Pipeline…")
    assert not [label for label in labels if label.lower().startswith("mlops-")]
    with page.page.context.expect_event("request", lambda request: "/nbconvert/" in request.url) as request:
        submenu.locator(".lm-Menu-itemLabel:text-is('Apache Airflow (jupyter_mlops)')").click()
    url = request.value.url
    assert "/nbconvert/mlops-airflow/menu.ipynb" in url
    answer = page.page.request.get(url, headers={"Authorization": f"token {TOKEN}"})
    assert "menu.py" in zipfile.ZipFile(io.BytesIO(answer.body())).namelist()
