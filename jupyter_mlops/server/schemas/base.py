"""Base classes and common types."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["parameters", "imports", "functions", "step"]
EdgeKind = Literal["data", "prev", "file", "state", "learned"]
Severity = Literal["error", "warning", "info"]
Seconds = Annotated[float, Field(description="Seconds.")]
Time = Annotated[float, Field(description="Seconds since 1970-01-01 in UTC.")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Path = Annotated[str, Field(min_length=1, max_length=4096, description="As in the contents manager.")]
LARGEST = (1 << 63) - 1  # integer that a database, or the position in a file, can be


class RequestModel(BaseModel):
    """A request. Unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ResponseModel(BaseModel):
    """A response."""

    model_config = ConfigDict(extra="ignore")


class Problem(ResponseModel):
    """An error, and what to do about it."""

    message: str = Field(description="For people.")
    reason: str = Field(description="For programs: the kind of error, such as Unknown or BadParameter.")
    field: str = Field(default="", description="The part of the request it is about, such as parameters.alpha.")
    remedy: str = Field(default="", description="What to do about it.")


Values = dict[str, Any]
