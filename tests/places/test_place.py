"""Which place a text names, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.places.place import open_place


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("/srv/airflow/dags", "/srv/airflow/dags"),
        ("/srv/with space/ünïcode", "/srv/with space/ünïcode"),
        ("file:///srv/dags", "/srv/dags"),
        ("git+ssh://git@host/team/repo.git#main:dags/all", "git+ssh://git@host/team/repo.git#main:dags/all"),
        ("git+https://host/team/repo.git", "git+https://host/team/repo.git"),
        ("git+https://host/team/repo.git#feature/x", "git+https://host/team/repo.git#feature/x"),
        ("git+file:///srv/repo.git#:dags", "git+file:///srv/repo.git#:dags"),
        ("kubectl:kind-kind/ml", "kubectl:kind-kind/ml"),
        ("kubectl:arn:aws:eks:eu-1:1:cluster/prod/ml", "kubectl:arn:aws:eks:eu-1:1:cluster/prod/ml"),
        ("kubectl:prod/ml?registry=ghcr.io/acme/", "kubectl:prod/ml?registry=ghcr.io/acme"),
        ("crontab:/home/ada/jobs", "crontab:/home/ada/jobs"),
        ("systemd:/home/ada/jobs", "systemd:/home/ada/jobs"),
    ],
)
def test_places(text: str, location: str) -> None:
    place = open_place(text)
    assert place.location == location
    assert open_place(place.location).location == location, "what is recorded names the same place"


def test_a_relative_folder_is_one_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_place("dags").location == str(tmp_path / "dags")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a place"),
        ("  ", "is not a place"),
        ("/srv/a\nb", "is not a place"),
        ("/srv/a\0b", "is not a place"),
        ("/srv/\ud800", "is not a place"),
        ("git+https://ada:hunter2@host/repo.git", "holds a password"),
        ("https://ada:hunter2@host/repo.git", "holds a password"),
        ("git+https://ghp_token@host/repo.git", "holds credentials"),
        ("git+https://host/repo.git?token=abc", "holds credentials"),
        ("git+https://host", "names no repository"),
        ("git+ext::sh -c id", "names no repository"),
        ("git+ftp://host/repo", "names no repository"),
        ("git+ssh://host/repo#--upload-pack=id", "not the name of a branch"),
        ("git+ssh://host/repo#a..b", "not the name of a branch"),
        ("git+ssh://host/repo#a b", "not the name of a branch"),
        ("git+ssh://host/repo#main:../x", "not a folder of the repository"),
        ("git+ssh://host/repo#main:/x", "not a folder of the repository"),
        ("git+ssh://host/repo#main:.git/hooks", "not a folder of the repository"),
        ("kubectl:prod", "no context and namespace"),
        ("kubectl:/ml", "no context and namespace"),
        ("kubectl:--server=x/ml", "no context and namespace"),
        ("kubectl:prod/M L", "no context and namespace"),
        ("kubectl:prod/ml?registry=$(id)", "not an option"),
        ("kubectl:prod/ml?token=abc", "not an option"),
        ("crontab:", "not an absolute path"),
        ("crontab:jobs", "not an absolute path"),
        ("crontab:/home/$(id)", "not an absolute path"),
        ("crontab:/home/50%", "not an absolute path"),
        ("systemd:/home/a b", "not an absolute path"),
        ("s3://bucket/dags", "s3: is not a kind of place"),
    ],
)
def test_what_is_no_place_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as refused:
        open_place(text)
    assert refused.value.field == "place"
    for secret in ("hunter2", "ghp_token"):
        assert secret not in str(refused.value)


@pytest.mark.parametrize(
    ("place", "targets"),
    [("kubectl:a/b", ("kubernetes", "argo")), ("crontab:/a", ("cron",)), ("systemd:/a", ("systemd",))],
)
def test_a_place_takes_what_it_executes(place: str, targets: tuple[str, ...]) -> None:
    for target in ("kubernetes", "argo", "cron", "systemd", "airflow", "slurm", "terraform"):
        if target in targets:
            open_place(place).require_target(target)
        else:
            with pytest.raises(InvalidInputError, match=target):
                open_place(place).require_target(target)
