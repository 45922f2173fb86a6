"""The worker."""

from __future__ import annotations

from pydantic import Field

from jupyter_mlops.server.schemas.base import RequestModel, ResponseModel, Values


class WorkerStatus(ResponseModel):
    running: bool
    supervised: bool = Field(
        description="Whether servers supervise it: one of them started it, and it ends with the last one."
    )
    problem: str
    facts: Values


class DemoCreate(RequestModel):
    """Copy the demo project into a folder."""

    folder: str = Field("", max_length=4096, description="As in the contents manager.")


class DemoRead(ResponseModel):
    path: str
