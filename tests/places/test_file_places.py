"""One suite over the places that hold files: a folder, and a branch of a real Git repository."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_mlops.errors import ConflictError, InvalidInputError, UnreachableError
from jupyter_mlops.export.folder import RECORD
from jupyter_mlops.places.files import FilePlace, digests
from jupyter_mlops.places.folder import FolderPlace
from jupyter_mlops.places.git import GitPlace, git_place
from tests.places.exports import export


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=grace", "-c", "user.email=grace@example.org"]
    finished = subprocess.run(
        ["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True
    )  # fmt: skip
    return finished.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bare repository with a branch `main`, and Git settings of nobody."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    bare = tmp_path / "repo with space.git"
    bare.mkdir()
    git(bare, "init", "--quiet", "--bare", "--initial-branch=main")
    work = tmp_path / "work"
    git(tmp_path, "clone", "--quiet", str(bare), str(work))
    git(work, "checkout", "--quiet", "-B", "main")
    (work / ".gitattributes").write_text("* text=auto eol=crlf\n")
    (work / "README").write_text("mine\n")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "first")
    git(work, "push", "--quiet", "origin", "main")
    return bare


def branch(repository: Path, folder: str = "dags") -> GitPlace:
    return git_place(f"git+file://{repository}#main:{folder}")


@dataclass
class Tree:
    """A place, and how a person sees and edits its files."""

    place: FilePlace
    read: Callable[[str], bytes | None]
    edit: Callable[[str, bytes], None]
    names: Callable[[], set[str]]


@pytest.fixture(params=["folder", "git"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tree]:
    if request.param == "folder":
        root = tmp_path / "dags"
        root.mkdir()

        def edit(path: str, content: bytes) -> None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)

        def read(path: str) -> bytes | None:
            return (root / path).read_bytes() if (root / path).is_file() else None

        yield Tree(
            FolderPlace(root), read, edit, lambda: {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}
        )
        return
    repository: Path = request.getfixturevalue("repository")
    work = tmp_path / "work"

    def pull() -> None:
        git(work, "pull", "--quiet", "--rebase", "origin", "main")

    def edit_branch(path: str, content: bytes) -> None:
        pull()
        (work / "dags" / path).parent.mkdir(parents=True, exist_ok=True)
        (work / "dags" / path).write_bytes(content)
        git(work, "-c", "core.autocrlf=false", "add", "--force", ".")
        git(work, "commit", "--quiet", "-m", "edited by hand")
        git(work, "push", "--quiet", "origin", "main")

    def read_branch(path: str) -> bytes | None:
        shown = subprocess.run(
            ["git", "show", f"main:dags/{path}"], cwd=repository, capture_output=True, check=False
        )  # fmt: skip
        return shown.stdout if shown.returncode == 0 else None

    def names() -> set[str]:
        return set(git(repository, "ls-tree", "-r", "--name-only", "main:dags").splitlines())

    yield Tree(branch(repository), read_branch, edit_branch, names)


def test_the_first_deployment_writes_a_folder_of_the_job(tree: Tree) -> None:
    assert {c.state for c in tree.place.changes(export(), {})} == {"new"}
    written = tree.place.write(export(), {})
    assert written.changed
    assert dict(written.items) == digests(export().files)
    assert tree.read("churn/churn.py") == b"# v1\n"
    assert tree.names() == {"churn/churn.py", "churn/churn-v1.zip", f"churn/{RECORD}"}
    assert tree.place.states(export(), written.items) == {"churn.py": "same", "churn-v1.zip": "same"}


def test_the_same_again_changes_nothing(tree: Tree) -> None:
    first = tree.place.write(export(), {})
    again = tree.place.write(export(), first.items)
    assert (again.changed, again.revision, again.items) == (False, first.revision, first.items)


def test_the_next_version_replaces_and_removes(tree: Tree) -> None:
    first = tree.place.write(export(), {})
    states = {c.path: (c.state, c.edited) for c in tree.place.changes(export(2), first.items)}
    assert states == {
        "churn.py": ("changed", False), "churn-v2.zip": ("new", False), "churn-v1.zip": ("removed", False),
    }  # fmt: skip
    assert tree.place.write(export(2), first.items).changed
    assert tree.names() == {"churn/churn.py", "churn/churn-v2.zip", f"churn/{RECORD}"}


def test_what_a_person_edited_is_refused_then_replaced(tree: Tree) -> None:
    first = tree.place.write(export(), {})
    tree.edit("churn/churn.py", b"mine\n")
    assert tree.place.states(export(), first.items)["churn.py"] == "edited"
    with pytest.raises(ConflictError, match=r"churn\.py"):
        tree.place.write(export(2), first.items)
    assert tree.read("churn/churn.py") == b"mine\n"
    assert tree.read("churn/churn-v2.zip") is None
    tree.place.write(export(2), first.items, force=True)
    assert tree.read("churn/churn.py") == b"# v2\n"


def test_a_deployment_of_another_home_is_replaced_and_a_file_of_a_person_is_not(tree: Tree) -> None:
    tree.place.write(export(), {})
    tree.place.write(export(2), {})  # nothing is known here; the record in the folder says what it was
    assert tree.read("churn/churn.py") == b"# v2\n"
    tree.edit("other/other.py", b"mine\n")
    with pytest.raises(ConflictError, match=r"other\.py"):
        tree.place.write(export(job="other", slug="other"), {})


def test_a_missing_file_is_told(tree: Tree) -> None:
    first = tree.place.write(export(), {})
    tree.place.write(export(2), first.items)
    assert tree.place.states(export(), first.items) == {"churn.py": "edited", "churn-v1.zip": "missing"}


def test_removal_takes_what_was_deployed_alone(tree: Tree) -> None:
    first = tree.place.write(export(), {})
    tree.edit("churn/notes.txt", b"mine\n")
    tree.place.remove(export(), first.items)
    assert tree.names() == {"churn/notes.txt"}


def test_removal_refuses_what_was_edited(tree: Tree) -> None:
    tree.edit("keep", b"")
    first = tree.place.write(export(), {})
    tree.edit("churn/churn.py", b"mine\n")
    with pytest.raises(ConflictError, match=r"churn\.py"):
        tree.place.remove(export(), first.items)
    assert tree.read("churn/churn-v1.zip") is not None
    tree.place.remove(export(), first.items, force=True)
    assert tree.names() == {"keep"}


def test_two_jobs_with_one_folder_name_are_refused(tree: Tree) -> None:
    tree.place.write(export(job="a b", slug="a-b"), {})
    with pytest.raises(ConflictError, match="holds an export of the job 'a b'"):
        tree.place.write(export(2, job="a-b", slug="a-b"), {})


def test_workflows_of_several_jobs_stand_at_the_root(tree: Tree) -> None:
    one = export(target="github", a_yml="1")
    two = export(target="github", job="two", slug="two", b_yml="2")
    first = tree.place.write(one, {})
    second = tree.place.write(two, {})
    assert tree.names() == {"a.yml", "b.yml"}
    assert tree.place.states(one, first.items) == {"a.yml": "same"}
    tree.place.remove(one, first.items)
    assert tree.place.states(two, second.items) == {"b.yml": "same"}


def test_scripts_can_be_executed(tree: Tree, tmp_path: Path) -> None:
    tree.place.write(export(run_sh="#!/bin/sh\n"), {})
    if isinstance(tree.place, GitPlace):
        work = tmp_path / "work"
        git(work, "pull", "--quiet", "--rebase", "origin", "main")
        assert os.access(work / "dags/churn/run.sh", os.X_OK)
    else:
        assert os.access(tmp_path / "dags/churn/run.sh", os.X_OK)


# -- folders alone


def test_a_folder_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="does not exist"):
        FolderPlace(tmp_path / "no").write(export(), {})
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match="is a file"):
        FolderPlace(tmp_path / "file").changes(export(), {})
    assert not (tmp_path / "no").exists()


def test_a_reader_finds_whole_files_and_the_bundle_that_they_name(tmp_path: Path) -> None:
    """Versions are deployed one after the other while another thread reads as an engine does."""
    place, folder = FolderPlace(tmp_path), tmp_path / "churn"
    size = 200_000
    place.write(export(), {})
    torn: list[str] = []
    reads = 0
    over = threading.Event()

    def read() -> None:
        nonlocal reads
        while not over.is_set():
            text = (folder / "churn.py").read_text()
            if len(text) > 10:
                if len(set(text)) != 1 or len(text) != size:
                    torn.append(text[:20])
                if not any(folder.glob("churn-v*.zip")):
                    torn.append("no bundle")
                reads += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        deployed = place.write(export(), {}).items
        for version in range(2, 40):
            files = {"churn.py": str(version % 10).encode() * size, f"churn-v{version}.zip": b"z"}
            made = export(version)
            made = type(made)(made.target, made.job, version, made.digest, made.slug, files)
            deployed = place.write(made, deployed).items
    finally:
        over.set()
        reader.join()
    assert torn == []
    assert reads > 0


# -- branches alone


def test_a_commit_names_job_version_and_digest(repository: Path) -> None:
    hostile = 'a"b $(id) `x` ünïcode'
    written = branch(repository).write(export(3, job=hostile), {})
    assert written.revision == git(repository, "rev-parse", "main")
    message = git(repository, "log", "-1", "--format=%B", "main")
    assert message.startswith(f"Deploy {hostile} v3 for airflow\n")
    assert "Version-digest: digest-3" in message
    assert git(repository, "log", "-1", "--format=%an", "main") == "ada"
    assert git(repository, "rev-list", "--count", "main") == "2"


def push_between(repository: Path, work: Path, monkeypatch: pytest.MonkeyPatch, times: int, path: str) -> None:
    """Let somebody else push right before each of our first pushes."""
    original = GitPlace._git
    left = [times]

    def patched(self: GitPlace, clone: Path | None, *words: str, **options: object) -> object:
        if words[0] == "push" and left[0]:
            left[0] -= 1
            git(work, "pull", "--quiet", "--rebase", "origin", "main")
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(f"{left[0]}\n")
            git(work, "add", "--force", ".")
            git(work, "commit", "--quiet", "-m", "in between")
            git(work, "push", "--quiet", "origin", "main")
        return original(self, clone, *words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(GitPlace, "_git", patched)


def test_a_rejected_push_is_repeated_on_what_is_there_then(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_between(repository, tmp_path / "work", monkeypatch, 1, "theirs")
    assert branch(repository).write(export(), {}).changed
    subjects = git(repository, "log", "--format=%s", "main").splitlines()
    assert subjects == ["Deploy churn v1 for airflow", "in between", "first"]
    assert git(repository, "show", "main:theirs") == "0"


def test_a_push_that_is_rejected_again_is_an_error_and_nothing_is_lost(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_between(repository, tmp_path / "work", monkeypatch, 2, "theirs")
    with pytest.raises(ConflictError, match="the push was rejected"):
        branch(repository).write(export(), {})
    assert git(repository, "log", "--format=%s", "main").splitlines() == ["in between", "in between", "first"]


def test_an_edit_in_between_is_not_overwritten(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_between(repository, tmp_path / "work", monkeypatch, 1, "dags/churn/churn.py")
    with pytest.raises(ConflictError, match=r"churn\.py"):
        branch(repository).write(export(), {})
    assert git(repository, "show", "main:dags/churn/churn.py") == "0"


def test_a_hook_of_the_server_that_refuses_is_told(repository: Path) -> None:
    hook = repository / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no pushes on fridays' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(ConflictError, match="the push was rejected"):
        branch(repository).write(export(), {})
    assert git(repository, "rev-list", "--count", "main") == "1"


def test_a_link_in_the_repository_leads_nowhere(repository: Path, tmp_path: Path) -> None:
    work, outside = tmp_path / "work", tmp_path / "outside"
    outside.mkdir()
    (work / "dags").symlink_to(outside)
    (work / "other").mkdir()
    (work / "other" / "churn").symlink_to(outside)
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "links")
    git(work, "push", "--quiet", "origin", "main")
    for folder in ("dags", "other"):
        with pytest.raises(InvalidInputError, match="leads out of"):
            branch(repository, folder).write(export(), {})
    assert list(outside.iterdir()) == []


def test_a_repository_that_cannot_be_read(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="can't be read"):
        git_place(f"git+file://{tmp_path}/no.git").changes(export(), {})
    with pytest.raises(UnreachableError, match="can't be read"):
        git_place("git+http://127.0.0.1:9/repo.git").changes(export(), {})
    with pytest.raises(InvalidInputError, match="no branch 'nothing'") as refused:
        git_place(f"git+file://{repository}#nothing").write(export(), {})
    assert "git push" in refused.value.remedy
    empty = tmp_path / "empty.git"
    empty.mkdir()
    git(empty, "init", "--quiet", "--bare")
    with pytest.raises(InvalidInputError, match="no commit yet"):
        git_place(f"git+file://{empty}").write(export(), {})


def test_git_has_to_be_installed(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidInputError, match="git is not installed"):
        branch(repository).write(export(), {})
