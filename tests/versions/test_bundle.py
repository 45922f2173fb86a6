"""A bundle is what others expect of it, and brings back what went in."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import InvalidInputError, MlopsError, StoreError
from jupyter_mlops.notebook.reader import read_notebook
from jupyter_mlops.storage.local import ObjectStore, digest_bytes
from jupyter_mlops.versions.bundle import read_bundle, sbom, write_bundle
from jupyter_mlops.versions.manifest import Environment, Manifest
from jupyter_mlops.versions.snapshot import snapshot
from tests.jobs.workspace import write_notebook

TOLD = {
    "job": "my job", "version": "v3", "author": "Zoë Q", "message": "why", "created": 1.8e9, "provenance": {},
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "store")


@pytest.fixture
def manifest(tmp_path: Path, store: ObjectStore) -> Manifest:
    here = tmp_path / "work"
    here.mkdir()
    (here / "my data.csv").write_text("a\n")
    (tmp_path / "top.csv").write_text("b\n")
    cells = ("# tags: parameters\nn: int = 1  # how many\nword = 'é'", "open('my data.csv'); open('../top.csv')")
    path = write_notebook(here / "my nb.ipynb", *cells)
    packages = Environment("3.11.7", "cpython", "linux-x86_64", {"numpy": "2.0.0"}, {"mine": "1.0"})
    return snapshot(read_notebook(path), path, store, packages, "python3")


@pytest.fixture
def bundle(manifest: Manifest, store: ObjectStore, tmp_path: Path) -> Path:
    executed = tmp_path / "executed.ipynb"
    executed.write_text("{}")
    run: dict[str, Any] = {
        "id": "r1", "output": str(executed), "parameters": {"n": 3}, "started": 1.8e9, "finished": 1.8e9 + 1.5,
        "trigger": "manual",
    }  # fmt: skip
    return write_bundle(manifest, store, TOLD, tmp_path / "b.zip", run)


def test_it_brings_back_what_went_in(bundle: Path, manifest: Manifest, store: ObjectStore, tmp_path: Path) -> None:
    other = ObjectStore(tmp_path / "other")
    found, told = read_bundle(bundle, other)
    assert found == manifest and told["job"] == "my job"
    assert [f.path for f in found.files] == ["../top.csv", "my data.csv"]
    for digest in (found.notebook, *(f.digest for f in found.files)):
        assert other.get(digest) == store.get(digest)


def test_files_that_are_called_as_something_of_ours_come_back_too(store: ObjectStore, tmp_path: Path) -> None:
    here = tmp_path / "work"
    names = [
        "version.json",
        "pylock.toml",
        "sbom.cdx.json",
        "ro-crate-metadata.json",
        "named/a.txt",
        "outside/a.txt",
        "requirements.txt",
    ]
    for name in names:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(f"my {name}")
    path = write_notebook(here / "executed.ipynb", *(f"open({name!r})" for name in names))
    made = snapshot(read_notebook(path), path, store, Environment(), "python3")
    executed = tmp_path / "executed.ipynb"
    executed.write_text("{}")
    run = {
        "id": "r1", "output": str(executed), "parameters": {}, "started": 1.8e9, "finished": 1.8e9, "trigger": "manual",
    }  # fmt: skip
    write_bundle(made, store, TOLD, tmp_path / "b.zip", run)
    other = ObjectStore(tmp_path / "other")
    found, _ = read_bundle(tmp_path / "b.zip", other)
    assert found == made and len(found.files) == len(names)
    assert {other.get(f.digest).decode() for f in found.files} == {f"my {name}" for name in names}
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert archive.read("executed.ipynb") == b"{}"
        told = {entity["@id"] for entity in json.loads(archive.read("ro-crate-metadata.json"))["@graph"]}
        assert told >= {"executed.ipynb", "named/executed.ipynb", "named/version.json"}


def test_what_was_not_committed_goes_along(manifest: Manifest, store: ObjectStore, tmp_path: Path) -> None:
    facts = {**TOLD, "provenance": {"git": {"commit": "c", "diff": store.put(b"a patch")}}}
    write_bundle(manifest, store, facts, tmp_path / "b.zip")
    other = ObjectStore(tmp_path / "other")
    _, told = read_bundle(tmp_path / "b.zip", other)
    assert other.get(told["provenance"]["git"]["diff"]) == b"a patch"
    write_bundle(manifest, other, told, tmp_path / "c.zip")
    other.remove(told["provenance"]["git"]["diff"])
    write_bundle(manifest, other, told, tmp_path / "d.zip")  # as bundles of before left it out


@pytest.mark.parametrize(
    ("kind", "name"), [("pylock", "pylock.toml"), ("pins", "requirements.txt"), ("conda", "conda-explicit.txt")]
)
def test_a_lock_is_called_what_it_is(
    manifest: Manifest, store: ObjectStore, tmp_path: Path, kind: str, name: str
) -> None:
    facts = {**TOLD, "provenance": {"lock": {"digest": store.put(b"a lock"), "kind": kind, "hashed": True}}}
    write_bundle(manifest, store, facts, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert archive.read(name) == b"a lock"
        assert name in archive.read("ro-crate-metadata.json").decode()
        with zipfile.ZipFile(tmp_path / "old.zip", "w") as old:  # as bundles of before called it
            for one in archive.namelist():
                old.writestr("pylock.toml" if one == name else one, archive.read(one))
    for bundle in ("b.zip", "old.zip"):
        other = ObjectStore(tmp_path / f"of {bundle}")
        _, told = read_bundle(tmp_path / bundle, other)
        assert other.get(told["provenance"]["lock"]["digest"]) == b"a lock"


def test_one_that_can_not_be_written_leaves_nothing(manifest: Manifest, store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "folder.zip").mkdir()
    before = set(tmp_path.iterdir())
    with pytest.raises(StoreError, match="can't be written"):
        write_bundle(manifest, store, TOLD, tmp_path / "folder.zip")
    assert set(tmp_path.iterdir()) == before


def changed(bundle: Path, **facts: Any) -> Path:
    """A bundle of which other things are told; of its manifest, with the digest that goes with it."""
    path = bundle.with_name("changed.zip")
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(path, "w") as new:
        told = json.loads(old.read("version.json"))
        content = {**json.loads(told["manifest"]), **facts.pop("manifest", {})}
        text = json.dumps(content, sort_keys=True)
        told = {**told, "manifest": text, "digest": digest_bytes(text.encode()), **facts}
        for name in old.namelist():
            new.writestr(name, json.dumps(told) if name == "version.json" else old.read(name))
    return path


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"job": None}, "no `job`"),
        ({"author": 5}, "no `author`"),
        ({"provenance": []}, "no `provenance`"),
        ({"provenance": {"lock": "x"}}, "no `provenance`"),
        ({"digest": "00"}, "doesn't match its digest"),
        ({"manifest": {"name": "../../evil.ipynb"}}, "leaves the folder"),
        ({"manifest": {"name": "/evil.ipynb"}}, "leaves the folder"),
        ({"manifest": {"name": "gone.ipynb"}}, "no item named 'gone.ipynb'"),
        ({"manifest": {"format": 99}}, "format 99"),
        ({"manifest": {"further": 1}}, "not a bundle"),
        ({"manifest": {"files": 5}}, "not a bundle"),
    ],
)
def test_one_that_was_tampered_with_is_refused(bundle: Path, tmp_path: Path, facts: dict[str, Any], says: str) -> None:
    other = ObjectStore(tmp_path / "other")
    with pytest.raises(MlopsError) as caught:
        read_bundle(changed(bundle, **facts), other)
    assert says in str(caught.value)


def test_what_is_no_bundle_is_told(tmp_path: Path) -> None:
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04" + b"x" * 50)
    for name, says in (("gone.zip", "no such file"), (".", "is a directory"), ("cut.zip", "not a bundle")):
        with pytest.raises(InvalidInputError, match=says) as caught:
            read_bundle(tmp_path / name, ObjectStore(tmp_path / "other"))
        assert "Errno" not in str(caught.value)


def test_it_is_a_workflow_run_crate(bundle: Path, tmp_path: Path) -> None:
    """https://www.researchobject.org/workflow-run-crate/profiles/workflow_run_crate/"""
    folder = tmp_path / "crate"
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from rocrate.rocrate import ROCrate

        crate = ROCrate(folder)
    root = crate.root_dataset
    assert {p.id.split("/wfrun/")[-1] for p in root["conformsTo"]} == {
        "process/0.5", "workflow/0.5", "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
    }  # fmt: skip
    workflow = crate.mainEntity
    assert set(workflow.type) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert workflow["version"] == "v3" and workflow["programmingLanguage"]["name"] == "Jupyter Notebook"
    action = root["mentions"]
    assert action.type == "CreateAction" and action["instrument"] is workflow
    assert (action["startTime"], action["endTime"]) == ("2027-01-15T08:00:00+00:00", "2027-01-15T08:00:01+00:00")
    values = {v["name"]: (v["value"], v["exampleOfWork"].id) for v in action["object"]}
    assert values == {"n": ("3", "#parameter-n"), "word": ('"é"', "#parameter-word")}
    assert {p.id for p in workflow["input"]} == {"#parameter-n", "#parameter-word"}
    assert all(p.type == "FormalParameter" and p["additionalType"] for p in workflow["input"])
    for entity in crate.data_entities:
        assert (folder / str(entity.source)).is_file() and entity["encodingFormat"], entity.id
    assert root["author"]["name"] == "Zoë Q" and " " not in root["author"].id


