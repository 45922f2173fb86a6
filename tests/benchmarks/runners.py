"""The peers: how each one is given a case, which command a person types, and where it leaves what was printed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from tests.benchmarks.cases import OURS, Case
from tests.benchmarks.measure import Failed, Sample, run

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
DROPPED = ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "PYTHONPATH", "PYTHONHASHSEED", "PYTHONWARNINGS", "MPLBACKEND")


class Runner(ABC):
    """A peer. `folder` is the folder of one round: empty at first, kept from phase to phase."""

    name: ClassVar[str]

    def __init__(self, jupyter: Path) -> None:
        self.jupyter = jupyter

    def ready(self) -> None:  # noqa: B027
        """Make sure that the peer is there. Raises Failed."""

    def takes(self, case: Case) -> bool:
        """Whether there is any point in giving it this case."""
        return True

    def write(self, case: Case, number: int, folder: Path) -> None:
        """Put the case's files into the folder; a second time with another number, one part is changed."""
        (folder / "in.ipynb").write_text(json.dumps(notebook(case, number)), encoding="utf-8")

    @abstractmethod
    def command(self, folder: Path) -> list[str]:
        """What a person types."""

    def begin(self, case: Case, base: Path) -> None:  # noqa: B027
        """Before a round, in a folder for it: what is not measured. Raises Failed."""

    def end(self) -> None:  # noqa: B027
        """After a round, however it went."""

    def sample(self, folders: Sequence[Path]) -> Sample:
        """Run what is in these folders, all at once. Raises Failed."""
        if len(folders) == 1:
            return run(self.command(folders[0]), folders[0], self.environment(folders[0]))
        began = time.perf_counter()
        with ThreadPoolExecutor(len(folders)) as threads:
            samples = list(threads.map(lambda f: run(self.command(f), f, self.environment(f)), folders))
        return Sample(time.perf_counter() - began, sum(s.cpu or 0.0 for s in samples))

    def environment(self, folder: Path) -> dict[str, str]:
        """Its environment variables: nobody's settings, and the scripts beside this Python first."""
        folders = {
            name: str(self.jupyter / name.lower())
            for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        }
        kept = {name: value for name, value in os.environ.items() if name not in DROPPED}
        path = os.pathsep.join([str(SCRIPTS), kept.get("PATH", "")])
        return {**kept, **folders, "JUPYTER_PLATFORM_DIRS": "1", "PATH": path}

    def printed(self, folder: Path) -> str:
        """All that the cells printed, in notebook order."""
        return printed([folder / "out.ipynb"])

    def note(self, folder: Path) -> str:
        """What should be said with the figures."""
        return ""


class Papermill(Runner):
    name = "papermill"

    def ready(self) -> None:
        _require(SCRIPTS / "papermill")

    def command(self, folder: Path) -> list[str]:
        return [str(SCRIPTS / "papermill"), "in.ipynb", "out.ipynb"]


class JupyterExecute(Runner):
    name = "jupyter execute"

    def ready(self) -> None:
        _require(SCRIPTS / "jupyter-execute")

    def command(self, folder: Path) -> list[str]:
        return [str(SCRIPTS / "jupyter"), "execute", "in.ipynb", "--output=out"]


class Script(Runner):
    """The cells as a script: what the work itself costs, without any notebook."""

    name = "python script.py"

    def write(self, case: Case, number: int, folder: Path) -> None:
        code = [case.imports, *(source for part in case.parts(number) for source in part.code)]
        (folder / "script.py").write_text("\n".join(code) + "\n", encoding="utf-8")

    def command(self, folder: Path) -> list[str]:
        return [sys.executable, "script.py"]

    def printed(self, folder: Path) -> str:
        return (folder / "stdout.txt").read_text(encoding="utf-8")


class Mlops(Runner):
    name = OURS

    def command(self, folder: Path) -> list[str]:
        told = ["run", "in.ipynb", "-o", "out.ipynb"]
        if (SCRIPTS / "jupyter-mlops").exists():
            return [str(SCRIPTS / "jupyter"), "mlops", *told]
        return [sys.executable, "-m", "jupyter_mlops.cli", *told]

    def environment(self, folder: Path) -> dict[str, str]:
        made = {**super().environment(folder), "JUPYTER_MLOPS_HOME": str(folder / "home")}
        asked = str(ROOT) in os.environ.get("PYTHONPATH", "").split(os.pathsep)  # another checkout may be installed
        return {**made, "PYTHONPATH": str(ROOT)} if asked or not (SCRIPTS / "jupyter-mlops").exists() else made

    def note(self, folder: Path) -> str:
        states: dict[str, str] = {}
        for cell in json.loads((folder / "out.ipynb").read_text(encoding="utf-8"))["cells"]:
            facts = cell["metadata"].get("jupyter_mlops_run", {})
            if any(t.startswith("step:") for t in cell["metadata"].get("tags", [])):
                states[facts.get("step", "?")] = facts.get("state", "?")
        ran = [step for step, state in states.items() if state != "cached"]
        return f"ran {', '.join(ran) or 'nothing'}" if states else ""


