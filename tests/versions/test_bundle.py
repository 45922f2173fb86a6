"""A bundle is what others expect of it, and brings back what went in."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.notebook.read import read_notebook
from jupyter_mlops.objects import ObjectStore
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
