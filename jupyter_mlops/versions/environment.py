"""The environment of a kernel: described, locked, compared, and rebuilt from its lock."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import EnvironmentBuildError
from jupyter_mlops.storage.store import CREDENTIALS
from jupyter_mlops.versions.manifest import Environment

# Runs in the kernel's interpreter, which need not have anything of ours.
DESCRIBE = """
import json, os, platform, sys, sysconfig
from importlib import metadata
packages, others = {}, {}
meta = os.path.join(sys.prefix, "conda-meta")
of_conda = os.path.isdir(meta)
for found in metadata.distributions():
    name = (found.metadata["Name"] or "").lower().replace("_", "-").replace(".", "-")
    if not name or name in packages or name in others:
        continue
    if of_conda and (found.read_text("INSTALLER") or "").strip() == "conda":
        continue
    url = json.loads(found.read_text("direct_url.json") or "{}")
    if "vcs_info" in url:
        packages[name] = "git+" + url["url"] + "@" + url["vcs_info"]["commit_id"]
    elif "dir_info" in url or url.get("url", "").startswith("file:"):
        others[name] = found.version
    elif "archive_info" in url:
        packages[name] = url["url"]
    else:
        packages[name] = found.version
conda = []
if of_conda:
    for entry in sorted(os.listdir(meta)):
        if entry.endswith(".json"):
            with open(os.path.join(meta, entry)) as stream:
                told = json.load(stream)
            if told.get("url"):
                conda.append(told["url"] + "#" + (told.get("md5") or ""))
