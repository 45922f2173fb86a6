"""Exports of versions and notebooks as files of other engines."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jupyter_mlops.server.schemas.base import Name, Path, RequestModel, ResponseModel


class ExporterRead(ResponseModel):
    name: str = Field(description="The target, as exports name it.")
    label: str = Field(description="The engine, for people.")
    summary: str = Field(description="What is written, as a phrase; '' if the exporter does not say.")


class Exporters(ResponseModel):
    exporters: list[ExporterRead]


class ExportCreate(RequestModel):
    """Compare an export with a folder, and write it if asked to."""

    target: Name
    version: str = Field("latest", min_length=1, max_length=100, description="v3, latest, or @production.")
    folder: str = Field("", max_length=4096, description="Below the server's root; '' for the root.")
    contents: bool = Field(False, description="Whether the answer has the content of the files.")
    write: bool = Field(False, description="Whether the files are written.")
    replace_edited: bool = Field(False, description="Whether files that a person edited are replaced.")


class DraftExportCreate(RequestModel):
    """As ExportCreate, of a notebook that need not be published."""

    notebook: Path
    target: Name
    folder: str = Field("", max_length=4096, description="Below the server's root; '' for the root.")
    contents: bool = False
    write: bool = False
    replace_edited: bool = False


class ExportFile(ResponseModel):
    path: str = Field(description="Relative to the folder, with slashes.")
    state: Literal["new", "changed", "same", "removed"]
    size: int = Field(description="Bytes.")
    edited: bool = Field(description="Whether a person edited it since the last export, or it is from no export.")
    diff: str = Field(description="Unified diff from what the folder holds; '' for files that are not text.")
    executable: bool
    content: str | None = Field(None, description="On request only, and null for a file that is removed.")
    encoding: Literal["text", "base64"] | None = None


class ExportRead(ResponseModel):
    target: str
    label: str
    job: str
    version: str = Field(description="'' for a notebook that is not published.")
    digest: str
    folder: str
    files: list[ExportFile] = Field(description="As they differed before anything was written.")
    matches: bool = Field(description="Whether the folder held exactly this export.")
    omissions: list[str] = Field(description="What the engine can't do, and what is left to a person; a sentence each.")
