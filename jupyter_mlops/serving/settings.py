"""The settings of a server, checked when they are made."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from jupyter_mlops.errors import InvalidInputError

MEGABYTE = 1 << 20
LOOPBACK_NAMES = ("localhost", "localhost.localdomain")


@dataclass(frozen=True)
class ServeSettings:
    """How a model is served.

    :param job: the job; "" if the model is in `folder`.
    :param selector: `latest`, `v3` or `@production`.
    :param model: the variable; "" if the version has one model.
    :param run: take the model of this run, for good; "" follows the version.
    :param folder: a folder that `jupyter mlops models JOB --export DIR` wrote.
    :param method: the method that answers requests that don't choose one; "" for `predict`.
    :param token: clients must present it; "" for none.
    :param port: 0 for a free one.
    :param workers: processes; `threads`: of each.
    :param concurrency: requests in progress in a process. Further ones are answered with 503.
    :param timeout: seconds until a request is answered with 504; `body_timeout`: to receive a body; `grace`: to finish
        requests after SIGTERM; `poll`: between two looks at the database.
    :param body_limit: bytes of a body, after decompression.
    :param log_share: share of the requests in the prediction log, from 0 to 1; `log_limit`: bytes of the log.
    """

    job: str = ""
    selector: str = "latest"
    model: str = ""
    run: str = ""
    folder: str = ""
    method: str = ""
    any_environment: bool = False
    host: str = "127.0.0.1"
    port: int = 8080
    token: str = ""
    workers: int = 1
    threads: int = 2
    concurrency: int = 64
    timeout: float = 30.0
    body_timeout: float = 30.0
    grace: float = 30.0
    poll: float = 1.0
    body_limit: int = 64 * MEGABYTE
    log_share: float = 0.1
    log_limit: int = 256 * MEGABYTE

    def __post_init__(self) -> None:
        bounds = {
            "port": (0, 65535), "workers": (1, 256), "threads": (1, 256), "concurrency": (1, 100_000),
            "timeout": (0.001, 86_400), "body_timeout": (0.001, 86_400), "grace": (0, 86_400), "poll": (0.01, 3600),
            "body_limit": (1, 1 << 40), "log_share": (0, 1), "log_limit": (0, 1 << 50),
        }  # fmt: skip
        for name, (least, most) in bounds.items():
            if not least <= getattr(self, name) <= most:
                raise InvalidInputError(
                    f"{getattr(self, name)} is not possible", field=name, remedy=f"Use {least} to {most}."
                )
        if bool(self.job) == bool(self.folder):
            raise InvalidInputError("name either a job or a folder", field="job")
        if any(ord(character) < 33 or ord(character) > 126 for character in self.token):
            raise InvalidInputError("the token must be printable ASCII without spaces", field="token")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> ServeSettings:
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in names})


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() in LOOPBACK_NAMES


def require_protected(host: str, token: str, *, no_token: bool) -> None:
    """Raises InvalidInputError if a server that others reach would have no token."""
    if not is_loopback(host) and not token and not no_token:
        raise InvalidInputError(
            "others could use this server without a token",
            where=f"--host {host}",
            remedy="Set JUPYTER_MLOPS_SERVE_TOKEN or --token, or say --no-token if something before it protects it.",
        )
