"""The environment of a kernel: described, locked, compared, and built again from its lock."""

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

from jupyter_mlops.errors import EnvironmentFailed
from jupyter_mlops.versions.manifest import Environment
from jupyter_mlops.versions.store import CREDENTIALS

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


LOCKED = "lock-version"  # stands in every `pylock.toml`
BY_PIP = "# what pip installed\n"  # parts conda's lock from the one of packages that conda knows nothing of


@dataclass(frozen=True)
class Lock:
    """What an environment can be built from.

    :param text: `pylock.toml` (PEP 751), or conda's explicit form, with a `pylock.toml` below it if pip installed more.
    :param hashed: whether every package is told with the digests of its files.
    """

    text: str
    kind: str
    hashed: bool
    notes: tuple[str, ...] = field(default=())


def describe(interpreter: Sequence[str]) -> Environment:
    """The packages of an interpreter's environment. Raises EnvironmentFailed if it can't be asked."""
    try:
        done = subprocess.run(
            [*interpreter, "-I", "-c", DESCRIBE], capture_output=True, text=True, timeout=120, check=True
        )
        told = json.loads(done.stdout)
        told["packages"] = {name: CREDENTIALS.sub("", version) for name, version in told["packages"].items()}
        return Environment.from_dict(told)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().split("\n")[-1]
        raise EnvironmentFailed(
            f"the kernel's environment can't be described: {said}", where=" ".join(interpreter)
        ) from None


def lock(environment: Environment, folder: Path, interpreter: Sequence[str]) -> Lock:
    """Lock an environment; what was locked before is found in the folder again."""
    if not environment.conda:
        return _lock_packages(environment, folder, interpreter)
    text = "@EXPLICIT\n" + "\n".join(environment.conda) + "\n"
    hashed = all(map(_has_digest, environment.conda))
    if not environment.packages:
        return Lock(text, "conda", hashed, _notes(environment))
    more = _lock_packages(environment, folder, interpreter)
    return Lock(f"{text}{BY_PIP}{more.text}", "conda", hashed and more.hashed, more.notes)


