"""Which endpoint a request is for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote

from jupyter_mlops.serving.problems import RequestError

# Names are compared with that of the served model and never become a path.
MODEL = re.compile(r"/v2/models/(?P<model>[^/]+)(/versions/(?P<version>[^/]+))?(/(?P<action>ready|infer))?/?")
FIXED = {
    "/v2": "server", "/v2/": "server", "/v2/health/live": "live", "/v2/health/ready": "ready", "/ping": "ping",
    "/health": "health", "/version": "version", "/metrics": "metrics", "/invocations": "invocations",
}  # fmt: skip
POSTS = frozenset({"infer", "invocations"})
OPEN = frozenset({"live", "ready", "ping", "health"})  # for probes, which have no token
LONGEST = 2000  # characters of a path


@dataclass(frozen=True)
class Route:
    """The endpoint of a request.

    :param name: `server`, `live`, `ready`, `model`, `model_ready`, `infer`, `ping`, `health`, `version`, `metrics` or
        `invocations`.
    :param model: the model that the path names; "" if it names none. `model_version`: the version of it.
    """

    name: str
    model: str = ""
    model_version: str = ""

    @property
    def protocol(self) -> str:
        """What it counts as in the metrics."""
        return {"infer": "v2", "invocations": "invocations"}.get(self.name, "other")


def route_of(method: str, target: str) -> Route:
    """The endpoint of a request line.

    :raises RequestError: there is none (404), or it has another method (405).
    """
    path = target.split("?", 1)[0]
    route = None
    if len(path) <= LONGEST:
        if path in FIXED:
            route = Route(FIXED[path])
        elif match := MODEL.fullmatch(path):
            name = {"ready": "model_ready", "infer": "infer"}.get(match["action"] or "", "model")
            route = Route(name, unquote(match["model"]), unquote(match["version"] or ""))
    if route is None:
        raise RequestError("there is no such endpoint", status=HTTPStatus.NOT_FOUND)
    expected = ("POST",) if route.name in POSTS else ("GET", "HEAD")
    if method not in expected:
        raise RequestError(f"use {expected[0]} here", status=HTTPStatus.METHOD_NOT_ALLOWED)
    return route


def require_model(route: Route, names: tuple[str, ...], version: str) -> None:
    """Raises RequestError (404) unless a path names the served model, and the version that is served or none.

    :param names: under which the model is served.
    """
    if route.model and route.model not in names:
        raise RequestError("there is no such model", status=HTTPStatus.NOT_FOUND, remedy=f"Served: {names[0]}.")
    if route.model_version and route.model_version.removeprefix("v") != version:
        raise RequestError(
            "this version is not served", status=HTTPStatus.NOT_FOUND, remedy=f"Served: version {version}."
        )
