"""What an IPython kernel runs or reads before its first cell, if it matters where and when."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

CONFIG_FILES = ("ipython_config.py", "ipython_kernel_config.py", "ipython_config.json", "ipython_kernel_config.json")
OF_SYSTEM = ("/usr/local/etc/ipython", "/etc/ipython")
USUAL = ["-f", "{connection_file}"]  # all that a kernelspec usually tells a kernel


def has_startup_customization(argv: Sequence[str], env: Mapping[str, str], cwd: str) -> bool:
    """Whether there are settings, start-up files or arguments that affect a kernel started this way.

    :param argv: the kernelspec's.
    """
    if list(argv[argv.index("-m") + 2 :] if "-m" in argv else argv) != USUAL or env.get("PYTHONSTARTUP"):
        return True
    startup = (file for folder in _folders(argv[0], env) for file in (folder / "startup").glob("*.*py"))
    places = (Path(cwd), *_folders(argv[0], env))
    return any(startup) or any((place / name).exists() for place in places for name in CONFIG_FILES)


def _folders(interpreter: str, env: Mapping[str, str]) -> Iterator[Path]:
    """The folders that IPython searches, except the working folder."""
    home = Path(env.get("HOME") or Path.home())
    yield (Path(env["IPYTHONDIR"]) if env.get("IPYTHONDIR") else home / ".ipython") / "profile_default"
    yield Path(shutil.which(interpreter) or interpreter).parent.parent / "etc" / "ipython"
    yield from map(Path, OF_SYSTEM)