def _lock_packages(environment: Environment, folder: Path, interpreter: Sequence[str]) -> Lock:
    kept = folder / f"{_key(environment)}.toml"
    known = kept.read_text(encoding="utf-8") if kept.is_file() else ""
    if LOCKED in known:
        return Lock(known, "pylock", True, _notes(environment))
    requirements = "".join(f"{_requirement(n, v)}\n" for n, v in environment.packages.items())
    command = [
        _uv(), "pip", "compile", "-", "--no-deps", "--format", "pylock.toml", "--no-header", "--quiet", "--no-config",
        "--python", interpreter[0],
    ]  # fmt: skip
    try:
        done = subprocess.run(command, input=requirements, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return _unhashed(environment, str(error))
    if done.returncode:
        return _unhashed(environment, done.stderr.strip())
    _put_aside(kept, done.stdout)
    return Lock(done.stdout, "pylock", True, _notes(environment))


def _put_aside(path: Path, text: str) -> None:
    """Let it be found again; where there is no room for it, it is made anew next time."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()


def differences(then: Environment, now: Environment) -> list[str]:
    """What differs between two environments, a sentence each; [] if nothing does."""
    told = []
    for name, before, after in (
        ("Python", then.python, now.python),
        ("implementation", then.implementation, now.implementation),
        ("platform", then.platform, now.platform),
    ):
        if before != after:
            told.append(f"{name}: {before} then, {after} now")
    ours, theirs = ({**e.packages, **e.others, **_builds(e)} for e in (then, now))
    for name in sorted({*ours, *theirs}):
        if not _same(ours.get(name), theirs.get(name)):
            told.append(f"{name}: {ours.get(name, 'not installed')} then, {theirs.get(name, 'not installed')} now")
    return told


def _same(one: str | None, two: str | None) -> bool:
    """Whether two versions are the same; one may be told by its wheel's address, the other, as before, by number."""
    if one is None or two is None or ("://" in one) == ("://" in two):
        return one == two
    address, number = (one, two) if "://" in one else (two, one)
    parts = address.partition("#")[0].rpartition("/")[2].split("-")
    return len(parts) > 2 and parts[1] == number


def build(text: str, kind: str, environment: Environment, home: Path) -> Path:
    """The interpreter of an environment built from a lock: once, whoever asks first. Raises EnvironmentFailed."""
    if kind == "conda":
        return _build_conda(text, home)
    from filelock import FileLock

    folder = home / "environments" / hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / ".complete"
    if done.is_file():
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if done.is_file():
            return python
        shutil.rmtree(folder, ignore_errors=True)
        _run([_uv(), "venv", "--quiet", "--no-config", "--python", environment.python, str(folder)], environment)
        _install(["sync"], text, python, folder, environment)
        done.touch()
    return python


def _install(how: list[str], text: str, python: Path, folder: Path, environment: Environment | None) -> None:
    """Have uv put the packages of a lock into an environment."""
    hashed = LOCKED in text
    listed = folder / ("pylock.toml" if hashed else "requirements.txt")
    listed.write_text(text, encoding="utf-8")
    more = ["--require-hashes"] if hashed else []
    command = [_uv(), "pip", how[0], "--quiet", "--no-config", "--python", str(python), *more, *how[1:], str(listed)]
    _run(command, environment, folder)


def _build_conda(text: str, home: Path) -> Path:
    from filelock import FileLock

    folder = home / "environments" / hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    python, done = folder / "bin" / "python", folder / ".complete"
    program = next(filter(None, map(shutil.which, ("micromamba", "mamba", "conda"))), None)
    if done.is_file():
        return python
    if program is None:
        raise EnvironmentFailed(
            "a conda environment can't be built here: there is no conda, mamba or micromamba",
            remedy="Install one of them, or let the job run in its live kernel.",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not done.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            spec = folder.with_suffix(".txt")
            explicit, _, by_pip = text.partition(BY_PIP)
            spec.write_text(explicit, encoding="utf-8")
            _run([program, "create", "--yes", "--quiet", "--prefix", str(folder), "--file", str(spec)], None, folder)
            if by_pip:
                _install(["install", "--no-deps", "--break-system-packages", "-r"], by_pip, python, folder, None)
            done.touch()
    return python


def _run(command: list[str], environment: Environment | None, folder: Path | None = None) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
        said = (done.stderr or done.stdout).strip() if done.returncode else ""
    except (OSError, subprocess.SubprocessError) as error:
        said = str(error)
    if said:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise EnvironmentFailed(
            f"the environment can't be built from its lock: {said[-2000:]}",
            where=f"Python {environment.python}" if environment is not None else "",
            remedy="Publish again where its packages can be had, or let the job run in its live kernel "
            "(policy environment: live).",
        )


def of_conda(environment: Environment) -> dict[str, tuple[str, str]]:
    """Name -> version and build of what conda installed."""
    files = (url.partition("#")[0].rpartition("/")[2] for url in environment.conda)
    parts = (re.sub(r"\.(conda|tar\.bz2)$", "", file).rsplit("-", 2) for file in files)
    return {found[0]: (found[1], found[2]) for found in parts if len(found) == 3}


def _builds(environment: Environment) -> dict[str, str]:
    return {name: "-".join(facts) for name, facts in of_conda(environment).items()}


def _unhashed(environment: Environment, why: str) -> Lock:
    text = "".join(f"{_requirement(n, v)}\n" for n, v in environment.packages.items())
    first = why.split("\n")[0][:300]
    told = f"locked by version alone, without digests: no index could be asked ({first})"
    return Lock(text, "pins", False, (told, *_notes(environment)))


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


def _key(environment: Environment) -> str:
    facts: list[Any] = [environment.python, environment.platform, dict(environment.packages)]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _uv() -> str:
    """uv's program: of its package, or on the path."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
        if found is None:
            raise EnvironmentFailed("uv is not installed", remedy="pip install uv") from None
        return found
