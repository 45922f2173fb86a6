"""Finding engines, and what is said where there is none."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.exporter import BUILT_IN
from jupyter_mlops.export.provers.cron import CronProver
from jupyter_mlops.export.provers.process import notebook_run, problem_of, run_process
from jupyter_mlops.export.provers.prover import NOT_LOCAL, PROVERS, ProofRequest, prover
from jupyter_mlops.export.targets.cron import CronExporter
from tests.export import plans


@pytest.fixture
def request_without_engines(tmp_path: Path) -> ProofRequest:
    return ProofRequest(plans.plan(), tmp_path, {"PATH": str(tmp_path), "SECRET_OF_OTHERS": "x", "API_TOKEN": "t"})


def program(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_each_target_has_a_prover_or_a_reason() -> None:
    assert set(PROVERS) | set(NOT_LOCAL) == set(BUILT_IN)
    assert not set(PROVERS) & set(NOT_LOCAL)
    assert [prover(name).name for name in PROVERS] == list(PROVERS)


@pytest.mark.parametrize("target", NOT_LOCAL)
def test_what_needs_more_than_a_machine_says_so(target: str) -> None:
    with pytest.raises(InvalidInputError, match="can't be proved on this machine"):
        prover(target)


@pytest.mark.parametrize("target", ["dvc", "airflow", "slurm"])
def test_an_engine_that_is_missing_says_what_to_install(target: str, request_without_engines: ProofRequest) -> None:
    with pytest.raises(InvalidInputError, match="is not on PATH") as caught:
        prover(target).find(request_without_engines)
    assert "nstall" in caught.value.remedy


@pytest.mark.parametrize("target", ["script", "dvc", "airflow", "slurm", "cron", "systemd"])
def test_a_program_that_does_not_exist(target: str, request_without_engines: ProofRequest) -> None:
    with pytest.raises(InvalidInputError, match="can't be proved on this machine"):
        prover(target).find(replace(request_without_engines, engine="/absent/it's $(touch pwned)"))
    assert not Path("pwned").exists()


@pytest.mark.parametrize("text", ["exit 3", "true", "echo broken >&2; exit 1", "kill -9 $$"])
def test_a_program_that_does_not_answer(text: str, request_without_engines: ProofRequest, tmp_path: Path) -> None:
    path = program(tmp_path, "dvc", text)
    with pytest.raises(InvalidInputError, match="can't be proved on this machine"):
        prover("dvc").find(replace(request_without_engines, engine=path))


def test_an_engine_is_known_by_its_version(request_without_engines: ProofRequest, tmp_path: Path) -> None:
    program(tmp_path, "dvc", "echo 3.67.0")
    engine = prover("dvc").find(request_without_engines)
    assert (engine.program, engine.name, engine.version) == (str(tmp_path / "dvc"), "DVC", "3.67.0")
    engine = prover("script").find(replace(request_without_engines, engine=sys.executable))
    assert engine.version == ".".join(map(str, sys.version_info[:3]))


def test_a_cluster_that_does_not_answer_is_none(request_without_engines: ProofRequest, tmp_path: Path) -> None:
    program(tmp_path, "sbatch", "echo slurm 22.05")
    program(tmp_path, "sinfo", "echo down >&2; exit 1")
    with pytest.raises(InvalidInputError, match="no cluster answers"):
        prover("slurm").find(request_without_engines)


def test_cron_starts_its_line_with_few_variables(request_without_engines: ProofRequest, tmp_path: Path) -> None:
    exported = replace(request_without_engines, folder=tmp_path / "it's here")
    exported.folder.mkdir()
    for name, content in CronExporter().files(exported.plan).items():
        (exported.folder / name).write_text(str(content))
    program(exported.folder, "churn-run.sh", 'env > "$(dirname "$0")/variables"; exit 3')
    run = CronProver().run(exported, CronProver().find(exported))
    assert run.problem.startswith("exit code 3")
    variables = dict(line.partition("=")[::2] for line in (exported.folder / "variables").read_text().splitlines())
    assert variables["API_TOKEN"] == "t"
    assert "SECRET_OF_OTHERS" not in variables
    assert (exported.folder / "venv/bin/python").exists()


def test_an_engine_that_leaves_nothing(tmp_path: Path) -> None:
    finished = run_process(["sh", "-c", "echo why >&2; exit 4"], tmp_path, os.environ)
    assert problem_of(finished) == "exit code 4: why"
    assert notebook_run(finished, []).problem == "exit code 4: why"
    (tmp_path / "a.ipynb").write_text("{")
    completed = run_process(["true"], tmp_path, os.environ)
    assert "no executed notebook" in notebook_run(completed, []).problem
    assert "can't be read" in notebook_run(completed, [tmp_path / "a.ipynb"]).problem
    assert run_process(["/absent"], tmp_path, os.environ).returncode == 127
