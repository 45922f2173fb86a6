"""The files of a container image that serves one model. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jupyter_mlops import __version__

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
VERSION = re.compile(r"[0-9][0-9A-Za-z.+!_-]*")
DOCKERFILE = """\
# Serves the model {model} of {job}, version v{number}. Build and start it in this folder:
#   docker build --tag model .
#   docker run --env JUPYTER_MLOPS_SERVE_TOKEN --publish 8080:8080 model
FROM docker.io/library/python:{python}-slim
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --requirement /tmp/requirements.txt \\
    && useradd --uid 10001 --create-home serve
COPY model.json model.pkl /model/
USER 10001
ENV JUPYTER_MLOPS_HOME=/home/serve/mlops
EXPOSE 8080
HEALTHCHECK --start-period=60s CMD ["python", "-c", \
"import urllib.request as r; r.urlopen('http://127.0.0.1:8080/v2/health/ready', timeout=5)"]
CMD ["jupyter", "mlops", "serve", "--folder", "/model", "--host", "0.0.0.0", "--log", "0"]
"""


def container_files(document: Mapping[str, Any], number: int) -> dict[str, str]:
    """The Dockerfile of a model and what belongs to it, by name. The model's own files are in the same folder.

    :param number: of its version.
    """
    packages = dict(document["packages"])
    if framework := document.get("framework"):
        packages.setdefault(framework["name"], framework["version"])
    pinned = [f"{n}=={v}" for n, v in sorted(packages.items()) if NAME.fullmatch(n) and VERSION.fullmatch(v)]
    python = re.match(r"\d+\.\d+", str(document["python"]))
    facts = {"model": _plain(document["variable"]), "job": _plain(document["job"]), "number": number}
    return {
        "Dockerfile": DOCKERFILE.format(python="3.12" if python is None else python.group(), **facts),
        "requirements.txt": "\n".join([f"jupyter_mlops=={__version__}", *pinned, ""]),
        ".dockerignore": "*\n!model.json\n!model.pkl\n!requirements.txt\n",
    }


def _plain(text: Any) -> str:
    """A text within a comment: one line."""
    return "".join(c if c.isprintable() else " " for c in str(text))
