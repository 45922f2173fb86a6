"""Programs that places use, with errors of one sentence."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from jupyter_mlops.errors import InvalidInputError, UnreachableError

PATIENCE_S = 120.0  # seconds that a program may take
REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")  # set where Git itself started this process


def call(
    command: Sequence[str], *, where: str, folder: Path | None = None, text: str = "",
    variables: Mapping[str, str] | None = None, seconds: float = PATIENCE_S,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run a program to its end, whatever its exit code. It can't ask anything.

    :param text: what it reads.
    :raises InvalidInputError: it is not installed; UnreachableError: it doesn't end.
    """
    program = shutil.which(command[0])
    if program is None:
        raise InvalidInputError(
            f"{command[0]} is not installed", where=where, remedy=f"Install {command[0]} on this machine."
        )
    environment = {name: value for name, value in os.environ.items() if name not in REPOSITORY}
    try:
        return subprocess.run(
            [program, *command[1:]], cwd=folder, env={**environment, "LC_ALL": "C", **(variables or {})},
            input=text, capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UnreachableError(f"{command[0]} did not answer within {seconds:g} s", where=where) from None
    except OSError as error:
        raise InvalidInputError(f"{command[0]} can't be started: {error.strerror}", where=where) from None


def last_words(finished: subprocess.CompletedProcess[str]) -> str:
    """The line of a program's messages that says most: the last that is an error, on one line."""
    lines = [line.strip() for line in (finished.stderr or finished.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(fatal|error|Error|E\d{4}|The connection)", line)]
    chosen = (errors or lines or [f"exit code {finished.returncode}"])[-1]
    return re.sub(r"^(fatal|error|Error):\s*", "", chosen)[:300]
