"""Deployments: exports at places."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jupyter_mlops.server.schemas.base import Name, RequestModel, ResponseModel, Time

PLACE = "A folder, git+URL#BRANCH:FOLDER, kubectl:CONTEXT/NAMESPACE, crontab:FOLDER or systemd:FOLDER."


class DeployCreate(RequestModel):
    """Export a version of a job to a place."""

    target: Name
    place: str = Field("", max_length=4096, description=f"{PLACE} '': the one that is configured for the target.")
    version: str = Field("", max_length=100, description="v3, latest, or @production.")
    runs: str = Field("", max_length=4096, description="Folder or URL of the artifacts of its runs.")
    dry_run: bool = False
    force: bool = Field(False, description="Replace files that were edited since the last deployment.")


class DeployedFile(ResponseModel):
    path: str = Field(description="Path of a file, or name of an object.")
    state: Literal["new", "changed", "same", "removed"]
    size: int
    edited: bool = Field(description="Whether it was edited since the last deployment, or never deployed.")
    diff: str = Field(description="Unified diff; '' for other files than texts.")


class DeployRead(ResponseModel):
    """What a deployment did, or would do."""

    deployment: int | None = Field(description="None: nothing was deployed, this was only a look.")
    job: str
    version: str
    target: str
    place: str
    changed: bool
    revision: str = Field(description="Such as a Git commit.")
    files: list[DeployedFile]
    notes: list[str]
    omissions: list[str] = Field(description="What the engine can't do.")


class DeploymentRead(ResponseModel):
    deployment: int
    job: str
    version: str
    digest: str
    selector: str = Field(description="What was deployed: latest, v3, @production.")
    target: str
    place: str
    revision: str
    runs: str
    author: str
    created: Time
    state: Literal["current", "behind", "edited", "missing", "unreachable"] | None = Field(
        description="None: the place was not checked, and it is not behind."
    )
    reasons: list[str]


class DeploymentList(ResponseModel):
    deployments: list[DeploymentRead]
