"""Exports over REST: compared with a folder of the server's root, and written there through its contents manager."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from tornado.web import HTTPError

from jupyter_mlops.export.exporter import BUILT_IN
from jupyter_mlops.export.folder import RECORD, compare
from jupyter_mlops.server.handlers.exports import write
from jupyter_mlops.service.export import PreparedExport
from tests.cli.command import command
from tests.servers import TOKEN, Server, server

pytestmark = [pytest.mark.xdist_group("rest"), pytest.mark.kernel]
CELLS = (
    ("n: int = 1", "parameters"),
    ("rows = list(range(n))", "step:load"),
    ("score = len(rows) * 2; print(score)", "step:rate metrics"),
)


@pytest.fixture(scope="module")
def job(rest: Server) -> str:
    rest.write("exports/sums.ipynb", *CELLS)
    rest.post("jobs/sums/versions", {"notebook": "exports/sums.ipynb"}, 201)
    return "sums"


def export(rest: Server, target: str, folder: str, **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = rest.post("jobs/sums/export", {"target": target, "folder": folder, **options}, 200)
    return answer


def download(rest: Server, path: str) -> bytes:
    with urlopen(Request(f"{rest.url}/{path}", headers={"Authorization": f"token {TOKEN}"})) as response:
        content: bytes = response.read()
        return content


def states(answer: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    return {file["path"]: (file["state"], file["edited"]) for file in answer["files"]}


def test_every_exporter_says_what_it_writes(rest: Server) -> None:
    exporters = {each["name"]: each for each in rest.get("exporters")["exporters"]}
    assert set(BUILT_IN) <= set(exporters)
    assert exporters["airflow"]["label"] == "Apache Airflow"
    for each in exporters.values():
        assert each["summary"] and not each["summary"].endswith("."), each


@pytest.mark.parametrize("target", BUILT_IN)
def test_an_export_is_compared_then_written_then_the_same(rest: Server, job: str, target: str) -> None:
    folder = f"made/{target}/{job}"
    before = export(rest, target, folder)
    assert {state for state, _ in states(before).values()} == {"new"}
    assert not before["matches"] and not (rest.root / folder).exists()
    assert (before["target"], before["job"], before["version"], before["folder"]) == (target, job, "v1", folder)
    export(rest, target, folder, write=True)
    files = {file["path"]: file for file in before["files"]}
    present = {path.relative_to(rest.root / folder).as_posix() for path in (rest.root / folder).rglob("*")}
    assert {path for path in present if (rest.root / folder / path).is_file()} == {*files, RECORD}
    for path, file in files.items():
        on_disk = rest.root / folder / path
        assert on_disk.stat().st_size == file["size"]
        assert bool(on_disk.stat().st_mode & 0o111) is file["executable"], path
    after = export(rest, target, folder)
    assert after["matches"] and {state for state, _ in states(after).values()} == {"same"}
    assert after["digest"] == before["digest"]


def test_the_command_line_agrees(rest: Server, job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What JupyterLab wrote, `--check` accepts: same bytes, same record."""
    export(rest, "github", "checked", write=True)
    folder = rest.root / "checked"
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(rest.home))
    checked = command("export", job, "--to", "github", "-o", folder, "--check")
    assert (checked.code, checked.err) == (0, "")
    (folder / ".github" / "workflows" / "sums.yml").write_text("mine\n", encoding="utf-8")
    assert command("export", job, "--to", "github", "-o", folder, "--check").code == 1


def test_an_edited_file_is_refused_then_replaced(rest: Server, job: str) -> None:
    export(rest, "docker", "edited", write=True)
    for name in ("Dockerfile", ".dockerignore"):
        (rest.root / "edited" / name).write_text("# mine\n", encoding="utf-8")
    answer = export(rest, "docker", "edited")
    edited = {file["path"]: file for file in answer["files"] if file["edited"]}
    assert set(edited) == {"Dockerfile", ".dockerignore"}
    assert "-# mine\n" in edited["Dockerfile"]["diff"] and "+FROM" in edited["Dockerfile"]["diff"]
    refused = rest.ask("POST", "jobs/sums/export", {"target": "docker", "folder": "edited", "write": True})
    assert (refused.status, refused.json["reason"]) == (409, "Conflict")
    assert "Dockerfile" in refused.json["message"]
    assert (rest.root / "edited" / "Dockerfile").read_text(encoding="utf-8") == "# mine\n"
    export(rest, "docker", "edited", write=True, replace_edited=True)
    assert export(rest, "docker", "edited")["matches"]


def test_what_the_last_export_wrote_and_this_one_does_not_is_removed(rest: Server, job: str) -> None:
    export(rest, "gitlab", "moved", write=True)
    answer = export(rest, "docker", "moved", write=True)
    removed = {path for path, (state, _) in states(answer).items() if state == "removed"}
    assert removed == {"sums.gitlab-ci.yml"}
    assert not (rest.root / "moved" / "sums.gitlab-ci.yml").exists()