class Ploomber(Runner):
    """A pipeline of notebooks, in an environment of its own: it wants other versions of many packages."""

    name = "Ploomber"

    def __init__(self, jupyter: Path, environments: Path) -> None:
        super().__init__(jupyter)
        self.environments = environments
        self.home: Path | None = None
        self.parts: tuple[str, ...] = ()

    def takes(self, case: Case) -> bool:
        return case.base == self.name

    def ready(self) -> None:
        pins = [f"{name}=={version(name)}" for name in ("numpy", "pandas")]
        self.home = environment(self.environments, "ploomber", ["ploomber", "ipykernel", *pins])

    def write(self, case: Case, number: int, folder: Path) -> None:
        parts = case.parts(number)
        makers = {part.makes: part.name for part in parts if part.makes}
        self.parts = tuple(part.name for part in parts)
        tasks = []
        for part in parts:
            product = {"nb": f"out/{part.name}.ipynb", **({"data": f"out/{part.name}.pkl"} if part.makes else {})}
            tasks.append({"source": f"{part.name}.ipynb", "product": product})
            reads = [makers[name] for name in part.reads]
            cells = [
                code_cell(f"upstream = {reads or None!r}\nproduct = None", "parameters"),
                code_cell(case.imports),
                *(code_cell(f"{n} = pd.read_pickle(upstream['{makers[n]}']['data'])") for n in part.reads),
                *(code_cell(source) for source in part.code),
                *([code_cell(f"pd.to_pickle({part.makes}, product['data'])")] if part.makes else []),
            ]
            text = json.dumps(document(cells))
            path = folder / f"{part.name}.ipynb"
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
        (folder / "pipeline.yaml").write_text(json.dumps({"tasks": tasks}), encoding="utf-8")

    def command(self, folder: Path) -> list[str]:
        assert self.home is not None
        return [str(self.home / "bin" / "ploomber"), "build"]

    def environment(self, folder: Path) -> dict[str, str]:
        made = super().environment(folder)
        path = os.pathsep.join([str(self.home / "bin") if self.home else "", os.environ.get("PATH", "")])
        return {**made, "PATH": path, "HOME": str(self.jupyter), "PLOOMBER_STATS_ENABLED": "false"}

    def printed(self, folder: Path) -> str:
        return printed(folder / "out" / f"{name}.ipynb" for name in self.parts)


def notebook(case: Case, number: int) -> dict[str, Any]:
    """The case as one notebook, its steps tagged."""
    cells = [code_cell(case.imports, "imports")] if case.imports else []
    for part in case.parts(number):
        cells += [code_cell(source, *([f"step:{part.name}"] if part.name else [])) for source in part.code]
    return document(cells)


def document(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """A notebook of the default Python kernel."""
    for position, cell in enumerate(cells):
        cell["id"] = f"cell-{position}"
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def code_cell(source: str, *tags: str) -> dict[str, Any]:
    metadata = {"tags": list(tags)} if tags else {}
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


def printed(notebooks: Iterable[Path]) -> str:
    """All that the cells of these notebooks printed."""
    texts = []
    for path in notebooks:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if output.get("name") == "stdout":
                    texts.append("".join(output["text"]))
    return "".join(texts)


def environment(folder: Path, name: str, packages: list[str]) -> Path:
    """A virtual environment with these packages and their dependencies, made once. Raises Failed."""
    wanted = hashlib.sha256(json.dumps([sys.version, packages]).encode()).hexdigest()[:12]
    home = folder / f"{name}-{wanted}"
    done = home / "complete"
    if not done.exists():
        shutil.rmtree(home, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        python = str(home / "bin" / "python")
        uv = shutil.which("uv", path=os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", "")]))
        if uv:
            _install([uv, "venv", "--quiet", "--python", sys.executable, str(home)])
            _install([uv, "pip", "install", "--quiet", "--python", python, *packages])
        else:
            _install([sys.executable, "-m", "venv", str(home)])
            _install([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
        done.touch()
    return home


def _install(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise Failed(f"could not be installed: {said[0][:200]}")


def _require(path: Path) -> None:
    if not path.exists():
        raise Failed(f"not installed: no {path.name} beside this Python")
