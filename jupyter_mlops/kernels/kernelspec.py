"""The kernelspec "Python 3 (forked)", which notebooks in JupyterLab can use too."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

NAME = "python3-forked"
PROVISIONER = "forked-provisioner"


def spec(preload: tuple[str, ...] = ()) -> dict[str, object]:
    """The contents of kernel.json.

    :param preload: modules that the fork server imports ahead.
    """
    return {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3 (forked)",
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {
            "debugger": True,
            "kernel_provisioner": {"provisioner_name": PROVISIONER, "config": {"preload": list(preload)}},
        },
    }


def install(name: str = NAME, *, prefix: str | None = None, preload: tuple[str, ...] = ()) -> Path:
    """Install the kernelspec for the current user, or under a prefix; replaces one of the same name.

    :returns: its folder.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "kernel.json").write_text(json.dumps(spec(preload), indent=1) + "\n", encoding="utf-8")
        manager = KernelSpecManager()
        return Path(manager.install_kernel_spec(folder, kernel_name=name, user=prefix is None, prefix=prefix))