def test_contents_come_on_request(rest: Server, job: str) -> None:
    assert all(file["content"] is None for file in export(rest, "airflow", "asked")["files"])
    files = {file["path"]: file for file in export(rest, "airflow", "asked", contents=True)["files"]}
    assert files["sums.py"]["encoding"] == "text" and "DAG" in files["sums.py"]["content"]
    bundle = files["sums-v1.zip"]
    assert bundle["encoding"] == "base64"
    assert zipfile.ZipFile(io.BytesIO(base64.b64decode(bundle["content"]))).testzip() is None


def test_the_root_itself_can_be_exported_to(rest: Server, job: str) -> None:
    assert export(rest, "cron", "")["folder"] == ""
    assert export(rest, "cron", "/cron//here/./", write=True)["folder"] == "cron/here"
    assert (rest.root / "cron" / "here" / RECORD).is_file()


REFUSED: list[tuple[dict[str, Any], int, str, str]] = [
    ({"target": "airflw"}, 404, "target", "there is no export target 'airflw'"),
    ({"target": "a" * 4000}, 422, "target", "200 characters"),
    ({"target": ""}, 422, "target", "1 character"),
    ({"version": "v9"}, 404, "", "no version v9"),
    ({"version": "@production"}, 404, "", "no version @production"),
    ({"version": "v1; rm -rf /"}, 422, "", "is not a version"),
    ({"version": "x" * 4000}, 422, "version", "100 characters"),
    ({"folder": "../outside"}, 422, "folder", "outside of the server's root"),
    ({"folder": "a/../../outside"}, 422, "folder", "outside of the server's root"),
    ({"folder": "a/" * 3000}, 422, "folder", "4096 characters"),
    ({"folder": "é" * 200}, 422, "folder", "longer than 255 bytes"),
    ({"folder": "x" * 4000}, 422, "folder", "longer than 255 bytes"),
    ({"folder": "a\0b"}, 422, "", "can't be a path"),
    ({"folder": ".hidden/out"}, 422, "folder", "hidden folders"),
    ({"folder": "exports/sums.ipynb"}, 422, "folder", "exports/sums.ipynb is a file"),
    ({"folder": "exports/sums.ipynb/below"}, 422, "folder", "exports/sums.ipynb is a file"),
    ({"folder": 7}, 422, "folder", "valid string"),
    ({"write": "yes"}, 422, "write", "valid boolean"),
    ({"odd": 1}, 422, "odd", "not permitted"),
]


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(("change", "status", "field", "message"), REFUSED)
def test_bad_input(
    rest: Server, job: str, change: dict[str, Any], status: int, field: str, message: str, write: bool
) -> None:
    answer = rest.ask("POST", f"jobs/{job}/export", {"target": "airflow", "folder": "bad", "write": write, **change})
    assert answer.status == status, answer.body
    assert message in answer.json["message"]
    assert answer.json["field"] == field
    assert not (rest.root / "bad").exists() and not (rest.root.parent / "outside").exists()


@pytest.mark.parametrize("name", ["$(touch pwned)", 'it\'s "quoted"', "naïve ☃", "a\nb", "-rf", "c:d", "%2e%2e"])
def test_odd_folder_names_are_only_names(rest: Server, job: str, name: str) -> None:
    export(rest, "airflow", f"odd/{name}", write=True)
    assert (rest.root / "odd" / name / "sums.py").is_file()
    assert export(rest, "airflow", f"odd/{name}")["matches"]


def test_a_folder_where_a_file_goes(rest: Server, job: str) -> None:
    for target, path in (("airflow", "sums.py"), ("docker", ".dockerignore")):
        (rest.root / f"blocked-{target}" / path).mkdir(parents=True)
        answer = rest.ask("POST", f"jobs/{job}/export", {"target": target, "folder": f"blocked-{target}"})
        assert (answer.status, answer.json["field"]) == (422, "folder"), answer.body


@pytest.mark.parametrize("record", ["[]", '{"files": 3}', "\udcff"])
def test_a_record_that_can_not_be_read_protects_what_is_there(rest: Server, job: str, record: str) -> None:
    folder = rest.root / "broken"
    folder.mkdir(exist_ok=True)
    (folder / "sums.py").write_text("mine\n", encoding="utf-8")
    (folder / RECORD).write_bytes(record.encode("utf-8", "surrogateescape"))
    assert states(export(rest, "airflow", "broken"))["sums.py"] == ("changed", True)


def test_a_record_can_not_remove_files_outside(rest: Server, job: str) -> None:
    folder = rest.root / "hostile"
    folder.mkdir()
    (folder / RECORD).write_text(json.dumps({"files": {"../exports/sums.ipynb": "x"}}), encoding="utf-8")
    answer = rest.ask("POST", f"jobs/{job}/export", {"target": "cron", "folder": "hostile", "write": True})
    assert answer.status == 422 and "outside" in answer.json["message"]
    assert (rest.root / "exports" / "sums.ipynb").is_file()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place where root can't write either")
