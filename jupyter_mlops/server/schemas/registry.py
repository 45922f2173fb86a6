"""Aliases and their history, gates, promotions."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from jupyter_mlops.server.schemas.base import ResponseModel, Time, Values


class AliasChange(ResponseModel):
    """One change of an alias."""

    alias: str
    number: int = Field(description="1, 2, … of this alias.")
    version: str | None = Field(description="null: the alias was removed.")
    previous: str | None = Field(description="null: there was no alias, or it is not known.")
    changed: Time
    author: str = Field(description="'': not known.")
    reason: str
    action: str = Field(description="promote, rollback, set, or remove.")
    undoes: int | None = Field(description="Number of the change that a rollback undoes.")
    gates: list[dict[str, Any]] = Field(description="Results of the gates at that time.")
    overridden: bool = Field(description="Whether it was made although a gate had not passed.")


class AliasHistory(ResponseModel):
    changes: list[AliasChange] = Field(description="Newest first.")


class AliasOfJob(ResponseModel):
    """The version of a job that has an alias."""

    job: str
    alias: str
    version: str
    digest: str
    changed: Time
    author: str
    reason: str
    action: str
    run: str | None = Field(description="Its latest completed run.")
    finished: Time | None
    metrics: Values = Field(description="Of that run.")


class AliasSearch(ResponseModel):
    versions: list[AliasOfJob] = Field(description="By job.")
