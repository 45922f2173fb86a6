"""The kernel that the notebook requests."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule


@rule("kernel")
def kernel(context: Context) -> Iterator[Finding]:
    """No kernel of that name is installed, or the notebook names none."""
    facts = context.kernel
    if facts is None:
        return
    if not facts.installed:
        yield Finding(
            "kernel",
            "error",
            None,
            f"The notebook requests the kernel {facts.name!r}, which is not installed here.",
            "Install it (`jupyter kernelspec list` lists the installed kernels), or choose another kernel.",
        )
    elif not context.nb.metadata.get("kernelspec", {}).get("name"):
        yield Finding(
            "kernel",
            "info",
            None,
            f"The notebook names no kernel; it will run on {facts.name or 'the default Python kernel'}.",
            "Choose a kernel in JupyterLab and save, so that the notebook states its kernel.",
        )
