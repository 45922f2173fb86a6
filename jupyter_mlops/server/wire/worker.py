"""The worker."""

from __future__ import annotations

from pydantic import Field

from jupyter_mlops.server.wire.base import Asked, Told, Values


class WorkerTold(Told):
    running: bool
    supervised: bool = Field(description="Whether servers keep it: one started it, and it ends with the last of them.")
    problem: str
    facts: Values


class DemoAsked(Asked):
    """Copy the demo project into a folder."""

    folder: str = Field("", max_length=4096, description="As the contents manager has it.")


class DemoTold(Told):
    path: str
