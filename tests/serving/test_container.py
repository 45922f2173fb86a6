"""The files of an image that serves a model."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops import __version__
from jupyter_mlops.serving.container import container_files

DOCUMENT: dict[str, Any] = {
    "variable": "clf", "job": "churn", "python": "3.11.7", "packages": {"numpy": "2.4.6"},
    "framework": {"name": "scikit-learn", "version": "1.9.1"},
}  # fmt: skip


def test_an_image_has_the_python_and_the_packages_of_the_model() -> None:
    files = container_files(DOCUMENT, 7)
    assert "FROM docker.io/library/python:3.11-slim\n" in files["Dockerfile"]
    assert files["requirements.txt"].split() == [f"jupyter_mlops=={__version__}", "numpy==2.4.6", "scikit-learn==1.9.1"]
    assert "--no-token" not in files["Dockerfile"]


@pytest.mark.parametrize("text", ["a\nRUN rm -rf /", "$(id)", "a\r\nUSER root", "'; drop", "ü\u2028b"])
def test_names_can_not_become_instructions(text: str) -> None:
    hostile = {**DOCUMENT, "job": text, "variable": text, "python": text, "packages": {text: text, "numpy": text}}
    files = container_files(hostile, 7)
    instructions = [line.split()[0] for line in files["Dockerfile"].splitlines() if line and not line.startswith("#")]
    assert instructions == [
        "FROM", "COPY", "RUN", "&&", "COPY", "USER", "ENV", "EXPOSE", "HEALTHCHECK", "CMD",
    ]  # fmt: skip
    assert files["requirements.txt"].split() == [f"jupyter_mlops=={__version__}", "scikit-learn==1.9.1"]