def test_its_list_of_packages_is_valid(bundle: Path) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    with zipfile.ZipFile(bundle) as archive:
        text = archive.read("sbom.cdx.json").decode()
    assert '"pkg:pypi/numpy@2.0.0"' in text
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_bill_of_materials_names_what_conda_installed() -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    environment = Environment(
        "3.11.7", packages={"black": "24.1"}, conda=("https://c/linux-64/numpy-2.0.0-py311_0.conda#x",)
    )
    text = sbom(environment, {"job": "churn", "version": 1})
    assert '"pkg:conda/numpy@2.0.0?build=py311_0"' in text and '"pkg:pypi/black@24.1"' in text
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_bill_of_materials_says_of_each_package_where_it_is_from() -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    at = "git+https://example.org/tool.git@abc123"
    wheel = "https://example.org/w-1.0-py3-none-any.whl"
    environment = Environment("3.11.7", packages={"black": "24.1", "tool": at, "w": wheel}, others={"mine": "1.0"})
    text = sbom(environment, {"job": "churn", "version": "v1"})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = {one["name"]: (one["version"], one.get("purl", "")) for one in json.loads(text)["components"]}
    assert found["black"] == ("24.1", "pkg:pypi/black@24.1") and found["mine"] == ("1.0", "")
    assert found["w"][0] == "w-1.0-py3-none-any.whl" and "download_url=https" in found["w"][1]
    assert found["tool"][0] == "abc123" and found["tool"][1].startswith("pkg:pypi/tool?vcs_url=git%2Bhttps")
