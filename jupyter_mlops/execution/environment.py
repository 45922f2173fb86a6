"""A digest of the kernel's environment: interpreter, installed packages, initial variables."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec, NoSuchKernel

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.execution.environ import counted
from jupyter_mlops.kernels.specs import spec_manager


def kernel_spec(name: str) -> KernelSpec | None:
    """The installed kernel of that name, or None."""
    try:
        return spec_manager().get_kernel_spec(name)
    except NoSuchKernel:
        return None


def interpreter_of(kernel: str) -> list[str]:
    """The command of a kernel's interpreter. Raises InvalidInputError."""
    spec = kernel_spec(kernel)
    if spec is None:
        raise InvalidInputError(
            f"no kernel named {kernel!r} is installed",
            field="kernel",
            remedy=f"There are: {', '.join(sorted(spec_manager().find_kernel_specs())) or 'none'}.",
        )
    first = spec.argv[0] if spec.argv else "python"
    return [first if os.path.isabs(first) else sys.executable]


def site_folders(interpreter: str) -> list[str]:
    """The folders with the installed packages of an interpreter."""
    if os.path.realpath(interpreter) == os.path.realpath(sys.executable) and interpreter == sys.executable:
        return [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]
    prefix = Path(interpreter).parent.parent
    return sorted(glob.glob(str(prefix / "lib*" / "python3*" / "*-packages")))


def environment_digest(kernel_name: str, env: Mapping[str, str] | None = None, sources: Iterable[str] = ()) -> str:
    """A digest that changes whenever a package is installed, upgraded or removed, or the kernel is another one.

    :param env: environment variables of the kernel; None: those of this process.
    :param sources: the notebook's code cells, which may name variables.
    """
    spec = kernel_spec(kernel_name)
    argv = spec.argv if spec is not None else []
    interpreter = argv[0] if argv else ""
    if not os.path.isabs(interpreter) or interpreter.startswith("python"):
        interpreter = sys.executable
    packages: list[str] = []
    for folder in site_folders(interpreter):
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        packages += [n for n in names if n.endswith((".dist-info", ".egg-info"))]
        packages += [f"{n} {_changed(folder, n)}" for n in names if n.endswith((".py", ".pth", ".egg-link"))]
    facts = [argv, dict(spec.env) if spec is not None else {}, os.path.realpath(interpreter), sys.version, packages]
    environ = counted(os.environ if env is None else env, sources)
    return hashlib.blake2b(json.dumps([facts, environ]).encode(), digest_size=16).hexdigest()


def _changed(folder: str, name: str) -> int:
    """When a file was last changed. A loose module among the packages has no record of its installation."""
    try:
        return os.stat(os.path.join(folder, name)).st_mtime_ns
    except OSError:
        return 0


def modules_missing(kernel_name: str, modules: frozenset[str], cwd: str) -> frozenset[str] | None:
    """The top-level modules among these that the kernel's interpreter can't import; None if it can't be queried."""
    import subprocess

    spec = kernel_spec(kernel_name)
    if spec is None or not spec.argv:
        return None
    code = (
        "import sys, json, importlib.util as u\n"
        "def ok(m):\n"
        "    try: return u.find_spec(m) is not None\n"
        "    except Exception: return False\n"
        "print(json.dumps([m for m in json.loads(sys.argv[1]) if not ok(m)]))"
    )
    interpreter = spec.argv[0] if os.path.isabs(spec.argv[0]) else sys.executable
    try:
        completed = subprocess.run(
            [interpreter, "-c", code, json.dumps(sorted(modules))],
            cwd=cwd, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return frozenset(json.loads(completed.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
