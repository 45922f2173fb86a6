"""`deploy`, `deployments` and `undeploy` as a person and a CI job meet them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.command import command, write

CELLS = [("parameters", "n: int = 3"), ("step:load", "rows = list(range(n))"), ("step:fit", "print(sum(rows))")]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A DAG folder, and the published job `sums`."""
    write(tmp_path / "sums.ipynb", *CELLS)
    assert command("publish", tmp_path / "sums.ipynb", "--job", "sums").code == 0
    (tmp_path / "dags").mkdir()
    return tmp_path / "dags"


def test_deploy_look_and_remove(place: Path, tmp_path: Path) -> None:
    where = ("--to", "airflow", "--place", place)
    shown = command("deploy", "sums", *where, "--dry-run")
    assert (shown.code, "+ sums.py" in shown.out, "+++ b/sums.py" in shown.out) == (0, True, True)
    assert command("deployments").out == "nothing is deployed\n"
    deployed = command("deploy", "sums", *where)
    assert deployed.out.splitlines()[0] == f"deployed sums v1 at {place}"
    assert command("deploy", "sums", *where).out.startswith("nothing changed: sums v1")
    assert command("deploy", "sums", *where, "--dry-run").out == "nothing would change\n"
    checked = command("deployments", "--check")
    assert (checked.code, "✓ current" in checked.out) == (0, True)

    write(tmp_path / "sums.ipynb", *CELLS, ("step:more", "print(1)"))
    assert command("publish", tmp_path / "sums.ipynb", "--job", "sums").code == 0
    behind = command("deployments", "sums", "--check")
    assert (behind.code, "! behind" in behind.out, "    v2 is published" in behind.out) == (1, True, True)
    assert command("deployments").code == 0, "only --check fails"

    (place / "sums" / "sums.py").write_text("mine")
    refused = command("deploy", "sums", *where)
    assert (refused.code, "sums.py" in refused.err, "--force" in refused.err) == (2, True, True)
    assert "edited since" in command("deploy", "sums", *where, "--dry-run").out
    assert command("undeploy", "sums", *where).code == 2
    removed = command("undeploy", "sums", *where, "--force")
    assert removed.out == f"removed sums v1 from {place}\n"
    assert list(place.iterdir()) == []


def test_json(place: Path) -> None:
    deployed = command("deploy", "sums", "--to", "slurm", "--place", place, "--json").record
    assert {file["path"] for file in deployed["files"]} == {"sums.sh", "sums.sbatch", "sums-v1.zip"}
    [listed] = json.loads(command("deployments", "--json").out)
    assert (listed["deployment"], listed["state"]) == (deployed["deployment"], "current")


def test_places_come_from_the_configuration(place: Path) -> None:
    folder = Path(os.environ["JUPYTER_CONFIG_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "jupyter_mlops_config.py"
    try:
        file.write_text(f"c.RunConfig.places = {{'slurm': {str(place)!r}}}\n")
        assert command("deploy", "sums", "--to", "slurm").out.startswith(f"deployed sums v1 at {place}")
        assert command("undeploy", "sums", "--to", "slurm").code == 0
        for text, message in (("c.RunConfig.places = 3", "the configuration is wrong"), ("c.(", "SyntaxError")):
            file.write_text(text)
            refused = command("deployments")
            assert (refused.code, message in refused.err, "Traceback" in refused.err) == (2, True, False)
    finally:
        file.unlink()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sums", "--place", "dags"], "no target is named"),
        (["sums", "--to", "airflow"], "no place is named"),
        (["sums", "--to", "airflow", "--place", "none"], "does not exist"),
        (["sums", "--to", "airflow", "--place", "https://a:sesame@b"], "holds a password"),
        (["sums", "--to", "airflow", "--place", "kubectl:a/b"], "does nothing with files of the target"),
        (["sum", "--to", "airflow", "--place", "dags"], "Did you mean 'sums'?"),
    ],
)
def test_bad_input(place: Path, arguments: list[str], message: str) -> None:
    refused = command("deploy", *arguments, cwd=place.parent)
    assert refused.code in (1, 2)
    assert message in refused.err
    assert "sesame" not in refused.err
    assert "Traceback" not in refused.err
    assert list(place.iterdir()) == []
