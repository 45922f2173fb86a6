"""Files of secrets are in a version only if somebody names them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from jupyter_mlops.storage.local import ObjectStore
from jupyter_mlops.versions.manifest import Environment
from jupyter_mlops.versions.secret_files import is_secret_file
from jupyter_mlops.versions.snapshot import secret_files, snapshot


@pytest.mark.parametrize(
    "name", [".env", "prod.env", ".env.local", "server.pem", "id_rsa", "credentials-prod.json", ".netrc", ".pypirc"]
)
def test_names_of_files_of_secrets(name: str) -> None:
    assert is_secret_file(Path(name))


@pytest.mark.parametrize("name", ["data.csv", ".env.example", "environment.yml", "id_rsa.pub", "keys.csv", "config"])
def test_names_of_other_files(name: str) -> None:
    assert not is_secret_file(Path(name))


@pytest.mark.parametrize(
    ("declared", "inside"), [([], False), (["../.e*"], False), (["../.env"], True)], ids=["none", "wildcard", "named"]
)
def test_a_file_of_secrets_is_in_a_version_only_if_it_is_named(
    tmp_path: Path, declared: list[str], inside: bool
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / ".env").write_text("TOKEN=x", encoding="utf-8")
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("text = open('../.env').read()")])
    if declared:
        nb.metadata["jupyter_mlops"] = {"files": declared}
    path = tmp_path / "project" / "n.ipynb"
    made = snapshot(nb, path, ObjectStore(tmp_path / "store"), Environment(), "python3")
    kept = [file.path for file in made.files]
    assert kept == (["../.env"] if inside else [])
    assert secret_files(nb, path, [], kept) == ([] if inside else ["../.env"])
