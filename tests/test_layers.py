"""The floors of the package: a file imports lower floors and its own folder, and starting up stays light."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "jupyter_mlops"
AGENT = PACKAGE / "execution" / "agent"
FILES = sorted(PACKAGE.rglob("*.py"))

FLOORS = {
    "__init__": 0,
    "__main__": 10,
    "errors": 0,
    "config": 0,
    "states": 0,
    "import_guard": 0,
    "analysis": 1,
    "scheduling": 1,
    "storage": 1,
    "kernels": 1,
    "db": 1,
    "notebook": 2,
    "tracking": 2,
    "pipeline": 3,
    "versions": 4,
    "execution": 5,
    "jobs": 6,
    "export": 6,
    "places": 7,
    "worker": 7,
    "service": 8,
    "server": 9,
    "cli": 9,
}

# Only the standard library may be imported while these modules are imported: the kernel's environment has nothing
# else for the agent, and the first import of any jupyter_mlops module runs __init__.
STANDARD_LIBRARY_ONLY = [
    "__init__.py",
    *(f"execution/agent/{path.name}" for path in sorted(AGENT.glob("*.py"))),
    "kernels/forkserver.py",
]


def unit(path: Path) -> str:
    """The entry of FLOORS that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST, path: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of everything that is imported anywhere in the tree, in functions too."""
    package = path.relative_to(PACKAGE.parent).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            anchor = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*anchor, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def floor_breaks(path: Path, source: str) -> list[str]:
    """What a file imports from its own floor's other folders or from a floor above."""
    here = unit(path)
    found = []
    for line, name in imports(ast.parse(source), path):
        parts = name.split(".")
        if parts[0] != "jupyter_mlops" or len(parts) == 1 or parts[1] == "__version__":
            continue
        if here == "__init__" and name == "jupyter_mlops.server.app.MlopsExtension":
            continue  # the hook by which jupyter_server finds the extension
        if parts[1] not in FLOORS:
            found.append(f"line {line}: {parts[1]!r} has no floor")
        elif parts[1] != here and FLOORS[parts[1]] >= FLOORS[here]:
            found.append(f"line {line}: {here} (floor {FLOORS[here]}) imports {parts[1]} (floor {FLOORS[parts[1]]})")
    return found


def outside_functions(tree: ast.Module) -> ast.Module:
    """The tree without what only runs when something is called."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.Pass:
            return ast.copy_location(ast.Pass(), node)

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.Pass:
            return ast.copy_location(ast.Pass(), node)

        def visit_Lambda(self, node: ast.Lambda) -> ast.Constant:
            return ast.copy_location(ast.Constant(None), node)

    return Strip().visit(tree)


def foreign_imports(path: Path, source: str) -> list[str]:
    """What importing a file imports beyond the standard library, and the agent's own files for one of those."""
    tree = outside_functions(ast.parse(source))
    if path.parent == AGENT:  # they are loaded as a package of another name
        own = {file.stem for file in AGENT.glob("*.py")}
        near = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level == 1]
        for node in near:
            if {node.module or alias.name for alias in node.names} <= own:
                node.module, node.level = "__future__", 0
    names = imports(tree, path)
    return [f"line {line}: {name}" for line, name in names if name.split(".")[0] not in sys.stdlib_module_names]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    assert unit(path) in FLOORS, f"{unit(path)} needs a floor in FLOORS and in jupyter_mlops/docs/architecture.md"
    assert floor_breaks(path, path.read_text()) == []


def test_the_agent_is_there() -> None:
    assert len(list(AGENT.glob("*.py"))) > 10


@pytest.mark.parametrize("name", STANDARD_LIBRARY_ONLY)
def test_needs_the_standard_library_alone(name: str) -> None:
    path = PACKAGE / name
    assert foreign_imports(path, path.read_text()) == []


@pytest.mark.parametrize(
    ("file", "source", "breaks"),
    [
        ("notebook/tags.py", "import jupyter_mlops.errors", 0),
        ("notebook/tags.py", "from jupyter_mlops.analysis.access import Access", 0),
        ("notebook/tags.py", "from .access import Access", 0),
        ("notebook/tags.py", "from . import access", 0),
        ("notebook/tags.py", "from .. import errors", 0),
        ("notebook/tags.py", "from jupyter_mlops import __version__", 0),
        ("notebook/tags.py", "from jupyter_mlops.pipeline import model", 1),
        ("notebook/tags.py", "from jupyter_mlops import pipeline", 1),
        ("notebook/tags.py", "from .. import pipeline, execution", 2),
        ("notebook/tags.py", "from ..pipeline.model import Step", 1),
        ("notebook/tags.py", "def f():\n    import jupyter_mlops.execution.planner", 1),
        ("pipeline/checks/syntax.py", "from ...execution import planner", 1),
        ("storage/local.py", "from jupyter_mlops import kernels", 1),
        ("errors.py", "from jupyter_mlops import config", 1),
        ("service.py", "from jupyter_mlops.execution import planner", 0),
        ("service.py", "from jupyter_mlops.cli import main", 1),
        ("execution/planner.py", "import jupyter_mlops.toolbox", 1),
    ],
)
def test_the_floor_rule_sees(file: str, source: str, breaks: int) -> None:
    assert len(floor_breaks(PACKAGE / file, source)) == breaks


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os, json.decoder", 0),
        ("from __future__ import annotations", 0),
        ("import numpy", 1),
        ("try:\n    import cloudpickle as pickle\nexcept ImportError:\n    import pickle", 1),
        ("class A:\n    from pandas import DataFrame", 1),
        ("from jupyter_mlops import errors", 1),
        ("from . import line", 1),
        ("from . import here", 0),
        ("from .memory import extents", 0),
        ("from ..agent.memory import extents", 1),
        ("def f():\n    import numpy", 0),
        ("class A:\n    def f(self):\n        import numpy", 0),
    ],
)
def test_the_standard_library_rule_sees(source: str, found: int) -> None:
    assert len(foreign_imports(AGENT / "agent.py", source)) == found


def heavy_modules() -> set[str]:
    """The libraries whose import at module level ruff forbids."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return set(settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-module-level-imports"])


@pytest.mark.parametrize(
    "code",
    [
        "import jupyter_mlops",
        "import jupyter_mlops.cli",
        "import jupyter_mlops.cli; jupyter_mlops.cli.parser().format_help()",
    ],
)
def test_start_up_is_light(code: str) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.split(".")[0] for name in json.loads(asked.stdout)}
    assert "jupyter_mlops" in loaded
    assert loaded & heavy_modules() == set()
