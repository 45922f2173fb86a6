"""Packages that the notebook installs while it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from jupyter_mlops.pipeline.checks.calls import calls, magics, texts
from jupyter_mlops.pipeline.checks.cell import CodeCell
from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule

_COMMAND = re.compile(
    r"(?:^|[\s/;&|(])"
    r"(?:pip[\d.]*(?:\.exe)?|(?:conda|mamba|micromamba)(?:\.exe)?|uv(?: pip)?|poetry|apt(?:-get)?|brew|easy_install)\s+"
    r"(?:-\S+\s+)*(?:install|add|uninstall|remove|update|upgrade)\b"
)
_MAGICS = frozenset({"pip", "conda", "mamba", "micromamba", "uv"})
_SHELLS = frozenset(
    {
        "os.system",
        "os.popen",
        "subprocess.run",
        "subprocess.call",
        "subprocess.check_call",
        "subprocess.check_output",
        "subprocess.getoutput",
        "subprocess.Popen",
    }
)
_CELLS = frozenset({"bash", "sh", "script", "system", "sx", "!", "cmd"})
_DIRECT = frozenset({"pip.main", "pip._internal.main", "pip._internal.cli.main.main", "piplite.install"})


@rule("pip_install")
def pip_install(context: Context) -> Iterator[Finding]:
    """Installing packages in a run changes the environment for this run and for all others."""
    modules: dict[str, str] = {}
    for cell in context.cells:
        modules.update(cell.access.modules)
        command = next(_commands(cell, modules), None)
        if command is not None:
            yield Finding(
                "pip_install",
                "warning",
                cell.index,
                f"Cell {cell.index + 1} changes the environment while it runs: `{command}`.",
                "Add the package to the kernel's environment (requirements.txt, environment.yml), "
                "then remove the line or tag the cell `skip`.",
            )


def _commands(cell: CodeCell, modules: Mapping[str, str]) -> Iterator[str]:
    for name, arguments in magics(cell.tree):
        command = arguments if name in _CELLS else f"{name} {arguments}"
        if (name in _CELLS or name in _MAGICS) and _COMMAND.search(command):
            yield _shorten(command if name == "!" else f"%{name} {arguments}")
    for name, call in calls(cell.tree, modules):
        if name in _DIRECT:
            yield f"{name}(…)"
        elif name in _SHELLS and _COMMAND.search(" ".join(texts(call))):
            yield _shorten(f"{name}: {' '.join(texts(call))}")


def _shorten(command: str) -> str:
    line = next((line for line in command.strip().splitlines() if _COMMAND.search(line)), command.strip())
    return line if len(line) <= 80 else f"{line[:79]}…"
