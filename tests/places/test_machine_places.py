"""Places that execute: a crontab, systemd and a cluster, through stand-ins of their programs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.errors import ConflictError, InvalidInputError, UnreachableError
from jupyter_mlops.export.plan import ExportSchedule
from jupyter_mlops.places.cron import CrontabPlace, section_of, with_section, without_section
from jupyter_mlops.places.kubernetes import documents_of, kubernetes_place, split_diff
from jupyter_mlops.places.place import Export
from jupyter_mlops.places.systemd import SystemdPlace
from jupyter_mlops.service.export import files_of
from tests.export.plans_in_a_row import plan
from tests.places.exports import export
from tests.places.programs import Programs

DAILY = ExportSchedule("0 6 * * *", "Europe/Paris")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Programs(tmp_path / "programs", monkeypatch)


def exported(target: str, prefix: str = "/opt", version: int = 3, *schedules: ExportSchedule) -> Export:
    """A real export."""
    made = replace(plan(), version=version, prefix=prefix, schedules=schedules or (DAILY,))
    return Export(target, made.job, version, made.digest, made.slug, files_of(made, target), "ada")


# -- crontabs: pure


@pytest.mark.parametrize("others", ["", "MAILTO=ada\n0 1 * * * backup\n", "0 1 * * * no-newline-at-the-end"])
def test_a_section_comes_and_goes_and_other_lines_stay(others: str) -> None:
    text = with_section(others, "churn", "1 * * * * a\n")
    text = with_section(text, "other", "2 * * * * b\n")
    assert section_of(text, "churn") == "1 * * * * a\n"
    text = with_section(text, "churn", "3 * * * * c\n")
    assert section_of(text, "churn") == "3 * * * * c\n"
    assert section_of(text, "other") == "2 * * * * b\n"
    assert text.startswith(others)
    rest = without_section(without_section(text, "churn"), "other")
    assert rest.rstrip("\n") == others.rstrip("\n")


@pytest.mark.parametrize("text", ["", "# BEGIN jupyter_mlops churn\n", "# END jupyter_mlops churn\n", "x"])
def test_half_a_section_is_none(text: str) -> None:
    assert section_of(text, "churn") is None
    assert without_section(text, "churn").rstrip("\n") == text.rstrip("\n")


# -- crontabs: through the program


def test_a_crontab(programs: Programs, tmp_path: Path) -> None:
    table, root = programs.folder / "crontab", tmp_path / "jobs"
    table.write_text("MAILTO=ada\n0 1 * * * backup\n")
    place = CrontabPlace(root)
    first = exported("cron", place.prefix)
    written = place.write(first, {})
    text = table.read_text()
    assert text.startswith("MAILTO=ada\n0 1 * * * backup\n# BEGIN jupyter_mlops churn\n")
    assert f"{root}/churn/churn-run.sh" in text
    assert "/opt" not in text
    assert (root / "churn" / "churn-run.sh").stat().st_mode & 0o100
    assert (root / "churn" / "venv" / "bin" / "python").exists()
    assert set(place.states(first, written.items).values()) == {"same"}
    assert not place.write(first, written.items).changed

    second = exported("cron", place.prefix, 4, ExportSchedule("5 7 * * *", "UTC"))
    second_written = place.write(second, written.items)
    assert table.read_text().count("BEGIN jupyter_mlops") == 1
    assert "churn-v3.zip" not in {p.name for p in (root / "churn").iterdir()}

    table.write_text(table.read_text().replace("churn-run.sh", "churn-run.sh --mine"))
    assert place.states(second, second_written.items)["crontab"] == "edited"
    with pytest.raises(ConflictError, match="crontab was edited"):
        place.write(first, second_written.items)
    with pytest.raises(ConflictError, match="crontab was edited"):
        place.remove(second, second_written.items)
    place.remove(second, second_written.items, force=True)
    assert table.read_text() == "MAILTO=ada\n0 1 * * * backup\n"
    assert list(root.iterdir()) == []
    assert set(place.states(second, second_written.items).values()) == {"missing"}


def test_a_crontab_that_is_not_there_yet(programs: Programs, tmp_path: Path) -> None:
    place = CrontabPlace(tmp_path / "jobs")
    assert {c.state for c in place.changes(exported("cron", place.prefix), {})} == {"new"}
    place.write(exported("cron", place.prefix), {})
    assert (programs.folder / "crontab").read_text().startswith("# BEGIN jupyter_mlops churn\n")


def test_a_crontab_that_cron_refuses(programs: Programs, tmp_path: Path) -> None:
    place = CrontabPlace(tmp_path / "jobs")
    with pytest.raises(InvalidInputError, match="cron refused"):
        place.write(export(target="cron", churn_crontab="refused\n"), {})
    assert not (programs.folder / "crontab").exists()


def test_no_cron(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidInputError, match="crontab is not installed"):
        CrontabPlace(tmp_path / "jobs").write(exported("cron"), {})


# -- systemd


def test_systemd(programs: Programs, tmp_path: Path) -> None:
    place, units = SystemdPlace(tmp_path / "jobs"), tmp_path / "config" / "systemd" / "user"
    first = exported("systemd", place.prefix)
    assert {c.state for c in place.changes(first, {})} == {"new"}
    written = place.write(first, {})
    assert {p.name for p in units.iterdir()} == {"churn.service", "churn.timer", "churn.service.d"}
    assert "DynamicUser=no" in (units / "churn.service.d" / "user.conf").read_text()
    assert f"ExecStart={tmp_path}/jobs/churn/venv/bin/jupyter" in (units / "churn.service").read_text()
    assert programs.calls("systemctl")[-2:] == ["--user daemon-reload", "--user enable --now churn.timer"]
    assert written.notes
    assert set(place.states(first, written.items).values()) == {"same"}
    assert not place.write(first, written.items).changed

    two = exported("systemd", place.prefix, 4, DAILY, ExportSchedule("5 7 * * *", "UTC"))
    second = place.write(two, written.items)
    assert "--user disable --now churn.timer" in programs.calls("systemctl")
    assert not (units / "churn.timer").exists()
    assert {"churn-1.timer", "churn-2.timer"} <= {p.name for p in units.iterdir()}

    (units / "churn-1.timer").write_text("mine")
    assert place.states(two, second.items)["units/churn-1.timer"] == "edited"
    for verb in (place.write, place.remove):
        with pytest.raises(ConflictError, match=r"churn-1\.timer"):
            verb(two, second.items)
    place.remove(two, second.items, force=True)
    assert list(units.iterdir()) == []
    assert "--user disable --now churn-1.timer churn-2.timer" in programs.calls("systemctl")


def test_no_manager_of_this_user(programs: Programs, tmp_path: Path) -> None:
    (programs.folder / "no-manager").write_text("")
    with pytest.raises(UnreachableError, match="No medium found"):
        SystemdPlace(tmp_path / "jobs").write(exported("systemd"), {})
    assert not (tmp_path / "config").exists()


# -- clusters


def test_a_cluster(programs: Programs) -> None:
    place, first = kubernetes_place("prod/ml?registry=ghcr.io/acme"), exported("kubernetes")
    assert {c.state for c in place.changes(first, {})} == {"new"}
    written = place.write(first, {})
    names = set(programs.objects())
    assert names == set(written.items)
    assert "batch/v1/CronJob/churn" in names
    assert "ghcr.io/acme/churn:v3" in str(programs.objects()["batch/v1/CronJob/churn"])
    assert set(place.states(first, written.items).values()) == {"same"}
    again = place.write(first, written.items)
    assert (again.changed, again.items) == (False, written.items)

    second_export = exported("kubernetes", "/opt", 4, DAILY, ExportSchedule("5 7 * * *", "UTC"))
    assert any(c.diff for c in place.changes(second_export, written.items))
    second = place.write(second_export, written.items)
    assert {"batch/v1/CronJob/churn", "batch/v1/CronJob/churn-2"} <= set(programs.objects())
    third = place.write(first, second.items)
    assert "batch/v1/CronJob/churn-2" not in programs.objects()
    notes = place.remove(first, third.items)
    assert set(programs.objects()) == {"v1/PersistentVolumeClaim/churn-artifacts"}, "results outlive a deployment"
    assert "kubectl delete pvc churn-artifacts" in notes[0]


def test_an_edited_object_is_told_and_kept(programs: Programs) -> None:
    place, first = kubernetes_place("prod/ml"), exported("kubernetes")
    written = place.write(first, {})
    programs.edit_object("batch/v1/CronJob/churn", spec={"schedule": "@hourly"})
    assert place.states(first, written.items)["batch/v1/CronJob/churn"] == "edited"
    second = exported("kubernetes", version=4)
    with pytest.raises(ConflictError, match="conflict with kubectl-edit"):
        place.write(second, written.items)
    with pytest.raises(ConflictError, match="CronJob/churn was edited"):
        place.remove(first, written.items)
    place.write(second, written.items, force=True)
    assert programs.objects()["batch/v1/CronJob/churn"]["spec"] != {"schedule": "@hourly"}


def test_an_object_of_somebody_else_is_not_replaced(programs: Programs) -> None:
    place = kubernetes_place("prod/ml")
    place.write(exported("kubernetes"), {})
    with pytest.raises(ConflictError, match="edited since"):
        place.write(exported("kubernetes", version=4), {})  # another home deployed v3


def test_a_missing_object(programs: Programs) -> None:
    place, first = kubernetes_place("prod/ml"), exported("kubernetes")
    written = place.write(first, {})
    (programs.folder / "cluster.json").unlink()
    assert set(place.states(first, written.items).values()) == {"missing"}


@pytest.mark.parametrize(
    ("context", "kind", "message"),
    [
        (
            "away",
            UnreachableError,
            "kubectl could not do it: The connection to the server 10",
        ),
        ("nothing", InvalidInputError, "kubectl has no context 'nothing'"),
    ],
)
def test_a_cluster_that_does_not_answer(programs: Programs, context: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        kubernetes_place(f"{context}/ml").write(exported("kubernetes"), {})


def test_no_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidInputError, match="kubectl is not installed"):
        kubernetes_place("prod/ml").write(exported("kubernetes"), {})


def test_argo_needs_no_kustomization(programs: Programs) -> None:
    written = kubernetes_place("prod/ml").write(exported("argo"), {})
    assert any("/CronWorkflow/" in name for name in written.items)


def test_each_object_has_the_digest_of_what_was_applied() -> None:
    first, second = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        "{apiVersion: v1, kind: Secret, metadata: {name: b}}",
    )
    text = f"{first}---\n---\n{second}\n"
    documents = documents_of(text)
    assert list(documents) == ["v1/ConfigMap/a", "v1/Secret/b"]
    assert documents_of(text) == documents
    assert all(d["metadata"]["annotations"]["jupyter-mlops/digest"] for d in documents.values())


def test_a_difference_belongs_to_its_object() -> None:
    text = (
        "diff -u -N /tmp/LIVE-1/batch.v1.CronJob.ml.churn /tmp/MERGED-2/batch.v1.CronJob.ml.churn\n--- a\n+++ b\n"
        "diff -u -N /tmp/LIVE-1/v1.Secret.ml.b /tmp/MERGED-2/v1.Secret.ml.b\n--- c\n"
    )
    names = ["batch/v1/CronJob/churn", "v1/Secret/b", "v1/Secret/c"]
    assert split_diff(text, names, "ml") == {"batch/v1/CronJob/churn": "--- a\n+++ b\n", "v1/Secret/b": "--- c\n"}
