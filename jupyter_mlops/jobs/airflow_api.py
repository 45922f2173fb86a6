"""Airflow's REST API: version 2 of Airflow 3, version 1 of Airflow 2."""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from jupyter_mlops.errors import InvalidInputError, UnreachableError
from jupyter_mlops.storage.store import CREDENTIALS

TIMEOUT_S = 20.0  # seconds to wait for an answer
PAGE = 100  # rows of a page, which is Airflow's default limit
MOST_RUNS = 1000  # of a DAG, newest first
LONGEST_LOG = 1_000_000  # characters of a task's log, the last ones
LARGEST_ANSWER = 64 << 20  # bytes
NAMES = "JUPYTER_MLOPS_AIRFLOW"  # how names of credentials begin


@dataclass(frozen=True)
class AirflowAddress:
    """Where Airflow is, and what is read there.

    :param url: of its web server, without `/api`.
    :param dags: ids of DAGs; none: those with the tag `jupyter_mlops`.
    :param names: how names of its credentials begin: `NAMES_TOKEN`, or `NAMES_USER` and `NAMES_PASSWORD`.
    """

    url: str
    dags: tuple[str, ...] = ()
    names: str = NAMES

    @classmethod
    def parse(cls, text: str) -> AirflowAddress:
        """The address in `airflow+https://HOST/PATH?dag_id=DAG&credentials=NAMES`. Raises InvalidInputError."""
        example = "Example: airflow+https://airflow.example.org?dag_id=churn."
        location = CREDENTIALS.sub("", text)
        try:
            parts = urlsplit(text.removeprefix("airflow+"))
            options = parse_qs(parts.query, keep_blank_values=True)
            host = parts.hostname
        except ValueError:
            raise InvalidInputError("this is not a URL", where=location, remedy=example) from None
        if parts.scheme not in ("http", "https") or not host:
            raise InvalidInputError("this is not an address of Airflow", where=location, remedy=example)
        if "@" in parts.netloc:
            raise InvalidInputError(
                "the address holds credentials, and addresses are recorded", where=location,
                remedy=f"Set {NAMES}_USER and {NAMES}_PASSWORD, or {NAMES}_TOKEN, in the worker's environment.",
            )  # fmt: skip
        names = "".join(options.pop("credentials", [NAMES]))
        dags = tuple(options.pop("dag_id", []))
        if options or not re.fullmatch(r"[A-Za-z_]\w{0,99}", names, re.ASCII) or "" in dags:
            wrong = next(iter(options), "dag_id" if "" in dags else "credentials")
            raise InvalidInputError(f"{wrong!r} is not an option of the address", where=text, remedy=example)
        return cls(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", dags, names)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: credentials go to the address that a person named, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


class AirflowApi:
    """Reads from one Airflow. Every method raises UnreachableError, or InvalidInputError if Airflow refuses.

    :param credentials: `token`, or `user` and `password`, or nothing for an Airflow that asks for none.
    """

    def __init__(self, url: str, credentials: Mapping[str, str], timeout: float = TIMEOUT_S) -> None:
        self.url, self.timeout = url, timeout
        self._credentials = dict(credentials)
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._base = ""
        self._authorization = ""

    def dag_ids(self) -> list[str]:
        """DAGs that jupyter_mlops exported."""
        return [str(dag["dag_id"]) for dag in self._pages("/dags", "dags", MOST_RUNS, tags="jupyter_mlops")]

    def dag(self, dag_id: str) -> dict[str, Any]:
        """What a DAG is."""
        return self._object(f"/dags/{quote(dag_id, safe='')}")

    def dag_runs(self, dag_id: str) -> Iterator[dict[str, Any]]:
        """The runs of a DAG, newest first."""
        order = "-run_after" if self.is_version_2 else "-execution_date"
        yield from self._pages(f"/dags/{quote(dag_id, safe='')}/dagRuns", "dag_runs", MOST_RUNS, order_by=order)

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The tasks of a run."""
        path = f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}/taskInstances"
        return list(self._pages(path, "task_instances", 10_000))

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> str:
        """The log of an attempt at a task, as text; "" if Airflow has none any more."""
        path = (
            f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}/taskInstances/{quote(task_id, safe='')}"
            f"/logs/{attempt}?full_content=true"
        )
        status, body = self._request(path, "application/json" if self.is_version_2 else "text/plain")
        if status == 404:
            return ""
        self._require(status, body, path)
        text = log_text(body) if self.is_version_2 else body.decode("utf-8", "replace")
        return text[-LONGEST_LOG:]

    @property
    def is_version_2(self) -> bool:
        """Whether this is the API of Airflow 3."""
        if not self._base:
            self._connect()
        return self._base == "/api/v2"

    def _connect(self) -> None:
        for base in ("/api/v2", "/api/v1"):
            status, body = self._send(f"{base}/version", "application/json", "")
            if status not in (404, 405) and not 300 <= status < 400:
                self._base = base
                if status not in (401, 403):
                    self._require(status, body, "/version")
                break
        else:
            raise InvalidInputError(
                "there is no REST API of Airflow", where=self.url, remedy="Name the address that a browser opens."
            )
        self._authorization = self._authorize()

    def _authorize(self) -> str:
        if token := self._credentials.get("token"):
            return f"Bearer {token}"
        user, password = self._credentials.get("user", ""), self._credentials.get("password", "")
        if not user:
            return ""
        if self._base == "/api/v1":
            return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        body = json.dumps({"username": user, "password": password}).encode()
        status, content = self._send("/auth/token", "application/json", "", body)
        self._require(status, content, "/auth/token")
        try:
            return f"Bearer {json.loads(content)['access_token']}"
        except (ValueError, KeyError, TypeError):
            raise UnreachableError("Airflow's answer to /auth/token has no token", where=self.url) from None

    def _pages(self, path: str, key: str, most: int, **query: str) -> Iterator[dict[str, Any]]:
        offset = 0
        while offset < most:
            page = self._object(f"{path}?{urlencode({**query, 'limit': PAGE, 'offset': offset})}")
            rows = page.get(key)
            if not isinstance(rows, list):
                raise UnreachableError(f"Airflow's answer to {path} has no {key}", where=self.url)
            yield from (row for row in rows if isinstance(row, dict))
            offset += len(rows)
            if len(rows) < PAGE and offset >= int(page.get("total_entries") or 0):
                return
            if not rows:
                return

    def _object(self, path: str) -> dict[str, Any]:
        status, body = self._request(path, "application/json")
        self._require(status, body, path)
        try:
            content = json.loads(body)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise UnreachableError(f"Airflow's answer to {path.partition('?')[0]} is not JSON", where=self.url)
        return content

    def _request(self, path: str, accept: str) -> tuple[int, bytes]:
        """One request; a token that has run out is renewed once."""
        if not self._base:
            self._connect()
        status, body = self._send(f"{self._base}{path}", accept, self._authorization)
        if status == 401 and self._credentials.get("user") and self._base == "/api/v2":
            self._authorization = self._authorize()
            status, body = self._send(f"{self._base}{path}", accept, self._authorization)
        return status, body

    def _send(self, path: str, accept: str, authorization: str, body: bytes | None = None) -> tuple[int, bytes]:
        headers = {"Accept": accept, **({"Authorization": authorization} if authorization else {})}
        headers |= {"Content-Type": "application/json"} if body is not None else {}
        request = urllib.request.Request(f"{self.url}{path}", body, headers)
        try:
            with self._opener.open(request, timeout=self.timeout) as response:
                return response.status, response.read(LARGEST_ANSWER)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(LARGEST_ANSWER)
        except TimeoutError:
            raise UnreachableError(f"Airflow did not answer within {self.timeout:g} s", where=self.url) from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise UnreachableError(f"Airflow did not answer within {self.timeout:g} s", where=self.url) from None
            raise UnreachableError(
                f"Airflow can't be reached: {reason}", where=self.url, remedy="Check the address and the network."
            ) from None
        except (ValueError, EOFError) as error:  # what http.client says of an answer that is none
            raise UnreachableError(f"the answer is not Airflow's: {error}", where=self.url) from None

    def _require(self, status: int, body: bytes, path: str) -> None:
        """Raises the error that a status stands for."""
        path = path.partition("?")[0]
        if status in (401, 403):
            raise InvalidInputError(
                "Airflow does not accept the credentials" if status == 401 or path == "/auth/token"
                else f"Airflow does not let this user read {path}",
                where=self.url,
                remedy=f"Set {NAMES}_USER and {NAMES}_PASSWORD, or {NAMES}_TOKEN. Other names: ?credentials=NAMES.",
            )  # fmt: skip
        if status == 404:
            raise InvalidInputError(f"Airflow has nothing at {path}", where=self.url, remedy="Check the names of DAGs.")
        if 300 <= status < 400:
            raise InvalidInputError("the address is redirected", where=self.url, remedy="Name where it leads to.")
        if status >= 400:
            raise UnreachableError(f"Airflow answered {status}: {detail_of(body)}", where=self.url)


def detail_of(body: bytes) -> str:
    """What an answer says of an error, on one line."""
    text = body[:2000].decode("utf-8", "replace")
    try:
        content = json.loads(body)
        text = str(content.get("detail") or content.get("title") or text) if isinstance(content, dict) else text
    except ValueError:
        pass
    return " ".join(text.split())[:200] or "without a reason"


def log_text(body: bytes) -> str:
    """The text of a log of Airflow 3: a line for each message."""
    try:
        content = json.loads(body)["content"]
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace")
    if isinstance(content, str):
        return content
    lines = []
    for message in content:
        if isinstance(message, dict):
            time = str(message.get("timestamp") or "")
            level = str(message.get("level") or "").upper()
            lines.append(
                " ".join(part for part in (f"[{time}]" if time else "", level, str(message.get("event"))) if part)
            )
        else:
            lines.append(str(message))
    return "".join(f"{line}\n" for line in lines)