print(json.dumps({
    "python": platform.python_version(), "implementation": platform.python_implementation().lower(),
    "platform": sysconfig.get_platform(), "packages": dict(sorted(packages.items())),
    "others": dict(sorted(others.items())), "conda": conda,
}))
"""


LOCK_MARKER = "lock-version"  # stands in every `pylock.toml`
PIP_SECTION = "# what pip installed\n"  # parts conda's lock from the one of packages that conda knows nothing of


@dataclass(frozen=True)
class Lock:
    """The packages from which an environment can be built.

    :param text: `pylock.toml` (PEP 751), or conda's explicit form, with a `pylock.toml` below it if pip installed more.
    :param hashed: whether the lock has the file digests of every package.
    """

    text: str
    kind: str
    hashed: bool
    notes: tuple[str, ...] = field(default=())


def describe(interpreter: Sequence[str]) -> Environment:
    """The packages of an interpreter's environment. Raises EnvironmentBuildError if they can't be queried."""
    try:
        process = subprocess.run(
            [*interpreter, "-I", "-c", DESCRIBE], capture_output=True, text=True, timeout=120, check=True
        )
        description = json.loads(process.stdout)
        description["packages"] = {
            name: CREDENTIALS.sub("", version) for name, version in description["packages"].items()
        }
        return Environment.from_dict(description)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        message = (getattr(error, "stderr", "") or str(error)).strip().split("\n")[-1]
        raise EnvironmentBuildError(
            f"the kernel's environment can't be described: {message}", where=" ".join(interpreter)
        ) from None


def lock(environment: Environment, folder: Path, interpreter: Sequence[str]) -> Lock:
    """Lock an environment; an earlier lock of the same packages is reused from the folder."""
    if not environment.conda:
        return _lock_packages(environment, folder, interpreter)
    text = "@EXPLICIT\n" + "\n".join(environment.conda) + "\n"
    has_hashes = all(map(_has_digest, environment.conda))
    if not environment.packages:
        return Lock(text, "conda", has_hashes, _notes(environment))
    pip_lock = _lock_packages(environment, folder, interpreter)
    return Lock(f"{text}{PIP_SECTION}{pip_lock.text}", "conda", has_hashes and pip_lock.hashed, pip_lock.notes)


def _lock_packages(environment: Environment, folder: Path, interpreter: Sequence[str]) -> Lock:
    cache_path = folder / f"{_cache_key(environment)}.toml"
    cached_text = cache_path.read_text(encoding="utf-8") if cache_path.is_file() else ""
    if LOCK_MARKER in cached_text:
        return Lock(cached_text, "pylock", True, _notes(environment))
    requirements = "".join(f"{_requirement(n, v)}\n" for n, v in environment.packages.items())
    command = [
        _find_uv(), "pip", "compile", "-", "--no-deps", "--format", "pylock.toml", "--no-header", "--quiet",
        "--no-config",
        "--python", interpreter[0],
    ]  # fmt: skip
    try:
        process = subprocess.run(command, input=requirements, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return _lock_without_hashes(environment, str(error))
    if process.returncode:
        return _lock_without_hashes(environment, process.stderr.strip())
    _write_cache(cache_path, process.stdout)
    return Lock(process.stdout, "pylock", True, _notes(environment))


def _write_cache(path: Path, text: str) -> None:
    """Store the lock for reuse; if that fails, it is created again next time."""
    temp_path = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temp_path.write_text(text, encoding="utf-8")
        temp_path.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temp_path.unlink()


def differences(old: Environment, new: Environment) -> list[str]:
    """The differences between two environments, one sentence each."""
    sentences = []
    for name, old_value, new_value in (
        ("Python", old.python, new.python),
        ("implementation", old.implementation, new.implementation),
        ("platform", old.platform, new.platform),
    ):
        if old_value != new_value:
            sentences.append(f"{name}: {old_value} then, {new_value} now")
    old_versions, new_versions = ({**e.packages, **e.others, **_conda_builds(e)} for e in (old, new))
    for name in sorted({*old_versions, *new_versions}):
        if not _same_version(old_versions.get(name), new_versions.get(name)):
            sentences.append(
                f"{name}: {old_versions.get(name, 'not installed')} then, {new_versions.get(name, 'not installed')} now"
            )
    return sentences


def _same_version(first: str | None, second: str | None) -> bool:
    """Whether two versions are the same; one may be the URL of its wheel, the other a number."""
    if first is None or second is None or ("://" in first) == ("://" in second):
        return first == second
    address, number = (first, second) if "://" in first else (second, first)
    parts = address.partition("#")[0].rpartition("/")[2].split("-")
    return len(parts) > 2 and parts[1] == number


def build(text: str, kind: str, environment: Environment, home: Path) -> Path:
    """Build an environment from a lock, once for all callers; returns its interpreter. Raises EnvironmentBuildError."""
    if kind == "conda":
        return _build_conda(text, home)
    from filelock import FileLock

    folder = home / "environments" / hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    marker = folder / ".complete"
    if marker.is_file():
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if marker.is_file():
            return python
        shutil.rmtree(folder, ignore_errors=True)
        _run_command(
            [_find_uv(), "venv", "--quiet", "--no-config", "--python", environment.python, str(folder)], environment
        )
        _install(["sync"], text, python, folder, environment)
        marker.touch()
    return python


def _install(uv_arguments: list[str], text: str, python: Path, folder: Path, environment: Environment | None) -> None:
    """Install the packages of a lock into an environment with uv."""
    has_hashes = LOCK_MARKER in text
    lock_path = folder / ("pylock.toml" if has_hashes else "requirements.txt")
    lock_path.write_text(text, encoding="utf-8")
    hash_options = ["--require-hashes"] if has_hashes else []
    command = [
        _find_uv(),
        "pip",
        uv_arguments[0],
        "--quiet",
        "--no-config",
        "--python",
        str(python),
        *hash_options,
        *uv_arguments[1:],
        str(lock_path),
    ]
    _run_command(command, environment, folder)


def _build_conda(text: str, home: Path) -> Path:
    from filelock import FileLock

    folder = home / "environments" / hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    python, marker = folder / "bin" / "python", folder / ".complete"
    program = next(filter(None, map(shutil.which, ("micromamba", "mamba", "conda"))), None)
    if marker.is_file():
        return python
    if program is None:
        raise EnvironmentBuildError(
            "a conda environment can't be built here: there is no conda, mamba or micromamba",
            remedy="Install one of them, or use the live kernel for the job.",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not marker.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            spec = folder.with_suffix(".txt")
            conda_text, _, pip_text = text.partition(PIP_SECTION)
            spec.write_text(conda_text, encoding="utf-8")
            _run_command(
                [program, "create", "--yes", "--quiet", "--prefix", str(folder), "--file", str(spec)], None, folder
            )
            if pip_text:
                _install(["install", "--no-deps", "--break-system-packages", "-r"], pip_text, python, folder, None)
            marker.touch()
    return python


def _run_command(command: list[str], environment: Environment | None, folder: Path | None = None) -> None:
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
        message = (process.stderr or process.stdout).strip() if process.returncode else ""
    except (OSError, subprocess.SubprocessError) as error:
        message = str(error)
    if message:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise EnvironmentBuildError(
            f"the environment can't be built from its lock: {message[-2000:]}",
            where=f"Python {environment.python}" if environment is not None else "",
            remedy="Publish again where its packages are available, or use the live kernel for the job "
            "(policy environment: live).",
        )


def conda_packages(environment: Environment) -> dict[str, tuple[str, str]]:
    """Name -> version and build of the packages that conda installed."""
    files = (url.partition("#")[0].rpartition("/")[2] for url in environment.conda)
    parts = (re.sub(r"\.(conda|tar\.bz2)$", "", file).rsplit("-", 2) for file in files)
    return {fields[0]: (fields[1], fields[2]) for fields in parts if len(fields) == 3}


def _conda_builds(environment: Environment) -> dict[str, str]:
    return {name: "-".join(facts) for name, facts in conda_packages(environment).items()}


def _lock_without_hashes(environment: Environment, reason: str) -> Lock:
    text = "".join(f"{_requirement(n, v)}\n" for n, v in environment.packages.items())
    summary = reason.split("\n")[0][:300]
    note = f"locked by version alone, without digests: no index could be reached ({summary})"
    return Lock(text, "pins", False, (note, *_notes(environment)))


def _notes(environment: Environment) -> tuple[str, ...]:
    return tuple(
        f"{name} {version} was installed from a folder and is not in the lock"
        for name, version in environment.others.items()
        if name not in ("jupyter-mlops",)
    )


def _requirement(name: str, version: str) -> str:
    return f"{name} @ {version}" if "://" in version else f"{name}=={version}"


def _has_digest(url: str) -> bool:
    return not url.endswith("#")


def _cache_key(environment: Environment) -> str:
    facts: list[Any] = [environment.python, environment.platform, dict(environment.packages)]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _find_uv() -> str:
    """The program of uv: from its package, or from the path."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        program = shutil.which("uv")
        if program is None:
            raise EnvironmentBuildError("uv is not installed", remedy="pip install uv") from None
        return program
