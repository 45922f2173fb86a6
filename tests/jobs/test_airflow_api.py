"""The client of Airflow's REST API, against a server that behaves like both of its versions."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from jupyter_mlops.errors import InvalidInputError, MlopsError, UnreachableError
from jupyter_mlops.jobs.airflow_api import AirflowAddress, AirflowApi, detail_of, log_text
from tests.jobs.airflow import RUN, Airflow, dag_run, served, task

USER = {"user": "ada", "password": "sesame"}


@pytest.fixture(params=[3, 2])
def airflow(request: pytest.FixtureRequest) -> Iterator[Airflow]:
    made = Airflow(request.param)
    made.dags = {"churn": {"dag_id": "churn", "description": "churn v1: x", "tags": ["jupyter_mlops"]},
                 "other": {"dag_id": "other", "description": "", "tags": []}}  # fmt: skip
    made.runs["churn"] = [dag_run(dag_run_id=f"r{n}") for n in range(230)]
    made.tasks[RUN] = [task("load"), task("fit")]
    made.logs["load", 1] = "first line\nRESULT ünï\n"
    with served(made):
        yield made


def test_reading(airflow: Airflow) -> None:
    api = AirflowApi(airflow.url, USER)
    assert api.is_version_2 == (airflow.version == 3)
    assert api.dag_ids() == ["churn"]
    assert api.dag("churn")["description"] == "churn v1: x"
    assert [run["dag_run_id"] for run in api.dag_runs("churn")] == [f"r{n}" for n in range(230)]
    assert [row["task_id"] for row in api.task_instances("churn", RUN)] == ["load", "fit"]
    assert "RESULT ünï\n" in api.log("churn", RUN, "load", 1)
    assert api.log("churn", RUN, "load", 2) == "", "Airflow has no log of it any more"


def test_names_are_quoted(airflow: Airflow) -> None:
    api = AirflowApi(airflow.url, USER)
    with pytest.raises(InvalidInputError, match="nothing at"):
        api.dag("../../a b?c#d")
    assert airflow.requests[-1].endswith("/dags/..%2F..%2Fa%20b%3Fc%23d")


def test_wrong_credentials(airflow: Airflow) -> None:
    for credentials in ({"user": "ada", "password": "wrong-secret"}, {"token": "wrong-secret"}, {}):
        with pytest.raises(InvalidInputError, match="does not accept the credentials") as refused:
            AirflowApi(airflow.url, credentials).dag_ids()
        assert "wrong-secret" not in str(refused.value)
        assert "JUPYTER_MLOPS_AIRFLOW_PASSWORD" in refused.value.remedy


def test_a_token_that_ran_out_is_renewed() -> None:
    with served(Airflow(3)) as airflow:
        api = AirflowApi(airflow.url, USER)
        assert api.dag_ids() == []
        airflow.token = "token-2"
        assert api.dag_ids() == []
        assert airflow.requests.count("POST /auth/token") == 2


def test_a_given_token_is_used_as_it_is() -> None:
    with served(Airflow(3)) as airflow:
        assert AirflowApi(airflow.url, {"token": "token-1"}).dag_ids() == []
        assert "POST /auth/token" not in airflow.requests


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (403, InvalidInputError, "does not let this user read"),
        (404, InvalidInputError, "has nothing at"),
        (302, InvalidInputError, "the address is redirected"),
        (500, UnreachableError, "answered 500: as the test has it"),
        (503, UnreachableError, "answered 503"),
        (429, UnreachableError, "answered 429"),
    ],
)
def test_statuses(airflow: Airflow, status: int, kind: type[MlopsError], message: str) -> None:
    airflow.statuses["dagRuns"] = status
    with pytest.raises(kind, match=message):
        list(AirflowApi(airflow.url, USER).dag_runs("churn"))


@pytest.mark.parametrize("body", [b"<html>login</html>", b"[]", b'{"dag_runs": 3}', b"", b"\xff\xfe"])
def test_answers_that_are_not_airflows(airflow: Airflow, body: bytes) -> None:
    airflow.garbage["dagRuns"] = body
    with pytest.raises(UnreachableError, match="Airflow's answer to"):
        list(AirflowApi(airflow.url, USER).dag_runs("churn"))


def test_a_page_that_never_ends(airflow: Airflow) -> None:
    airflow.runs["churn"] = [dag_run(dag_run_id=f"r{n}") for n in range(2500)]
    assert len(list(AirflowApi(airflow.url, USER).dag_runs("churn"))) == 1000


def test_no_answer(airflow: Airflow) -> None:
    airflow.hangs.set()
    with pytest.raises(UnreachableError, match=r"did not answer within 0\.2 s"):
        AirflowApi(airflow.url, USER, timeout=0.2).dag_ids()


def test_nobody_is_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(UnreachableError, match="can't be reached"):
        AirflowApi(url, USER).dag_ids()
    with pytest.raises(UnreachableError, match="can't be reached"):
        AirflowApi("http://no-such-host.invalid", USER).dag_ids()


def test_another_server() -> None:
    with served(Airflow(3)) as airflow, pytest.raises(InvalidInputError, match="no REST API"):
        AirflowApi(f"{airflow.url}/prefix", USER).dag_ids()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("airflow+https://a.example.org", AirflowAddress("https://a.example.org")),
        ("airflow+http://a:8080/base/?dag_id=x&dag_id=y", AirflowAddress("http://a:8080/base", ("x", "y"))),
        ("airflow+https://a?credentials=PROD", AirflowAddress("https://a", (), "PROD")),
    ],
)
def test_addresses(text: str, address: AirflowAddress) -> None:
    assert AirflowAddress.parse(text) == address


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("airflow+https://ada:sesame@a", "holds credentials"),
        ("airflow+https://token@a", "holds credentials"),
        ("airflow+ftp://a", "not an address"),
        ("airflow+https://", "not an address"),
        ("airflow+https://[a", "not a URL"),
        ("airflow+https://a?password=sesame", "'password' is not an option"),
        ("airflow+https://a?dag_id=", "'dag_id' is not an option"),
        ("airflow+https://a?credentials=$(id)", "'credentials' is not an option"),
    ],
)
def test_wrong_addresses(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as refused:
        AirflowAddress.parse(text)
    assert "ada:sesame" not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            b'{"content": [{"event": "a", "timestamp": "2026", "level": "error"}, {"event": "b"}]}',
            "[2026] ERROR a\nb\n",
        ),
        (b'{"content": ["plain", "lines"]}', "plain\nlines\n"),
        (b'{"content": "text"}', "text"),
        (b"not json \xff", "not json \ufffd"),
        (b"[]", "[]"),
    ],
)
def test_logs(body: bytes, text: str) -> None:
    assert log_text(body) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"detail": "no\\n such"}', "no such"), (b'{"title": "T"}', "T"), (b"<html>\n x", "<html> x"),
        (b"", "without a reason"), (b"[1]", "[1]"),
    ],
)  # fmt: skip
def test_details_of_errors(body: bytes, text: str) -> None:
    assert detail_of(body) == text
