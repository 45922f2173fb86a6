"""What a person sees when the server or the worker goes away and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests import servers
from tests.lab.chromium import SETTINGS
from tests.lab.conftest import Lab

pytestmark = [pytest.mark.xdist_group("lab"), pytest.mark.kernel, pytest.mark.timeout(240)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data" / "labconfig").mkdir(parents=True)
    (tmp_path / "data" / "labconfig" / "default_setting_overrides.json").write_text(SETTINGS, encoding="utf-8")
    return tmp_path


def test_a_worker_is_started_by_hand_where_none_is(browser: Browser, folder: Path) -> None:
    with servers.server(folder, "--MlopsExtension.supervise_worker=False", app="lab") as made:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = Lab(context.new_page(), made)
        page.open(made.write("alone.ipynb", ("print('at last')", "step:a"))).panel()
        page.run()
        page.page.wait_for_selector("text=No worker is running")
        page.picture("no-worker")
        page.page.get_by_role("button", name="Start worker").click()
        page.last_run("completed")
        context.close()
        assert page.problems == []


def test_a_run_is_followed_though_the_server_was_started_again(
    browser: Browser, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = servers.free_port()
    monkeypatch.setattr(servers, "free_port", lambda: port)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    with servers.server(folder, app="lab") as made:
        page = Lab(context.new_page(), made)
        cells = [("import time; time.sleep(3); print(1)", f"step:s{at}") for at in range(5)]
        page.open(made.write("again.ipynb", *cells)).panel()
        page.run()
        page.page.wait_for_selector(".jp-mlops-run[data-state='running']")
        [run] = made.get("runs", notebook="again.ipynb")["runs"]
    (folder / "data" / "labextensions" / "jupyter-mlops").unlink()
    with servers.server(folder, app="lab") as made:
        assert made.over(run["id"])["state"] == "completed"
        page.last_run("completed", 60)
        expect(page.page.locator(".jp-mlops-run")).to_have_count(1)
        page.picture("server-again")
        context.close()