def test_what_can_not_be_read_or_written_says_so(rest: Server, job: str) -> None:
    (rest.root / "loop").symlink_to("loop")
    (rest.root / "proc").symlink_to("/proc/self")
    for folder, message in (("loop/x", "can't be read"), ("proc/x", "can't be written")):
        body = {"target": "airflow", "folder": folder, "write": True}
        answer = rest.ask("POST", f"jobs/{job}/export", body)
        assert (answer.status, answer.json["field"]) == (422, "folder"), answer.body
        assert message in answer.json["message"]


def test_a_notebook_is_exported_before_it_is_published(rest: Server) -> None:
    (rest.root / "drafts").mkdir(exist_ok=True)
    (rest.root / "drafts" / "tools.py").write_text("def double(x):\n    return 2 * x\n", encoding="utf-8")
    rest.write("drafts/fresh.ipynb", ("import tools", "imports"), ("x = tools.double(2)", "step:a"))
    body = {"notebook": "drafts/fresh.ipynb", "target": "airflow", "folder": "drafts/out"}
    assert rest.post("export", body)["version"] == ""
    rest.post("export", {**body, "write": True})
    again = rest.post("export", {**body, "contents": True})
    assert again["matches"] and again["job"] == "fresh"
    [bundle] = [file for file in again["files"] if file["path"].endswith(".zip")]
    names = zipfile.ZipFile(io.BytesIO(base64.b64decode(bundle["content"]))).namelist()
    assert any(name.endswith("tools.py") for name in names)


def test_notebooks_that_can_not_be_exported(rest: Server) -> None:
    julia = {"kernelspec": {"name": "julia-1.10", "display_name": "Julia", "language": "julia"}}
    rest.write("drafts/julia.ipynb", ("x = 1", "step:a"))
    path = rest.root / "drafts" / "julia.ipynb"
    path.write_text(json.dumps({**json.loads(path.read_text()), "metadata": julia}), encoding="utf-8")
    answer = rest.ask("POST", "export", {"notebook": "drafts/julia.ipynb", "target": "airflow"})
    assert answer.status == 422 and "only Python notebooks" in answer.json["message"]
    rest.write("drafts/plain.ipynb", ("import os", "imports"))
    answer = rest.ask("POST", "export", {"notebook": "drafts/plain.ipynb", "target": "airflow"})
    assert answer.status == 422 and "no steps" in answer.json["message"]
    for path in ("../secret.ipynb", "none.ipynb", "plain.txt"):  # type: ignore[assignment]
        assert rest.ask("POST", "export", {"notebook": path, "target": "airflow"}).status == 404


@pytest.mark.parametrize("target", ["airflow", "kubernetes"])
def test_nbconvert_in_the_server_gives_an_archive(rest: Server, target: str) -> None:
    """As JupyterLab's menu Save and Export Notebook As asks for it."""
    rest.write("drafts/menu.ipynb", *CELLS)
    archive = zipfile.ZipFile(io.BytesIO(download(rest, f"nbconvert/mlops-{target}/drafts/menu.ipynb?download=true")))
    assert {"airflow": "menu.py", "kubernetes": "menu.yaml"}[target] in archive.namelist()
    assert len(archive.namelist()) > 1


def test_an_export_that_nobody_waits_for_ends_between_two_files() -> None:
    files = {"a": b"1", "b": b"2", "c": b"3"}
    written: list[str] = []

    class Folder:
        async def write(self, path: str, content: bytes, *, executable: bool) -> None:
            written.append(path)

    prepared = PreparedExport("Engine", {"target": "t"}, files, ())
    changes = compare(files, {}, {})
    with pytest.raises(HTTPError):
        asyncio.run(write(Folder(), prepared, changes, lambda: len(written) == 2))  # type: ignore[arg-type]
    assert written == ["a", "b"]
    asyncio.run(write(Folder(), prepared, changes, lambda: False))  # type: ignore[arg-type]
    assert written[2:] == ["a", "b", "c", RECORD]


REMOTE = """
import sys
sys.path.insert(0, {folder!r})
from memory_contents import MemoryContents
c.ServerApp.contents_manager_class = MemoryContents
"""


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Server]:
    """A server whose contents manager keeps nothing on this machine."""
    config = REMOTE.format(folder=str(Path(__file__).parent))
    with server(tmp_path, config=config) as started:
        yield started


def test_a_manager_that_keeps_files_elsewhere_gets_all_of_them(remote: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hidden ones too; and what can't be made executable there is left to a person, in a sentence."""
    notebook = remote.root / "sums.ipynb"
    remote.write("sums.ipynb", *CELLS)
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(remote.home))
    assert command("publish", notebook, "--job", "sums").code == 0
    for target, hidden in (("github", ".github/workflows/sums.yml"), ("cron", RECORD)):
        answer = export(remote, target, f"out/{target}", write=True)
        assert export(remote, target, f"out/{target}")["matches"]
        assert not (remote.root / "out").exists()
        request = Request(
            f"{remote.url}/api/contents/out/{target}/{hidden}", headers={"Authorization": f"token {TOKEN}"}
        )
        with urlopen(request) as kept:
            assert json.load(kept)["content"]
    assert [sentence for sentence in answer["omissions"] if "sums-run.sh has to be made executable" in sentence]
