"""What the kernel's environment is, as a digest: interpreter, installed packages, variables it starts with."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec, NoSuchKernel

from jupyter_mlops.kernels.specs import spec_manager

VOLATILE = re.compile(
    r"(JPY_|JUPYTER|TERM|COLUMNS|LINES|PWD$|OLDPWD$|SHLVL$|_$|SSH_|XDG_|PYTEST_|PYDEVD|DBUS|WINDOWID|TMUX|LS_COLORS"
    r"|CLICOLOR|FORCE_COLOR|NO_COLOR|PAGER|GIT_|INVOCATION_ID|JOURNAL_STREAM|HOSTNAME|LOGNAME|MAIL$|TMPDIR|PS1)"
)


def kernel_spec(name: str) -> KernelSpec | None:
    """The installed kernel of that name, or None."""
    try:
        return spec_manager().get_kernel_spec(name)
    except NoSuchKernel:
        return None


def site_folders(interpreter: str) -> list[str]:
    """Where the packages of an interpreter are installed."""
    if os.path.realpath(interpreter) == os.path.realpath(sys.executable) and interpreter == sys.executable:
        return [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]
    prefix = Path(interpreter).parent.parent
    return sorted(glob.glob(str(prefix / "lib*" / "python3*" / "*-packages")))


def environment_digest(kernel_name: str, env: Mapping[str, str] | None = None) -> str:
    """Changes whenever a package is installed, upgraded or removed, or the kernel is another one.

    :param env: environment variables of the kernel; None: those of this process.
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
        packages += [n for n in names if n.endswith((".dist-info", ".egg-info", ".pth", ".egg-link"))]
    facts = [argv, dict(spec.env) if spec is not None else {}, os.path.realpath(interpreter), sys.version, packages]
    environ = sorted((k, v) for k, v in (os.environ if env is None else env).items() if not VOLATILE.match(k))
    return hashlib.blake2b(json.dumps([facts, environ]).encode(), digest_size=16).hexdigest()


def modules_missing(kernel_name: str, modules: frozenset[str], cwd: str) -> frozenset[str] | None:
    """Which of these top-level modules the kernel's interpreter can't import; None if it can't be asked."""
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
        done = subprocess.run(
            [interpreter, "-c", code, json.dumps(sorted(modules))],
            cwd=cwd, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return frozenset(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
